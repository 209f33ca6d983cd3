//! Observables: what is measured on a solution. One file an observable, one trait.
//!
//! To add an observable: one file with its parameters and an implementation of [`Observable`], its
//! `mod` and `use` lines and its line in the list of [`ObserveSpec`]; see [`crate::guide`]. Result file,
//! statistics and `measure` follow from its columns.

mod batch;
mod independent;
mod input_noise;
mod local_energy;
mod local_entropy;
mod norms;
mod overlaps;
mod stability;
mod stored_weights;

pub use independent::Independent;
pub use input_noise::InputNoise;
pub use local_energy::LocalEnergy;
pub use local_entropy::{LocalEntropy, Method};
pub use norms::Norms;
pub use overlaps::Overlaps;
pub use stability::Stability;
pub use stored_weights::StoredWeights;

use crate::model::Weights;
use crate::record::{Column, Value};
use crate::solver::{self, Extent, Instance, common_columns};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

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
    /// Solutions of the same instance by further, independent runs.
    pub independent: &'a [Weights],
    /// Stable tag that keys observable streams by solver (0 for `measure`).
    pub solver: u64,
}

impl Solution<'_> {
    /// Indices of the patterns that the weights store: all of them, for a solution.
    pub fn stored(&self) -> Vec<u32> {
        let (storage, patterns) = (&self.instance.storage, &self.instance.patterns);
        (0..patterns.count() as u32)
            .filter(|&mu| storage.is_stored(patterns, self.weights, mu as usize))
            .collect()
    }
}

/// Something measured on a solution. Deterministic: randomness only from
/// [`Instance::stream`] with [`crate::rng::Purpose::Observable`].
pub trait Observable: Debug + Send + Sync {
    /// Checks the parameters, alone and against the job's extent.
    ///
    /// # Errors
    /// (key within the observable's table, or nothing; message).
    fn validate(&self, extent: &Extent) -> Result<(), (String, String)>;

    /// The columns it fills, the same for all cells of a job.
    fn columns(&self, extent: &Extent) -> Vec<Column>;

    /// One value a column.
    fn measure(&self, solution: &Solution) -> Vec<Value>;

    /// Runs of the solver a unit that it wants: more than 1 give it [`Solution::independent`].
    fn runs(&self) -> u64 {
        1
    }
}

/// Makes [`ObserveSpec`] of the list of observables, `name: parameters`.
macro_rules! observables {
    ($($(#[$meta:meta])* $name:ident: $parameters:ty,)+) => {
        /// The `[observe]` table.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct ObserveSpec {
            $($(#[$meta])*
              #[serde(skip_serializing_if = "Option::is_none")]
              pub $name: Option<$parameters>,)+
        }

        impl ObserveSpec {
            /// The observables asked for with their names, in a fixed order.
            pub fn observables(&self) -> Vec<(&'static str, &dyn Observable)> {
                let mut asked: Vec<(&'static str, &dyn Observable)> = Vec::new();
                $(if let Some(observable) = &self.$name {
                    asked.push((stringify!($name), observable));
                })+
                asked
            }
        }
    };
}

observables! {
    /// Histogram and moments of the stabilities.
    stability: Stability,
    /// Fraction of stored patterns lost at a weight distance.
    local_energy: LocalEnergy,
    /// Fraction of stored patterns lost at a rate of flipped inputs.
    input_noise: InputNoise,
    /// Logarithm of the number of solutions at a distance.
    local_entropy: LocalEntropy,
    /// Overlaps of the replicas with each other and with their centre.
    overlaps: Overlaps,
    /// Overlaps of solutions by independent runs.
    independent: Independent,
    /// Norms and moments of the weights.
    norms: Norms,
    /// Store the solution itself.
    #[serde(deserialize_with = "stored_weights::asked")]
    weights: StoredWeights,
}

impl ObserveSpec {
    /// Runs of the solver a unit: 1, or more for [`Independent`].
    pub fn runs(&self) -> u64 {
        self.observables().iter().map(|(_, observable)| observable.runs()).max().unwrap_or(1)
    }
}

/// The columns of a record: those of every solver, the solver's own, the observables'.
pub fn columns(
    method: &dyn solver::Method,
    observables: &[&dyn Observable],
    extent: &Extent,
) -> Vec<Column> {
    let mut columns = common_columns();
    columns.extend(method.columns(extent));
    columns.extend(observables.iter().flat_map(|observable| observable.columns(extent)));
    columns
}

/// Refuses an empty list of `values`, and values outside (0, 0.5].
fn check_fractions(key: &str, values: &[f64]) -> Result<(), (String, String)> {
    if values.is_empty() {
        return Err((key.into(), "empty list: expected at least one value".into()));
    }
    match values.iter().find(|&&x| !(x > 0.0 && x <= 0.5)) {
        Some(x) => Err((key.into(), format!("{x}: expected {key} in (0, 0.5]"))),
        None => Ok(()),
    }
}

/// Refuses no trials.
fn check_trials(trials: u32) -> Result<(), (String, String)> {
    match trials {
        0 => Err(("trials".into(), "0: expected at least one trial".into())),
        _ => Ok(()),
    }
}

/// The distances and rates that are measured unless told.
fn default_fractions() -> Vec<f64> {
    vec![0.01, 0.02, 0.05, 0.1, 0.2]
}

/// Perturbations a distance or rate unless told.
fn default_trials() -> u32 {
    100
}

#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod tests;
