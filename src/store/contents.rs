//! What a result file holds, in memory.

use super::{FinishedUnit, Segment};
use crate::job::{Cell, Job, canonical_json};
use crate::model::Connectivity;
use crate::record::{Column, Kind, Record, UnitId, Value};
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
    /// Its parameters in this cell, JSON.
    pub parameters: String,
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
        Self {
            text: job.text.clone(),
            name: job.name.clone(),
            resolved_json: canonical_json(&job.physics()),
            fingerprint: job.fingerprint(),
            seed: job.seed,
            cells: job.cells.iter().map(|cell| CellRow::new(job, cell)).collect(),
            columns: job.columns(),
            ranges: vec![range],
            records: BTreeMap::new(),
            seconds: BTreeMap::new(),
            segments: Vec::new(),
        }
    }

    /// Adds a range of samples to those the file is for.
    pub fn add_range(&mut self, range: SampleRange) {
        self.ranges.push(range);
        self.ranges.sort();
        let mut joined: Vec<SampleRange> = Vec::new();
        for range in self.ranges.drain(..) {
            match joined.last_mut() {
                Some(last) if last.end.is_none_or(|end| range.start <= end) => {
                    // `None` is the largest end.
                    last.end = last.end.zip(range.end).map(|(a, b)| a.max(b));
                }
                _ => joined.push(range),
            }
        }
        self.ranges = joined;
    }

    /// Whether the file is for this unit.
    pub fn wants(&self, unit: UnitId) -> bool {
        self.cells.get(unit.cell as usize).is_some_and(|cell| unit.sample < cell.samples)
            && self.ranges.iter().any(|range| range.contains(unit.sample))
    }

    /// Counts finished, wanted, solved and censored units.
    pub fn tally(&self) -> Tally {
        let count = |name: &str| {
            let Some(column) = self.column(name) else { return 0 };
            self.records.values().filter(|record| record[column] == Value::Bool(true)).count()
        };
        Tally {
            done: self.records.len() as u64,
            total: self.wanted().map(|(_, samples)| samples.end - samples.start).sum(),
            solved: count("solved") as u64,
            censored: count("censored") as u64,
        }
    }

    /// Units wanted and not finished, sorted.
    pub fn missing(&self) -> impl Iterator<Item = UnitId> {
        self.wanted()
            .flat_map(|(cell, samples)| samples.map(move |sample| UnitId { cell, sample }))
            .filter(|unit| !self.records.contains_key(unit))
    }

    /// (cell, samples) that the file is for, sorted.
    fn wanted(&self) -> impl Iterator<Item = (u32, std::ops::Range<u64>)> {
        self.cells.iter().zip(0..).flat_map(|(row, cell)| {
            self.ranges.iter().map(move |range| (cell, range.clip(row.samples)))
        })
    }

    /// Index of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The value of a column in a record, `None` if there is no such unit or column.
    pub fn value(&self, unit: UnitId, column: &str) -> Option<&Value> {
        self.records.get(&unit)?.get(self.column(column)?)
    }

    /// The finished units of a cell, sorted by sample.
    pub fn samples(&self, cell: u32) -> impl Iterator<Item = (u64, &Record)> {
        let first = UnitId { cell, sample: 0 };
        let last = UnitId { cell, sample: u64::MAX };
        self.records.range(first..=last).map(|(unit, record)| (unit.sample, record))
    }

    /// Whether a finished unit belongs here.
    ///
    /// # Errors
    /// A message if the unit is not one of the job's or the record does not fit the columns.
    pub fn check(&self, finished: &FinishedUnit) -> Result<(), String> {
        let FinishedUnit { unit, record, .. } = finished;
        if self.cells.get(unit.cell as usize).is_none_or(|cell| unit.sample >= cell.samples) {
            return Err(format!("{unit} is not one of the job's"));
        }
        if record.len() != self.columns.len() {
            let (found, expected) = (record.len(), self.columns.len());
            return Err(format!("{unit}: {found} values for {expected} columns"));
        }
        for (value, column) in record.iter().zip(&self.columns) {
            let missing = *value == Value::Missing && !has_mask(column);
            if missing || !value.fits(&column.kind) {
                return Err(format!("{unit}: {value:?} does not fit column {}", column.name));
            }
        }
        Ok(())
    }

    /// Adds a finished unit; `false` if it was there already.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn insert(&mut self, finished: FinishedUnit) -> Result<bool, String> {
        self.check(&finished)?;
        let FinishedUnit { unit, mut record, seconds } = finished;
        if self.records.contains_key(&unit) {
            return Ok(false);
        }
        for (value, column) in record.iter_mut().zip(&self.columns) {
            // As the file gives it back: bytes padded, no trace of a vector without entries.
            match (&mut *value, &column.kind) {
                (Value::Bytes(bytes), Kind::Bytes(len)) => bytes.resize(*len, 0),
                (Value::Vector(entries), _) if entries.is_empty() => *value = Value::Missing,
                (Value::Partial(entries), _) => *value = Value::partial(std::mem::take(entries)),
                _ => {}
            }
        }
        self.records.insert(unit, record);
        self.seconds.insert(unit, if seconds.is_finite() { seconds } else { 0.0 });
        Ok(true)
    }
}

