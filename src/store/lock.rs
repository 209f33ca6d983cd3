//! One writer an output: `flock` on `OUT.h5.lock`, which names its owner.
//!
//! The kernel drops the lock with the process, so a left-over file after a kill means nothing.
//! Where the file system has no `flock`, the file's text decides: the same Slurm job takes over
//! (a requeued job after a kill), anyone else needs `--take-over`.

use super::publish::beside;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whoever holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Host of rank 0.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// Slurm job, if any.
    pub slurm_job: Option<String>,
    /// When it took the lock, RFC 3339.
    pub start: String,
}

impl Owner {
    /// This process.
    pub fn me(slurm_job: Option<String>) -> Self {
        Self {
            host: hostname(),
            pid: std::process::id(),
            slurm_job,
            start: jiff::Timestamp::now().to_string(),
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)?;
        if let Some(job) = &self.slurm_job {
            write!(f, " (Slurm job {job})")?;
        }
        write!(f, ", since {}", self.start)
    }
}

/// The name of this host.
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A lock that is held; dropping it without [`Lock::release`] leaves the file behind, unlocked.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
    /// What to tell the user, for instance that the lock was taken over.
    pub warning: Option<String>,
}

/// How a file is locked: [`File::try_lock`] but for tests.
type Locker = fn(&File) -> std::result::Result<(), TryLockError>;

impl Lock {
    /// Takes the lock of the output `out`, waiting up to a second for readers that look at it.
    ///
    /// # Errors
    /// `Io` naming the owner if somebody else has it, or if the lock file cannot be written.
    pub fn acquire(out: &Path, slurm_job: Option<String>, take_over: bool) -> Result<Self> {
        Self::acquire_by(File::try_lock, out, slurm_job, take_over)
    }

    fn acquire_by(
        locker: Locker,
        out: &Path,
        slurm_job: Option<String>,
        take_over: bool,
    ) -> Result<Self> {
        let path = beside(out, ".lock");
        let io = |error: std::io::Error| Error::io(&path, "lock", error);
        let mut patience = 20;
        loop {
            let mut file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(io)?;
            let warning = match locker(&file) {
                Ok(()) => None,
                Err(TryLockError::WouldBlock) if patience > 0 => {
                    patience -= 1;
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                Err(TryLockError::WouldBlock) => {
                    let detail = match read_owner(&mut file) {
                        Some(owner) => format!("{} is being written by {owner}", out.display()),
                        None => format!("{} is being written by another process", out.display()),
                    };
                    return Err(Error::Io { path, action: "lock", detail });
                }
                Err(TryLockError::Error(error)) if unsupported(&error) => {
                    succeed(out, read_owner(&mut file), slurm_job.as_deref(), take_over)?
                }
                Err(TryLockError::Error(error)) => return Err(io(error)),
            };
            // The holder before may have removed the file between our open and our lock.
            let ours = file.metadata().map_err(io)?;
            let same = std::fs::metadata(&path)
                .is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
            if !same {
                continue;
            }
            let owner = serde_json::to_string(&Owner::me(slurm_job)).expect("plain data");
            file.set_len(0).map_err(io)?;
            file.rewind().map_err(io)?;
            file.write_all(owner.as_bytes()).map_err(io)?;
            return Ok(Self { path, _file: file, warning });
        }
    }

    /// Gives the lock back and removes its file.
    pub fn release(self) {
        // A left-over lock file is harmless.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether this process may follow `owner` where the file system cannot tell if it lives.
fn succeed(
    out: &Path,
    owner: Option<Owner>,
    slurm_job: Option<&str>,
    take_over: bool,
) -> Result<Option<String>> {
    let Some(owner) = owner else {
        return Ok(Some(format!(
            "{}: the file system has no locks: make sure that no other run writes this file",
            out.display()
        )));
    };
    let same_job = slurm_job.is_some() && owner.slurm_job.as_deref() == slurm_job;
    if same_job || take_over {
        return Ok(Some(format!("{}: taken over from {owner}", out.display())));
    }
    Err(Error::io(
        beside(out, ".lock"),
        "lock",
        format!(
            "the file system has no locks and {} was last opened by {owner}, which may still run: \
             if it is gone for certain, use --take-over",
            out.display()
        ),
    ))
}

fn unsupported(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOLCK];
    error.kind() == ErrorKind::Unsupported
        || codes.iter().any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}

fn read_owner(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The owner of the output `out` if a process holds its lock at this moment.
///
/// Where the file system has no locks the last owner counts as running.
pub fn holder(out: &Path) -> Option<Owner> {
    let mut file = File::open(beside(out, ".lock")).ok()?;
    match file.try_lock_shared() {
        Ok(()) => None,
        Err(TryLockError::Error(error)) if !unsupported(&error) => None,
        Err(_) => Some(read_owner(&mut file).unwrap_or_else(|| Owner {
            host: "an unknown host".into(),
            pid: 0,
            slurm_job: None,
            start: "an unknown time".into(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_locks(_: &File) -> std::result::Result<(), TryLockError> {
        Err(TryLockError::Error(rustix::io::Errno::OPNOTSUPP.into()))
    }

    #[test]
    fn a_second_writer_is_refused_and_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.h5");
        assert_eq!(holder(&out), None);
        let lock = Lock::acquire(&out, Some("17_3".into()), false).unwrap();
        assert_eq!(holder(&out).unwrap().pid, std::process::id());
        let error = Lock::acquire(&out, None, true).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.exit().code(), 74);
        assert!(text.contains(&format!("process {} on {}", std::process::id(), hostname())));
        assert!(text.contains("Slurm job 17_3"), "{text}");
        lock.release();
        assert!(!beside(&out, ".lock").exists());
        drop(Lock::acquire(&out, None, false).unwrap());
        // A left-over file without a holder is no obstacle.
        assert!(beside(&out, ".lock").exists());
        assert_eq!(holder(&out), None);
        Lock::acquire(&out, None, false).unwrap();
    }

    #[test]
    fn without_flock_the_same_job_or_the_flag_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.h5");
        let open = |job: Option<&str>, flag| {
            Lock::acquire_by(no_locks, &out, job.map(str::to_owned), flag).map(|lock| lock.warning)
        };
        assert!(open(Some("5"), false).unwrap().unwrap().contains("no locks"));
        assert!(open(Some("5"), false).unwrap().unwrap().contains("taken over"));
        let error = open(Some("6"), false).unwrap_err();
        assert_eq!(error.exit().code(), 74);
        assert!(error.to_string().contains("--take-over"), "{error}");
        assert!(open(None, false).is_err(), "no job is not the same job");
        open(None, true).unwrap();
        assert!(open(None, false).is_err(), "two runs outside Slurm are not the same job");
    }
}
