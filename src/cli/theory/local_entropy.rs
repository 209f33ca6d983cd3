//! `theory local-entropy`.

use super::landscape::{CurveArgs, first_reason, or_reason};
use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report, reason};
use crate::Result;
use crate::error::TheoryError;
use crate::theory::Outcome;
use crate::theory::local_entropy::{DenseRegion, LocalEntropy};
use crate::theory::reference::covariance_below_capacity;
use crate::theory::table::Table;
use serde_json::{Value, json};

/// Entropy of the densest regions of solutions (large deviations)
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory local-entropy --activation relu --alpha 0.6 --distance 0.05,0.1 --json
  reluscape theory local-entropy --activation relu --alpha 0.6 --distance 0.1 --replicas critical
  reluscape theory local-entropy --activation sign --alpha 0.6 --distance 0.1 --replicas 20")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    curve: CurveArgs,
    /// Number of replicas: a number of at least 1, inf, or critical (zero external entropy)
    #[arg(long, default_value = "inf", allow_negative_numbers = true)]
    replicas: String,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// A row of the report.
struct Row {
    distance: f64,
    center: f64,
    bound: f64,
    found: std::result::Result<LocalEntropy, TheoryError>,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let (covariance, typical) =
            covariance_below_capacity(&model, "local entropy", self.curve.alpha)?;
        let solve = |region: DenseRegion<'_>| -> Outcome<LocalEntropy> {
            let region = region.below(typical)?;
            match self.replicas.as_str() {
                "inf" | "infinite" | "infinity" => region.limit(),
                "critical" => region.critical(),
                number => region.finite(number.parse().map_err(|_| TheoryError::Domain {
                    argument: "replicas",
                    value: number.into(),
                    expected: "a number of at least 1, inf or critical".into(),
                })?),
            }
        };
        let mut rows = Vec::with_capacity(self.curve.distance.len());
        for &distance in &self.curve.distance {
            let region = DenseRegion::new(
                &covariance,
                model.weights,
                model.kappa,
                self.curve.alpha,
                distance,
            )?;
            rows.push(Row {
                distance,
                center: region.distance_from_center(),
                bound: region.bound(),
                found: or_reason(solve(region))?,
            });
        }
        let missing = first_reason(rows.iter().map(|row| row.found.as_ref().err()))?;
        let column = |f: &dyn Fn(&Row) -> f64| rows.iter().map(f).collect::<Vec<_>>();
        let partial = |f: &dyn Fn(&LocalEntropy) -> f64| {
            let value = |row: &Row| row.found.as_ref().ok().map(f).filter(|x| x.is_finite());
            rows.iter().map(value).collect::<Vec<_>>()
        };
        let label = format!("{}-alpha{}-m{}", model.label(), self.curve.alpha, self.replicas);
        let table = described(Table::new("local-entropy", label), &model)
            .number("alpha", self.curve.alpha)
            .number("typical_distance", typical)
            .text("replicas", self.replicas.clone())
            .column("distance", "1", "mutual distance of the replicas", column(&|r| r.distance))
            .column(
                "distance_from_center",
                "1",
                "distance from the barycentre",
                column(&|r| r.center),
            )
            .partial("entropy", "nat", "local entropy per weight", partial(&|x| x.entropy))
            .partial("error", "nat", "estimated numerical error", partial(&|x| x.error))
            .partial(
                "external_entropy",
                "nat",
                "entropy of such regions per weight",
                partial(&|x| x.external_entropy),
            )
            .partial(
                "replicas",
                "1",
                "number of replicas, missing if infinite",
                partial(&|x| x.replicas),
            )
            .column("bound", "nat", "local entropy without patterns", column(&|r| r.bound));
        let table = rows.iter().fold(table, |table, row| match &row.found {
            Ok(_) => table,
            Err(error) => table.text(&format!("missing_{}", row.distance), error.to_string()),
        });
        let points: Vec<Value> = rows.iter().map(object).collect();
        Ok(Report { json: json!({ "points": points }), table, missing })
    }
}

/// A point; one that is missing has no numbers but a reason.
fn object(row: &Row) -> Value {
    let mut object = json!({
        "distance": row.distance,
        "distance_from_center": row.center,
        "bound": row.bound,
    });
    let found = match &row.found {
        Ok(found) => found,
        Err(error) => {
            for key in ["entropy", "error", "external_entropy", "replicas"] {
                object[key] = Value::Null;
            }
            object["reason"] = reason(error);
            return object;
        }
    };
    let (replicas, external) = (found.replicas, found.external_entropy);
    object["entropy"] = json!(found.entropy);
    object["error"] = json!(found.error);
    object["external_entropy"] = if external.is_finite() { json!(external) } else { Value::Null };
    object["replicas"] = if replicas.is_finite() { json!(replicas) } else { json!("inf") };
    object
}
