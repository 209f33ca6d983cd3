//! The layout of a result file, version 1: from [`Contents`] to root groups and back.
//!
//! ```text
//! /            @schema_version @Conventions @title @default
//! /job         toml, resolved_json, @name @fingerprint @seed
//! /provenance  segments/*, range_start, range_end, unit_seconds, @digest
//! /cells       N K P alpha alpha_requested kappa weights activation connectivity solver
//!              solver_parameters samples
//! /samples     see `samples`;  /results  see `results`
//! ```

use super::contents::{CellRow, Contents, SampleRange};
use super::tree::{Dataset, Group};
use super::{SCHEMA, digest, hdf, provenance, results, samples};
use crate::job::sha256_hex;
use crate::record::UnitId;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The root groups that a commit writes anew; all others are carried over.
pub const OWN: [&str; 5] = ["job", "provenance", "cells", "samples", "results"];

/// Writes everything into a new file.
///
/// # Errors
/// The library's.
pub fn write(file: &hdf5::File, contents: &Contents) -> hdf5::Result<()> {
    let mut root = Group::default();
    root.attribute("schema_version", SCHEMA);
    root.attribute("Conventions", "reluscape-1");
    root.attribute("title", contents.name.as_str());
    root.attribute("default", "results");
    hdf::write_attributes(file, &root.attributes)?;
    let data: BTreeMap<&str, Group> = [
        ("cells", cells_group(&contents.cells)),
        ("results", results::to_group(contents)),
        ("samples", samples::to_group(contents)),
    ]
    .into();
    let digest = digest::of_groups(data.iter().map(|(name, group)| (*name, group)));
    hdf::write_group(file, "job", &job_group(contents))?;
    hdf::write_group(file, "provenance", &provenance_group(contents, &digest))?;
    data.iter().try_for_each(|(name, group)| hdf::write_group(file, name, group))
}

fn job_group(contents: &Contents) -> Group {
    let mut job = Group::default();
    job.attribute("name", contents.name.as_str());
    job.attribute("fingerprint", contents.fingerprint.as_str());
    job.attribute("seed", contents.seed);
    job.insert("toml", Dataset::from(contents.text.as_str()));
    job.insert("resolved_json", Dataset::from(contents.resolved_json.as_str()));
    job
}

fn provenance_group(contents: &Contents, digest: &str) -> Group {
    let mut group = Group::default();
    group.attribute("digest", digest);
    group.insert("segments", provenance::to_group(&contents.segments));
    let starts: Vec<u64> = contents.ranges.iter().map(|range| range.start).collect();
    let ends: Vec<u64> = contents.ranges.iter().map(|range| range.end.unwrap_or(0)).collect();
    let open: Vec<bool> = contents.ranges.iter().map(|range| range.end.is_none()).collect();
    let shape = [open.len()];
    group.insert("range_start", Dataset::new(starts).described("first sample asked for", "1"));
    group.insert("range_end", Dataset::new(ends).described("one past the last sample", "1"));
    group.insert("range_end_mask", results::mask_of(open, &shape, "range_end"));
    let seconds = |unit: &UnitId| contents.seconds.get(unit).copied().unwrap_or(0.0);
    let seconds: Vec<f64> = contents.records.keys().map(seconds).collect();
    group.insert("unit_seconds", Dataset::new(seconds).described("wall-clock time of a unit", "s"));
    group
}

fn cells_group(cells: &[CellRow]) -> Group {
    let mut group = Group::default();
    let mut count = |name: &str, long_name: &str, field: fn(&CellRow) -> u64| {
        let values: Vec<u64> = cells.iter().map(field).collect();
        group.insert(name, Dataset::new(values).described(long_name, "1"));
    };
    count("N", "inputs", |cell| cell.inputs);
    count("K", "hidden units", |cell| cell.hidden);
    count("P", "patterns", |cell| cell.patterns);
    count("samples", "disorder samples wanted", |cell| cell.samples);
    let mut real = |name: &str, long_name: &str, field: fn(&CellRow) -> f64| {
        let values: Vec<f64> = cells.iter().map(field).collect();
        group.insert(name, Dataset::new(values).described(long_name, "1"));
    };
    real("alpha", "patterns per input, P/N", |cell| cell.alpha);
    real("alpha_requested", "P/N as the job asks for it", |cell| cell.alpha_requested);
    real("kappa", "margin", |cell| cell.kappa);
    let mut text = |name: &str, long_name: &str, field: fn(&CellRow) -> &String| {
        let values: Vec<String> = cells.iter().map(|cell| field(cell).clone()).collect();
        group.insert(name, Dataset::new(values).with("long_name", long_name));
    };
    text("weights", "weight space", |cell| &cell.weights);
    text("activation", "hidden units", |cell| &cell.activation);
    text("connectivity", "tree or full", |cell| &cell.connectivity);
    text("solver", "solver", |cell| &cell.solver);
    text("solver_parameters", "the solver's parameters, JSON", |cell| &cell.parameters);
    group
}

