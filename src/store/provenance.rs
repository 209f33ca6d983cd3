//! `/provenance`: who computed what, when and with which binary. The only place for times.

use serde::{Deserialize, Serialize};

/// What the engine knows of a run and the store does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// MPI ranks.
    pub ranks: u32,
    /// Instruction set of the kernels.
    pub isa: String,
    /// MPI library and version; empty for a serial run.
    pub mpi: String,
    /// Slurm job, array task included.
    pub slurm_job: Option<String>,
}

/// One run segment: from start or resume to a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Start, RFC 3339 in UTC.
    pub start: String,
    /// End, or the last sign of life of a run that died.
    pub end: String,
    /// Host of rank 0.
    pub host: String,
    /// Process of rank 0.
    pub pid: u32,
    /// What the engine reported.
    pub launch: Launch,
    /// Why it ended: `complete`, `signal`, `deadline`, …; `died` where a journal was left behind.
    pub stop_reason: String,
    /// Version of this program.
    pub version: String,
    /// Its git commit.
    pub git_commit: String,
    /// The compiler.
    pub rustc: String,
    /// The HDF5 library.
    pub hdf5: String,
}
