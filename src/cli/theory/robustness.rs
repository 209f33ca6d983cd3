//! `theory robustness`.

use super::landscape::{RegionArgs, typical, with_dense_region};
use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::Outcome;
use crate::theory::local_entropy::DenseRegion;
use crate::theory::robustness;
use crate::theory::table::Table;
use clap::ValueEnum;
use serde_json::{Value, json};

/// Solutions on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Solutions {
    /// Drawn uniformly
    Typical,
    /// A member of the densest regions, m → ∞
    DenseMember,
    /// The centre of such a region, by the field that its members share
    DenseCenter,
    /// The normalised mean of the members of such a region
    DenseMean,
}

impl Solutions {
    fn name(self) -> &'static str {
        match self {
            Solutions::Typical => "typical",
            Solutions::DenseMember => "dense-member",
            Solutions::DenseCenter => "dense-center",
            Solutions::DenseMean => "dense-mean",
        }
    }
}

/// Probability that a stored pattern's output flips under noise on its bits or on the weights
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory robustness --activation relu --solutions typical --alpha 0.6 --rate 0.01,0.1
  reluscape theory robustness --activation relu --solutions dense-center --alpha 0.6 \\
    --distance 0.1 --rate 0,0.01,0.05,0.1 --json")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Which solutions
    #[arg(long, value_enum, default_value = "typical")]
    solutions: Solutions,
    #[command(flatten)]
    region: RegionArgs,
    /// Flip rates η of input bits or weights (spherical: overlap 1 − 2η), separated by commas
    #[arg(long, required = true, value_delimiter = ',', allow_negative_numbers = true)]
    rate: Vec<f64>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let dense = |of: fn(&DenseRegion<'_>, f64, f64) -> Outcome<f64>| {
            with_dense_region(&model, "robustness", &self.region, |region, delta| {
                self.rate.iter().map(|&rate| of(region, delta, rate)).collect()
            })
        };
        let flips: Vec<f64> = match self.solutions {
            Solutions::Typical => {
                let reference = typical(&model, "robustness", &self.region)?;
                self.rate
                    .iter()
                    .map(|&rate| robustness::typical(&reference, rate))
                    .collect::<Outcome<_>>()?
            }
            Solutions::DenseMember => dense(robustness::dense_member)?,
            Solutions::DenseCenter => dense(robustness::dense_center)?,
            Solutions::DenseMean => dense(robustness::dense_mean)?,
        };
        let mut label =
            format!("{}-alpha{}-{}", model.label(), self.region.alpha, self.solutions.name());
        if let Some(distance) = self.region.distance {
            label += &format!("-d{distance}");
        }
        let mut table = described(Table::new("robustness", label), &model)
            .number("alpha", self.region.alpha)
            .text("solutions", self.solutions.name());
        if let Some(distance) = self.region.distance {
            table = table.number("distance", distance);
        }
        let rows: Vec<Value> = self
            .rate
            .iter()
            .zip(&flips)
            .map(|(rate, flip)| json!({ "rate": rate, "flip_probability": flip }))
            .collect();
        let table = table
            .column("rate", "1", "flip rate of input bits or weights", self.rate.clone())
            .column("flip_probability", "1", "probability that the output flips", flips);
        Ok(Report::complete(json!({ "points": rows }), table))
    }
}
