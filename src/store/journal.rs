//! The journal: what has happened since the last commit, in `OUT.h5.journal`.
//!
//! A magic line, then entries: length and CRC-32 (little-endian u32; the checksum covers the
//! length too, so that a tail of zeros is no entry), then bincode. An entry is one `write`: what
//! was written survives `kill -9`. A thread of its own calls `fdatasync` at most once a second:
//! what is older survives a power loss. The first entry names the job and the run.
//!
//! Replaying stops at the first entry that is not sound. At the end of the file that is what a
//! kill leaves behind, and nothing that was acknowledged to be on disk is lost; before the end it
//! is damage, and nothing after it is trusted: those units are computed again, with the same
//! bytes. Replaying twice equals replaying once.

use super::provenance::Segment;
use super::publish::{beside, replace_file};
use crate::record::{Record, UnitId};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A unit in flight at so many deaths, with no progress in between, is quarantined.
pub const MOST_DEATHS: u32 = 3;

const MAGIC: &[u8; 20] = b"reluscape-journal-1\n";
const SYNC_EVERY: Duration = Duration::from_secs(1);

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

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// One entry is alive at a time: boxing would buy nothing.
#[allow(clippy::large_enum_variant)]
pub enum Entry {
    /// First entry: whose journal this is, and how often units were in flight at a death before.
    Start {
        /// The job's fingerprint.
        fingerprint: String,
        /// The run that writes this journal.
        segment: Box<Segment>,
        /// Deaths of unfinished units since they last made progress.
        deaths: BTreeMap<UnitId, u32>,
        /// Units in flight when this journal began, with their rank.
        in_flight: BTreeMap<UnitId, u32>,
    },
    /// A rank works on units.
    Assigned {
        /// The rank.
        rank: u32,
        /// Its units.
        units: Vec<UnitId>,
    },
    /// Units were given back unfinished.
    Released {
        /// Those units.
        units: Vec<UnitId>,
    },
    /// A snapshot of a unit was saved: a death after this is the first one.
    Progressed {
        /// That unit.
        unit: UnitId,
    },
    /// Finished units.
    Finished {
        /// Those units.
        units: Vec<FinishedUnit>,
    },
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// The run that wrote it; `None` if the journal holds nothing.
    pub run: Option<(String, Segment)>,
    /// Finished units, in the order of their events.
    pub finished: Vec<FinishedUnit>,
    /// Units assigned and neither finished nor released, with their rank.
    pub in_flight: BTreeMap<UnitId, u32>,
    /// Deaths of unfinished units before that run, since they last made progress.
    pub deaths: BTreeMap<UnitId, u32>,
    /// What could not be read, with the byte offset.
    pub warning: Option<String>,
}

impl Replay {
    /// Reads the journal of the output `out`; empty if there is none. Changes nothing.
    ///
    /// # Errors
    /// `Io` if it cannot be read; `Data` if the file is something else.
    pub fn of(out: &Path) -> Result<Self> {
        let path = beside(out, ".journal");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Error::io(path, "read", error)),
        };
        Self::parse(&path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let mut replay = Self::default();
        if !bytes.starts_with(MAGIC) {
            if MAGIC.starts_with(bytes) {
                replay.warning = Some(format!("{}: it ends within its first line", path.display()));
                return Ok(replay);
            }
            let detail = "not a journal of this program; if it is not needed, remove it";
            return Err(Error::data(path, detail));
        }
        let mut at = MAGIC.len();
        while at < bytes.len() {
            match read_entry(&bytes[at..]) {
                Ok((entry, len)) => {
                    // The first entry tells what all the others belong to.
                    if replay.run.is_none() && !matches!(entry, Entry::Start { .. }) {
                        return Err(Error::data(path, "the journal does not say whose it is"));
                    }
                    replay.apply(entry);
                    at += len;
                }
                Err(flaw) => {
                    let left = bytes.len() - at;
                    replay.warning = Some(match flaw {
                        Flaw::Cut => format!(
                            "{}: the entry at byte {at} is incomplete (the run was killed while \
                             it was written): {left} bytes dropped, their units run again",
                            path.display()
                        ),
                        Flaw::Damaged { len } if at + len >= bytes.len() => format!(
                            "{}: the last entry, at byte {at}, is damaged: {left} bytes dropped, \
                             their units run again",
                            path.display()
                        ),
                        Flaw::Damaged { .. } => format!(
                            "{}: the entry at byte {at} is damaged, so nothing from there on is \
                             trusted: {left} bytes dropped, their units run again",
                            path.display()
                        ),
                    });
                    break;
                }
            }
        }
        Ok(replay)
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Start { fingerprint, segment, deaths, in_flight } => {
                self.run = Some((fingerprint, *segment));
                (self.deaths, self.in_flight) = (deaths, in_flight);
            }
            Entry::Assigned { rank, units } => {
                self.in_flight.extend(units.into_iter().map(|unit| (unit, rank)));
            }
            Entry::Released { units } => {
                self.in_flight.retain(|unit, _| !units.contains(unit));
            }
            Entry::Progressed { unit } => drop(self.deaths.remove(&unit)),
            Entry::Finished { units } => {
                for unit in units {
                    self.in_flight.remove(&unit.unit);
                    self.deaths.remove(&unit.unit);
                    self.finished.push(unit);
                }
            }
        }
    }

    /// Deaths of unfinished units once the run that wrote the journal has died too.
    pub fn deaths_now(&self) -> BTreeMap<UnitId, u32> {
        let mut deaths = self.deaths.clone();
        for unit in self.in_flight.keys() {
            *deaths.entry(*unit).or_insert(0) += 1;
        }
        deaths
    }
}

