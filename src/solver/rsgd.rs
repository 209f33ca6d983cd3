//! Replicated SGD with the least-action rule: first, plain version.

use super::{Effort, Instance, Progress, Solver};
use crate::model::{Activation, Architecture, WeightKind, Weights};
use crate::record::{Column, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 1;

/// `[solver.rsgd]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// y.
    pub replicas: usize,
    /// Epochs after which a sample is censored.
    pub max_epochs: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self { replicas: 7, max_epochs: 1000 }
    }
}

impl Params {
    /// See [`super::SolverSpec::validate`].
    ///
    /// # Errors
    /// (key, message).
    pub fn validate(
        &self,
        _kind: WeightKind,
        _activation: Activation,
        _architecture: Architecture,
    ) -> Result<(), (String, String)> {
        if self.replicas == 0 {
            return Err(("replicas".into(), "0: expected at least one replica".into()));
        }
        Ok(())
    }

    /// See [`super::SolverSpec::bytes`].
    pub fn bytes(&self, architecture: Architecture, patterns: usize) -> u128 {
        let inputs = architecture.inputs() as u128;
        inputs * patterns as u128 / 8 + inputs * self.replicas as u128 * 5
    }

    /// See [`super::SolverSpec::expected_seconds`].
    pub fn expected_seconds(&self, architecture: Architecture, patterns: usize) -> f64 {
        200.0 * (architecture.inputs() * patterns * self.replicas) as f64 / 1e10
    }
}

/// Columns beyond the common ones.
pub fn columns() -> Vec<Column> {
    Vec::new()
}

/// Replicated SGD on one instance.
pub struct Rsgd {
    instance: Arc<Instance>,
    weights: Weights,
    effort: Effort,
    max_epochs: u64,
}

impl Rsgd {
    /// Starts from random weights.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let mut stream = instance.solver_stream(TAG, 0);
        let weights = Weights::random_binary(instance.storage.architecture(), &mut stream);
        Self { instance, weights, effort: Effort::default(), max_epochs: params.max_epochs }
    }
}

impl Solver for Rsgd {
    fn epoch(&mut self) -> Progress {
        self.effort.epochs += 1;
        if self.instance.storage.errors(&self.instance.patterns, &self.weights) == 0 {
            Progress::Solved
        } else if self.effort.epochs >= self.max_epochs {
            Progress::Exhausted
        } else {
            Progress::Running
        }
    }

    fn effort(&self) -> Effort {
        self.effort
    }

    fn weights(&self) -> Weights {
        self.weights.clone()
    }

    fn replicas(&self) -> Vec<Weights> {
        vec![self.weights.clone()]
    }

    fn center(&self) -> Option<Weights> {
        None
    }

    fn values(&self) -> Vec<Value> {
        Vec::new()
    }

    fn snapshot(&self) -> Vec<u8> {
        self.effort.epochs.to_le_bytes().to_vec()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), String> {
        let bytes = snapshot.try_into().map_err(|_| "not an rsgd snapshot".to_owned())?;
        self.effort.epochs = u64::from_le_bytes(bytes);
        Ok(())
    }
}
