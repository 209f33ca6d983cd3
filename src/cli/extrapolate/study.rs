//! From the contents of a result file to the plain data of finite-size scaling.

use crate::model::Activation;
use crate::record::{UnitId, Value};
use crate::scaling::{Approach, Data, Row, Size, Stored, Study, ThresholdKind};
use crate::store::{CellRow, Contents};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The solver whose data are exact.
const EXACT: &str = "exact";

/// The study in `contents`, read from `path`.
///
/// # Errors
/// `Data` if the file has no cells or not the columns it takes.
pub fn study(path: &Path, contents: &Contents) -> Result<Study> {
    let first = contents.cells.first().ok_or_else(|| Error::data(path, "holds no cells"))?;
    let exact = first.solver == EXACT;
    let needed = if exact { "storage" } else { "solved" };
    if contents.column(needed).is_none() {
        return Err(Error::data(path, format!("has no column /samples/{needed}")));
    }
    let kind = if exact {
        ThresholdKind::Exact
    } else {
        let max_epochs = limit_of_epochs(&contents.resolved_json, &first.solver);
        ThresholdKind::Algorithmic { solver: first.solver.clone(), max_epochs }
    };
    let mut cells: BTreeMap<(u64, u64), Vec<u32>> = BTreeMap::new();
    for (index, cell) in contents.cells.iter().enumerate() {
        cells.entry((cell.hidden, cell.inputs)).or_default().push(index as u32);
    }
    let sizes = cells
        .into_iter()
        .map(|((hidden, inputs), cells)| {
            let data = if exact { exact_data(contents, &cells) } else { solved(contents, &cells) };
            Size { inputs, hidden, data }
        })
        .collect();
    let binary = first.weights == "binary";
    let approach = approach(contents, exact && binary);
    Ok(Study { seed: contents.seed, kind, binary, approach, sizes })
}

/// Exact thresholds of binary weights: regular in 1/N where no field of a stored pattern can be the
/// threshold itself, that is for odd activations at κ = 0 with odd n and odd K; else ties. Algorithmic
/// thresholds follow no known law.
fn approach(contents: &Contents, exact: bool) -> Approach {
    let odd = |cell: &CellRow| {
        let activation = Activation::parse(&cell.activation, None, None);
        activation.is_ok_and(|a| a.is_odd())
            && cell.kappa == 0.0
            && cell.hidden % 2 == 1
            && (cell.inputs / cell.hidden) % 2 == 1
    };
    match exact {
        false => Approach::Unknown,
        true if contents.cells.iter().all(odd) => Approach::Regular,
        true => Approach::Ties,
    }
}

/// Records of one cell.
fn units(contents: &Contents, cell: u32) -> impl Iterator<Item = UnitId> {
    let first = UnitId { cell, sample: 0 };
    let last = UnitId { cell, sample: u64::MAX };
    contents.records.range(first..=last).map(|(unit, _)| *unit)
}

/// Solved or not at each realised alpha. Cells of the same P hold the same units.
fn solved(contents: &Contents, cells: &[u32]) -> Data {
    let alpha = |cell: u32| contents.cells[cell as usize].alpha;
    let mut alphas: Vec<f64> = cells.iter().map(|&cell| alpha(cell)).collect();
    alphas.sort_by(f64::total_cmp);
    alphas.dedup();
    let mut rows: BTreeMap<u64, Vec<Option<bool>>> = BTreeMap::new();
    for &cell in cells {
        let place = alphas.iter().position(|&a| a == alpha(cell)).expect("collected above");
        for unit in units(contents, cell) {
            if let Some(Value::Bool(solved)) = contents.value(unit, "solved") {
                rows.entry(unit.sample).or_insert_with(|| vec![None; alphas.len()])[place] =
                    Some(*solved);
            }
        }
    }
    let rows = rows.into_iter().map(|(sample, solved)| Row { sample, solved }).collect();
    Data::Solved { alphas, rows }
}

/// Storage and numbers of solutions of each sample.
fn exact_data(contents: &Contents, cells: &[u32]) -> Data {
    let mut best: BTreeMap<u64, (u64, bool, UnitId)> = BTreeMap::new();
    for &cell in cells {
        for unit in units(contents, cell) {
            let Some(Value::Count(storage)) = contents.value(unit, "storage") else { continue };
            let short = contents.value(unit, "storage_censored") == Some(&Value::Bool(true));
            let entry = best.entry(unit.sample).or_insert((*storage, short, unit));
            // Patterns are nested: a higher cap only adds.
            if *storage > entry.0 || !short {
                *entry = (*storage, short, unit);
            }
        }
    }
    let stored = |(sample, (patterns, short, unit))| {
        let log_solutions = match contents.value(unit, "log_solutions") {
            Some(Value::Vector(logs)) => logs.clone(),
            _ => Vec::new(),
        };
        Stored { sample, patterns, short, log_solutions }
    };
    Data::Exact(best.into_iter().map(stored).collect())
}