enum Flaw {
    /// The file ends before the entry does.
    Cut,
    /// Length known, content wrong.
    Damaged { len: usize },
}

fn checksum(length: [u8; 4], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(body);
    hasher.finalize()
}

fn read_entry(bytes: &[u8]) -> std::result::Result<(Entry, usize), Flaw> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Flaw::Cut)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(Flaw::Cut)?;
    let size = u32::from_le_bytes(*length) as usize;
    let body = rest.get(..size).ok_or(Flaw::Cut)?;
    let len = 8 + size;
    if checksum(*length, body) != u32::from_le_bytes(*crc) {
        return Err(Flaw::Damaged { len });
    }
    match bincode::serde::decode_from_slice(body, bincode::config::standard()) {
        Ok((entry, used)) if used == size => Ok((entry, len)),
        _ => Err(Flaw::Damaged { len }),
    }
}

fn encode(entry: &Entry) -> Result<Vec<u8>> {
    let mut bytes = vec![0; 8];
    bincode::serde::encode_into_std_write(entry, &mut bytes, bincode::config::standard())
        .map_err(|error| Error::Internal(format!("journal entry: {error}")))?;
    let length = u32::try_from(bytes.len() - 8)
        .map_err(|_| Error::Internal("a journal entry of more than 4 GiB".into()))?
        .to_le_bytes();
    let crc = checksum(length, &bytes[8..]);
    bytes[..4].copy_from_slice(&length);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

/// The journal of a running output.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Arc<File>,
    /// Bytes that are whole entries.
    len: u64,
    syncer: Syncer,
}

impl Journal {
    /// Starts a new journal with its first entry, replacing an old one.
    ///
    /// # Errors
    /// `Io`.
    pub fn start(out: &Path, first: &Entry) -> Result<Self> {
        let path = beside(out, ".journal");
        let (file, len) = begin(&path, first)?;
        let syncer = Syncer::spawn(file.clone());
        Ok(Self { path, file, len, syncer })
    }

    /// Starts over with `first` alone; the old journal stays until the new one is
    /// on disk.
    ///
    /// # Errors
    /// `Io`.
    pub fn restart(&mut self, first: &Entry) -> Result<()> {
        let (file, len) = begin(&self.path, first)?;
        self.syncer.set(file.clone());
        (self.file, self.len) = (file, len);
        Ok(())
    }

    /// Appends an entry with one write. After an error the journal is as before.
    ///
    /// # Errors
    /// `Io`, also for an earlier sync that failed.
    pub fn append(&mut self, entry: &Entry) -> Result<()> {
        let bytes = encode(entry)?;
        let io = |error: std::io::Error| Error::io(&self.path, "write", error);
        if let Err(error) = (&*self.file).write_all(&bytes) {
            // A part of an entry would hide everything that is appended after it.
            self.file.set_len(self.len).map_err(io)?;
            return Err(io(error));
        }
        self.len += bytes.len() as u64;
        self.syncer.wake().map_err(|error| Error::io(&self.path, "sync", error))
    }

    /// Removes the journal.
    pub fn remove(self) {
        // A journal that stays is replayed to no effect.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn begin(path: &Path, first: &Entry) -> Result<(Arc<File>, u64)> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(encode(first)?);
    replace_file(path, |temporary| {
        std::fs::write(temporary, &bytes).map_err(|error| Error::io(path, "write", error))
    })?;
    let file =
        File::options().append(true).open(path).map_err(|error| Error::io(path, "open", error))?;
    Ok((Arc::new(file), bytes.len() as u64))
}

/// Calls `fdatasync` on its own thread, at most once a second, while there is something to sync.
#[derive(Debug)]
struct Syncer {
    shared: Arc<(Mutex<SyncState>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct SyncState {
    file: Arc<File>,
    dirty: bool,
    stop: bool,
    error: Option<String>,
}

fn lock(mutex: &Mutex<SyncState>) -> MutexGuard<'_, SyncState> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Syncer {
    fn spawn(file: Arc<File>) -> Self {
        let state = SyncState { file, dirty: false, stop: false, error: None };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let theirs = shared.clone();
        Self { shared, thread: Some(std::thread::spawn(move || Self::run(&theirs))) }
    }

    fn run((mutex, condition): &(Mutex<SyncState>, Condvar)) {
        let mut state = lock(mutex);
        loop {
            while !state.dirty && !state.stop {
                state = condition.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.dirty {
                state.dirty = false;
                let file = state.file.clone();
                drop(state);
                let outcome = file.sync_data();
                state = lock(mutex);
                // A journal that was replaced meanwhile no longer matters.
                if let Err(error) = outcome
                    && Arc::ptr_eq(&file, &state.file)
                {
                    state.error = Some(error.to_string());
                }
            }
            if state.stop && !state.dirty {
                return;
            }
            let pause = condition.wait_timeout_while(state, SYNC_EVERY, |state| !state.stop);
            state = pause.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Marks that there is something to sync; returns what went wrong before.
    fn wake(&self) -> std::result::Result<(), String> {
        let mut state = lock(&self.shared.0);
        state.dirty = true;
        self.shared.1.notify_one();
        state.error.take().map_or(Ok(()), Err)
    }

    fn set(&self, file: Arc<File>) {
        let mut state = lock(&self.shared.0);
        (state.file, state.dirty, state.error) = (file, false, None);
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        lock(&self.shared.0).stop = true;
        self.shared.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // It only syncs; a panic there cannot lose what was written.
            let _ = thread.join();
        }
    }
}
