//! When to stop: signals and deadlines. Handlers only set flags; the coordinator decides.
//!
//! SIGUSR1, SIGTERM, SIGINT: stop cleanly (a second SIGINT or SIGTERM kills as usual). SIGUSR2:
//! commit and go on.

use crate::job::Span;
use crate::slurm::{self, Deadline};
use crate::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Flags that the signal handlers set.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    stop: Arc<AtomicBool>,
    commit: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers. Call before MPI is initialised.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn install() -> Result<Self> {
        let signals = Self::default();
        let internal = |e| Error::Internal(format!("cannot install a signal handler: {e}"));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&signals.stop))
                .map_err(internal)?;
        }
        for signal in [SIGUSR1, SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&signals.stop)).map_err(internal)?;
        }
        flag::register(SIGUSR2, Arc::clone(&signals.commit)).map_err(internal)?;
        Ok(signals)
    }

    /// Whether this process was asked to stop.
    pub fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks as a signal would.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether a commit was asked for since the last call.
    pub fn take_commit(&self) -> bool {
        self.commit.swap(false, Ordering::Relaxed)
    }
}

/// The moment to stop at, `stop_before_end` before the earliest deadline; with messages for the log.
pub fn deadline(limit: Option<Span>, stop_before_end: Span) -> (Option<Deadline>, Vec<String>) {
    let mut notes = Vec::new();
    let now = SystemTime::now();
    let limit = limit.map(|limit| Deadline { at: now + limit.0, source: "--time-limit".into() });
    let allocation = slurm::allocation_end().map(|mut deadline| {
        deadline.at = deadline.at.checked_sub(stop_before_end.0).unwrap_or(now);
        deadline.source += &format!(" less {stop_before_end}");
        deadline
    });
    if allocation.is_none()
        && let Some(id) = slurm::job_id()
    {
        notes.push(format!(
            "warning: the end of Slurm job {id} is not known (no SLURM_JOB_END_TIME, no answer from \
             squeue): give --time-limit or let the batch script send SIGUSR1"
        ));
    }
    let earliest = [limit, allocation].into_iter().flatten().min_by_key(|d| d.at);
    if let Some(deadline) = &earliest {
        let left = deadline.at.duration_since(now).unwrap_or_default();
        let left = Span(std::time::Duration::from_secs(left.as_secs()));
        notes.push(format!("stops in {left} ({})", deadline.source));
        if left.0.is_zero() {
            notes.push(format!(
                "warning: no time to compute: the allocation must be longer than \
                 run.stop_before_end = {stop_before_end}"
            ));
        }
    }
    (earliest, notes)
}
