//! `theory capacity`.

use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::capacity::capacity;
use crate::theory::model::Ties;
use crate::theory::table::Table;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

/// Ties on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TiesArg {
    /// Δ = 0 is an error, as in the simulation
    Strict,
    /// Δ = 0 counts as stored
    Accept,
}

/// The load α_c beyond which no weights store the patterns
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory capacity --weights binary --activation relu --json
  reluscape theory capacity --weights spherical --activation relu --rsb 1
  reluscape theory capacity --weights binary --activation relu --hidden 4 --ties strict")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Steps of replica-symmetry breaking [default: 0; for binary weights 1 where 0 is unstable]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=3))]
    rsb: Option<u8>,
    /// What a tie (Δ = 0) counts as, at finite K
    #[arg(long, value_enum, default_value = "strict")]
    ties: TiesArg,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let ties = match self.ties {
            TiesArg::Strict => Ties::Strict,
            TiesArg::Accept => Ties::Accept,
        };
        let found = capacity(&model, self.rsb.map(usize::from), ties)?;
        let mut label = format!("{}-rsb{}", model.label(), found.rsb);
        if ties == Ties::Accept {
            label += "-accept";
        }
        let mut table = described(Table::new("capacity", label), &model)
            .text("ties", ties.name())
            .number("rsb", found.rsb as f64)
            .text("stable", if found.stable { "yes" } else { "no" })
            .column("alpha_c", "1", "storage capacity in patterns per weight", vec![found.alpha])
            .column("error", "1", "estimated numerical error of alpha_c", vec![found.error]);
        let mut order_parameters = Map::new();
        for &(name, value) in &found.order_parameters {
            order_parameters.insert(name.into(), json!(value));
            table = table.column(name, "1", "order parameter at capacity", vec![value]);
        }
        let mut json = json!({
            "alpha_c": found.alpha,
            "error": found.error,
            "rsb": found.rsb,
            "order_parameters": Value::Object(order_parameters),
            "stable": found.stable,
        });
        if let Some(note) = found.note {
            json["note"] = json!(note);
            table = table.text("note", note);
        }
        Ok(Report::complete(json, table))
    }
}
