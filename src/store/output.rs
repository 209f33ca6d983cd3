//! One result file opened for writing: lock, file, journal and snapshots together.
//!
//! Order of a commit: the new file is published, then the journal starts over. A kill in between
//! leaves units both in the file and in the journal; replaying ignores those that are stored.
//! A commit costs one pass over all records: seconds at 10⁶ units.

use super::checkpoint::Checkpoints;
use super::journal::{Entry, Journal, MOST_DEATHS, Replay};
use super::lock::Lock;
use super::publish::{beside, rewrite};
use super::{CellRow, Contents, FinishedUnit, Launch, SampleRange, Segment};
use super::{provenance, samples, schema};
use crate::job::{Job, differences};
use crate::record::UnitId;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of a difference between two jobs that an error shows.
const SHOWN_DIFFERENCES: usize = 12;

/// One output under its lock.
///
/// Dropping it without [`Store::close`] commits nothing (the journal keeps what was finished) but
/// says in the journal that the units in flight were given back, unless a panic is under way.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    contents: Contents,
    segment: Segment,
    checkpoints: Checkpoints,
    /// `None` only once closed.
    held: Option<(Journal, Lock)>,
    /// Units of this run by their rank.
    in_flight: BTreeMap<UnitId, u32>,
    /// Deaths of unfinished units since they last made progress.
    deaths: BTreeMap<UnitId, u32>,
    /// Units that were in flight when the run before died.
    were_in_flight: Vec<UnitId>,
    uncommitted: usize,
    warnings: Vec<String>,
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
        samples::check_columns(&job.columns()).map_err(Error::Internal)?;
        let lock = Lock::acquire(out, launch.slurm_job.clone(), take_over)?;
        let mut warnings: Vec<String> = lock.warning.clone().into_iter().collect();
        let fresh = Contents::new(job, range);
        let exists = out.try_exists().map_err(|error| Error::io(out, "read", error))?;
        let (mut contents, mut changed) = match exists {
            true => resume(out, schema::read(out)?, fresh, &mut warnings)?,
            false => (fresh, true),
        };
        let replay = Replay::of(out)?;
        warnings.extend(replay.warning.clone());
        if let Some((fingerprint, segment)) = &replay.run {
            changed = true;
            if *fingerprint != contents.fingerprint {
                return Err(Error::data(
                    beside(out, ".journal"),
                    "the journal of another job: finish that job first, or remove the journal",
                ));
            }
            let mut died = segment.clone();
            died.stop_reason = "died".into();
            died.end = last_change(&beside(out, ".journal")).unwrap_or(died.end);
            provenance::record_segment(&mut contents.segments, died);
        }
        let mut deaths = replay.deaths_now();
        let mut recovered = 0;
        for unit in replay.finished {
            recovered += usize::from(contents.insert(unit).map_err(|error| {
                let other = "it was written by another version: remove it to run its units again";
                Error::data(beside(out, ".journal"), format!("{error}; {other}"))
            })?);
        }
        if recovered > 0 {
            warnings.push(format!(
                "{}: {recovered} finished units recovered from the journal",
                out.display()
            ));
        }
        let unfinished = |unit: &UnitId| !contents.records.contains_key(unit);
        deaths.retain(|unit, _| unfinished(unit));
        let were_in_flight = replay.in_flight.into_keys().filter(unfinished).collect();
        let segment = Segment::begin(launch);
        let checkpoints = Checkpoints::new(out, &contents.fingerprint);
        if changed {
            write(out, &contents)?;
        }
        // The old journal goes only now that its units are in the file.
        let start = start_entry(&contents, &segment, &deaths, &BTreeMap::new());
        let journal = Journal::start(out, &start)?;
        Ok(Self {
            path: out.to_owned(),
            contents,
            segment,
            checkpoints,
            held: Some((journal, lock)),
            in_flight: BTreeMap::new(),
            deaths,
            were_in_flight,
            uncommitted: 0,
            warnings,
        })
    }

    /// The output.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is stored, the journal's units included.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Warnings met so far (a damaged journal tail, a lock taken over, a snapshot ignored …), for
    /// rank 0 to print; each is given once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Whether a unit is finished.
    pub fn is_done(&self, unit: UnitId) -> bool {
        self.contents.records.contains_key(&unit)
    }

    /// Units that were in flight when the run before died, with the number of deaths since each
    /// last made progress.
    pub fn in_flight(&self) -> Vec<(UnitId, u32)> {
        let deaths = |unit: &UnitId| self.deaths.get(unit).copied().unwrap_or(0);
        self.were_in_flight.iter().map(|unit| (*unit, deaths(unit))).collect()
    }

    /// Unfinished units that were in flight at [`MOST_DEATHS`] deaths: not to be tried again.
    pub fn quarantined(&self) -> Vec<UnitId> {
        let many = |&(_, &deaths): &(&UnitId, &u32)| deaths >= MOST_DEATHS;
        self.deaths.iter().filter(many).map(|(unit, _)| *unit).collect()
    }

    /// Forgets the deaths of all units: quarantined ones may be tried again.
    ///
    /// # Errors
    /// `Io`.
    pub fn forgive(&mut self) -> Result<()> {
        self.deaths.clear();
        self.restart_journal()
    }

    /// Journals that `rank` now works on `units`.
    ///
    /// # Errors
    /// `Io`.
    pub fn assigned(&mut self, rank: u32, units: &[UnitId]) -> Result<()> {
        self.in_flight.extend(units.iter().map(|unit| (*unit, rank)));
        self.append(&Entry::Assigned { rank, units: units.to_vec() })
    }

    /// Journals that `units` were given back unfinished (their rank stopped cleanly): they are no
    /// longer in flight.
    ///
    /// # Errors
    /// `Io`.
    pub fn released(&mut self, units: &[UnitId]) -> Result<()> {
        self.in_flight.retain(|unit, _| !units.contains(unit));
        self.append(&Entry::Released { units: units.to_vec() })
    }

    /// Journals finished units at once; a unit that is already stored is ignored. After an `Io`
    /// error they are in memory all the same, so that a later commit may still store them.
    ///
    /// # Errors
    /// `Io`; `Internal` if a record does not fit the columns (nothing is stored then).
    pub fn finished(&mut self, units: Vec<FinishedUnit>) -> Result<()> {
        for finished in &units {
            self.contents.check(finished).map_err(Error::Internal)?;
        }
        let new: Vec<FinishedUnit> =
            units.into_iter().filter(|finished| !self.is_done(finished.unit)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let entry = Entry::Finished { units: new };
        let journalled = self.append(&entry);
        let Entry::Finished { units } = entry else { unreachable!("made above") };
        for finished in units {
            let unit = finished.unit;
            self.in_flight.remove(&unit);
            self.deaths.remove(&unit);
            if self.contents.insert(finished).map_err(Error::Internal)? {
                self.uncommitted += 1;
            }
        }
        journalled
    }

    /// Units finished since the last commit.
    pub fn uncommitted(&self) -> usize {
        self.uncommitted
    }

    /// Writes the whole file and clears the journal.
    ///
    /// # Errors
    /// `Io`; the old file and the journal are then untouched.
    pub fn commit(&mut self) -> Result<()> {
        self.segment.end = provenance::now();
        provenance::record_segment(&mut self.contents.segments, self.segment.clone());
        write(&self.path, &self.contents)?;
        self.uncommitted = 0;
        self.restart_journal()
    }

    /// Saves the state of a long unit; counts as progress for the quarantine.
    ///
    /// # Errors
    /// `Io`.
    pub fn save_snapshot(&mut self, unit: UnitId, state: &[u8]) -> Result<()> {
        self.checkpoints.save(unit, state)?;
        self.progressed(unit)
    }

    /// Journals that a unit made progress that survives its death (another rank saved its state).
    ///
    /// # Errors
    /// `Io`.
    pub fn progressed(&mut self, unit: UnitId) -> Result<()> {
        self.deaths.remove(&unit);
        self.append(&Entry::Progressed { unit })
    }

    /// The saved state of a unit, if there is a sound one; else a warning is kept.
    pub fn load_snapshot(&mut self, unit: UnitId) -> Option<Vec<u8>> {
        self.checkpoints.load(unit).unwrap_or_else(|warning| {
            self.warnings.push(warning);
            None
        })
    }

    /// Removes the saved state of a unit, if any (once it is finished).
    pub fn drop_snapshot(&mut self, unit: UnitId) {
        self.checkpoints.remove(unit);
    }

    /// The checkpoint folder, for ranks that save the states of their own units.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Commits with the final segment row, releases the lock and removes what is no longer needed:
    /// the journal unless it remembers deaths, the checkpoint folder if it is empty.
    ///
    /// # Errors
    /// `Io`; the journal then keeps what was finished.
    pub fn close(mut self, stop_reason: &str) -> Result<()> {
        self.segment.stop_reason = stop_reason.to_owned();
        self.in_flight.clear();
        self.commit()?;
        if let Some((journal, lock)) = self.held.take() {
            if self.deaths.is_empty() {
                journal.remove();
            }
            self.checkpoints.tidy();
            lock.release();
        }
        Ok(())
    }

    /// As if the process had been killed: nothing is said in the journal.
    #[cfg(test)]
    pub fn in_flight_forgotten(mut self) {
        self.in_flight.clear();
    }

    fn append(&mut self, entry: &Entry) -> Result<()> {
        self.held.as_mut().expect("open until closed").0.append(entry)
    }

    fn restart_journal(&mut self) -> Result<()> {
        let start = start_entry(&self.contents, &self.segment, &self.deaths, &self.in_flight);
        self.held.as_mut().expect("open until closed").0.restart(&start)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let units: Vec<UnitId> = self.in_flight.keys().copied().collect();
        if let Some((journal, _)) = &mut self.held
            && !std::thread::panicking()
            && !units.is_empty()
        {
            // Best effort: otherwise these units count one death each.
            let _ = journal.append(&Entry::Released { units });
        }
    }
}

