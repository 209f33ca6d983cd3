//! `enumerate`: every binary machine of a small instance, exactly.

use super::instance::InstanceArgs;
use crate::exact::{Enumeration, Geometry, density_of_states, geometry};
use crate::model::WeightKind;
use crate::rng::Purpose;
use crate::solver::Instance;
use crate::solver::exact::TAG;
use crate::{Error, Exit, Result};
use serde_json::{Value, json};
use std::time::Instant;

/// Largest N of the capacity: at most some minutes.
const CAPACITY_INPUTS: usize = 40;
/// Largest N of the density of states: some minutes.
const DENSITY_INPUTS: usize = 34;
/// The load up to which `--capacity` adds patterns unless told: E Z(P) ≤ 2^(N−P) at κ ≥ 0.
const CAP: f64 = 2.0;

/// Enumerate all 2^N binary machines: density of states, geometry of solutions, exact capacity.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape enumerate --activation relu --hidden 2 --inputs 20 --alpha 0.4 --seed 1 --json
  reluscape enumerate --activation sign --hidden 3 --inputs 27 --capacity --sample 5
  reluscape enumerate --activation relu --hidden 4 --patterns mine.h5

Without --capacity: machines by the number of patterns they miss, pairs of solutions by distance,
isolated solutions (none at distance 1), components (clusters under single flips), mean number of
solutions at each distance from a solution. Pair statistics are exact up to 100,000 solutions (and for
N <= 24), beyond that from references drawn uniformly; the output says which.
With --capacity: patterns are added one at a time until no machine is left; alpha (default 2) is the
cap. N <= 40 with --capacity, N <= 34 without.
Own patterns: HDF5 with /inputs (P x N, int8, +-1) and /labels (P, int8, +-1).")]
pub struct Args {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Exact storage of the sample and ln Z at every P.
    #[arg(long)]
    capacity: bool,
    /// Print JSON: {inputs, hidden, patterns, energy_histogram, solutions, pair_distance_histogram,
    /// isolated, components, distance_profile, ...}; with --capacity {storage, log_solutions, ...}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// `Usage` for arguments outside their domain; `Io` and `Data` of the pattern file.
pub fn run(args: Args) -> Result<Exit> {
    let default_alpha = args.capacity.then_some(CAP);
    let (_, instance) = args.instance.point(WeightKind::Binary.name(), default_alpha, None)?;
    let inputs = instance.storage.architecture().inputs();
    let limit = if args.capacity { CAPACITY_INPUTS } else { DENSITY_INPUTS };
    if inputs > limit {
        return Err(Error::Usage(format!(
            "N = {inputs}: this enumeration takes N up to {limit} (--capacity up to \
             {CAPACITY_INPUTS})"
        )));
    }
    let started = Instant::now();
    let mut enumeration =
        Enumeration::new(&instance.storage, &instance.patterns).map_err(Error::Usage)?;
    enumeration.complete();
    let seconds = started.elapsed().as_secs_f64();
    let mut report = if args.capacity {
        capacity(&instance, &enumeration)
    } else {
        landscape(&instance, &enumeration)?
    };
    report["evaluations"] = json!(enumeration.counts().evaluations());
    report["seconds"] = json!(seconds);
    if args.json {
        println!("{report:#}");
    } else {
        print!("{}", if args.capacity { capacity_text(&report) } else { landscape_text(&report) });
    }
    Ok(Exit::Done)
}

fn head(instance: &Instance) -> Value {
    let architecture = instance.storage.architecture();
    json!({
        "inputs": architecture.inputs(),
        "hidden": architecture.hidden(),
        "patterns": instance.patterns.count(),
    })
}

fn capacity(instance: &Instance, enumeration: &Enumeration) -> Value {
    let inputs = instance.storage.architecture().inputs();
    let solutions = &enumeration.counts().solutions;
    let (storage, count) = (enumeration.storage(), instance.patterns.count());
    let logs: Vec<f64> = solutions[..=storage].iter().map(|&z| libm::log(z as f64)).collect();
    let mut report = head(instance);
    report["storage"] = json!(storage);
    report["alpha"] = json!(storage as f64 / inputs as f64);
    // Solutions remain at the last pattern: the storage is a lower bound.
    report["censored"] = json!(storage == count);
    report["solutions"] = json!(solutions);
    report["log_solutions"] = json!(logs);
    // E[Z(P)] = 2^N p^P over the disorder, whose p is counted at this n.
    report["stored_fraction"] = json!(enumeration.space().stored_fraction());
    report
}

fn landscape(instance: &Instance, enumeration: &Enumeration) -> Result<Value> {
    let density = density_of_states(&instance.storage, &instance.patterns).map_err(Error::Usage)?;
    let found = geometry(enumeration, &mut instance.stream(Purpose::TypicalSolution, TAG, 1));
    let inputs = instance.storage.architecture().inputs();
    let mut report = head(instance);
    report["energy_histogram"] = json!(density);
    report["solutions"] = json!(found.solutions);
    report["pair_distance_histogram"] = numbers(&found.pairs, found.exact_pairs);
    report["isolated"] = numbers(&[found.isolated], found.exact_isolated)[0].take();
    report["components"] = json!(found.components);
    report["distance_profile"] = json!(found.profile);
    report["exact"] = json!({ "pairs": found.exact_pairs, "isolated": found.exact_isolated });
    report["references"] = json!(found.references);
    report["franz_parisi"] = franz_parisi(&found, inputs);
    Ok(report)
}

/// ⟨ln N_w(d)⟩/N over typical references, where any has a solution at that distance.
fn franz_parisi(found: &Geometry, inputs: usize) -> Value {
    let points = found.mean_log_profile.iter().enumerate();
    let points = points.filter(|(_, (_, fraction))| *fraction > 0.0);
    points
        .map(|(distance, (log, fraction))| {
            json!({
                "distance": distance as f64 / inputs as f64,
                "entropy": log / inputs as f64,
                "references_with_solutions": fraction,
            })
        })
        .collect()
}

/// Exact counts as integers, estimates as they are.
fn numbers(values: &[f64], exact: bool) -> Value {
    values.iter().map(|&x| if exact { json!(x as u64) } else { json!(x) }).collect()
}

fn head_text(report: &Value) -> String {
    let (inputs, hidden, patterns) = (&report["inputs"], &report["hidden"], &report["patterns"]);
    let seconds = report["seconds"].as_f64().unwrap_or(0.0);
    format!("N = {inputs}, K = {hidden}, P = {patterns}: 2^{inputs} machines in {seconds:.3} s\n")
}

fn capacity_text(report: &Value) -> String {
    let mut text = head_text(report);
    let (storage, alpha) = (&report["storage"], report["alpha"].as_f64().unwrap_or(0.0));
    text += &match report["censored"].as_bool() {
        Some(true) => format!(
            "storage P_c >= {storage} (alpha >= {alpha:.4}): solutions remain at the last pattern; \
             raise --alpha\n"
        ),
        _ => format!("storage P_c = {storage} (alpha = {alpha:.4})\n"),
    };
    text += "    P            solutions         ln Z     ln E[Z]\n";
    let inputs = report["inputs"].as_u64().unwrap_or(0) as f64;
    let decrease = report["stored_fraction"].as_f64().map(libm::log);
    for (p, log) in report["log_solutions"].as_array().into_iter().flatten().enumerate() {
        let log = log.as_f64().unwrap_or(0.0);
        let annealed = decrease.map_or("-".to_owned(), |decrease| {
            format!("{:.6}", inputs * std::f64::consts::LN_2 + p as f64 * decrease)
        });
        let solutions = report["solutions"][p].to_string();
        text += &format!("{p:>5} {solutions:>20} {log:>12.6} {annealed:>11}\n");
    }
    text
}

fn landscape_text(report: &Value) -> String {
    let mut text = head_text(report);
    let said = |exact: &Value| match exact.as_bool() {
        Some(true) => "exact".to_owned(),
        _ => format!("estimated from {} references drawn uniformly", report["references"]),
    };
    let (pairs, isolated) = (said(&report["exact"]["pairs"]), said(&report["exact"]["isolated"]));
    text += &format!("solutions            {}\n", report["solutions"]);
    text += &format!("isolated             {} ({isolated})\n", report["isolated"]);
    text += &match &report["components"] {
        Value::Null => "components           not counted above 10^7 solutions\n".to_owned(),
        count => format!("components           {count}\n"),
    };
    text += "\nerrors E      machines g(E)\n";
    for (errors, count) in report["energy_histogram"].as_array().into_iter().flatten().enumerate() {
        text += &format!("{errors:>8} {:>18}\n", count.to_string());
    }
    text +=
        &format!("\nflips      pairs of solutions   solutions at that distance (both {pairs})\n");
    let profile = report["distance_profile"].as_array().into_iter().flatten();
    for (flips, (pairs, mean)) in
        report["pair_distance_histogram"].as_array().into_iter().flatten().zip(profile).enumerate()
    {
        let mean = mean.as_f64().unwrap_or(0.0);
        text += &format!("{flips:>5} {:>23} {mean:>28.4}\n", pairs.to_string());
    }
    text
}
