//! Solvers: one file a solver, one trait.
//!
//! A solver is built from an [`Instance`] and its parameters, allocates everything once, and is
//! driven an epoch at a time. It does no I/O, reads no clock and knows no MPI; between epochs it can
//! be snapshotted and restored with identical results.
//!
//! To add a solver: one file with its parameters (`serde`, defaults that work), their [`Method`] and
//! the [`Solver`]; its `mod` line here and its line in the list of [`SolverSpec`]; see
//! [`crate::guide`].

pub mod annealing;
pub mod edmc;
pub mod entropy_sgd;
pub mod exact;
mod instance;
pub mod message_passing;
mod method;
pub mod protocol;
mod repeated;
pub mod rsgd;
mod single_flip;
pub mod snapshot;
mod spec;
pub mod spherical;
mod stop;
pub mod tempering;

pub use instance::Instance;
pub use method::Method;
pub use repeated::{Finished, Repeated};
pub use spec::{SOLVER_NAMES, SolverSpec};
pub use stop::{Stop, Then};

use crate::model::{WeightKind, Weights};
use crate::record::{Column, Value};
use serde::{Deserialize, Serialize};

/// State after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not finished.
    Running,
    /// Finished with a solution, in [`Solver::weights`].
    Solved,
    /// Finished without a solution, by a limit of the solver: a censored sample.
    Exhausted,
    /// Finished with the proof that there is no solution: unsolved, and nothing is censored.
    Unsatisfiable,
}

impl Progress {
    /// Of a solver that ends with a solution or after `limit` epochs.
    pub fn after(solved: bool, epochs: u64, limit: u64) -> Self {
        match (solved, epochs >= limit) {
            (true, _) => Progress::Solved,
            (false, true) => Progress::Exhausted,
            (false, false) => Progress::Running,
        }
    }
}

/// What a solver has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Epochs, sweeps or the solver's nearest equivalent.
    pub epochs: u64,
    /// Pattern presentations, over all replicas.
    pub presentations: u64,
}

/// A solver on one instance.
pub trait Solver: Send {
    /// Runs one epoch. Must not be called after it returned anything but [`Progress::Running`].
    fn epoch(&mut self) -> Progress;

    /// Work done so far.
    fn effort(&self) -> Effort;

    /// The solution when solved, else the best configuration seen.
    fn weights(&self) -> Weights;

    /// All replicas in their present state, for overlaps; one entry for a plain solver, none where
    /// the solver has no configurations.
    fn replicas(&self) -> Vec<Weights>;

    /// The centre of the replicas, where there is one.
    fn center(&self) -> Option<Weights>;

    /// Values of the solver's own columns ([`Method::columns`]).
    fn values(&self) -> Vec<Value>;

    /// The whole state, such that [`Solver::restore`] continues identically.
    fn snapshot(&self) -> Vec<u8>;

    /// Continues from a snapshot of the same solver on the same instance.
    ///
    /// # Errors
    /// A message if the bytes are not such a snapshot; the solver is then unchanged.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), String>;
}

/// What bounds the columns of a job: they are the same for all of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Binary or spherical weights.
    pub kind: WeightKind,
    /// The largest N.
    pub max_inputs: usize,
    /// The largest P.
    pub max_patterns: usize,
}

/// The columns that every solver fills, before its own.
pub fn common_columns() -> Vec<Column> {
    use crate::record::{Estimator, Kind};
    vec![
        Column::new("solved", "all patterns stored", Kind::Bool, Estimator::Fraction),
        Column::new("censored", "stopped by its limit, unsolved", Kind::Bool, Estimator::Fraction),
        Column::new("epochs", "epochs to the end", Kind::Count, Estimator::Survival),
        Column::new("presentations", "pattern presentations", Kind::Count, Estimator::Survival),
        Column::new("training_error", "patterns not stored", Kind::Count, Estimator::Mean),
    ]
}
