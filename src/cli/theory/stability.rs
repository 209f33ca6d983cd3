//! `theory stability`.

use super::landscape::{RegionArgs, typical, with_dense_region};
use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::stability::{DenseStability, TypicalStability};
use crate::theory::table::Table;
use clap::ValueEnum;
use serde_json::{Value, json};

/// Solutions on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Solutions {
    /// Drawn uniformly
    Typical,
    /// In the densest regions, m → ∞
    Dense,
}

/// Points of the default grid, from κ to κ + 6 √Qd.
const POINTS: u32 = 121;

/// Distribution of the stabilities of stored patterns
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory stability --activation relu --solutions typical --alpha 0.6 --json
  reluscape theory stability --activation relu --solutions dense --alpha 0.6 --distance 0.1")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Which solutions
    #[arg(long, value_enum, default_value = "typical")]
    solutions: Solutions,
    #[command(flatten)]
    region: RegionArgs,
    /// Stabilities, separated by commas [default: 121 from kappa to kappa + 6 sqrt(Qd)]
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    at: Vec<f64>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let axis = |diagonal: f64| -> Vec<f64> {
            if !self.at.is_empty() {
                return self.at.clone();
            }
            let step = 6.0 * diagonal.sqrt() / f64::from(POINTS - 1);
            (0..POINTS).map(|i| model.kappa + f64::from(i) * step).collect()
        };
        let (points, at_zero, name) = match self.solutions {
            Solutions::Typical => {
                let reference = typical(&model, "stability", &self.region)?;
                let law = TypicalStability::new(&reference);
                let axis = axis(reference.covariance().diagonal());
                let points: Vec<_> = axis.iter().map(|&x| (x, law.density(x))).collect();
                (points, law.density(0.0), "typical".to_string())
            }
            Solutions::Dense => {
                with_dense_region(&model, "stability", &self.region, |region, delta| {
                    let law = DenseStability::new(region, delta);
                    let axis = axis(region.covariance().diagonal());
                    let points: Vec<_> = axis.iter().map(|&x| (x, law.density(x))).collect();
                    Ok((points, law.density(0.0), format!("dense-d{}", region.distance())))
                })?
            }
        };
        let label = format!("{}-alpha{}-{name}", model.label(), self.region.alpha);
        let mut table = described(Table::new("stability", label), &model)
            .number("alpha", self.region.alpha)
            .text("solutions", name)
            .number("density_at_zero", at_zero);
        if let Some(distance) = self.region.distance {
            table = table.number("distance", distance);
        }
        let table = table
            .column("stability", "1", "stability", points.iter().map(|p| p.0).collect())
            .column("density", "1", "probability density", points.iter().map(|p| p.1).collect());
        let rows: Vec<Value> =
            points.iter().map(|(x, y)| json!({ "stability": x, "density": y })).collect();
        Ok(Report::complete(json!({ "points": rows, "density_at_zero": at_zero }), table))
    }
}