fn start_entry(
    contents: &Contents,
    segment: &Segment,
    deaths: &BTreeMap<UnitId, u32>,
    in_flight: &BTreeMap<UnitId, u32>,
) -> Entry {
    Entry::Start {
        fingerprint: contents.fingerprint.clone(),
        segment: Box::new(segment.clone()),
        deaths: deaths.clone(),
        in_flight: in_flight.clone(),
    }
}

/// Publishes `contents` as the file `path`, carrying over the groups that are not its own.
///
/// # Errors
/// `Io`, `Data`.
pub fn write(path: &Path, contents: &Contents) -> Result<()> {
    rewrite(path, &schema::OWN, |file| schema::write(file, contents))
}

/// The stored contents brought up to date with the job, and whether that changed them.
fn resume(
    out: &Path,
    mut stored: Contents,
    fresh: Contents,
    warnings: &mut Vec<String>,
) -> Result<(Contents, bool)> {
    if stored.fingerprint != fresh.fingerprint {
        let parse = |text: &str| serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
        let (old, new) = (parse(&stored.resolved_json), parse(&fresh.resolved_json));
        let lines = differences(&old, &new, SHOWN_DIFFERENCES);
        return Err(Error::data(
            out,
            format!(
                "it holds the results of another job (file -> job):\n  {}\nOnly `samples` (upward) \
                 and `[run]` may change on resume: choose another output with -o",
                lines.join("\n  ")
            ),
        ));
    }
    let fewer = |(old, new): (&CellRow, &CellRow)| {
        (new.samples < old.samples).then(|| {
            let shape = format!("N = {}, K = {}, alpha = {}", old.inputs, old.hidden, old.alpha);
            format!("{shape}: {} samples in the file, {} in the job", old.samples, new.samples)
        })
    };
    if let Some(detail) = stored.cells.iter().zip(&fresh.cells).find_map(fewer) {
        let advice = "samples may only grow on resume: ask for at least as many, or choose another \
                      output with -o";
        return Err(Error::data(out, format!("{detail}; {advice}")));
    }
    if stored.columns != fresh.columns {
        let names = |contents: &Contents| {
            contents.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        return Err(Error::data(
            out,
            format!(
                "written by another version with other columns ({}; now {}): choose another output \
                 with -o",
                names(&stored),
                names(&fresh)
            ),
        ));
    }
    if let Some(last) = stored.segments.last().filter(|s| s.version != env!("CARGO_PKG_VERSION")) {
        warnings.push(format!(
            "{}: begun with version {}, now {}: only one version promises the same bytes",
            out.display(),
            last.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    let ranges = stored.ranges.clone();
    fresh.ranges.iter().for_each(|range| stored.add_range(*range));
    let changed = (&stored.text, &stored.name, &stored.cells, &stored.ranges)
        != (&fresh.text, &fresh.name, &fresh.cells, &ranges);
    (stored.text, stored.name, stored.cells) = (fresh.text, fresh.name, fresh.cells);
    Ok((stored, changed))
}

/// When a file last changed, RFC 3339.
fn last_change(path: &Path) -> Option<String> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(format!("{:.3}", jiff::Timestamp::try_from(time).ok()?))
}
