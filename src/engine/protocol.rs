//! Messages between the coordinator and the ranks, as bincode.

use crate::record::UnitId;
use crate::store::FinishedUnit;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Longest sleep between two looks at inbox and signals. A rank without work looks 250 times a
/// second, which costs it .3 % of a core; an answer waits 2 ms in the mean, which one batch
/// prefetched covers for units below a second and .2 % of a unit above.
pub const LONGEST_SLEEP: Duration = Duration::from_millis(4);
/// A rank with nothing to say says so this often.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// A rank that was not heard for so long, while the coordinator listened, is gone.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(25);
/// First sleep after something happened; each further one is twice as long.
pub const SHORTEST_SLEEP: Duration = Duration::from_micros(20);

/// A unit to run, from a snapshot where one was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The unit.
    pub unit: UnitId,
    /// Solver state to continue from.
    pub snapshot: Option<Vec<u8>>,
}

/// Coordinator → rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Run these, in this order, after what is already queued.
    Run(Vec<Task>),
    /// Hand out a snapshot of a long unit.
    Snapshot,
    /// Suspend the running unit, drop the queue, report `stopped`.
    Stop,
    /// The run is over and committed: leave.
    Leave,
}

/// Rank → coordinator. All that happened since the last report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Finished units.
    pub finished: Vec<FinishedUnit>,
    /// Snapshots of a unit that goes on, or of the unit suspended by [`Order::Stop`].
    pub snapshots: Vec<(UnitId, Vec<u8>)>,
    /// A unit that panicked, with the message.
    pub panicked: Option<(UnitId, String)>,
    /// This rank was asked by a signal to stop the run.
    pub stop_requested: bool,
    /// Nothing runs here any more, after [`Order::Stop`].
    pub stopped: bool,
}

impl Report {
    /// Adds what happened later.
    pub fn append(&mut self, later: Report) {
        self.finished.extend(later.finished);
        self.snapshots.extend(later.snapshots);
        self.panicked = self.panicked.take().or(later.panicked);
        self.stop_requested |= later.stop_requested;
        self.stopped |= later.stopped;
    }
}

/// Bytes of a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(message, bincode::config::standard())
        .expect("messages are plain data")
}

/// A message from its bytes.
///
/// # Errors
/// A description, if the bytes are no such message (ranks of different versions).
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bincode::serde::decode_from_slice(bytes, bincode::config::standard()) {
        Ok((message, used)) if used == bytes.len() => Ok(message),
        Ok((_, used)) => Err(format!("{} bytes too many", bytes.len() - used)),
        Err(error) => Err(error.to_string()),
    }
}
