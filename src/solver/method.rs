//! What the program asks of a solver's parameters.

use super::{Extent, Instance, Solver};
use crate::model::{Activation, Architecture, WeightKind};
use crate::record::Column;
use std::fmt::Debug;
use std::sync::Arc;

/// A solver as a job file names it: the parameters of `[solver.NAME]`, and what follows from them.
/// Implemented by the type that holds the parameters; [`super::SolverSpec`] lists those of job files.
pub trait Method: Debug + Send + Sync {
    /// Stable key of the solver's streams and of the observables measured on its solutions, a number
    /// that no other solver has.
    fn tag(&self) -> u64;

    /// Checks the parameters, alone and against the model.
    ///
    /// # Errors
    /// (key within the solver table, or nothing; message).
    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)>;

    /// The same with every parameter written out, where defaults depend on the kind of weights or on
    /// the activation.
    #[must_use]
    fn resolved(&self, kind: WeightKind, activation: Activation) -> Self
    where
        Self: Sized + Clone,
    {
        let _ = (kind, activation);
        self.clone()
    }

    /// Columns beyond [`super::common_columns`], for all cells of a job.
    fn columns(&self, extent: &Extent) -> Vec<Column> {
        let _ = extent;
        Vec::new()
    }

    /// Builds the solver.
    ///
    /// # Panics
    /// May panic if [`Self::validate`] was not passed.
    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver>;

    /// Bytes that solver and instance hold for P = `patterns`; of resolved parameters.
    fn bytes(&self, kind: WeightKind, architecture: Architecture, patterns: usize) -> u128;

    /// Rough expected seconds on one core of a 2021 server, for scheduling and `check`; of
    /// resolved parameters.
    fn expected_seconds(
        &self,
        kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64;
}
