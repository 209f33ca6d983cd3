//! Overlaps of the solver's replicas, of every pair and of each with the centre, and distances.
//!
//! $$ q = \frac1N \sum_i W_i W_i^\prime, \qquad d = \frac{1-q}{2} $$
//!
//! For `[solver.exact]` and `[solver.tempering]` the replicas are drawn independently from the flat
//! measure, so that the mean is the typical overlap and the histogram P(q). Missing where a solver
//! has fewer than two replicas, or no centre. Cost O(N) a pair.

use super::{Observable, Solution};
use crate::model::{Architecture, Weights};
use crate::record::{Axis, Column, Estimator, Kind, Value};
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Parameters of the replica overlaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overlaps {
    /// Bins of the histogram of pair overlaps on [−1, 1]; 0 for none.
    pub bins: u32,
}

/// Most bins.
const MOST_BINS: u32 = 10_000;

impl Observable for Overlaps {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        if self.bins > MOST_BINS {
            return Err(("bins".into(), format!("{}: expected at most {MOST_BINS}", self.bins)));
        }
        Ok(())
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let real =
            |name: &str, long_name: &str| Column::new(name, long_name, Kind::Real, Estimator::Mean);
        let mut columns = vec![
            real("pair_overlap", "mean overlap of two replicas"),
            real("pair_distance", "mean distance of two replicas"),
            real("pair_overlap_least", "least overlap of two replicas"),
            real("pair_overlap_most", "largest overlap of two replicas"),
            real("center_overlap", "mean overlap of a replica with the centre"),
            real("center_distance", "mean distance of a replica from the centre"),
        ];
        if self.bins > 0 {
            let width = 2.0 / f64::from(self.bins);
            let values = (0..self.bins).map(|bin| -1.0 + (f64::from(bin) + 0.5) * width).collect();
            let axis = Axis { name: "overlap".into(), units: "1".into(), values };
            columns.push(Column::new(
                "pair_overlap_density",
                "density of pairs of replicas at an overlap",
                Kind::Vector(axis),
                Estimator::Mean,
            ));
        }
        columns
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let architecture = solution.instance.storage.architecture();
        let pairs = pair_overlaps(solution.replicas, architecture);
        let mean = mean(&pairs);
        let least = pairs.iter().copied().reduce(f64::min);
        let most = pairs.iter().copied().reduce(f64::max);
        let center = solution.center.and_then(|center| {
            let overlaps: Vec<f64> =
                solution.replicas.iter().map(|w| w.overlap(center, architecture)).collect();
            self::mean(&overlaps)
        });
        let distance = |q: Option<f64>| q.map(|q| 0.5 * (1.0 - q));
        let mut values: Vec<Value> =
            [mean, distance(mean), least, most, center, distance(center)].map(real).to_vec();
        if self.bins > 0 && pairs.is_empty() {
            values.push(Value::Missing);
        } else if self.bins > 0 {
            let width = 2.0 / f64::from(self.bins);
            let mut density = vec![0.0; self.bins as usize];
            for q in &pairs {
                // q = 1 belongs to the last bin.
                let bin = (((q + 1.0) / width) as usize).min(density.len() - 1);
                density[bin] += 1.0 / (pairs.len() as f64 * width);
            }
            values.push(Value::Vector(density));
        }
        values
    }
}

/// q of every pair.
pub(super) fn pair_overlaps(weights: &[Weights], architecture: Architecture) -> Vec<f64> {
    let pairs =
        weights.iter().enumerate().flat_map(|(i, a)| weights[..i].iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| a.overlap(b, architecture)).collect()
}

/// The arithmetic mean; `None` of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// A number or nothing.
pub(super) fn real(value: Option<f64>) -> Value {
    value.map_or(Value::Missing, Value::Real)
}
