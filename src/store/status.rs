//! How far an output is: file and journal together, without disturbing a run that writes them.

use super::contents::Tally;
use super::journal::{MOST_DEATHS, Replay};
use super::lock::{self, Owner};
use super::publish::beside;
use super::{Contents, schema};
use crate::record::UnitId;
use crate::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// State of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A run holds its lock.
    Running,
    /// Units are missing: run again.
    Incomplete,
    /// Nothing is missing.
    Complete,
    /// Nothing is missing but units that were in flight at too many deaths.
    Quarantined,
}

/// A unit that is in flight, or was at a death.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InFlight {
    /// Row of `/cells`.
    pub cell: u32,
    /// Disorder sample.
    pub sample: u64,
    /// Rank that works or worked on it.
    pub rank: u32,
    /// Deaths since it last made progress.
    pub deaths: u32,
}

/// What `status` reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Counts.
    #[serde(flatten)]
    pub tally: Tally,
    /// State.
    pub state: State,
    /// The job's fingerprint.
    pub fingerprint: String,
    /// Finished units that are in the journal only.
    pub uncommitted: u64,
    /// Units in flight now, or at the death of the last run.
    pub in_flight: Vec<InFlight>,
    /// Units that will not be tried again.
    pub quarantined: Vec<InFlight>,
    /// Who writes the file.
    pub owner: Option<Owner>,
    /// What could not be read.
    pub warnings: Vec<String>,
}

/// Reads a result file together with its journal; changes nothing.
///
/// # Errors
/// As [`super::read`]; `Data` if the journal is not the file's.
pub fn read_with_journal(path: &Path) -> Result<(Contents, Replay)> {
    // Journal first: a commit in between then gives units twice, never none.
    let mut replay = Replay::of(path)?;
    let mut contents = schema::read(path)?;
    if replay.run.as_ref().is_some_and(|(fingerprint, _)| *fingerprint != contents.fingerprint) {
        return Err(Error::data(beside(path, ".journal"), "the journal of another job"));
    }
    for unit in std::mem::take(&mut replay.finished) {
        contents.insert(unit).map_err(|error| Error::data(beside(path, ".journal"), error))?;
    }
    Ok((contents, replay))
}

/// The status of the output `path`.
///
/// # Errors
/// As [`read_with_journal`].
pub fn status(path: &Path) -> Result<Status> {
    let owner = lock::holder(path);
    let committed = schema::read(path)?.records.len();
    let (contents, replay) = read_with_journal(path)?;
    let tally = contents.tally();
    let deaths = if owner.is_some() { replay.deaths.clone() } else { replay.deaths_now() };
    let describe = |unit: UnitId| InFlight {
        cell: unit.cell,
        sample: unit.sample,
        rank: replay.in_flight.get(&unit).copied().unwrap_or(0),
        deaths: deaths.get(&unit).copied().unwrap_or(0),
    };
    let unfinished = |unit: &UnitId| !contents.records.contains_key(unit);
    let quarantined: Vec<InFlight> = deaths
        .iter()
        .filter(|&(unit, &deaths)| deaths >= MOST_DEATHS && unfinished(unit))
        .map(|(unit, _)| describe(*unit))
        .collect();
    let in_flight = replay.in_flight.keys().copied().filter(unfinished).map(describe).collect();
    let state = if owner.is_some() {
        State::Running
    } else if tally.done >= tally.total {
        State::Complete
    } else if tally.done + quarantined.len() as u64 >= tally.total {
        State::Quarantined
    } else {
        State::Incomplete
    };
    Ok(Status {
        state,
        uncommitted: tally.done.saturating_sub(committed as u64),
        tally,
        fingerprint: contents.fingerprint.clone(),
        in_flight,
        quarantined,
        owner,
        // A run that goes on may be in the middle of a write.
        warnings: replay.warning.clone().filter(|_| state != State::Running).into_iter().collect(),
    })
}
