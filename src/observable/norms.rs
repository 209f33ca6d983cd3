//! Norms and moments of the weights.
//!
//! $$ \frac1n \sum_i W_{li}^2, \qquad \frac1N \sum_{l, i} W_{li}, \qquad
//!    \frac1N \sum_{l, i} W_{li}^4, \qquad \frac1N \sum_{l, i} c_{li}^2 : $$
//!
//! the norms of the units (1 on the sphere and for ±1), the mean weight, the fourth moment (1 for ±1, 3 for
//! Gaussian weights), and the centre's norm, which for a mean of ±1 replicas is their overlap. Cost O(N).

use super::{Observable, Solution};
use crate::record::{Column, Estimator, Kind, Value};
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Norm statistics; no parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Norms {}

impl Observable for Norms {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        Ok(())
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let real =
            |name: &str, long_name: &str| Column::new(name, long_name, Kind::Real, Estimator::Mean);
        vec![
            real("unit_norm_mean", "mean over units of their squared norm over n"),
            real("unit_norm_least", "least squared norm over n"),
            real("unit_norm_most", "largest squared norm over n"),
            real("weight_mean", "mean weight"),
            real("weight_fourth_moment", "mean fourth power of a weight"),
            real("center_norm", "mean square of the centre"),
        ]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let architecture = solution.instance.storage.architecture();
        let (n, inputs) = (architecture.unit_inputs(), architecture.inputs() as f64);
        let values = solution.weights.values(architecture);
        let norms: Vec<f64> = values
            .chunks_exact(n)
            .map(|unit| unit.iter().map(|w| w * w).sum::<f64>() / n as f64)
            .collect();
        let center = match solution.center {
            Some(center) => Value::Real(center.overlap(center, architecture)),
            None => Value::Missing,
        };
        vec![
            Value::Real(norms.iter().sum::<f64>() / norms.len() as f64),
            Value::Real(norms.iter().copied().fold(f64::INFINITY, f64::min)),
            Value::Real(norms.iter().copied().fold(0.0, f64::max)),
            Value::Real(values.iter().sum::<f64>() / inputs),
            Value::Real(values.iter().map(|w| w * w * w * w).sum::<f64>() / inputs),
            center,
        ]
    }
}
