//! Free weights: the fraction of the weights that can be flipped, one at a time, without losing a
//! pattern that the solution stores.
//!
//! $$ f = \frac{1}{N} \sum_{i=1}^{N} \prod_{\mu\ \mathrm{stored}}
//!    \Theta\left(\sigma^\mu \Delta^\mu(W^{(i)}) - \kappa\right), \qquad
//!    W^{(i)}_j = (1 - 2\delta_{ij})\, W_j . $$
//!
//! f = 0 for an isolated solution; f > 0 where a cluster goes on. Binary weights. Cost O(N²P), with
//! the plain verifier. Deterministic: no stream.

use reluscape::model::WeightKind;
use reluscape::observable::{Observable, Solution};
use reluscape::record::{Column, Estimator, Kind, Value};
use reluscape::solver::Extent;
use serde::{Deserialize, Serialize};

/// Free weights; no parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreeWeights {}

impl Observable for FreeWeights {
    fn validate(&self, extent: &Extent) -> Result<(), (String, String)> {
        match extent.kind {
            WeightKind::Binary => Ok(()),
            WeightKind::Spherical => {
                Err((String::new(), "single flips are of binary weights".into()))
            }
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let long_name = "fraction of weights whose flip loses no pattern";
        vec![Column::new("free_weights", long_name, Kind::Real, Estimator::Mean)]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let (storage, patterns) = (&solution.instance.storage, &solution.instance.patterns);
        let architecture = storage.architecture();
        let stored = solution.stored();
        let mut weights = solution.weights.clone();
        let mut free = 0u64;
        for site in 0..architecture.inputs() {
            weights.flip(architecture, site);
            free += u64::from(
                stored.iter().all(|&mu| storage.is_stored(patterns, &weights, mu as usize)),
            );
            weights.flip(architecture, site);
        }
        vec![Value::Real(free as f64 / architecture.inputs() as f64)]
    }
}
