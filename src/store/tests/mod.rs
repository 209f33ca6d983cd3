//! Tests of the store as a whole: round trips, kills at every byte, damage, merging.

mod deaths;
mod released;
mod scale;

use super::example::{self, finished, full, job, units};
use super::publish::beside;
use super::*;
use crate::job::Job;
use crate::record::{Axis, Column, Estimator, Kind, UnitId, Value};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.h5");
    (folder, out)
}

fn open_for(out: &Path, job: &Job, range: &str) -> Result<Store> {
    let launch = Launch { ranks: 2, isa: "scalar".into(), ..Launch::default() };
    let range = if range.is_empty() { SampleRange::ALL } else { range.parse().unwrap() };
    Store::open(out, job, range, launch, false)
}

fn open(out: &Path) -> Store {
    open_for(out, &job(), "").unwrap()
}

/// Files of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn write_twice(contents: &Contents) -> (Vec<u8>, Vec<u8>) {
    let (_folder, out) = folder();
    output::write(&out, contents).unwrap();
    let first = std::fs::read(&out).unwrap();
    // Later than the resolution of any time stamp that might have slipped in.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    output::write(&out, contents).unwrap();
    (first, std::fs::read(&out).unwrap())
}

/// A finished file with these units.
fn folder_with(units: &[FinishedUnit]) -> (tempfile::TempDir, PathBuf) {
    let (folder, out) = folder();
    let mut store = open(&out);
    store.finished(units.to_vec()).unwrap();
    store.close("complete").unwrap();
    (folder, out)
}

