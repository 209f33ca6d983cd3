//! The journal: what has happened since the last commit.

use crate::record::{Record, UnitId};
use serde::{Deserialize, Serialize};

/// A finished unit on its way into the result file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedUnit {
    /// Which unit.
    pub unit: UnitId,
    /// One value a column.
    pub record: Record,
    /// Thread CPU seconds it took.
    pub seconds: f64,
}

/// A unit in flight at so many deaths, with no progress in between, is quarantined.
pub const MOST_DEATHS: u32 = 3;
