//! What a result file holds, in memory.

use super::Segment;
use crate::job::{Cell, Job};
use crate::record::{Column, Record, UnitId, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `--samples A..B`: a half-open range of disorder samples; without an end, all from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SampleRange {
    /// First sample.
    pub start: u64,
    /// One past the last sample; `None` means as many as the job asks for.
    pub end: Option<u64>,
}

impl SampleRange {
    /// All samples of the job.
    pub const ALL: Self = Self { start: 0, end: None };

    /// Whether `sample` lies in the range.
    pub fn contains(self, sample: u64) -> bool {
        sample >= self.start && self.end.is_none_or(|end| sample < end)
    }

    /// The part of 0..`samples` that lies in the range.
    pub fn clip(self, samples: u64) -> std::ops::Range<u64> {
        let end = self.end.map_or(samples, |end| end.min(samples));
        self.start.min(end)..end
    }
}

impl std::fmt::Display for SampleRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..", self.start)?;
        self.end.map_or(Ok(()), |end| write!(f, "{end}"))
    }
}

impl std::str::FromStr for SampleRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("\"{text}\": expected a half-open range such as 0..100 or 100..");
        let (start, end) = text.split_once("..").ok_or_else(expected)?;
        let number = |part: &str| part.trim().parse::<u64>().map_err(|_| expected());
        let start = number(start)?;
        let end = if end.trim().is_empty() { None } else { Some(number(end)?) };
        match end {
            Some(end) if end <= start => Err(format!("\"{text}\" holds no sample")),
            _ => Ok(Self { start, end }),
        }
    }
}

/// One row of `/cells`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellRow {
    /// N.
    pub inputs: u64,
    /// K.
    pub hidden: u64,
    /// P.
    pub patterns: u64,
    /// P/N.
    pub alpha: f64,
    /// alpha as the job file asks for it.
    pub alpha_requested: f64,
    /// Margin κ.
    pub kappa: f64,
    /// Weight space.
    pub weights: String,
    /// Activation with its parameter.
    pub activation: String,
    /// `tree` or `full`.
    pub connectivity: String,
    /// Solver.
    pub solver: String,
    /// Disorder samples wanted.
    pub samples: u64,
}

/// Units of a file, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Finished units.
    pub done: u64,
    /// Units the file is for.
    pub total: u64,
    /// Finished and solved.
    pub solved: u64,
    /// Finished and stopped by the solver's limit.
    pub censored: u64,
}

/// Everything in a result file that this program writes. Other groups (`/scaling`, `/theory`, a
/// user's own) stay in the file and are carried over by every commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The job file, verbatim.
    pub text: String,
    /// The job's name.
    pub name: String,
    /// The resolved physics as canonical JSON: what the fingerprint covers.
    pub resolved_json: String,
    /// SHA-256 of [`Self::resolved_json`].
    pub fingerprint: String,
    /// Seed of all streams.
    pub seed: u64,
    /// The grid.
    pub cells: Vec<CellRow>,
    /// Columns of a record.
    pub columns: Vec<Column>,
    /// Sample ranges this file is for, sorted and disjoint.
    pub ranges: Vec<SampleRange>,
    /// Finished units.
    pub records: BTreeMap<UnitId, Record>,
    /// Seconds that each finished unit took on its core.
    pub seconds: BTreeMap<UnitId, f64>,
    /// Run segments, oldest first.
    pub segments: Vec<Segment>,
}

impl Contents {
    /// The contents before anything has run.
    pub fn new(job: &Job, range: SampleRange) -> Self {
        let _ = (job, range);
        todo!()
    }

    /// Counts finished, wanted, solved and censored units.
    pub fn tally(&self) -> Tally {
        todo!()
    }

    /// Units wanted and not finished, sorted.
    pub fn missing(&self) -> Vec<UnitId> {
        todo!()
    }

    /// Index of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The value of a column in a record, `None` if there is no such unit or column.
    pub fn value(&self, unit: UnitId, column: &str) -> Option<&Value> {
        self.records.get(&unit)?.get(self.column(column)?)
    }
}

impl CellRow {
    /// The row of a job's cell.
    pub fn new(job: &Job, cell: &Cell) -> Self {
        let _ = (job, cell);
        todo!()
    }
}
