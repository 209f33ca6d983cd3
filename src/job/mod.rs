//! Job files: TOML in, a validated [`Job`] out. Everything after parsing works with valid values.

mod duration;
mod fingerprint;
mod grid;
mod locate;
mod options;
mod raw;
mod resolve;

pub use duration::{Span, parse_span};
pub use fingerprint::{canonical_json, differences, sha256_hex};
pub(crate) use locate::Source;
pub use options::RunOptions;

use crate::model::{Activation, Architecture, Connectivity, Storage, WeightKind};
use crate::observable::{ObserveSpec, columns};
use crate::record::{Column, UnitId};
use crate::solver::{Extent, Instance, SolverSpec};
use crate::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// The job-file schema this version reads.
pub const SCHEMA: i64 = 1;

/// `[model]`, resolved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelSpec {
    /// Weight space.
    pub weights: WeightKind,
    /// Hidden units.
    pub activation: Activation,
    /// Margin κ.
    pub kappa: f64,
    /// Tree, or fully connected inputs.
    pub connectivity: Connectivity,
}

/// One point of the grid, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Shape of the machine.
    pub architecture: Architecture,
    /// P = round(alpha·N).
    pub patterns: usize,
    /// alpha as asked.
    pub alpha_requested: f64,
    /// Disorder samples wanted.
    pub samples: u64,
    /// The solver with this cell's parameters.
    pub solver: SolverSpec,
}

impl Cell {
    /// The realised alpha = P/N.
    pub fn alpha(&self) -> f64 {
        self.patterns as f64 / self.architecture.inputs() as f64
    }

    /// N.
    pub fn inputs(&self) -> usize {
        self.architecture.inputs()
    }

    /// K.
    pub fn hidden(&self) -> usize {
        self.architecture.hidden()
    }
}

impl Extent {
    /// The extent of a grid.
    pub fn of(kind: WeightKind, cells: &[Cell]) -> Self {
        Self {
            kind,
            max_inputs: cells.iter().map(Cell::inputs).max().unwrap_or(0),
            max_patterns: cells.iter().map(|cell| cell.patterns).max().unwrap_or(0),
        }
    }
}

/// A model at one point of a grid, with what is to be observed there: what a verb on one instance
/// takes, under the checks of a job file.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// `[model]`.
    pub model: ModelSpec,
    /// Shape of the machine.
    pub architecture: Architecture,
    /// P.
    pub patterns: usize,
    /// `[observe]`.
    pub observe: ObserveSpec,
}

impl Point {
    /// Validates `[model]`, `[grid]` (its smallest point) and `[observe]` of `text`; `file` only
    /// names it in messages.
    ///
    /// # Errors
    /// [`Error::Job`].
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        Ok(resolve::resolve_point(file, text)?)
    }
}

/// A valid job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The file's text, verbatim.
    pub text: String,
    /// `name`.
    pub name: String,
    /// `seed`.
    pub seed: u64,
    /// `[model]`.
    pub model: ModelSpec,
    /// The grid, sorted by (N, K, alpha).
    pub cells: Vec<Cell>,
    /// `[observe]`.
    pub observe: ObserveSpec,
    /// `[run]`.
    pub run: RunOptions,
    /// What is legal but probably not meant.
    pub warnings: Vec<String>,
}

