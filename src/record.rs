//! What one unit of work reports: a row of typed values, described by columns.
//!
//! Solvers and observables declare [`Column`]s; a finished unit is a [`Record`], one [`Value`] a
//! column. The result file stores the columns as `/samples/NAME` and their statistics as
//! `/results/NAME`, knowing nothing of what they mean: a new observable touches neither.

use serde::{Deserialize, Serialize};

/// One unit of work: a disorder sample of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitId {
    /// Index of the cell in the job's sorted grid.
    pub cell: u32,
    /// Disorder sample.
    pub sample: u64,
}

impl std::fmt::Display for UnitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cell {} sample {}", self.cell, self.sample)
    }
}

/// Abscissa of a vector column, for instance the distances of a local energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Name, an identifier.
    pub name: String,
    /// Units, "1" for pure numbers.
    pub units: String,
    /// One value an entry of the vector.
    pub values: Vec<f64>,
}

/// Type and shape of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A non-negative integer.
    Count,
    /// A real number.
    Real,
    /// Real numbers along an axis; components that are missing are masked.
    Vector(Axis),
    /// Raw bytes of a fixed length (bit-packed or f32 weights).
    Bytes(usize),
}

/// How `/results` condenses a column over the disorder samples of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Estimator {
    /// Fraction of `true` with the Wilson 68 % interval.
    Fraction,
    /// Mean with the standard error of the sample-to-sample spread.
    Mean,
    /// Median by Kaplan–Meier, right-censored where the column `censored` is set.
    Survival,
    /// Stored a sample, not condensed.
    None,
}

/// A column of `/samples`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Dataset name.
    pub name: String,
    /// What it is, for a figure's axis or a reader of the file.
    pub long_name: String,
    /// Units, "1" for pure numbers.
    pub units: String,
    /// Type and shape.
    pub kind: Kind,
    /// What `/results` makes of it.
    pub estimator: Estimator,
}

impl Column {
    /// A dimensionless column.
    pub fn new(name: &str, long_name: &str, kind: Kind, estimator: Estimator) -> Self {
        Self {
            name: name.to_owned(),
            long_name: long_name.to_owned(),
            units: "1".to_owned(),
            kind,
            estimator,
        }
    }
}

/// One entry of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Not defined for this unit (masked in the file).
    Missing,
    /// For [`Kind::Bool`].
    Bool(bool),
    /// For [`Kind::Count`].
    Count(u64),
    /// For [`Kind::Real`]; finite.
    Real(f64),
    /// For [`Kind::Vector`]; finite, at most as long as the axis.
    Vector(Vec<f64>),
    /// For [`Kind::Bytes`].
    Bytes(Vec<u8>),
    /// For [`Kind::Vector`] with gaps; made by [`Value::partial`] alone.
    Partial(Vec<Option<f64>>),
}

impl Value {
    /// A vector where single components may be missing, in its one canonical form.
    pub fn partial(mut entries: Vec<Option<f64>>) -> Self {
        while entries.last().is_some_and(Option::is_none) {
            entries.pop();
        }
        match entries.iter().copied().collect::<Option<Vec<f64>>>() {
            Some(whole) if whole.is_empty() => Value::Missing,
            Some(whole) => Value::Vector(whole),
            None => Value::Partial(entries),
        }
    }

    /// Component `at` of a vector, where there is one.
    pub fn component(&self, at: usize) -> Option<f64> {
        match self {
            Value::Vector(entries) => entries.get(at).copied(),
            Value::Partial(entries) => entries.get(at).copied().flatten(),
            _ => None,
        }
    }

    /// As JSON: what is missing, and bytes, are null.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Value::Missing | Value::Bytes(_) => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Count(count) => (*count).into(),
            Value::Real(x) => (*x).into(),
            Value::Vector(entries) => entries.as_slice().into(),
            Value::Partial(entries) => entries.iter().copied().collect(),
        }
    }

    /// Whether the value is missing or of `kind` with a fitting length and finite numbers.
    pub fn fits(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Value::Missing, _) | (Value::Bool(_), Kind::Bool) | (Value::Count(_), Kind::Count) => {
                true
            }
            (Value::Real(x), Kind::Real) => x.is_finite(),
            (Value::Vector(v), Kind::Vector(axis)) => {
                v.len() <= axis.values.len() && v.iter().all(|x| x.is_finite())
            }
            (Value::Partial(v), Kind::Vector(axis)) => {
                let mut present = v.iter().flatten();
                v.len() <= axis.values.len() && present.all(|x| x.is_finite())
            }
            (Value::Bytes(b), Kind::Bytes(len)) => b.len() <= *len,
            _ => false,
        }
    }
}

/// One value a column, in the order of the job's columns.
pub type Record = Vec<Value>;
