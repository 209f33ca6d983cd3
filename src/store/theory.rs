//! Theory tables in an HDF5 file: `/theory/<quantity>/<label>/<column>`.
//!
//! A table replaces the one of the same quantity and label and leaves the rest of the file alone,
//! so that several commands can gather their curves in one file, a simulation's result file
//! included. The file is copied, changed, fsynced and renamed: a reader sees the old or the new
//! one. A column with missing values has a companion `<column>_mask` (1 = missing, value then 0).

use crate::Result;
use crate::error::Error;
use crate::theory::table::{Attribute, Table};
use hdf5::types::VarLenUnicode;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Writes `table` to `path`, creating the file if there is none.
///
/// # Errors
/// `Data` if the file is not HDF5, `Io` if it cannot be copied, written or renamed.
pub fn write(path: &Path, table: &Table) -> Result<()> {
    let temporary = beside(path);
    let outcome = fill(path, &temporary, table).and_then(|()| publish(&temporary, path));
    if outcome.is_err() {
        // The error at hand matters more than a left-over file.
        let _ = std::fs::remove_file(&temporary);
    }
    outcome
}

fn fill(path: &Path, temporary: &Path, table: &Table) -> Result<()> {
    let io = |error: hdf5::Error| Error::io(path, "write", error);
    let exists = path.try_exists().map_err(|error| Error::io(path, "read", error))?;
    let file = if exists {
        std::fs::copy(path, temporary).map_err(|error| Error::io(path, "read", error))?;
        hdf5::File::open_rw(temporary)
            .map_err(|error| Error::data(path, format!("not an HDF5 file: {error}")))?
    } else {
        hdf5::File::create(temporary).map_err(io)?
    };
    put(&file, table).map_err(io)?;
    file.close().map_err(io)
}

fn put(file: &hdf5::File, table: &Table) -> hdf5::Result<()> {
    let theory = child(file, "theory")?;
    let quantity = child(&theory, table.quantity)?;
    if quantity.link_exists(&table.label) {
        quantity.unlink(&table.label)?;
    }
    let group =
        quantity.create_group_builder().obj_track_times(false).create(table.label.as_str())?;
    for (name, value) in &table.attributes {
        match value {
            Attribute::Text(word) => text_attribute(&group, name, word)?,
            Attribute::Number(number) => {
                group.new_attr::<f64>().create(name.as_str())?.write_scalar(number)?;
            }
        }
    }
    for column in &table.columns {
        let values: Vec<f64> = column.values.iter().map(|v| v.unwrap_or(0.0)).collect();
        let builder = group.new_dataset_builder().obj_track_times(false);
        let dataset = builder.with_data(&values).create(column.name.as_str())?;
        text_attribute(&dataset, "units", column.units)?;
        text_attribute(&dataset, "long_name", column.long_name)?;
        if column.values.iter().any(Option::is_none) {
            let mask: Vec<u8> = column.values.iter().map(|v| u8::from(v.is_none())).collect();
            let name = format!("{}_mask", column.name);
            let builder = group.new_dataset_builder().obj_track_times(false);
            builder.with_data(&mask).create(name.as_str())?;
        }
    }
    Ok(())
}

/// The group `name` of `parent`, created if absent.
fn child(parent: &hdf5::Group, name: &str) -> hdf5::Result<hdf5::Group> {
    if parent.link_exists(name) {
        parent.group(name)
    } else {
        parent.create_group_builder().obj_track_times(false).create(name)
    }
}

fn text_attribute(location: &hdf5::Location, name: &str, value: &str) -> hdf5::Result<()> {
    let text: VarLenUnicode =
        value.parse().map_err(|error| hdf5::Error::from(format!("attribute {name}: {error}")))?;
    location.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&text)
}

/// A temporary name in the same folder.
fn beside(path: &Path) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".tmp{}", std::process::id()));
    path.with_file_name(name)
}

/// fsync, rename, fsync the folder.
fn publish(temporary: &Path, path: &Path) -> Result<()> {
    let sync = |target: &Path| std::fs::File::open(target).and_then(|file| file.sync_all());
    sync(temporary).map_err(|error| Error::io(path, "write", error))?;
    std::fs::rename(temporary, path).map_err(|error| Error::io(path, "rename", error))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync(folder).map_err(|error| Error::io(path, "write", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(label: &str, value: f64) -> Table {
        Table::new("entropy", label)
            .text("weights", "binary")
            .number("kappa", 0.25)
            .column("alpha", "1", "load", vec![value, 2.0])
            .partial("q1", "1", "overlap", vec![None, Some(3.0)])
    }

    #[test]
    fn tables_gather_replace_and_leave_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.h5");
        {
            let file = hdf5::File::create(&path).unwrap();
            file.new_dataset_builder().with_data(&[7i32]).create("results").unwrap();
        }
        write(&path, &table("a", 1.0)).unwrap();
        write(&path, &table("b", 4.0)).unwrap();
        write(&path, &table("a", 5.0)).unwrap();
        let file = hdf5::File::open(&path).unwrap();
        assert_eq!(file.dataset("results").unwrap().read_raw::<i32>().unwrap(), [7]);
        let read = |name: &str| file.dataset(name).unwrap().read_raw::<f64>().unwrap();
        assert_eq!(read("theory/entropy/a/alpha"), [5.0, 2.0]);
        assert_eq!(read("theory/entropy/b/alpha"), [4.0, 2.0]);
        assert_eq!(read("theory/entropy/a/q1"), [0.0, 3.0]);
        let mask = file.dataset("theory/entropy/a/q1_mask").unwrap().read_raw::<u8>().unwrap();
        assert_eq!(mask, [1, 0]);
        let kappa = file.group("theory/entropy/a").unwrap().attr("kappa").unwrap();
        assert_eq!(kappa.read_scalar::<f64>().unwrap(), 0.25);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_foreign_file_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "not HDF5").unwrap();
        assert!(matches!(write(&path, &table("a", 1.0)), Err(Error::Data { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not HDF5");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let missing = folder.path().join("no/such/folder.h5");
        assert!(matches!(write(&missing, &table("a", 1.0)), Err(Error::Io { .. })));
    }
}
