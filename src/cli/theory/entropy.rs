//! `theory entropy`.

use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::entropy::{EntropyPoint, entropy};
use crate::theory::table::Table;
use serde_json::{Value, json};

/// Entropy of solutions and overlap of typical ones against α
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory entropy --weights binary --activation relu --alpha 0.2,0.4,0.6 --json
  reluscape theory entropy --weights spherical --activation relu --alpha 2.2")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Loads α = P/N, separated by commas
    #[arg(long, required = true, value_delimiter = ',', allow_negative_numbers = true)]
    alpha: Vec<f64>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let points = entropy(&model, &self.alpha)?;
        let rows: Vec<Value> = points.iter().map(object).collect();
        let column = |f: &dyn Fn(&EntropyPoint) -> f64| points.iter().map(f).collect::<Vec<_>>();
        let table = described(Table::new("entropy", model.label()), &model)
            .column("alpha", "1", "load", column(&|p| p.alpha))
            .column("entropy", "nat", "entropy of solutions per weight", column(&|p| p.entropy))
            .column("q", "1", "overlap of typical solutions", column(&|p| p.q))
            .column("q_hat", "1", "conjugate of the overlap", column(&|p| p.q_hat))
            .column(
                "replicon",
                "1",
                "replicon eigenvalue, unstable above 1",
                column(&|p| p.replicon),
            );
        let broken = |f: &dyn Fn(&crate::theory::one_step::OneStepPoint) -> f64| {
            points.iter().map(|p| p.one_step.as_ref().map(f)).collect::<Vec<_>>()
        };
        let table = if points.iter().any(|p| p.one_step.is_some()) {
            table
                .partial(
                    "entropy_1rsb",
                    "nat",
                    "one-step entropy per weight",
                    broken(&|p| p.entropy),
                )
                .partial("error_1rsb", "nat", "estimated numerical error", broken(&|p| p.error))
                .partial("q0", "1", "overlap between states", broken(&|p| p.q0))
                .partial("q1", "1", "overlap within a state", broken(&|p| p.q1))
                .partial("m", "1", "breaking parameter", broken(&|p| p.m))
        } else {
            table
        };
        Ok(Report::complete(json!({ "points": rows }), table))
    }
}

fn object(point: &EntropyPoint) -> Value {
    let mut object = json!({
        "alpha": point.alpha,
        "entropy": point.entropy,
        "q": point.q,
        "q_hat": point.q_hat,
        "replicon": point.replicon,
        "stable": point.replicon <= 1.0,
    });
    if let Some(broken) = &point.one_step {
        object["entropy_1rsb"] = json!(broken.entropy);
        object["error_1rsb"] = json!(broken.error);
        object["q0"] = json!(broken.q0);
        object["q1"] = json!(broken.q1);
        object["m"] = json!(broken.m);
    }
    object
}
