//! Parameters of `[solver.tempering]`, their checks, and the ladder of inverse temperatures.

use crate::model::{Activation, Architecture, WeightKind};
use crate::record::Column;
use crate::solver::{Extent, Instance, Method, Solver, single_flip};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `[solver.tempering]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Typical solutions wanted: observables are measured on the first, overlaps between all.
    pub solutions: usize,
    /// Sweeps before the first is taken.
    pub burn_in: u64,
    /// Sweeps between the times at which one may be taken.
    pub spacing: u64,
    /// Distance of neighbouring rungs, in standard deviations of E.
    pub step: f64,
    /// Errors expected on the coldest rung if patterns were independent.
    pub cold_errors: f64,
    /// Sweeps after which it ends: solved with the solutions taken by then, if any.
    pub max_epochs: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            solutions: 2,
            burn_in: 2000,
            spacing: 500,
            step: 1.0,
            cold_errors: 0.5,
            max_epochs: 20_000,
        }
    }
}

impl Params {
    /// β of the rungs, 0 first.
    pub fn ladder(&self, patterns: usize) -> Vec<f64> {
        // The coldest rung: at least one standard deviation from the hottest.
        let cold = libm::log((patterns as f64 / self.cold_errors).max(2.0));
        let reach = 2.0 * libm::atan(libm::tanh(cold / 4.0));
        let rungs = ((patterns as f64).sqrt() * reach / self.step).ceil().max(1.0);
        let beta = |rung: f64| 4.0 * libm::atanh(libm::tan(0.5 * reach * rung / rungs));
        (0..=rungs as usize).map(|rung| beta(rung as f64)).collect()
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        super::TAG
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        super::columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(super::Tempering::new(instance, self))
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let problem = |key: &str, message: String| Err((key.to_owned(), message));
        if let Err(message) = single_flip::check("tempering", kind, activation, architecture, 0) {
            return problem("", message);
        }
        if !(1..=100_000).contains(&self.solutions) {
            return problem("solutions", format!("{}: expected 1 to 100000", self.solutions));
        }
        if self.spacing == 0 {
            return problem("spacing", "0: expected at least one sweep".into());
        }
        if !(0.05..=10.0).contains(&self.step) {
            return problem("step", format!("{}: expected 0.05 to 10", self.step));
        }
        if !(self.cold_errors > 1e-6 && self.cold_errors.is_finite()) {
            return problem("cold_errors", format!("{}: expected above 1e-6", self.cold_errors));
        }
        if self.max_epochs < self.burn_in {
            let message =
                format!("{}: expected at least burn_in = {}", self.max_epochs, self.burn_in);
            return problem("max_epochs", message);
        }
        Ok(())
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        let (inputs, hidden) = (architecture.inputs() as u128, architecture.hidden() as u128);
        let padded = patterns as u128 + 64;
        let rungs = self.ladder(patterns).len() as u128;
        // Bit columns twice; h and x of each rung and a table of acceptances; solutions.
        inputs * padded / 4
            + rungs * ((hidden + 1) * 2 + 8) * padded
            + self.solutions as u128 * (inputs / 8 + 64 * hidden)
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        let sweeps = self.burn_in + 2 * self.spacing * self.solutions as u64;
        let proposals = sweeps.min(self.max_epochs) as f64
            * (self.ladder(patterns).len() * architecture.inputs()) as f64;
        proposals * (2e-8 + 4e-11 * patterns as f64)
    }
}
