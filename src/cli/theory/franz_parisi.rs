//! `theory franz-parisi`.

use super::landscape::{CurveArgs, first_reason, or_reason};
use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report, reason};
use crate::Result;
use crate::error::TheoryError;
use crate::theory::Outcome;
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
        let points: Vec<Point> = curve
            .curve(&self.curve.distance)?
            .into_iter()
            .zip(&self.curve.distance)
            .map(|(found, &distance)| Ok((distance, or_reason(found)?)))
            .collect::<Outcome<_>>()?;
        let missing = first_reason(points.iter().map(|point| point.1.as_ref().err()))?;
        let found = or_reason(curve.zero_crossing())?;
        let missing = missing.or(found.as_ref().err().cloned());
        let crossing = found.as_ref().ok().copied().flatten();
        let typical = curve.reference().typical_distance();
        let exact = curve.reference().point();
        let partial = |f: &dyn Fn(&FranzParisiPoint) -> f64| {
            points.iter().map(|point| point.1.as_ref().ok().map(f)).collect::<Vec<_>>()
        };
        let label = format!("{}-alpha{}", model.label(), self.curve.alpha);
        let mut table = described(Table::new("franz-parisi", label), &model)
            .number("alpha", self.curve.alpha)
            .number("typical_distance", typical)
            .number("typical_entropy", exact.entropy);
        if let Some(crossing) = crossing {
            table = table.number("zero_crossing", crossing);
        }
        let table = table
            .column(
                "distance",
                "1",
                "distance from a typical solution",
                self.curve.distance.clone(),
            )
            .partial("entropy", "nat", "Franz-Parisi entropy per weight", partial(&|p| p.entropy))
            .partial("error", "nat", "estimated numerical error", partial(&|p| p.error))
            .partial("q", "1", "overlap of constrained solutions", partial(&|p| p.q.value()))
            .partial("t", "1", "overlap with other typical solutions", partial(&|p| p.t))
            .partial("p_hat", "1", "conjugate of 1 - 2d", partial(&|p| p.p_hat))
            .partial("t_hat", "1", "conjugate of t", partial(&|p| p.t_hat))
            .partial("q_hat", "1", "conjugate of q", partial(&|p| p.q_hat));
        let table = points.iter().fold(table, |table, (distance, found)| match found {
            Ok(_) => table,
            Err(error) => table.text(&format!("missing_{distance}"), error.to_string()),
        });
        let rows: Vec<Value> = points.iter().map(object).collect();
        let mut json = json!({
            "points": rows,
            "zero_crossing": crossing,
            "typical_distance": typical,
        });
        if let Err(error) = &found {
            json["zero_crossing_reason"] = reason(error);
        }
        Ok(Report { json, table, missing })
    }
}

/// A distance and its point, or why there is none.
type Point = (f64, std::result::Result<FranzParisiPoint, TheoryError>);

fn object((distance, found): &Point) -> Value {
    match found {
        Ok(point) => json!({
            "distance": distance,
            "entropy": point.entropy,
            "error": point.error,
            "order_parameters": {
                "q": point.q.value(),
                "t": point.t,
                "p_hat": point.p_hat,
                "t_hat": point.t_hat,
                "q_hat": point.q_hat,
            },
        }),
        Err(error) => json!({
            "distance": distance,
            "entropy": Value::Null,
            "error": Value::Null,
            "order_parameters": Value::Null,
            "reason": reason(error),
        }),
    }
}