/// Whether a column may miss values, and then has a companion `NAME_mask`, whether or not some
/// are missing at the time. Only the two that say how a unit ended are always there.
pub fn has_mask(column: &Column) -> bool {
    !matches!(column.name.as_str(), "solved" | "censored")
}

impl CellRow {
    /// The row of a job's cell.
    pub fn new(job: &Job, cell: &Cell) -> Self {
        let activation = &job.model.activation;
        let solver = serde_json::to_value(&cell.solver).expect("plain data");
        Self {
            inputs: cell.inputs() as u64,
            hidden: cell.hidden() as u64,
            patterns: cell.patterns as u64,
            alpha: cell.alpha(),
            alpha_requested: cell.alpha_requested,
            kappa: job.model.kappa,
            weights: job.model.weights.name().to_owned(),
            activation: match activation.parameter() {
                Some((_, parameter)) => format!("{}({parameter})", activation.name()),
                None => activation.name().to_owned(),
            },
            connectivity: match job.model.connectivity {
                Connectivity::Tree => "tree".to_owned(),
                Connectivity::Full => "full".to_owned(),
            },
            solver: cell.solver.name().to_owned(),
            parameters: canonical_json(&solver[cell.solver.name()]),
            samples: cell.samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_parse_join_and_clip() {
        let range = |text: &str| text.parse::<SampleRange>().unwrap();
        assert_eq!(range("3..7"), SampleRange { start: 3, end: Some(7) });
        assert_eq!(range("3.."), SampleRange { start: 3, end: None });
        assert_eq!(range("3..7").to_string(), "3..7");
        assert_eq!(range("0..").to_string(), "0..");
        for text in ["", "3", "7..3", "3..3", "..3", "-1..3", "a..b", "1...3", "1..=3"] {
            assert!(text.parse::<SampleRange>().is_err(), "{text}");
        }
        assert_eq!(range("3..7").clip(5), 3..5);
        assert!(range("3..7").clip(2).is_empty());
        assert_eq!(SampleRange::ALL.clip(5), 0..5);
        let join = |texts: &[&str]| {
            let mut contents = super::super::example::contents();
            contents.ranges.clear();
            texts.iter().for_each(|text| contents.add_range(range(text)));
            contents.ranges.iter().map(SampleRange::to_string).collect::<Vec<_>>()
        };
        assert_eq!(join(&["5..9", "0..5"]), ["0..9"]);
        assert_eq!(join(&["6..9", "0..5"]), ["0..5", "6..9"]);
        assert_eq!(join(&["2..", "4..5", "0..1"]), ["0..1", "2.."]);
        assert_eq!(join(&["2..4", "0..", "7..8"]), ["0.."]);
    }
}
