//! Observables: what is measured on a solution. One file an observable, one trait.
//!
//! To add an observable: one file with its parameters and an implementation of [`Observable`], one
//! field in [`ObserveSpec`]. Result file and statistics follow from its columns.

mod local_energy;
mod stored_weights;

pub use local_energy::LocalEnergy;
pub use stored_weights::StoredWeights;

use crate::model::Weights;
use crate::record::{Column, Value};
use crate::solver::{Extent, Instance};
use serde::{Deserialize, Serialize};

/// A verified solution and what is known with it.
#[derive(Clone, Copy, Debug)]
pub struct Solution<'a> {
    /// The instance it solves.
    pub instance: &'a Instance,
    /// The solution.
    pub weights: &'a Weights,
    /// The solver's replicas at that time (possibly none).
    pub replicas: &'a [Weights],
    /// The replicas' centre, where there is one.
    pub center: Option<&'a Weights>,
    /// Stable tag that keys observable streams by solver (0 for `measure`).
    pub solver: u64,
}

/// Something measured on a solution. Deterministic: randomness only from
/// [`Instance::stream`] with [`crate::rng::Purpose::Observable`].
pub trait Observable {
    /// Checks the parameters, alone and against the job's extent.
    ///
    /// # Errors
    /// (key within the observable's table, or nothing; message).
    fn validate(&self, extent: &Extent) -> Result<(), (String, String)>;

    /// The columns it fills, the same for all cells of a job.
    fn columns(&self, extent: &Extent) -> Vec<Column>;

    /// One value a column.
    fn measure(&self, solution: &Solution) -> Vec<Value>;
}

/// The `[observe]` table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObserveSpec {
    /// Fraction of stored patterns lost at a weight distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_energy: Option<LocalEnergy>,
    /// Store the solution itself.
    #[serde(skip_serializing_if = "StoredWeights::is_off")]
    pub weights: StoredWeights,
}

impl ObserveSpec {
    /// The observables asked for with their names, in a fixed order.
    pub fn observables(&self) -> Vec<(&'static str, &dyn Observable)> {
        let mut list: Vec<(&'static str, &dyn Observable)> = Vec::new();
        if let Some(observable) = &self.local_energy {
            list.push(("local_energy", observable));
        }
        if !self.weights.is_off() {
            list.push(("weights", &self.weights));
        }
        list
    }
}
