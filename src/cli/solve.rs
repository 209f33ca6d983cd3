//! `solve`: one solver on one instance.

use crate::job::Job;
use crate::model::{Patterns, Storage};
use crate::record::Value;
use crate::solver::{Instance, Progress};
use crate::store::instance::{read_patterns, write_weights};
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
    /// Hidden units' activation.
    #[arg(long)]
    activation: String,
    /// Slope of leaky_relu.
    #[arg(long, allow_hyphen_values = true)]
    slope: Option<f64>,
    /// Scale of erf.
    #[arg(long)]
    scale: Option<f64>,
    /// K, hidden units.
    #[arg(long)]
    hidden: u64,
    /// N, inputs (weights in all).
    #[arg(long, required_unless_present = "patterns", conflicts_with = "patterns")]
    inputs: Option<u64>,
    /// P/N.
    #[arg(long, required_unless_present = "patterns", conflicts_with = "patterns")]
    alpha: Option<f64>,
    /// Disorder sample.
    #[arg(long, default_value_t = 0)]
    sample: u64,
    /// Own patterns instead of random ones.
    #[arg(long, value_name = "FILE.h5")]
    patterns: Option<PathBuf>,
    /// Margin.
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true)]
    kappa: f64,
    /// Seed of all streams.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// tree or full.
    #[arg(long, default_value = "tree")]
    connectivity: String,
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
    let own = args.patterns.as_deref().map(read_patterns).transpose()?;
    let (inputs, alpha) = match (&own, args.inputs, args.alpha) {
        (Some(own), _, _) => {
            let inputs = match args.connectivity.as_str() {
                "full" => own.len as u64 * args.hidden,
                _ => own.len as u64,
            };
            (inputs, own.count as f64 / inputs as f64)
        }
        (None, Some(inputs), Some(alpha)) => (inputs, alpha),
        _ => return Err(Error::Usage("give --inputs and --alpha, or --patterns".into())),
    };
    let job = single_cell_job(&args, inputs, alpha)?;
    let cell = &job.cells[0];
    let storage = Storage::new(cell.architecture, job.model.activation, job.model.kappa);
    let kind = job.model.weights;
    let instance = Arc::new(match &own {
        None => Instance::random(storage, kind, cell.patterns, args.seed, args.sample),
        Some(own) => {
            let patterns = Patterns::from_signs(cell.architecture, &own.inputs, &own.labels)
                .map_err(|detail| Error::data(args.patterns.clone().unwrap_or_default(), detail))?;
            Instance { storage, kind, patterns, seed: args.seed, sample: args.sample }
        }
    });
    let started = Instant::now();
    let mut solver = cell.solver.build(Arc::clone(&instance));
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
        "inputs": inputs,
        "hidden": args.hidden,
        "patterns": instance.patterns.count(),
        "alpha": instance.patterns.count() as f64 / inputs as f64,
    });
    for (column, value) in job.columns().iter().skip(report_columns()).zip(solver.values()) {
        report[&column.name] = match value {
            Value::Missing | Value::Bytes(_) => serde_json::Value::Null,
            Value::Bool(b) => b.into(),
            Value::Count(c) => c.into(),
            Value::Real(x) => x.into(),
            Value::Vector(v) => v.into(),
        };
    }
    if args.json {
        println!("{report:#}");
    } else {
        let word = if solved { "solved" } else { "not solved" };
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

/// The command line as a job of one cell, so that all checks are the job file's.
fn single_cell_job(args: &Args, inputs: u64, alpha: f64) -> Result<Job> {
    let mut parameters = toml::Table::new();
    for setting in &args.settings {
        let (key, value) = parse_setting(setting)?;
        parameters.insert(key, value);
    }
    let mut model = toml::toml! { connectivity = "tree" };
    model.insert("weights".into(), args.weights.clone().into());
    model.insert("activation".into(), args.activation.clone().into());
    model.insert("kappa".into(), args.kappa.into());
    model.insert("connectivity".into(), args.connectivity.clone().into());
    for (key, value) in [("slope", args.slope), ("scale", args.scale)] {
        if let Some(value) = value {
            model.insert(key.into(), value.into());
        }
    }
    let integer = |name: &str, value: u64| {
        i64::try_from(value)
            .map(toml::Value::Integer)
            .map_err(|_| Error::Usage(format!("{name} = {value}: expected at most {}", i64::MAX)))
    };
    let grid = toml::Table::from_iter([
        ("N".to_owned(), integer("--inputs", inputs)?),
        ("K".to_owned(), integer("--hidden", args.hidden)?),
        ("alpha".to_owned(), alpha.into()),
        ("samples".to_owned(), 1.into()),
    ]);
    let solver = toml::Table::from_iter([(args.solver.clone(), parameters.into())]);
    let table = toml::Table::from_iter([
        ("schema".to_owned(), crate::job::SCHEMA.into()),
        ("name".to_owned(), "solve".into()),
        ("seed".to_owned(), integer("--seed", args.seed)?),
        ("model".to_owned(), model.into()),
        ("grid".to_owned(), grid.into()),
        ("solver".to_owned(), solver.into()),
    ]);
    Job::parse("command line", &table.to_string()).map_err(|error| match error {
        Error::Job(error) => Error::Usage(format!("{}: {}", error.key, error.message)),
        other => other,
    })
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
