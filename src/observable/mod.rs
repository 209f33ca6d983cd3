//! Observables: what is measured on a solution. One file an observable, one trait.
//!
//! To add an observable: one file with its parameters and an implementation of [`Observable`], one
//! field and one line in [`ObserveSpec`]. Result file, statistics and `measure` follow from its
//! columns.

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
    /// Solutions of the same instance by further, independent runs.
    pub independent: &'a [Weights],
    /// Stable tag that keys observable streams by solver (0 for `measure`).
    pub solver: u64,
}

impl Solution<'_> {
    /// Indices of the patterns that the weights store: all of them, for a solution.
    fn stored(&self) -> Vec<u32> {
        let (storage, patterns) = (&self.instance.storage, &self.instance.patterns);
        (0..patterns.count() as u32)
            .filter(|&mu| storage.is_stored(patterns, self.weights, mu as usize))
            .collect()
    }
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
    /// Histogram and moments of the stabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<Stability>,
    /// Fraction of stored patterns lost at a weight distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_energy: Option<LocalEnergy>,
    /// Fraction of stored patterns lost at a rate of flipped inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_noise: Option<InputNoise>,
    /// Logarithm of the number of solutions at a distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_entropy: Option<LocalEntropy>,
    /// Overlaps of the replicas with each other and with their centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlaps: Option<Overlaps>,
    /// Overlaps of solutions by independent runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub independent: Option<Independent>,
    /// Norms and moments of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norms: Option<Norms>,
    /// Store the solution itself.
    #[serde(skip_serializing_if = "StoredWeights::is_off")]
    pub weights: StoredWeights,
}

impl ObserveSpec {
    /// The observables asked for with their names, in a fixed order.
    pub fn observables(&self) -> Vec<(&'static str, &dyn Observable)> {
        fn named<'a, T: Observable>(
            name: &'static str,
            observable: &'a Option<T>,
        ) -> Option<(&'static str, &'a dyn Observable)> {
            observable.as_ref().map(|observable| (name, observable as &dyn Observable))
        }
        let weights = (!self.weights.is_off()).then_some(&self.weights as &dyn Observable);
        let asked = [
            named("stability", &self.stability),
            named("local_energy", &self.local_energy),
            named("input_noise", &self.input_noise),
            named("local_entropy", &self.local_entropy),
            named("overlaps", &self.overlaps),
            named("independent", &self.independent),
            named("norms", &self.norms),
            weights.map(|weights| ("weights", weights)),
        ];
        asked.into_iter().flatten().collect()
    }

    /// Runs of the solver a unit: 1, or more for [`Independent`].
    pub fn runs(&self) -> u64 {
        self.independent.as_ref().map_or(1, |independent| independent.runs)
    }
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
