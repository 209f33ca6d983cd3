//! Axes of the grid: a number, a list, or `{ from, to, step }` in decimal arithmetic, ends included.

use super::locate::{Source, unknown};
use crate::error::JobError;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use toml::Value;

/// At most so many values on an axis: more is a mistake in `step`.
const MOST: u64 = 100_000;

/// The values of the axis `key`, ascending.
///
/// # Errors
/// Wrong types, an empty list, duplicates, a step that is not positive or does not fit.
pub fn axis(source: &Source, key: &str, value: &Value) -> Result<Vec<Decimal>, JobError> {
    let mut values = match value {
        Value::Integer(_) | Value::Float(_) => vec![number(source, key, value)?],
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| number(source, &format!("{key}[{i}]"), item))
            .collect::<Result<_, _>>()?,
        Value::Table(table) => range(source, key, table)?,
        other => {
            let expected = "expected a number, a list of numbers, or { from, to, step }";
            return Err(source.error(key, format!("found a {}: {expected}", other.type_str())));
        }
    };
    if values.is_empty() {
        return Err(source.error(key, "empty list: expected at least one value"));
    }
    values.sort();
    if let Some(pair) = values.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("{} stands twice: expected distinct values", pair[0]);
        return Err(source.error(key, message));
    }
    Ok(values)
}

/// The axis as integers in 1..=`most`.
///
/// # Errors
/// As [`axis`], and values that are not such integers.
pub fn integers(
    source: &Source,
    key: &str,
    value: &Value,
    most: usize,
) -> Result<Vec<usize>, JobError> {
    axis(source, key, value)?
        .into_iter()
        .map(|value| {
            let integer = if value.fract().is_zero() { value.to_usize() } else { None };
            integer.filter(|v| (1..=most).contains(v)).ok_or_else(|| {
                source.error(key, format!("{value}: expected integers from 1 to {most}"))
            })
        })
        .collect()
}

/// A TOML number as the decimal that its shortest text names.
fn number(source: &Source, key: &str, value: &Value) -> Result<Decimal, JobError> {
    let text = match value {
        Value::Integer(i) => i.to_string(),
        Value::Float(x) if x.is_finite() => x.to_string(),
        Value::Float(x) => return Err(source.error(key, format!("{x}: expected a finite number"))),
        other => {
            let message = format!("found a {} ({other}): expected a number", other.type_str());
            return Err(source.error(key, message));
        }
    };
    text.parse().map_err(|_| {
        source.error(key, format!("{text}: expected a number of at most 28 decimal digits"))
    })
}

fn range(source: &Source, key: &str, table: &toml::Table) -> Result<Vec<Decimal>, JobError> {
    const KEYS: [&str; 3] = ["from", "to", "step"];
    if let Some(name) = table.keys().find(|name| !KEYS.contains(&name.as_str())) {
        return Err(source.error(&format!("{key}.{name}"), unknown("key", name, &KEYS)));
    }
    let [from, to, step] = KEYS.map(|name| {
        let key = format!("{key}.{name}");
        match table.get(name) {
            Some(value) => number(source, &key, value),
            None => Err(source.error(&key, "missing: a range has from, to and step")),
        }
    });
    let (from, to, step) = (from?, to?, step?);
    if step <= Decimal::ZERO {
        let message = format!("{step}: expected a positive step");
        return Err(source.error(&format!("{key}.step"), message));
    }
    if to < from {
        let message = format!("{to} < from = {from}: the range is empty");
        return Err(source.error(&format!("{key}.to"), message));
    }
    let steps = to
        .checked_sub(from)
        .and_then(|length| length.checked_div(step))
        .filter(|steps| *steps < Decimal::from(MOST))
        .ok_or_else(|| {
            source.error(key, format!("more than {MOST} values: expected a larger step"))
        })?;
    if !steps.fract().is_zero() {
        let message = format!(
            "{step} does not divide to − from = {}: the end {to} would be missed",
            to - from
        );
        return Err(source.error(&format!("{key}.step"), message));
    }
    let last = steps.to_u64().unwrap_or(0);
    Ok((0..=last).map(|i| from + step * Decimal::from(i)).collect())
}
