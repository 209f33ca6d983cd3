//! `/results`: every condensed column of `/samples`, per cell.
//!
//! `/results/X` holds `count`, `mean`, `error`, `lower` and `upper`, one entry a cell (a row of
//! entries for a vector column, whose abscissa is `axis`), with masks where the data do not define
//! a value. [`crate::stats::summary`] says what they mean. Cost: one sort a column and cell.

use super::Contents;
use super::tree::{Dataset, Group};
use crate::record::{Column, Estimator, Kind, Record, Value};
use crate::stats::{Summary, summary};

/// The name of an estimator, as `@estimator` gives it.
pub fn estimator_name(estimator: Estimator) -> &'static str {
    match estimator {
        Estimator::Fraction => "fraction",
        Estimator::Mean => "mean",
        Estimator::Survival => "kaplan_meier_median",
        Estimator::None => "none",
    }
}

/// The summaries of one column: for each cell one a component.
pub fn summaries(contents: &Contents, column: usize) -> Vec<Vec<Summary>> {
    let censored = contents.column("censored");
    (0..contents.cells.len() as u32)
        .map(|cell| {
            let records: Vec<&Record> = contents.samples(cell).map(|(_, record)| record).collect();
            let values: Vec<&Value> = records.iter().map(|record| &record[column]).collect();
            let flags: Vec<bool> = records
                .iter()
                .map(|record| censored.is_some_and(|at| record[at] == Value::Bool(true)))
                .collect();
            summary(&contents.columns[column], &values, &flags)
        })
        .collect()
}

/// `/results`.
pub fn to_group(contents: &Contents) -> Group {
    let mut results = Group::default();
    for (index, column) in contents.columns.iter().enumerate() {
        if is_condensed(column) {
            results.insert(&column.name, column_group(column, &summaries(contents, index)));
        }
    }
    results
}

/// Whether `/results` has a group for this column.
pub fn is_condensed(column: &Column) -> bool {
    column.estimator != Estimator::None && !matches!(column.kind, Kind::Bytes(_))
}

fn column_group(column: &Column, cells: &[Vec<Summary>]) -> Group {
    let mut group = Group::default();
    group.attribute("estimator", estimator_name(column.estimator));
    group.attribute("long_name", column.long_name.as_str());
    group.attribute("units", column.units.as_str());
    let mut shape = vec![cells.len()];
    if let Kind::Vector(axis) = &column.kind {
        shape.push(axis.values.len());
        group.insert("axis", Dataset::new(axis.values.clone()).described(&axis.name, &axis.units));
    }
    let flat = || cells.iter().flatten();
    let counts: Vec<u64> = flat().map(|summary| summary.count).collect();
    group.insert("count", Dataset::shaped(counts, &shape).described("samples with a value", "1"));
    type Field = (&'static str, &'static str, fn(&Summary) -> Option<f64>);
    let fields: [Field; 4] = [
        ("mean", "estimate", |summary| summary.mean),
        ("error", "half-width of the 68 % interval", |summary| summary.error),
        ("lower", "lower end of the 68 % interval", |summary| summary.lower),
        ("upper", "upper end of the 68 % interval", |summary| summary.upper),
    ];
    for (name, long_name, field) in fields {
        let values: Vec<f64> = flat().map(|summary| field(summary).unwrap_or(0.0)).collect();
        let mask: Vec<bool> = flat().map(|summary| field(summary).is_none()).collect();
        let dataset = Dataset::shaped(values, &shape).described(long_name, &column.units);
        group.insert(name, dataset);
        group.insert(&format!("{name}_mask"), mask_of(mask, &shape, name));
    }
    group
}

/// A mask dataset: true where the value of `name` is missing (and then stored as 0).
pub fn mask_of(mask: Vec<bool>, shape: &[usize], name: &str) -> Dataset {
    let long_name = format!("{name} is missing");
    Dataset::shaped(mask, shape).with("long_name", long_name.as_str())
}
