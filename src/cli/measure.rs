//! `measure`: any observable on given weights.

use super::instance::InstanceArgs;
use crate::model::{WeightKind, Weights};
use crate::observable::Solution;
use crate::record::{Column, Kind, Value};
use crate::solver::Extent;
use crate::store::instance::{read_weights, weight_kind};
use crate::{Error, Exit, Result};
use serde_json::json;
use std::path::PathBuf;

/// Measure observables of given weights on an instance, random or your own.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape measure --activation sign --hidden 3 --patterns P.h5 --weights W.h5 \\
      --observe stability --observe 'local_energy = { distances = [0.01, 0.1], trials = 1000 }'
  reluscape measure --activation relu --hidden 4 --inputs 24 --alpha 0.4 --weights W.h5 \\
      --observe 'local_entropy = { distances = [0.1, 0.2], method = \"enumeration\" }' --json
  reluscape measure --activation relu --hidden 4 --patterns P.h5 --weights A.h5 --weights B.h5 \\
      --observe independent --observe norms

Observables and their parameters are those of [observe] in a job file: stability, local_energy,
input_noise, local_entropy, overlaps, independent, norms. A name alone takes the defaults.
Weights: HDF5 with /weights (N, +-1 integers or float32), as `solve --weights-out` writes them. The
first file is measured; further ones count as solutions by independent runs. What loses or keeps
patterns is counted over those that the weights store, whether or not these are all.")]
pub struct Args {
    #[command(flatten)]
    instance: InstanceArgs,
    /// The weights to measure; further ones for `independent`.
    #[arg(long, value_name = "FILE.h5", required = true)]
    weights: Vec<PathBuf>,
    /// Replicas, for `overlaps`, repeatable.
    #[arg(long = "replica", value_name = "FILE.h5")]
    replicas: Vec<PathBuf>,
    /// The replicas' centre, for `overlaps` and `norms`.
    #[arg(long, value_name = "FILE.h5")]
    center: Option<PathBuf>,
    /// An observable, NAME or NAME = { ... } in TOML, repeatable.
    #[arg(long, value_name = "NAME[=PARAMETERS]", required = true)]
    observe: Vec<String>,
    /// Print JSON: {inputs, hidden, patterns, training_error, observables: {NAME: {values, ...}}}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// `Usage` for arguments outside their domain; `Io` and `Data` of the files.
pub fn run(args: Args) -> Result<Exit> {
    let kind = weight_kind(&args.weights[0])?;
    let observe = observe_table(&args.observe)?;
    let (point, instance) = args.instance.point(kind.name(), None, Some(observe))?;
    let architecture = point.architecture;
    let read = |path: &PathBuf| read_weights(path, architecture);
    let mut weights: Vec<Weights> = args.weights.iter().map(read).collect::<Result<_>>()?;
    for (path, other) in args.weights.iter().zip(&weights) {
        if other.kind() != kind {
            let (other, kind) = (other.kind().name(), kind.name());
            let detail = format!("{other} weights: the first file has {kind} ones");
            return Err(Error::data(path, detail));
        }
    }
    let replicas: Vec<Weights> = args.replicas.iter().map(read).collect::<Result<_>>()?;
    let center = args.center.as_ref().map(read).transpose()?;
    let independent = weights.split_off(1);
    let solution = Solution {
        instance: &instance,
        weights: &weights[0],
        replicas: &replicas,
        center: center.as_ref(),
        independent: &independent,
        solver: 0,
    };
    let extent =
        Extent { kind, max_inputs: architecture.inputs(), max_patterns: instance.patterns.count() };
    let errors = instance.storage.errors(&instance.patterns, &weights[0]);
    let mut measured: Vec<(Column, Value)> = Vec::new();
    for (_, observable) in point.observe.observables() {
        measured.extend(observable.columns(&extent).into_iter().zip(observable.measure(&solution)));
    }
    if args.json {
        let mut observables = serde_json::Map::new();
        for (column, value) in &measured {
            let mut object = json!({
                "long_name": column.long_name, "units": column.units, "value": value.json(),
            });
            if let Kind::Vector(axis) = &column.kind {
                object["axis"] = json!({ "name": axis.name, "values": axis.values });
            }
            observables.insert(column.name.clone(), object);
        }
        let report = json!({
            "inputs": architecture.inputs(),
            "hidden": architecture.hidden(),
            "patterns": instance.patterns.count(),
            "weights": kind.name(),
            "training_error": errors,
            "observables": observables,
        });
        println!("{report:#}");
    } else {
        print!("{}", text(kind, &instance, errors, &measured));
    }
    Ok(Exit::Done)
}

/// The `--observe` options as the table `[observe]`.
fn observe_table(options: &[String]) -> Result<toml::Table> {
    let mut observe = toml::Table::new();
    for option in options {
        let bad = |reason: &str| Error::Usage(format!("--observe '{option}': {reason}"));
        let parsed = match option.trim() {
            "weights" => return Err(bad("the weights are what you gave")),
            name if !name.contains('=') => {
                toml::Table::from_iter([(name.to_owned(), toml::Table::new().into())])
            }
            text => text
                .parse::<toml::Table>()
                .map_err(|error| bad(&format!("{}: expected NAME = {{ ... }}", error.message())))?,
        };
        for (name, parameters) in parsed {
            if observe.insert(name.clone(), parameters).is_some() {
                return Err(bad(&format!("{name} was asked for before")));
            }
        }
    }
    Ok(observe)
}

fn text(
    kind: WeightKind,
    instance: &crate::solver::Instance,
    errors: usize,
    measured: &[(Column, Value)],
) -> String {
    let architecture = instance.storage.architecture();
    let mut text = format!(
        "N = {}, K = {}, P = {}, {} weights: {errors} patterns not stored\n",
        architecture.inputs(),
        architecture.hidden(),
        instance.patterns.count(),
        kind.name()
    );
    for (column, value) in measured {
        match (&column.kind, value) {
            (Kind::Vector(axis), value) => {
                text += &format!("\n{:<24} {}\n", axis.name, column.name);
                for (at, x) in axis.values.iter().enumerate() {
                    let entry = value.component(at).map_or("-".into(), |y| format!("{y:.6}"));
                    text += &format!("{x:<24} {entry}\n");
                }
            }
            (_, Value::Missing) => text += &format!("{:<24} -\n", column.name),
            (_, Value::Real(x)) => text += &format!("{:<24} {x:.6}\n", column.name),
            (_, value) => text += &format!("{:<24} {}\n", column.name, value.json()),
        }
    }
    text
}