impl Job {
    /// Reads and validates a job file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Job`] if it is invalid.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read the job file", e))?;
        let file = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|e| {
            let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            crate::error::JobError {
                file: file.clone(),
                line: Some(1 + valid.iter().filter(|&&b| b == b'\n').count()),
                key: String::new(),
                message: "not UTF-8 text: expected a TOML job file".into(),
            }
        })?;
        Self::parse(&file, &text)
    }

    /// Validates the text of a job file; `file` only names it in messages.
    ///
    /// # Errors
    /// [`Error::Job`].
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        Ok(resolve::resolve(file, text)?)
    }

    /// The resolved physics, without `samples`, name and `[run]`: what the fingerprint covers.
    pub fn physics(&self) -> serde_json::Value {
        let cells: Vec<_> = self
            .cells
            .iter()
            .map(|cell| {
                serde_json::json!({
                    "N": cell.inputs(),
                    "K": cell.hidden(),
                    "alpha": cell.alpha_requested,
                    "P": cell.patterns,
                    "solver": cell.solver,
                })
            })
            .collect();
        serde_json::json!({
            "schema": SCHEMA,
            "seed": self.seed,
            "model": self.model,
            "cells": cells,
            "observe": self.observe,
        })
    }

    /// SHA-256 of the canonical physics, hexadecimal.
    pub fn fingerprint(&self) -> String {
        sha256_hex(canonical_json(&self.physics()).as_bytes())
    }

    /// Columns of a record: the solver's, then the observables'.
    pub fn columns(&self) -> Vec<Column> {
        let extent = Extent::of(self.model.weights, &self.cells);
        let observables: Vec<_> = self.observe.observables().into_iter().map(|(_, o)| o).collect();
        columns(self.cells[0].solver.method(), &observables, &extent)
    }

    /// The instance of a unit.
    ///
    /// # Panics
    /// If the unit's cell is not one of the job's.
    pub fn instance(&self, unit: UnitId) -> Instance {
        let cell = &self.cells[unit.cell as usize];
        let storage = Storage::new(cell.architecture, self.model.activation, self.model.kappa);
        Instance::random(storage, self.model.weights, cell.patterns, self.seed, unit.sample)
    }

    /// Units in the whole job.
    pub fn total_units(&self) -> u64 {
        self.cells.iter().map(|cell| cell.samples).sum()
    }

    /// Bytes that one rank needs at most: the largest cell's instance and solver.
    pub fn bytes_per_rank(&self) -> u128 {
        self.cells
            .iter()
            .map(|cell| {
                cell.solver.method().bytes(self.model.weights, cell.architecture, cell.patterns)
            })
            .max()
            .unwrap_or(0)
    }

    /// Rough seconds of one unit of `cell`, over all runs of its solver.
    pub fn expected_seconds(&self, cell: &Cell) -> f64 {
        let run = cell.solver.method().expected_seconds(
            self.model.weights,
            cell.architecture,
            cell.patterns,
        );
        self.observe.runs() as f64 * run
    }

    /// Rough cost of the whole job in CPU-hours.
    pub fn cpu_hours(&self) -> f64 {
        self.cells.iter().map(|cell| cell.samples as f64 * self.expected_seconds(cell)).sum::<f64>()
            / 3600.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::JobError;

    const GOOD: &str = r#"schema = 1
name = "test"
seed = 7
[model]
weights = "binary"
activation = "sign"
[grid]
N = [63, 105]
K = 3
alpha = { from = 0.1, to = 0.3, step = 0.1 }
samples = 5
[[override]]
where = { N = 63, alpha = 0.2 }
samples = 9
solver.rsgd.max_epochs = 17
[solver.rsgd]
replicas = 3
[observe]
local_energy = { distances = [0.1] }
[run]
checkpoint_every = "90s"
"#;

    /// The error of `GOOD` with `from` replaced by `to`.
    fn error(from: &str, to: &str) -> JobError {
        assert!(GOOD.contains(from), "{from}");
        match Job::parse("job.toml", &GOOD.replace(from, to)) {
            Err(Error::Job(error)) => error,
            other => panic!("{to}: expected a job error, got {other:?}"),
        }
    }

    #[test]
    fn grid_is_sorted_and_overrides_apply() {
        let job = Job::parse("job.toml", GOOD).unwrap();
        let shape: Vec<_> = job.cells.iter().map(|c| (c.inputs(), c.patterns, c.samples)).collect();
        // round(0.1·105) = 10.5 rounds half away from zero: 11.
        assert_eq!(shape[..3], [(63, 6, 5), (63, 13, 9), (63, 19, 5)]);
        assert_eq!(shape[3..], [(105, 11, 5), (105, 21, 5), (105, 32, 5)]);
        assert_eq!(job.cells[2].alpha_requested, 0.3, "decimal arithmetic");
        let solver = serde_json::to_value(&job.cells[1].solver).unwrap();
        assert_eq!(
            (&solver["rsgd"]["replicas"], &solver["rsgd"]["max_epochs"]),
            (&3.into(), &17.into())
        );
        assert_eq!(job.run.checkpoint_every.to_string(), "1m30s");
        assert_eq!(job.total_units(), 34);
    }

    #[test]
    fn fingerprint_covers_the_physics_only() {
        let base = Job::parse("a", GOOD).unwrap().fingerprint();
        for (from, to, same) in [
            ("samples = 5", "samples = 6", true),
            ("\"90s\"", "\"2m\"", true),
            ("\"test\"", "\"other\"", true),
            ("seed = 7", "seed = 8", false),
            ("max_epochs = 17", "max_epochs = 18", false),
            ("[0.1]", "[0.2]", false),
            ("{ from = 0.1, to = 0.3, step = 0.1 }", "[0.3, 0.1, 0.2]", true),
        ] {
            let other = Job::parse("b", &GOOD.replace(from, to)).unwrap().fingerprint();
            assert_eq!(base == other, same, "{to}");
        }
    }

    #[test]
    fn errors_name_line_key_and_expectation() {
        for (from, to, line, key, words) in [
            ("schema = 1", "schema = 2", 1, "schema", "schema = 1"),
            ("seed = 7", "seed = \"x\"", 3, "seed", "expected"),
            ("seed = 7", "seed = -1", 3, "seed", "expected"),
            ("seed = 7", "sed = 7", 3, "sed", "did you mean `seed`"),
            ("replicas = 3", "replica = 3", 17, "solver.rsgd.replica", "did you mean `replicas`"),
            ("replicas = 3", "replicas = 0", 17, "solver.rsgd.replicas", "at least one"),
            ("\"sign\"", "\"sing\"", 6, "model.activation", "did you mean `sign`"),
            ("\"sign\"", "\"relu\"", 9, "grid.K", "even K"),
            ("\"binary\"", "\"ternary\"", 5, "model.weights", "binary, spherical"),
            ("K = 3", "K = 4", 9, "grid.K", "does not divide"),
            ("K = 3", "K = []", 9, "grid.K", "empty list"),
            ("K = 3", "K = 1.5", 9, "grid.K", "integers"),
            ("N = [63, 105]", "N = [63, \"a\"]", 8, "grid.N[1]", "expected a number"),
            ("N = [63, 105]", "N = [63, 63]", 8, "grid.N", "twice"),
            ("N = [63, 105]", "N = [98304]", 8, "grid.N", "at most 32767"),
            ("from = 0.1", "from = -0.1", 10, "grid.alpha", "positive"),
            ("step = 0.1", "step = 0.15", 10, "grid.alpha.step", "missed"),
            ("step = 0.1", "step = 0.0", 10, "grid.alpha.step", "positive"),
            ("step = 0.1", "stop = 0.1", 10, "grid.alpha.stop", "did you mean"),
            ("samples = 5", "samples = 0", 11, "grid.samples", "at least one"),
            ("N = 63, alpha", "N = 64, alpha", 13, "override[0].where", "no point"),
            ("[0.1]", "[0.7]", 19, "observe.local_energy.distances", "(0, 0.5]"),
            ("\"90s\"", "\"90\"", 21, "run.checkpoint_every", "not a duration"),
            ("[solver.rsgd]", "[solver.rsgdd]", 16, "solver.rsgdd", "did you mean `rsgd`"),
            ("\"test\"", "\"a/b\"", 2, "name", "letters"),
        ] {
            let error = error(from, to);
            assert_eq!(error.line, Some(line), "{error}");
            assert_eq!(error.key, key, "{error}");
            assert!(error.message.contains(words), "{error}");
            assert!(error.to_string().starts_with(&format!("job.toml:{line}: `{key}`")), "{error}");
        }
        assert!(error("[solver.rsgd]", "[solver]\n[solv").message.contains("not valid TOML"));
        assert!(error("[solver.rsgd]", "[other]").key == "other");
        let huge = error("{ from = 0.1, to = 0.3, step = 0.1 }", "[0.2, 1e15]");
        assert!(huge.message.contains("GiB"), "{huge}");
    }
}
