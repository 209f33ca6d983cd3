//! `theory franz-parisi`.

use super::landscape::CurveArgs;
use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::franz_parisi::{FranzParisi, FranzParisiPoint};
use crate::theory::reference::Reference;
use crate::theory::table::Table;
use serde_json::{Value, json};

/// Entropy of solutions at a distance from a typical one
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory franz-parisi --activation relu --alpha 0.6 --distance 0.01,0.05,0.1,0.2 --json
  reluscape theory franz-parisi --activation sign --alpha 0.6 --distance 0.05,0.1 -o theory.h5")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    curve: CurveArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let reference = Reference::new(&model, "Franz-Parisi entropy", self.curve.alpha)?;
        let curve = FranzParisi::new(reference);
        let points = curve.curve(&self.curve.distance)?;
        let crossing = curve.zero_crossing()?;
        let typical = curve.reference().typical_distance();
        let exact = curve.reference().point();
        let column =
            |f: &dyn Fn(&FranzParisiPoint) -> f64| points.iter().map(f).collect::<Vec<_>>();
        let label = format!("{}-alpha{}", model.label(), self.curve.alpha);
        let mut table = described(Table::new("franz-parisi", label), &model)
            .number("alpha", self.curve.alpha)
            .number("typical_distance", typical)
            .number("typical_entropy", exact.entropy);
        if let Some(crossing) = crossing {
            table = table.number("zero_crossing", crossing);
        }
        let table = table
            .column("distance", "1", "distance from a typical solution", column(&|p| p.distance))
            .column("entropy", "nat", "Franz-Parisi entropy per weight", column(&|p| p.entropy))
            .column("error", "nat", "estimated numerical error", column(&|p| p.error))
            .column("q", "1", "overlap of constrained solutions", column(&|p| p.q.value()))
            .column("t", "1", "overlap with other typical solutions", column(&|p| p.t))
            .column("p_hat", "1", "conjugate of 1 - 2d", column(&|p| p.p_hat))
            .column("t_hat", "1", "conjugate of t", column(&|p| p.t_hat))
            .column("q_hat", "1", "conjugate of q", column(&|p| p.q_hat));
        let rows: Vec<Value> = points.iter().map(object).collect();
        let json = json!({
            "points": rows,
            "zero_crossing": crossing,
            "typical_distance": typical,
        });
        Ok(Report { json, table })
    }
}

fn object(point: &FranzParisiPoint) -> Value {
    json!({
        "distance": point.distance,
        "entropy": point.entropy,
        "error": point.error,
        "order_parameters": {
            "q": point.q.value(),
            "t": point.t,
            "p_hat": point.p_hat,
            "t_hat": point.t_hat,
            "q_hat": point.q_hat,
        },
    })
}
