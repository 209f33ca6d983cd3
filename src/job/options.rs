//! `[run]`: how a job is run; never part of the physics.

use super::duration::Span;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Options of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunOptions {
    /// Time between commits of the result file (and snapshots of long units).
    pub checkpoint_every: Span,
    /// Stop this long before the end of the allocation.
    pub stop_before_end: Span,
    /// Time between progress lines where there is no terminal.
    pub progress_every: Span,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            checkpoint_every: Span(Duration::from_secs(15 * 60)),
            stop_before_end: Span(Duration::from_secs(3 * 60)),
            progress_every: Span(Duration::from_secs(30)),
        }
    }
}
