//! Snapshots of long units in `OUT.h5.checkpoints/`: a cache. Losing one costs time, never
//! correctness, so anything that is not exactly what this version of the program saved for this
//! job and unit is ignored.
//!
//! A file is: magic, CRC-32 of the rest, bincode (fingerprint, version, unit, state).

use super::publish::{beside, replace_file};
use crate::record::UnitId;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"rlscsnp1";

/// The checkpoint folder of one output. Needs no lock: any rank may save the units it owns.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    fingerprint: String,
}

impl Checkpoints {
    /// The folder that belongs to `out`; nothing is created yet.
    pub fn new(out: &Path, fingerprint: &str) -> Self {
        Self { folder: beside(out, ".checkpoints"), fingerprint: fingerprint.to_owned() }
    }

    fn path(&self, unit: UnitId) -> PathBuf {
        self.folder.join(format!("{}-{}.state", unit.cell, unit.sample))
    }

    /// Saves the state of `unit`, replacing an older one.
    ///
    /// # Errors
    /// `Io`.
    pub fn save(&self, unit: UnitId, state: &[u8]) -> Result<()> {
        let content = (&self.fingerprint, env!("CARGO_PKG_VERSION"), unit, state);
        let body = bincode::serde::encode_to_vec(content, bincode::config::standard())
            .map_err(|error| Error::Internal(format!("snapshot of {unit}: {error}")))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| Error::io(&self.folder, "create", error))?;
        replace_file(&self.path(unit), |temporary| {
            std::fs::write(temporary, &bytes)
                .map_err(|error| Error::io(self.path(unit), "write", error))
        })
    }

    /// The saved state of `unit`. `Ok(None)` if there is none.
    ///
    /// # Errors
    /// A warning if there is one that cannot be used.
    pub fn load(&self, unit: UnitId) -> std::result::Result<Option<Vec<u8>>, String> {
        let path = self.path(unit);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: snapshot ignored: {error}", path.display())),
        };
        self.decode(unit, &bytes)
            .map(Some)
            .map_err(|reason| format!("{}: snapshot ignored: {reason}", path.display()))
    }

    fn decode(&self, unit: UnitId, bytes: &[u8]) -> std::result::Result<Vec<u8>, &'static str> {
        let body = bytes.strip_prefix(MAGIC).ok_or("not a snapshot of this program")?;
        let (crc, body) = body.split_first_chunk().ok_or("truncated")?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err("damaged (checksum)");
        }
        type Content = (String, String, UnitId, Vec<u8>);
        let (content, _): (Content, _) =
            bincode::serde::decode_from_slice(body, bincode::config::standard())
                .map_err(|_| "damaged")?;
        let (fingerprint, version, saved, state) = content;
        if fingerprint != self.fingerprint || saved != unit {
            return Err("it belongs to another job");
        }
        if version != env!("CARGO_PKG_VERSION") {
            return Err("it was saved by another version");
        }
        Ok(state)
    }

    /// Removes the state of `unit`, if any.
    pub fn remove(&self, unit: UnitId) {
        // A state that stays costs space only: a finished unit is never loaded again.
        let _ = std::fs::remove_file(self.path(unit));
    }

    /// Removes the folder if it is empty.
    pub fn tidy(&self) {
        // Fails by design while a state is in it.
        let _ = std::fs::remove_dir(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_and_foreign_states_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.h5");
        let checkpoints = Checkpoints::new(&out, "abc");
        let unit = UnitId { cell: 2, sample: 9 };
        assert_eq!(checkpoints.load(unit), Ok(None));
        checkpoints.save(unit, &[7; 100]).unwrap();
        checkpoints.save(unit, &[8; 100]).unwrap();
        assert_eq!(checkpoints.load(unit).unwrap().unwrap(), [8; 100]);
        assert!(Checkpoints::new(&out, "abd").load(unit).unwrap_err().contains("another job"));
        let path = checkpoints.path(unit);
        let sound = std::fs::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert!(checkpoints.load(unit).unwrap_err().contains("ignored"), "byte {at}");
            std::fs::write(&path, &sound[..at]).unwrap();
            assert!(checkpoints.load(unit).is_err(), "cut at {at}");
        }
        checkpoints.remove(unit);
        checkpoints.tidy();
        assert!(!checkpoints.folder.exists());
    }
}
