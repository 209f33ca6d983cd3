//! One result file opened for writing.

use super::{Contents, FinishedUnit, Launch, SampleRange};
use crate::Result;
use crate::job::Job;
use crate::record::UnitId;
use std::path::Path;

/// Reads a result file, without its journal.
///
/// # Errors
/// `Io` if it cannot be read; `Data` if it is no result file, is damaged or of a newer schema.
pub fn read(path: &Path) -> Result<Contents> {
    let _ = path;
    todo!()
}

/// One output under its lock.
pub struct Store {
    contents: Contents,
}

impl Store {
    /// Opens `out` for `job`: takes the lock, reads what is there, replays a journal that was left
    /// behind, and makes sure that a whole file exists. `take_over` ignores another owner where
    /// the file system has no locks.
    ///
    /// # Errors
    /// `Io` if another process holds the lock or a file cannot be written; `Data` if the file
    /// belongs to another job (with the differences), has more samples than the job asks for, or
    /// is damaged.
    pub fn open(
        out: &Path,
        job: &Job,
        range: SampleRange,
        launch: Launch,
        take_over: bool,
    ) -> Result<Self> {
        let _ = (out, job, range, launch, take_over);
        todo!()
    }

    /// What is stored, the journal's units included.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Warnings met while opening (a damaged journal tail, a lock taken over …), for rank 0 to
    /// print.
    pub fn warnings(&self) -> &[String] {
        todo!()
    }

    /// Whether a unit is finished.
    pub fn is_done(&self, unit: UnitId) -> bool {
        self.contents.records.contains_key(&unit)
    }

    /// Unfinished units that were in flight when earlier runs died, with the number of deaths
    /// since the unit last made progress.
    pub fn in_flight(&self) -> Vec<(UnitId, u32)> {
        todo!()
    }

    /// Unfinished units that were in flight at [`super::journal::MOST_DEATHS`] deaths: not to be
    /// tried again.
    pub fn quarantined(&self) -> Vec<UnitId> {
        todo!()
    }

    /// Forgets the deaths of all units: quarantined ones may be tried again.
    ///
    /// # Errors
    /// `Io`.
    pub fn forgive(&mut self) -> Result<()> {
        todo!()
    }

    /// Journals that `rank` now works on `units`.
    ///
    /// # Errors
    /// `Io`.
    pub fn assigned(&mut self, rank: u32, units: &[UnitId]) -> Result<()> {
        let _ = (rank, units);
        todo!()
    }

    /// Journals that `units` were given back unfinished (their rank stopped cleanly): they are no
    /// longer in flight.
    ///
    /// # Errors
    /// `Io`.
    pub fn released(&mut self, units: &[UnitId]) -> Result<()> {
        let _ = units;
        todo!()
    }

    /// Journals finished units at once; a unit that is already stored is ignored.
    ///
    /// # Errors
    /// `Io`; `Internal` if a record does not fit the columns.
    pub fn finished(&mut self, units: Vec<FinishedUnit>) -> Result<()> {
        let _ = units;
        todo!()
    }

    /// Units finished since the last commit.
    pub fn uncommitted(&self) -> usize {
        todo!()
    }

    /// Writes the whole file and clears the journal.
    ///
    /// # Errors
    /// `Io`; the old file and the journal are then untouched.
    pub fn commit(&mut self) -> Result<()> {
        todo!()
    }

    /// Saves the state of a long unit; counts as progress for the quarantine.
    ///
    /// # Errors
    /// `Io`.
    pub fn save_snapshot(&mut self, unit: UnitId, bytes: &[u8]) -> Result<()> {
        let _ = (unit, bytes);
        todo!()
    }

    /// The saved state of a unit, if there is a sound one.
    pub fn load_snapshot(&mut self, unit: UnitId) -> Option<Vec<u8>> {
        let _ = unit;
        todo!()
    }

    /// Removes the saved state of a unit.
    pub fn drop_snapshot(&mut self, unit: UnitId) {
        let _ = unit;
        todo!()
    }

    /// Commits with the final segment row, releases the lock and removes what is no longer needed.
    ///
    /// # Errors
    /// `Io`.
    pub fn close(self, stop_reason: &str) -> Result<()> {
        let _ = stop_reason;
        todo!()
    }
}