#[test]
fn every_kind_of_column_round_trips() {
    let (_folder, out) = folder();
    let mut contents = full();
    contents.segments.push(Segment::begin(Launch::default()));
    assert_eq!(contents.tally().done, 10);
    output::write(&out, &contents).unwrap();
    assert_eq!(read(&out).unwrap(), contents);
    assert_eq!(digest::digest(&out).unwrap(), digest::stored(&out).unwrap());
    // What the rest of the program and readers in other languages rely on.
    let file = hdf5::File::open(&out).unwrap();
    let dataset = |name: &str| file.dataset(name).unwrap();
    assert!(dataset("samples/solved").dtype().unwrap().is::<bool>());
    assert!(dataset("samples/epochs").dtype().unwrap().is::<u64>());
    assert_eq!(dataset("samples/curve").shape(), [10, 3]);
    assert_eq!(dataset("samples/curve_mask").shape(), [10, 3]);
    assert_eq!(dataset("samples/weights_mask").shape(), [10]);
    assert!(file.dataset("samples/solved_mask").is_err());
    assert_eq!(dataset("samples/cell").read_raw::<u32>().unwrap(), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(dataset("results/curve/mean").shape(), [2, 3]);
    assert_eq!(dataset("results/epochs/count").shape(), [2]);
    assert!(file.group("results/weights").is_err());
    let real = dataset("samples/extra").read_raw::<f64>().unwrap();
    assert!(real.iter().all(|x| x.is_finite()) && real.contains(&0.0));
}

/// Gaps in a vector come back as gaps, in file and journal form alike, and statistics skip them.
#[test]
fn vectors_may_have_gaps() {
    let (_folder, out) = folder();
    let mut contents = example::contents();
    let axis = Axis { name: "d".into(), units: "1".into(), values: vec![0.1, 0.2, 0.3] };
    let column = Column::new("curve", "a curve", Kind::Vector(axis), Estimator::Mean);
    contents.columns.push(column);
    let curve = contents.columns.len() - 1;
    for (index, mut unit) in units(&contents, 0..10).into_iter().enumerate() {
        unit.record[curve] = match index % 3 {
            0 => Value::Partial(vec![None, Some(2.0), None]),
            1 => Value::Partial(vec![Some(1.0), None, Some(3.0)]),
            _ => Value::Partial(vec![None, None]),
        };
        assert!(contents.insert(unit).unwrap());
    }
    output::write(&out, &contents).unwrap();
    let back = read(&out).unwrap();
    assert_eq!(back, contents);
    let found: Vec<&Value> = back.records.values().map(|record| &record[curve]).collect();
    assert_eq!(found[0], &Value::Partial(vec![None, Some(2.0)]));
    assert_eq!(found[2], &Value::Missing);
    let of_first_cell = &summaries(&back, curve)[0];
    assert_eq!(of_first_cell.iter().map(|s| s.count).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(of_first_cell.iter().map(|s| s.mean).collect::<Vec<_>>(), [1.0, 2.0, 3.0].map(Some));
}

#[test]
fn two_writes_give_the_same_file() {
    let (first, second) = write_twice(&full());
    assert!(first == second, "the file depends on something but its contents");
}

#[test]
fn large_files_are_compressed_and_the_same_bytes_too() {
    let mut contents = example::contents();
    contents.cells[0].samples = 20_000;
    for unit in units(&contents, 0..20_000) {
        contents.insert(unit).unwrap();
    }
    let (first, second) = write_twice(&contents);
    assert!(first == second);
    let (_folder, out) = folder();
    std::fs::write(&out, first).unwrap();
    let file = hdf5::File::open(&out).unwrap();
    assert!(file.dataset("samples/epochs").unwrap().is_chunked());
    assert!(!file.dataset("cells/N").unwrap().is_chunked());
    assert_eq!(read(&out).unwrap(), contents);
}

#[test]
fn a_run_leaves_one_whole_file_and_nothing_else() {
    let (folder, out) = folder();
    let mut store = open(&out);
    assert_eq!(read(&out).unwrap().tally().done, 0, "whole from the first moment");
    let all = units(store.contents(), 0..10);
    let (first, second) = all.split_at(4);
    store.assigned(0, &first.iter().map(|unit| unit.unit).collect::<Vec<_>>()).unwrap();
    store.finished(first.to_vec()).unwrap();
    store.finished(first.to_vec()).unwrap();
    assert_eq!(store.uncommitted(), 4);
    assert_eq!(read(&out).unwrap().records.len(), 0);
    store.commit().unwrap();
    assert_eq!((store.uncommitted(), read(&out).unwrap().records.len()), (0, 4));
    assert_eq!(read(&out).unwrap().segments[0].stop_reason, "running");
    store.finished(second.to_vec()).unwrap();
    store.close("complete").unwrap();
    assert_eq!(names(folder.path()), ["out.h5"]);
    let contents = read(&out).unwrap();
    assert_eq!(contents.tally(), Tally { done: 10, total: 10, ..contents.tally() });
    assert_eq!(contents.segments.len(), 1);
    assert_eq!(contents.segments[0].stop_reason, "complete");
    assert_eq!(contents.segments[0].launch.ranks, 2);
}

#[test]
fn records_that_do_not_fit_are_refused() {
    let (_folder, out) = folder();
    let mut store = open(&out);
    let good = finished(&store.contents().columns, 0, 0);
    let mut bad = vec![good.clone(); 5];
    bad[0].record.pop();
    bad[1].unit.sample = 6;
    bad[2].unit.cell = 2;
    bad[3].record[0] = crate::record::Value::Missing;
    bad[4].record[2] = crate::record::Value::Real(1.0);
    for unit in bad {
        let error = store.finished(vec![good.clone(), unit]).unwrap_err();
        assert!(matches!(error, Error::Internal(_)), "{error}");
    }
    assert!(!store.is_done(good.unit), "all or nothing");
}

#[test]
fn another_job_fewer_samples_and_a_second_writer_are_refused() {
    let (_folder, out) = folder();
    let open_text = |text: &str| open_for(&out, &Job::parse("job.toml", text).unwrap(), "");
    let store = open(&out);
    let error = open_for(&out, &job(), "").unwrap_err();
    assert_eq!(error.exit().code(), 74);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    store.close("signal").unwrap();
    let error = open_text(&example::JOB.replace("seed = 7", "seed = 8")).unwrap_err();
    assert_eq!(error.exit().code(), 65);
    assert!(error.to_string().contains("seed: 7 -> 8"), "{error}");
    let error = open_text(&example::JOB.replace("samples = 6", "samples = 5")).unwrap_err();
    assert_eq!(error.exit().code(), 65);
    assert!(error.to_string().contains("6 samples in the file, 5 in the job"), "{error}");
    // More samples, other [run], another name: resumed.
    let more =
        example::JOB.replace("samples = 6", "samples = 8") + "[run]\ncheckpoint_every = \"9s\"";
    open_text(&more).unwrap().close("signal").unwrap();
    let contents = read(&out).unwrap();
    assert_eq!((contents.tally().total, &contents.text), (12, &more));
}

#[test]
fn own_groups_of_others_survive_commits() {
    let (_folder, out) = folder();
    let mut store = open(&out);
    let mut group = Group::default();
    group.attribute("kind", "algorithmic");
    group.insert_partial("alpha", &[Some(0.5), None], |dataset| dataset.described("x", "1"));
    let error = replace_group(&out, "scaling", &group).unwrap_err();
    assert_eq!(error.exit().code(), 74, "a running job keeps others out");
    store.commit().unwrap();
    store.close("signal").unwrap();
    replace_group(&out, "scaling", &group).unwrap();
    replace_group(&out, "notes", &Group::default()).unwrap();
    group.attribute("kind", "exact");
    replace_group(&out, "scaling", &group).unwrap();
    {
        // A type that this program does not know, and a root attribute.
        let file = hdf5::File::open_rw(&out).unwrap();
        let values = [hdf5::types::FixedAscii::<5>::from_ascii(b"hello").unwrap()];
        file.new_dataset_builder().with_data(&values).create("mine").unwrap();
        file.new_attr::<i32>().create("answer").unwrap().write_scalar(&42).unwrap();
    }
    let mut store = open(&out);
    store.finished(units(store.contents(), 0..10)).unwrap();
    store.close("complete").unwrap();
    let file = hdf5::File::open(&out).unwrap();
    let size = std::fs::metadata(&out).unwrap().len();
    assert_eq!(hdf::read_group(&file.group("scaling").unwrap(), size).unwrap(), group);
    assert!(file.group("notes").is_ok() && file.dataset("mine").is_ok());
    assert_eq!(file.attr("answer").unwrap().read_scalar::<i32>().unwrap(), 42);
    assert_eq!(file.attr("schema_version").unwrap().read_scalar::<u64>().unwrap(), SCHEMA);
}

#[test]
fn parts_merge_to_the_bytes_of_the_whole() {
    let (folder, whole) = folder_with(&units(&example::contents(), 0..10));
    let part = |name: &str, range: &str, samples: std::ops::Range<u64>| {
        let out = folder.path().join(name);
        let mut store = open_for(&out, &job(), range).unwrap();
        store.finished(units(store.contents(), samples)).unwrap();
        store.close("complete").unwrap();
        assert_eq!(status::status(&out).unwrap().state, status::State::Complete);
        out
    };
    let a = part("a.h5", "0..2", 0..2);
    let b = part("b.h5", "1..3", 1..3);
    let c = part("c.h5", "3..", 3..10);
    let out = folder.path().join("merged.h5");
    let inputs = [c.clone(), a.clone()];
    let merged = merge::merge(&inputs, &out, false).unwrap();
    assert_eq!((merged.done, merged.total, merged.duplicates), (8, 10, 0));
    let gap = |cell| merge::Gap { cell, start: 2, end: 3 };
    assert_eq!(merged.gaps, [gap(0), gap(1)]);
    assert_eq!(status::status(&out).unwrap().state, status::State::Incomplete);
    assert!(digest::first_difference(&out, &whole).unwrap().is_some());
    let inputs = [c.clone(), a.clone(), b];
    assert_eq!(merge::merge(&inputs, &out, false).unwrap_err().exit().code(), 2);
    assert!(merge::merge(&inputs, &a, false).unwrap_err().to_string().contains("inputs"));
    let merged = merge::merge(&inputs, &out, true).unwrap();
    assert_eq!((merged.done, merged.duplicates, merged.gaps.len()), (10, 2, 0));
    assert_eq!(digest::first_difference(&out, &whole).unwrap(), None);
    assert_eq!(digest::digest(&out).unwrap(), digest::digest(&whole).unwrap());
    assert_eq!(read(&out).unwrap().segments.len(), 3);
    // Merging over an input that then cannot be written loses nothing.
    let before = std::fs::read(&a).unwrap();
    std::fs::create_dir(beside(&a, ".tmp")).unwrap();
    assert_eq!(merge::merge(&inputs, &a, true).unwrap_err().exit().code(), 74);
    assert_eq!(std::fs::read(&a).unwrap(), before);
    std::fs::remove_dir(beside(&a, ".tmp")).unwrap();
    // Nor is the journal of a run that did not end replayed into the merged file.
    std::fs::write(beside(&out, ".journal"), b"").unwrap();
    assert_eq!(merge::merge(&inputs, &out, true).unwrap_err().exit().code(), 65);
    std::fs::remove_file(beside(&out, ".journal")).unwrap();
    // A contradiction names unit and column.
    let d = folder.path().join("d.h5");
    let mut contents = read(&a).unwrap();
    let unit = UnitId { cell: 1, sample: 1 };
    contents.records.get_mut(&unit).unwrap()[3] = crate::record::Value::Count(12345);
    output::write(&d, &contents).unwrap();
    let error = merge::merge(&[a, d], &folder.path().join("e.h5"), false).unwrap_err();
    assert_eq!(error.exit().code(), 65);
    let text = error.to_string();
    assert!(text.contains("cell 1 sample 1") && text.contains("presentations"), "{text}");
}

#[test]
fn differences_and_digests_see_one_bit() {
    let (folder, a) = folder_with(&[]);
    let b = folder.path().join("b.h5");
    let base = full();
    output::write(&a, &base).unwrap();
    let mut seen = std::collections::BTreeSet::from([digest::digest(&a).unwrap()]);
    let mut check = |change: &dyn Fn(&mut Contents), words: &str| {
        let mut contents = base.clone();
        change(&mut contents);
        output::write(&b, &contents).unwrap();
        let difference = digest::first_difference(&a, &b).unwrap();
        assert!(difference.clone().unwrap().contains(words), "{difference:?}");
        assert!(seen.insert(digest::digest(&b).unwrap()), "{words}");
    };
    let unit = UnitId { cell: 0, sample: 0 };
    let at = base.column("extra").unwrap();
    // Of equal statistics: −0 for 0 would be one bit.
    check(
        &|c| c.records.get_mut(&unit).unwrap()[at] = crate::record::Value::Real(-0.25),
        "/results/extra/",
    );
    check(&|c| c.cells[1].samples = 5, "/cells/samples: 4 and 5 at [1]");
    check(&|c| c.cells[1].solver = "other".into(), "/cells/solver: \"rsgd\" and \"other\"");
    check(&|c| c.columns[at].units = "s".into(), "/results/extra/error@units");
    check(&|c| drop(c.records.remove(&unit)), "/results/");
    check(&|c| c.columns[at].name = "zxtra".into(), "/results/extra/")
}

#[test]
fn files_that_are_no_sound_result_file_are_refused() {
    let (_folder, out) = folder();
    let refused = |words: &str| {
        for error in [read(&out).unwrap_err(), open_for(&out, &job(), "").unwrap_err()] {
            assert_eq!(error.exit().code(), 65, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    };
    assert_eq!(read(&out).unwrap_err().exit().code(), 74);
    std::fs::write(&out, "").unwrap();
    refused("empty");
    std::fs::write(&out, "schema = 1").unwrap();
    refused("not an HDF5 file");
    hdf5::File::create(&out).unwrap().close().unwrap();
    refused("not a result file");
    let edit = |change: &dyn Fn(&hdf5::File)| {
        std::fs::remove_file(&out).unwrap();
        output::write(&out, &full()).unwrap();
        let file = hdf5::File::open_rw(&out).unwrap();
        change(&file);
        file.close().unwrap();
    };
    edit(&|file| {
        file.delete_attr("schema_version").unwrap();
        file.new_attr::<u64>().create("schema_version").unwrap().write_scalar(&2u64).unwrap();
    });
    refused("schema 2");
    edit(&|file| file.unlink("cells").unwrap());
    refused("/cells is missing");
    edit(&|file| file.unlink("samples/epochs").unwrap());
    refused("epochs");
    edit(&|file| file.dataset("samples/cell").unwrap().write_raw(&[9u32; 10]).unwrap());
    refused("not sorted");
    edit(&|file| {
        file.dataset("samples/sample")
            .unwrap()
            .write_raw(&[0u64, 1, 2, 3, 4, 5, 0, 1, 2, 9])
            .unwrap();
    });
    refused("cell 1 sample 9");
    edit(&|file| file.dataset("samples/extra").unwrap().write_raw(&[f64::NAN; 10]).unwrap());
    refused("not finite");
}

#[test]
fn a_result_file_cut_anywhere_is_refused() {
    let (_folder, out) = folder();
    output::write(&out, &full()).unwrap();
    let whole = std::fs::read(&out).unwrap();
    for cut in (0..whole.len()).step_by(509) {
        std::fs::write(&out, &whole[..cut]).unwrap();
        assert_eq!(read(&out).unwrap_err().exit().code(), 65, "cut at {cut}");
    }
}

#[test]
fn a_failed_commit_leaves_the_old_file() {
    let (folder, out) = folder();
    let mut store = open(&out);
    let all = units(store.contents(), 0..10);
    store.finished(all[..3].to_vec()).unwrap();
    store.commit().unwrap();
    let before = std::fs::read(&out).unwrap();
    store.finished(all[3..].to_vec()).unwrap();
    // A folder in the way of the temporary file.
    std::fs::create_dir(beside(&out, ".tmp")).unwrap();
    let error = store.commit().unwrap_err();
    assert_eq!(error.exit().code(), 74);
    assert_eq!(std::fs::read(&out).unwrap(), before);
    std::fs::remove_dir(beside(&out, ".tmp")).unwrap();
    drop(store);
    let store = open(&out);
    assert_eq!(store.contents().records.len(), 10, "the journal kept them");
    drop(store);
    assert!(names(folder.path()).iter().all(|name| !name.ends_with(".tmp")));
}
