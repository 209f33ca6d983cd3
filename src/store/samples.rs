//! `/samples`: the finished units as columns, sorted by (cell, sample).
//!
//! `cell` and `sample` name the unit of each row; every column of the job is a dataset of its name
//! with `@long_name`, `@units`, `@kind` and `@estimator`, and `@columns` of the group keeps their
//! order. A column that may miss values has `NAME_mask` (true = missing, value then 0), a vector
//! column `NAME_axis` and one row a unit; bytes are rows of uint8, padded with 0.

use super::Contents;
use super::contents::has_mask;
use super::results::{estimator_name, mask_of};
use super::tree::{Array, Dataset, Group};
use crate::record::{Axis, Column, Estimator, Kind, Record, UnitId, Value};
use std::collections::BTreeMap;

/// Names that no column may have, since the group uses them.
const RESERVED: [&str; 2] = ["cell", "sample"];
const SUFFIXES: [&str; 2] = ["_mask", "_axis"];

/// Checks the names of a job's columns.
///
/// # Errors
/// A message that names the column.
pub fn check_columns(columns: &[Column]) -> Result<(), String> {
    for (i, column) in columns.iter().enumerate() {
        let name = column.name.as_str();
        let reserved = RESERVED.contains(&name) || SUFFIXES.iter().any(|end| name.ends_with(end));
        let plain = !name.is_empty() && !name.contains(['/', '.', '@', '\0']);
        if reserved || !plain || columns[..i].iter().any(|other| other.name == name) {
            return Err(format!("column {name:?} has a name that is taken or reserved"));
        }
    }
    Ok(())
}

/// `/samples`.
pub fn to_group(contents: &Contents) -> Group {
    let mut group = Group::default();
    let names: Vec<String> = contents.columns.iter().map(|column| column.name.clone()).collect();
    group.attribute("columns", names);
    let cells: Vec<u32> = contents.records.keys().map(|unit| unit.cell).collect();
    let samples: Vec<u64> = contents.records.keys().map(|unit| unit.sample).collect();
    group.insert("cell", Dataset::new(cells).described("row of /cells", "1"));
    group.insert("sample", Dataset::new(samples).described("disorder sample", "1"));
    for (index, column) in contents.columns.iter().enumerate() {
        let values = contents.records.values().map(|record| &record[index]);
        let (dataset, mask) = encode(column, values, contents.records.len());
        if has_mask(column) {
            let shape = match column.kind {
                Kind::Bytes(_) => vec![mask.len()],
                _ => dataset.shape.clone(),
            };
            let mask = mask_of(mask, &shape, &column.name);
            group.insert(&format!("{}_mask", column.name), mask);
        }
        if let Kind::Vector(axis) = &column.kind {
            let dataset = Dataset::new(axis.values.clone()).described(&axis.name, &axis.units);
            group.insert(&format!("{}_axis", column.name), dataset);
        }
        let described = dataset
            .described(&column.long_name, &column.units)
            .with("kind", kind_name(&column.kind))
            .with("estimator", estimator_name(column.estimator));
        group.insert(&column.name, described);
    }
    group
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Count => "count",
        Kind::Real => "real",
        Kind::Vector(_) => "vector",
        Kind::Bytes(_) => "bytes",
    }
}

/// The values of a column and what is missing (a flag a value; for bytes a flag a row).
fn encode<'a>(
    column: &Column,
    values: impl Iterator<Item = &'a Value>,
    rows: usize,
) -> (Dataset, Vec<bool>) {
    let mut mask = Vec::with_capacity(rows);
    let dataset = match &column.kind {
        Kind::Bool => Dataset::new(plain(values, &mut mask, |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })),
        Kind::Count => Dataset::new(plain(values, &mut mask, |value| match value {
            Value::Count(count) => Some(*count),
            _ => None,
        })),
        Kind::Real => Dataset::new(plain(values, &mut mask, |value| match value {
            Value::Real(x) => Some(*x),
            _ => None,
        })),
        Kind::Vector(axis) => {
            let len = axis.values.len();
            let mut flat = Vec::with_capacity(rows * len);
            for value in values {
                flat.extend((0..len).map(|i| value.component(i).unwrap_or(0.0)));
                mask.extend((0..len).map(|i| value.component(i).is_none()));
            }
            Dataset::shaped(flat, &[rows, len])
        }
        Kind::Bytes(len) => {
            let mut flat: Vec<u8> = Vec::with_capacity(rows * len);
            for value in values {
                let present: &[u8] = match value {
                    Value::Bytes(bytes) => bytes,
                    _ => &[],
                };
                mask.push(*value == Value::Missing);
                flat.extend_from_slice(present);
                flat.resize(flat.len() + len - present.len(), 0);
            }
            Dataset::shaped(flat, &[rows, *len])
        }
    };
    (dataset, mask)
}

