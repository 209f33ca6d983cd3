//! What Slurm's environment says: the job, its end, the launch.

use crate::job::parse_span;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a deadline came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The end of the allocation.
    pub at: SystemTime,
    /// The source, for the log: a variable, a command or an option.
    pub source: String,
}

/// The Slurm job id, where there is one (with the array task, `123_4`).
pub fn job_id() -> Option<String> {
    let id = std::env::var("SLURM_JOB_ID").ok().filter(|id| !id.is_empty())?;
    match (std::env::var("SLURM_ARRAY_JOB_ID"), std::env::var("SLURM_ARRAY_TASK_ID")) {
        (Ok(array), Ok(task)) => Some(format!("{array}_{task}")),
        _ => Some(id),
    }
}

/// The end of this Slurm allocation: `SLURM_JOB_END_TIME`, else what `squeue` says is left.
/// `None` outside Slurm, or where neither is to be had.
pub fn allocation_end() -> Option<Deadline> {
    let id = std::env::var("SLURM_JOB_ID").ok()?;
    if let Some(end) = std::env::var("SLURM_JOB_END_TIME").ok().and_then(|s| s.parse().ok()) {
        let at = UNIX_EPOCH + Duration::from_secs(end);
        return Some(Deadline { at, source: "SLURM_JOB_END_TIME".to_owned() });
    }
    let output = Command::new("squeue").args(["-h", "-j", &id, "-o", "%L"]).output().ok()?;
    let left = parse_span(String::from_utf8_lossy(&output.stdout).trim()).ok()?;
    Some(Deadline { at: SystemTime::now() + left.0, source: "squeue".to_owned() })
}

/// Number of tasks that the launcher of this process announced, whatever MPI made of it.
pub fn announced_tasks() -> Option<usize> {
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.parse().ok())
}