fn cells_from(group: &Group) -> std::result::Result<Vec<CellRow>, String> {
    let inputs = group.counts("N")?;
    let rows = inputs.len();
    let counts = |name: &str| same(rows, name, group.counts(name)?);
    let reals = |name: &str| same(rows, name, group.reals(name)?.to_vec());
    let texts = |name: &str| same(rows, name, group.texts(name)?.to_vec());
    let (hidden, patterns, samples) = (counts("K")?, counts("P")?, counts("samples")?);
    let (alpha, requested, kappa) = (reals("alpha")?, reals("alpha_requested")?, reals("kappa")?);
    let (weights, activation) = (texts("weights")?, texts("activation")?);
    let (connectivity, solver) = (texts("connectivity")?, texts("solver")?);
    let parameters = texts("solver_parameters")?;
    let row = |i: usize| CellRow {
        inputs: inputs[i],
        hidden: hidden[i],
        patterns: patterns[i],
        alpha: alpha[i],
        alpha_requested: requested[i],
        kappa: kappa[i],
        weights: weights[i].clone(),
        activation: activation[i].clone(),
        connectivity: connectivity[i].clone(),
        solver: solver[i].clone(),
        parameters: parameters[i].clone(),
        samples: samples[i],
    };
    Ok((0..rows).map(row).collect())
}

fn same<T>(rows: usize, name: &str, values: Vec<T>) -> std::result::Result<Vec<T>, String> {
    let found = values.len();
    if found == rows { Ok(values) } else { Err(format!("{name}: {found} rows, expected {rows}")) }
}

/// Reads a result file, without its journal.
///
/// # Errors
/// `Io` if it cannot be read; `Data` if it is no result file, is damaged or of a newer schema.
pub fn read(path: &Path) -> Result<Contents> {
    let file = hdf::open(path)?;
    check_schema(path, &file)?;
    let group = |name: &str| {
        let group = file.group(name).map_err(|_| format!("group /{name} is missing"))?;
        hdf::read_group(&group, file.size)
    };
    let located = |name: &'static str| move |error: String| format!("/{name}: {error}");
    let assemble = || {
        let (job, provenance) = (group("job")?, group("provenance")?);
        let cells = cells_from(&group("cells")?).map_err(located("cells"))?;
        let (columns, records) =
            samples::from_group(&group("samples")?).map_err(located("samples"))?;
        let outside = |unit: &&UnitId| {
            cells.get(unit.cell as usize).is_none_or(|cell| unit.sample >= cell.samples)
        };
        if let Some(unit) = records.keys().find(outside) {
            return Err(format!("/samples: {unit} is not in /cells"));
        }
        let (text, resolved, fingerprint) = (
            one(job.texts("toml").map_err(located("job"))?)?,
            one(job.texts("resolved_json").map_err(located("job"))?)?,
            job.text_attribute("fingerprint").map_err(located("job"))?,
        );
        if sha256_hex(resolved.as_bytes()) != fingerprint {
            return Err("/job: the fingerprint is not that of resolved_json".into());
        }
        let seed = job.attributes.get("seed").and_then(Dataset::counts);
        let seed = seed.filter(|seed| seed.len() == 1).ok_or("/job: no seed")?[0];
        let at = located("provenance");
        let seconds = provenance.reals("unit_seconds").map_err(at)?;
        if seconds.len() != records.len() {
            return Err("/provenance/unit_seconds: not one entry a unit".into());
        }
        let segments = provenance.group("segments").and_then(provenance::from_group).map_err(at)?;
        Ok(Contents {
            text: text.to_owned(),
            name: job.text_attribute("name").map_err(located("job"))?.to_owned(),
            resolved_json: resolved.to_owned(),
            fingerprint: fingerprint.to_owned(),
            seed,
            ranges: ranges_from(&provenance).map_err(at)?,
            seconds: records.keys().copied().zip(seconds.iter().copied()).collect(),
            cells,
            columns,
            records,
            segments,
        })
    };
    assemble().map_err(|error| Error::data(path, format!("damaged result file: {error}")))
}

fn one(texts: &[String]) -> std::result::Result<&str, String> {
    match texts {
        [text] => Ok(text),
        _ => Err("/job: expected one string".into()),
    }
}

fn ranges_from(group: &Group) -> std::result::Result<Vec<SampleRange>, String> {
    let (start, end) = (group.counts("range_start")?, group.counts("range_end")?);
    let open = group.flags("range_end_mask")?;
    if start.len() != end.len() || start.len() != open.len() {
        return Err("ranges: columns of different lengths".into());
    }
    let range = |i: usize| SampleRange { start: start[i], end: (!open[i]).then_some(end[i]) };
    Ok((0..start.len()).map(range).collect())
}

/// Checks that the file is a result file of a schema this version reads.
///
/// # Errors
/// `Data`.
pub fn check_schema(path: &Path, file: &hdf::Opened) -> Result<()> {
    let attributes =
        hdf::read_attributes(file, file.size).map_err(|error| Error::data(path, error))?;
    let version = attributes.get("schema_version").and_then(Dataset::counts);
    match version.as_deref() {
        Some([1]) => Ok(()),
        Some([newer]) if *newer > SCHEMA => Err(Error::data(
            path,
            format!(
                "written in result-file schema {newer}, this version ({}) reads up to schema \
                 {SCHEMA}: use a newer reluscape",
                env!("CARGO_PKG_VERSION")
            ),
        )),
        _ => Err(Error::data(path, "an HDF5 file, but not a result file of reluscape")),
    }
}
