//! Atomic replacement of a file: write beside it, fsync, rename, fsync the folder. A reader, a
//! kill or a full disk sees the old file or the new one, never a part.

use super::hdf;
use super::lock::Lock;
use super::tree::Group;
use crate::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// `path` with `suffix` appended to its file name: `OUT.h5` and `.journal` give `OUT.h5.journal`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Replaces `path` by what `fill` writes to the temporary file it is given.
///
/// # Errors
/// Those of `fill`; `Io`. The old file is then untouched and the temporary one gone.
pub fn replace_file(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let temporary = beside(path, ".tmp");
    let outcome = fill(&temporary).and_then(|()| {
        sync(&temporary).map_err(|error| Error::io(path, "write", error))?;
        std::fs::rename(&temporary, path).map_err(|error| Error::io(path, "rename", error))?;
        sync_folder(path)
    });
    if outcome.is_err() {
        // The error at hand matters more than a left-over file.
        let _ = std::fs::remove_file(&temporary);
    }
    outcome
}

fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a rename or a new name in the folder of `path` survive a power loss.
///
/// # Errors
/// `Io`.
pub fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync(folder).map_err(|error| Error::io(folder, "write", error))
}

/// Rewrites an HDF5 file (or starts one): the root members of the old one but for `drop`, then
/// what `fill` writes (it may change what it finds), then the old root attributes that `fill` did
/// not write. The caller holds the lock.
///
/// # Errors
/// `Data` if there is a file that is not HDF5; `Io`.
pub fn rewrite(
    path: &Path,
    drop: &[&str],
    fill: impl FnOnce(&hdf5::File) -> hdf5::Result<()>,
) -> Result<()> {
    let exists = path.try_exists().map_err(|error| Error::io(path, "read", error))?;
    let old = if exists { Some(hdf::open(path)?) } else { None };
    write_over(path, old, drop, fill)
}

/// Writes a new HDF5 file; of an old one of that name, which stays until the new one is whole,
/// nothing is carried over. The caller holds the lock.
///
/// # Errors
/// `Io`.
pub fn write_new(path: &Path, fill: impl FnOnce(&hdf5::File) -> hdf5::Result<()>) -> Result<()> {
    write_over(path, None, &[], fill)
}

fn write_over(
    path: &Path,
    old: Option<hdf::Opened>,
    drop: &[&str],
    fill: impl FnOnce(&hdf5::File) -> hdf5::Result<()>,
) -> Result<()> {
    replace_file(path, |temporary| {
        let write = |error: hdf5::Error| Error::io(path, "write", hdf::reason(&error));
        let new = hdf::create_file(temporary).map_err(write)?;
        let mut filled = old.as_ref().map_or(Ok(()), |old| members(old, &new, drop));
        filled = filled.and_then(|()| fill(&new));
        if let Some(old) = &old {
            filled = filled.and_then(|()| attributes(old, &new));
        }
        // Closed even after an error, so that the library forgets the file.
        let flushed = filled.and_then(|()| new.flush());
        let closed = new.close();
        flushed.and(closed).map_err(write)
    })
}

fn members(old: &hdf5::File, new: &hdf5::File, drop: &[&str]) -> hdf5::Result<()> {
    for name in old.member_names()? {
        if drop.contains(&name.as_str()) {
            continue;
        }
        match old.dataset(&name) {
            Ok(dataset) => dataset.copy_to(new, &name)?,
            Err(_) => old.group(&name)?.copy_to(new, &name)?,
        }
    }
    Ok(())
}

fn attributes(old: &hdf::Opened, new: &hdf5::File) -> hdf5::Result<()> {
    let present = new.attr_names()?;
    let mut attributes = hdf::read_attributes(old, old.size).map_err(|e| hdf5::Error::from(&*e))?;
    attributes.retain(|name, _| !present.contains(name));
    hdf::write_attributes(new, &attributes)
}

/// Replaces the root group `name` of the HDF5 file `path` by `group`, leaving the rest as it is;
/// starts the file if there is none. Takes the file's lock for the time it needs.
///
/// # Errors
/// `Io` if a running job holds the lock, or the file cannot be read or written; `Data` if it is
/// not an HDF5 file.
pub fn replace_group(path: &Path, name: &str, group: &Group) -> Result<()> {
    let lock = Lock::acquire(path, None, false)?;
    let written = rewrite(path, &[name], |file| hdf::write_group(file, name, group));
    lock.release();
    written
}
