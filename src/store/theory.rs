//! Theory tables in an HDF5 file: `/theory/<quantity>/<label>/<column>`.
//!
//! A table replaces the one of the same quantity and label and leaves the rest of the file alone,
//! so that several commands can gather their curves in one file, a simulation's result file
//! included; the file is replaced atomically. A column with missing values has a companion
//! `<column>_mask` (true = missing, value then 0).

use super::hdf;
use super::lock::Lock;
use super::publish::rewrite;
use super::tree::{Dataset, Group};
use crate::Result;
use crate::theory::table::{Attribute, Table};
use std::path::Path;

/// Writes `table` to `path`, creating the file if there is none. Takes the file's lock.
///
/// # Errors
/// `Data` if the file is not HDF5, `Io` if a job is writing it or it cannot be written or renamed.
pub fn write(path: &Path, table: &Table) -> Result<()> {
    let lock = Lock::acquire(path, None, false)?;
    let written = rewrite(path, &[], |file| {
        let quantity = child(&child(file, "theory")?, table.quantity)?;
        if quantity.link_exists(&table.label) {
            quantity.unlink(&table.label)?;
        }
        hdf::write_group(&quantity, &table.label, &tree(table))
    });
    lock.release();
    written
}

fn tree(table: &Table) -> Group {
    let mut group = Group::default();
    for (name, value) in &table.attributes {
        match value {
            Attribute::Text(word) => group.attribute(name, word.as_str()),
            Attribute::Number(number) => group.attribute(name, *number),
        }
    }
    for column in &table.columns {
        let describe = |dataset: Dataset| dataset.described(column.long_name, column.units);
        match column.values.iter().copied().collect::<Option<Vec<f64>>>() {
            Some(values) => group.insert(&column.name, describe(Dataset::new(values))),
            None => group.insert_partial(&column.name, &column.values, describe),
        }
    }
    group
}

/// The group `name` of `parent`, created if absent.
fn child(parent: &hdf5::Group, name: &str) -> hdf5::Result<hdf5::Group> {
    if parent.link_exists(name) {
        parent.group(name)
    } else {
        parent.create_group_builder().obj_track_times(false).create(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

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
        let mask = file.dataset("theory/entropy/a/q1_mask").unwrap().read_raw::<bool>().unwrap();
        assert_eq!(mask, [true, false]);
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
