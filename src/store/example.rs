//! A small job with every kind of column, for tests.

use super::{Contents, FinishedUnit, SampleRange};
use crate::job::Job;
use crate::record::{Axis, Column, Estimator, Kind, UnitId, Value};

/// The text of a job of two cells with 6 and 4 samples.
pub const JOB: &str = r#"schema = 1
name = "example"
seed = 7
[model]
weights = "binary"
activation = "sign"
[grid]
N = [9, 15]
K = 3
alpha = 0.5
samples = 4
[[override]]
where = { N = 9 }
samples = 6
[solver.rsgd]
replicas = 3
[observe]
local_energy = { distances = [0.1, 0.3] }
weights = true
"#;

pub fn job() -> Job {
    Job::parse("example.toml", JOB).unwrap()
}

pub fn contents() -> Contents {
    Contents::new(&job(), SampleRange::ALL)
}

/// A unit whose values are a function of its identity; some are missing.
pub fn finished(columns: &[Column], cell: u32, sample: u64) -> FinishedUnit {
    let seed = 1 + 31 * u64::from(cell) + sample;
    let missing = |i: usize| (seed as usize + i).is_multiple_of(4);
    let value = |(i, column): (usize, &Column)| match &column.kind {
        Kind::Bool => Value::Bool((seed as usize + i).is_multiple_of(3)),
        _ if missing(i) => Value::Missing,
        Kind::Count => Value::Count(seed * (i as u64 + 1)),
        Kind::Real => Value::Real(-1.0 / (seed as f64 + i as f64)),
        Kind::Vector(axis) => {
            let entries = axis.values.iter().map(|x| x + seed as f64);
            Value::Vector(entries.take(1 + seed as usize % axis.values.len()).collect())
        }
        Kind::Bytes(len) => Value::Bytes(vec![seed as u8; (*len).min(1 + seed as usize % 2)]),
    };
    FinishedUnit {
        unit: UnitId { cell, sample },
        record: columns.iter().enumerate().map(value).collect(),
        seconds: 0.25 * seed as f64,
    }
}

/// All units of `contents` within `samples`.
pub fn units(contents: &Contents, samples: std::ops::Range<u64>) -> Vec<FinishedUnit> {
    contents
        .missing()
        .filter(|unit| samples.contains(&unit.sample))
        .map(|unit| finished(&contents.columns, unit.cell, unit.sample))
        .collect()
}

/// Contents with columns of every kind and all units finished.
pub fn full() -> Contents {
    let mut contents = contents();
    contents.columns.push(Column::new("extra", "a real number", Kind::Real, Estimator::Mean));
    let axis = Axis { name: "d".into(), units: "1".into(), values: vec![0.1, 0.2, 0.3] };
    let vector = Column::new("curve", "a curve", Kind::Vector(axis), Estimator::Mean);
    contents.columns.push(vector);
    for unit in units(&contents, 0..10) {
        assert!(contents.insert(unit).unwrap());
    }
    contents
}