/// `max_epochs` of the solver where all cells agree on one.
fn limit_of_epochs(resolved_json: &str, solver: &str) -> Option<u64> {
    let job: serde_json::Value = serde_json::from_str(resolved_json).ok()?;
    let mut limits =
        job["cells"].as_array()?.iter().map(|cell| cell["solver"][solver]["max_epochs"].as_u64());
    let first = limits.next()?;
    if limits.all(|limit| limit == first) { first } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Column, Estimator, Kind, Record};
    use crate::store::CellRow;

    fn contents(solver: &str, columns: &[(&str, Kind)], cells: &[(u64, u64, u64)]) -> Contents {
        let cell = |&(inputs, hidden, patterns): &(u64, u64, u64)| CellRow {
            inputs,
            hidden,
            patterns,
            alpha: patterns as f64 / inputs as f64,
            alpha_requested: 0.5,
            kappa: 0.0,
            weights: "binary".into(),
            activation: "relu".into(),
            connectivity: "tree".into(),
            solver: solver.into(),
            parameters: "{}".into(),
            samples: 3,
        };
        let limits: Vec<_> = cells
            .iter()
            .map(|_| serde_json::json!({ "solver": { solver: { "max_epochs": 700 } } }))
            .collect();
        Contents {
            text: String::new(),
            name: "x".into(),
            resolved_json: serde_json::json!({ "cells": limits }).to_string(),
            fingerprint: String::new(),
            seed: 5,
            cells: cells.iter().map(cell).collect(),
            columns: columns
                .iter()
                .map(|(name, kind)| Column::new(name, name, kind.clone(), Estimator::None))
                .collect(),
            ranges: Vec::new(),
            records: BTreeMap::new(),
            seconds: BTreeMap::new(),
            segments: Vec::new(),
        }
    }

    fn put(contents: &mut Contents, cell: u32, sample: u64, record: Record) {
        contents.records.insert(UnitId { cell, sample }, record);
    }

    #[test]
    fn solver_data_become_rows_with_gaps() {
        let cells = [(10, 2, 4), (10, 2, 5), (20, 2, 9), (10, 2, 5)];
        let mut file = contents("rsgd", &[("solved", Kind::Bool)], &cells);
        put(&mut file, 0, 0, vec![Value::Bool(true)]);
        put(&mut file, 1, 0, vec![Value::Bool(false)]);
        put(&mut file, 3, 0, vec![Value::Bool(false)]);
        put(&mut file, 1, 7, vec![Value::Bool(true)]);
        let study = study(Path::new("x.h5"), &file).unwrap();
        let kind = ThresholdKind::Algorithmic { solver: "rsgd".into(), max_epochs: Some(700) };
        assert_eq!((&study.kind, study.seed, study.binary), (&kind, 5, true));
        assert_eq!(study.sizes.len(), 2);
        let rows = vec![
            Row { sample: 0, solved: vec![Some(true), Some(false)] },
            Row { sample: 7, solved: vec![None, Some(true)] },
        ];
        assert_eq!(study.sizes[0].data, Data::Solved { alphas: vec![0.4, 0.5], rows });
        assert_eq!((study.sizes[1].inputs, study.sizes[1].samples()), (20, vec![]));
    }

    #[test]
    fn exact_data_become_storages_of_the_highest_cap() {
        let columns = [("storage", Kind::Count), ("storage_censored", Kind::Bool)];
        let mut file = contents("exact", &columns, &[(10, 2, 4), (10, 2, 20)]);
        let record = |storage, short| vec![Value::Count(storage), Value::Bool(short)];
        put(&mut file, 0, 0, record(4, true));
        put(&mut file, 1, 0, record(7, false));
        put(&mut file, 0, 1, record(3, false));
        put(&mut file, 0, 2, record(4, true));
        let whole = study(Path::new("x.h5"), &file).unwrap();
        assert_eq!((&whole.kind, whole.approach), (&ThresholdKind::Exact, Approach::Ties));
        let stored = [(0, 7, false), (1, 3, false), (2, 4, true)];
        let stored = stored.map(|(sample, patterns, short)| Stored {
            sample,
            patterns,
            short,
            log_solutions: Vec::new(),
        });
        assert_eq!(whole.sizes[0].data, Data::Exact(stored.to_vec()));
        for cell in &mut file.cells {
            (cell.activation, cell.hidden, cell.inputs) = ("sign".into(), 3, 15);
        }
        assert_eq!(study(Path::new("x.h5"), &file).unwrap().approach, Approach::Regular);
    }

    #[test]
    fn a_file_without_the_column_is_refused() {
        let file = contents("rsgd", &[("epochs", Kind::Count)], &[(10, 2, 4)]);
        let error = study(Path::new("x.h5"), &file).unwrap_err();
        assert_eq!(error.to_string(), "x.h5: has no column /samples/solved");
        let file = contents("rsgd", &[("solved", Kind::Bool)], &[]);
        assert!(study(Path::new("x.h5"), &file).is_err());
    }
}
