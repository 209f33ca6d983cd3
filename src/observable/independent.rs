//! Distance between independent solutions of one sample: whether a solver ends in the same region
//! each time.
//!
//! $$ d_{ab} = \frac12 \left(1 - \frac1N \sum_i W_i^a W_i^b\right), \qquad a \neq b $$
//!
//! After a unit is solved its solver runs again on the same patterns, with other streams
//! ([`crate::solver::Repeated`]); this observable compares what the runs found. The unit's other
//! columns are of its first run alone. In `measure` the solutions are the files given. Cost: the
//! further runs.

use super::overlaps::{mean, pair_overlaps, real};
use super::{Observable, Solution};
use crate::record::{Column, Estimator, Kind, Value};
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Parameters of the comparison of independent solutions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Independent {
    /// Runs a unit, the first included.
    pub runs: u64,
}

impl Default for Independent {
    fn default() -> Self {
        Self { runs: 2 }
    }
}

impl Observable for Independent {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        match self.runs {
            2..=1000 => Ok(()),
            runs => Err(("runs".into(), format!("{runs}: expected 2 to 1000"))),
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let real =
            |name: &str, long_name: &str| Column::new(name, long_name, Kind::Real, Estimator::Mean);
        vec![
            Column::new(
                "independent_solutions",
                "runs that found a solution, the first included",
                Kind::Count,
                Estimator::Mean,
            ),
            real("independent_overlap", "mean overlap of two independent solutions"),
            real("independent_distance", "mean distance of two independent solutions"),
            real("independent_distance_least", "least distance of two independent solutions"),
        ]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let mut all = vec![solution.weights.clone()];
        all.extend_from_slice(solution.independent);
        let pairs = pair_overlaps(&all, solution.instance.storage.architecture());
        let distance = |q: Option<f64>| q.map(|q| 0.5 * (1.0 - q));
        let most = pairs.iter().copied().reduce(f64::max);
        let mean = mean(&pairs);
        vec![Value::Count(all.len() as u64), real(mean), real(distance(mean)), real(distance(most))]
    }

    fn runs(&self) -> u64 {
        self.runs
    }
}