fn plain<'a, T: Default>(
    values: impl Iterator<Item = &'a Value>,
    mask: &mut Vec<bool>,
    get: impl Fn(&Value) -> Option<T>,
) -> Vec<T> {
    values
        .map(|value| {
            let value = get(value);
            mask.push(value.is_none());
            value.unwrap_or_default()
        })
        .collect()
}

/// Reads `/samples` back: columns and records, the latter sorted.
///
/// # Errors
/// A message that names what is missing, of the wrong type or shape, or inconsistent.
pub fn from_group(group: &Group) -> Result<(Vec<Column>, BTreeMap<UnitId, Record>), String> {
    let names = group.attributes.get("columns").and_then(Dataset::texts);
    let names = names.ok_or("attribute columns: expected strings")?;
    let (cells, samples) = (group.counts("cell")?, group.counts("sample")?);
    if cells.len() != samples.len() {
        return Err("cell and sample differ in length".into());
    }
    let unit = |(&cell, &sample): (&u64, &u64)| {
        let cell = u32::try_from(cell).map_err(|_| format!("cell {cell} does not exist"))?;
        Ok(UnitId { cell, sample })
    };
    let units: Vec<UnitId> = cells.iter().zip(&samples).map(unit).collect::<Result<_, String>>()?;
    if let Some(i) = units.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(format!("rows {i} and {} are not sorted by (cell, sample)", i + 1));
    }
    let mut columns = Vec::with_capacity(names.len());
    let mut records: Vec<Record> = units.iter().map(|_| Vec::with_capacity(names.len())).collect();
    for name in names {
        let column = decode(group, name, &mut records).map_err(|e| format!("{name}: {e}"))?;
        columns.push(column);
    }
    check_columns(&columns)?;
    Ok((columns, units.into_iter().zip(records).collect()))
}

/// Reads one column and appends its value to each record.
fn decode(group: &Group, name: &str, records: &mut [Record]) -> Result<Column, String> {
    let dataset = group.dataset(name)?;
    let rows = records.len();
    let width = match dataset.shape[..] {
        [count] if count == rows => None,
        [count, width] if count == rows => Some(width),
        _ => return Err(format!("shape {:?}: expected {rows} rows", dataset.shape)),
    };
    let kind = match (dataset.text_attribute("kind")?, width) {
        ("bool", None) => Kind::Bool,
        ("count", None) => Kind::Count,
        ("real", None) => Kind::Real,
        ("vector", Some(len)) => {
            let axis = group.dataset(&format!("{name}_axis"))?;
            let values = group.reals(&format!("{name}_axis"))?.to_vec();
            if values.len() != len {
                return Err(format!("{len} components on an axis of {}", values.len()));
            }
            let (name, units) = (axis.text_attribute("long_name")?, axis.text_attribute("units")?);
            Kind::Vector(Axis { name: name.to_owned(), units: units.to_owned(), values })
        }
        ("bytes", Some(len)) => Kind::Bytes(len),
        (other, _) => return Err(format!("kind {other} does not fit its shape")),
    };
    let estimator = match dataset.text_attribute("estimator")? {
        "fraction" => Estimator::Fraction,
        "mean" => Estimator::Mean,
        "kaplan_meier_median" => Estimator::Survival,
        "none" => Estimator::None,
        other => return Err(format!("estimator {other} is unknown")),
    };
    let column = Column {
        name: name.to_owned(),
        long_name: dataset.text_attribute("long_name")?.to_owned(),
        units: dataset.text_attribute("units")?.to_owned(),
        kind,
        estimator,
    };
    let mask = match has_mask(&column) {
        true => Some(group.flags(&format!("{name}_mask"))?),
        false => None,
    };
    let per_row = match column.kind {
        Kind::Vector(_) => width.unwrap_or(1),
        _ => 1,
    };
    if mask.is_some_and(|mask| mask.len() != rows * per_row) {
        return Err("its mask has another length".into());
    }
    for (row, record) in records.iter_mut().enumerate() {
        let missing = |i: usize| mask.is_some_and(|mask| mask[i]);
        let value = match (&dataset.values, &column.kind) {
            (_, Kind::Bool | Kind::Count | Kind::Real | Kind::Bytes(_)) if missing(row) => {
                Value::Missing
            }
            (Array::Bool(v), Kind::Bool) => Value::Bool(v[row]),
            (Array::U64(v), Kind::Count) => Value::Count(v[row]),
            (Array::F64(v), Kind::Real) => Value::Real(v[row]),
            (Array::U8(v), Kind::Bytes(len)) => Value::Bytes(v[row * len..][..*len].to_vec()),
            (Array::F64(v), Kind::Vector(_)) => {
                let entries = row * per_row..(row + 1) * per_row;
                Value::partial(entries.map(|i| (!missing(i)).then_some(v[i])).collect())
            }
            _ => return Err("values of the wrong type".into()),
        };
        if !value.fits(&column.kind) {
            return Err(format!("row {row}: {value:?} is not finite"));
        }
        record.push(value);
    }
    Ok(column)
}
