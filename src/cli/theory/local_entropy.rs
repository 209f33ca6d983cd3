//! `theory local-entropy`.

use super::landscape::CurveArgs;
use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
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
    found: LocalEntropy,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let covariance = covariance_below_capacity(&model, "local entropy", self.curve.alpha)?;
        let solve = |region: &DenseRegion<'_>| -> Outcome<LocalEntropy> {
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
                found: solve(&region)?,
            });
        }
        let column = |f: &dyn Fn(&Row) -> f64| rows.iter().map(f).collect::<Vec<_>>();
        let finite = |f: &dyn Fn(&Row) -> f64| {
            rows.iter().map(|row| Some(f(row)).filter(|x| x.is_finite())).collect::<Vec<_>>()
        };
        let label = format!("{}-alpha{}-m{}", model.label(), self.curve.alpha, self.replicas);
        let table = described(Table::new("local-entropy", label), &model)
            .number("alpha", self.curve.alpha)
            .text("replicas", self.replicas.clone())
            .column("distance", "1", "mutual distance of the replicas", column(&|r| r.distance))
            .column(
                "distance_from_center",
                "1",
                "distance from the barycentre",
                column(&|r| r.center),
            )
            .column("entropy", "nat", "local entropy per weight", column(&|r| r.found.entropy))
            .column("error", "nat", "estimated numerical error", column(&|r| r.found.error))
            .partial(
                "external_entropy",
                "nat",
                "entropy of such regions per weight",
                finite(&|r| r.found.external_entropy),
            )
            .partial(
                "replicas",
                "1",
                "number of replicas, missing if infinite",
                finite(&|r| r.found.replicas),
            )
            .column("bound", "nat", "local entropy without patterns", column(&|r| r.bound));
        let points: Vec<Value> = rows.iter().map(object).collect();
        Ok(Report { json: json!({ "points": points }), table })
    }
}

fn object(row: &Row) -> Value {
    let replicas = row.found.replicas;
    let external = row.found.external_entropy;
    json!({
        "distance": row.distance,
        "distance_from_center": row.center,
        "entropy": row.found.entropy,
        "error": row.found.error,
        "external_entropy": if external.is_finite() { json!(external) } else { Value::Null },
        "replicas": if replicas.is_finite() { json!(replicas) } else { json!("inf") },
        "bound": row.bound,
    })
}
