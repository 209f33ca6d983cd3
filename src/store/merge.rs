//! Result files of parts of one job into one file: the same bytes as one run of the whole.

use super::contents::SampleRange;
use super::lock::Lock;
use super::provenance::record_segment;
use super::publish::{beside, write_new};
use super::schema;
use super::status::read_with_journal;
use super::{Contents, FinishedUnit};
use crate::record::UnitId;
use crate::{Error, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Samples of a cell that no input has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Row of `/cells`.
    pub cell: u32,
    /// First missing sample.
    pub start: u64,
    /// One past the last missing sample.
    pub end: u64,
}

/// What was merged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    /// Finished units.
    pub done: u64,
    /// Units of the whole job.
    pub total: u64,
    /// Units that were in more than one input, identical.
    pub duplicates: u64,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// Merges result files of one job (equal fingerprints) into `out`. Finished units in an input's
/// journal count; units in several inputs must be identical. The merged file is for the whole job:
/// the largest `samples` of any input, every range.
///
/// `/scaling` and other groups are not merged, since they speak of their own file.
///
/// # Errors
/// `Usage` if `out` exists and `overwrite` is not set, or there is no input; `Data` if the inputs
/// are not of one job or contradict each other; `Io`.
pub fn merge(inputs: &[PathBuf], out: &Path, overwrite: bool) -> Result<Merged> {
    let Some((first, rest)) = inputs.split_first() else {
        return Err(Error::Usage("merge: expected at least one result file".into()));
    };
    if !overwrite && out.exists() {
        let what = if same_file(inputs, out) { "is one of the inputs" } else { "exists" };
        return Err(Error::Usage(format!(
            "{} {what}: choose another -o, or say --overwrite",
            out.display()
        )));
    }
    let lock = Lock::acquire(out, None, false)?;
    // An input's journal is merged with it; another's would be replayed into the merged file.
    let journal = beside(out, ".journal");
    if journal.exists() && !same_file(inputs, out) {
        let detail = "it holds units of a run into the output that did not end: finish that run, \
                      or remove this file";
        return Err(Error::data(journal, detail));
    }
    let (mut merged, _) = read_with_journal(first)?;
    let mut duplicates = 0;
    for path in rest {
        let (other, _) = read_with_journal(path)?;
        duplicates += add(&mut merged, other, first, path)?;
    }
    merged.ranges = vec![SampleRange::ALL];
    merged.segments.sort_by(|a, b| (&a.start, &a.host, a.pid).cmp(&(&b.start, &b.host, b.pid)));
    write_new(out, |file| schema::write(file, &merged))?;
    lock.release();
    let tally = merged.tally();
    Ok(Merged { done: tally.done, total: tally.total, duplicates, gaps: gaps(&merged) })
}

fn same_file(inputs: &[PathBuf], out: &Path) -> bool {
    let Ok(out) = out.canonicalize() else { return false };
    inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == out))
}

/// Adds `other` (read from `path`) to `merged` (begun with `first`); returns the units in both.
fn add(merged: &mut Contents, other: Contents, first: &Path, path: &Path) -> Result<u64> {
    let fail = |detail: String| Err(Error::data(path, detail));
    if other.fingerprint != merged.fingerprint {
        let first = first.display();
        return fail(format!(
            "another job than {first}: fingerprint {} and {}",
            other.fingerprint, merged.fingerprint
        ));
    }
    if other.columns != merged.columns || other.cells.len() != merged.cells.len() {
        return fail(format!("other columns than {}: made by another version", first.display()));
    }
    for (cell, theirs) in merged.cells.iter_mut().zip(&other.cells) {
        cell.samples = cell.samples.max(theirs.samples);
    }
    let mut duplicates = 0;
    for (unit, record) in other.records {
        match merged.records.get(&unit) {
            Some(ours) if *ours == record => duplicates += 1,
            Some(ours) => {
                let differs = ours.iter().zip(&record).position(|(a, b)| a != b).unwrap_or(0);
                let name = &merged.columns[differs].name;
                return fail(format!(
                    "{unit} contradicts an earlier input: {name} = {:?} here, {:?} there",
                    record[differs], ours[differs]
                ));
            }
            None => {
                let seconds = other.seconds.get(&unit).copied().unwrap_or(0.0);
                let finished = FinishedUnit { unit, record, seconds };
                merged.insert(finished).map_err(|error| Error::data(path, error))?;
            }
        }
    }
    other.segments.into_iter().for_each(|row| record_segment(&mut merged.segments, row));
    Ok(duplicates)
}

/// The missing units as runs of samples.
fn gaps(contents: &Contents) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for UnitId { cell, sample } in contents.missing() {
        match gaps.last_mut() {
            Some(gap) if gap.cell == cell && gap.end == sample => gap.end += 1,
            _ => gaps.push(Gap { cell, start: sample, end: sample + 1 }),
        }
    }
    gaps
}
