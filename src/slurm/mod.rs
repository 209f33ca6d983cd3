//! Slurm: what its environment says, and submission.
//!
//! A profile ([`profile`]) says what a site wants; [`script`] makes a batch script of a job and a
//! profile around the body of `slurm/run.sbatch`; [`site`] asks Slurm what it would refuse.

mod environment;
pub mod profile;
pub mod script;
pub mod site;

pub use environment::{Deadline, allocation_end, announced_tasks, job_id};
