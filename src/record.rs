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
    /// Real numbers along an axis; a shorter value is padded and masked.
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
}

impl Value {
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
            (Value::Bytes(b), Kind::Bytes(len)) => b.len() <= *len,
            _ => false,
        }
    }
}

/// One value a column, in the order of the job's columns.
pub type Record = Vec<Value>;
