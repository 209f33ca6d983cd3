//! `solve`: one solver on one instance.

use super::instance::InstanceArgs;
use crate::solver::Progress;
use crate::store::instance::write_weights;
use crate::{Error, Exit, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Solve one instance, random or your own.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape solve --solver rsgd --weights binary --activation sign --hidden 5 --inputs 1005 \\\n      --alpha 0.3 --sample 0 --json\n  reluscape solve --solver rsgd --weights binary --activation relu --hidden 4 \\\n      --patterns mine.h5 --set replicas=5 --weights-out solution.h5\n\nOwn patterns: HDF5 with /inputs (P x N, int8, +-1) and /labels (P, int8, +-1)."
)]
pub struct Args {
    /// The solver, as in [solver.NAME] of a job file.
    #[arg(long)]
    solver: String,
    /// Weight space: binary or spherical.
    #[arg(long)]
    weights: String,
    #[command(flatten)]
    instance: InstanceArgs,
    /// A parameter of the solver, repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Write the configuration reached, /weights.
    #[arg(long, value_name = "FILE.h5")]
    weights_out: Option<PathBuf>,
    /// Print JSON: {solved, epochs, training_error, seconds, ...}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let mut parameters = toml::Table::new();
    for setting in &args.settings {
        let (key, value) = parse_setting(setting)?;
        parameters.insert(key, value);
    }
    let (job, instance) = args.instance.job(&args.weights, (&args.solver, parameters))?;
    let (cell, storage) = (&job.cells[0], instance.storage);
    let instance = Arc::new(instance);
    let started = Instant::now();
    let mut solver = cell.solver.method().build(Arc::clone(&instance));
    let progress = loop {
        match solver.epoch() {
            Progress::Running => {}
            ended => break ended,
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let (weights, effort) = (solver.weights(), solver.effort());
    let errors = storage.errors(&instance.patterns, &weights);
    let solved = progress == Progress::Solved;
    if solved && errors > 0 {
        let claim = format!("{} claims a solution, but {errors} patterns fail", args.solver);
        return Err(Error::Internal(claim));
    }
    if let Some(path) = &args.weights_out {
        write_weights(path, cell.architecture, &weights)?;
    }
    let mut report = serde_json::json!({
        "solved": solved,
        "epochs": effort.epochs,
        "presentations": effort.presentations,
        "training_error": errors,
        "seconds": seconds,
        "solver": cell.solver.name(),
        "inputs": cell.inputs(),
        "hidden": cell.hidden(),
        "patterns": instance.patterns.count(),
        "alpha": instance.patterns.count() as f64 / cell.inputs() as f64,
    });
    for (column, value) in job.columns().iter().skip(report_columns()).zip(solver.values()) {
        report[&column.name] = value.json();
    }
    if args.json {
        println!("{report:#}");
    } else {
        let word = match progress {
            Progress::Solved => "solved",
            Progress::Unsatisfiable => "no solution exists: known",
            _ => "not solved",
        };
        println!("{word} after {} epochs, {seconds:.3} s", effort.epochs);
        if let serde_json::Value::Object(entries) = &report {
            for (key, value) in entries.iter().filter(|(_, v)| !v.is_null()) {
                println!("{key:<16} {value}");
            }
        }
    }
    Ok(Exit::Done)
}

/// Columns that every solver has, before its own.
fn report_columns() -> usize {
    crate::solver::common_columns().len()
}

/// `KEY=VALUE`, the value in TOML or JSON, else taken as text.
fn parse_setting(text: &str) -> Result<(String, toml::Value)> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.trim().is_empty())
        .ok_or_else(|| Error::Usage(format!("--set {text}: expected KEY=VALUE")))?;
    let as_toml = || format!("value = {value}").parse::<toml::Table>().ok()?.remove("value");
    let as_json = || serde_json::from_str::<toml::Value>(value).ok();
    let value = as_toml().or_else(as_json).unwrap_or_else(|| value.into());
    Ok((key.trim().to_owned(), value))
}
