//! Replicated SGD on the published problem, sample by sample: epochs and time to a solution.
//!
//! `cargo bench --bench rsgd_published > TABLE.json` solves 300 samples at each α (patterns by weights)
//! of the fully connected committee of 5 × 321 sign units, y = 7, mini-batches of 80, default
//! parameters (the published ones), and of the tree with as many weights. Each sample runs once; times
//! are those of the thread's CPU clock, the construction of the solver (but not of the patterns)
//! included. Medians are over all samples, censored ones at infinity; their 95 % interval lies between
//! the ranks n/2 ± 0.98√n (binomial).

use reluscape::model::{Activation, Architecture, Connectivity, Storage, WeightKind};
use reluscape::solver::rsgd::{Params, Rsgd};
use reluscape::solver::{Instance, Progress, Solver};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::sync::Arc;

const SAMPLES: u64 = 300;
const SEED: u64 = 20261126;
const MAX_EPOCHS: u64 = 10_000;

fn clock() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + 1e-9 * now.tv_nsec as f64
}

/// Median and the ends of its interval; `None` where censored.
fn median(mut values: Vec<f64>) -> [Option<f64>; 3] {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = 0.5 * (values[middle - 1] + values[middle]);
    let (half, width) = (0.5 * values.len() as f64, 0.98 * (values.len() as f64).sqrt());
    let (low, high) = ((half - width) as usize, (half + width) as usize);
    [median, values[low], values[high]].map(|x| x.is_finite().then_some(x))
}

fn cell(connectivity: Connectivity, alpha: f64) -> Value {
    let (inputs, hidden) = (1605, 5);
    let architecture = Architecture::new(inputs, hidden, connectivity).expect("1605 = 5 × 321");
    let storage = Storage::new(architecture, Activation::Sign, 0.0);
    let count = (alpha * inputs as f64).round() as usize;
    let params = Params { max_epochs: Some(MAX_EPOCHS), ..Params::default() };
    let replicas = params.settings(Activation::Sign).replicas;
    let (mut epochs, mut seconds, mut work, mut total) = (Vec::new(), Vec::new(), 0.0, 0.0);
    let mut solved = 0;
    for sample in 0..SAMPLES {
        let kind = WeightKind::Binary;
        let instance = Arc::new(Instance::random(storage, kind, count, SEED, sample));
        let start = clock();
        let mut solver = Rsgd::new(instance.clone(), &params);
        let end = loop {
            let progress = solver.epoch();
            if progress != Progress::Running {
                break progress;
            }
        };
        let time = clock() - start;
        let taken = solver.effort().epochs as f64;
        work += taken * (count * replicas * inputs) as f64;
        total += time;
        if end == Progress::Solved {
            let errors = storage.errors(&instance.patterns, &solver.weights());
            assert_eq!(errors, 0, "the verifier agrees");
            solved += 1;
            epochs.push(taken);
            seconds.push(time);
        } else {
            epochs.push(f64::INFINITY);
            seconds.push(f64::INFINITY);
        }
    }
    let [median_epochs, low, high] = median(epochs);
    let [median_seconds, fast, slow] = median(seconds);
    json!({
        "connectivity": if connectivity == Connectivity::Full { "full" } else { "tree" },
        "N": inputs, "K": hidden, "alpha": alpha, "P": count,
        "samples": SAMPLES, "solved": solved,
        "median_epochs": median_epochs, "median_epochs_interval": [low, high],
        "median_cpu_seconds": median_seconds, "median_cpu_seconds_interval": [fast, slow],
        "presentations_replicas_weights_per_second": work / total,
    })
}

fn main() {
    let mut cells = Vec::new();
    for connectivity in [Connectivity::Full, Connectivity::Tree] {
        cells.extend([0.3, 0.4, 0.5].map(|alpha| cell(connectivity, alpha)));
    }
    let lines: Vec<String> = cells.iter().map(|cell| format!("  {cell}")).collect();
    println!(
        "{{\n \"what\": \"Least-action rSGD, default parameters, 5 x 321 sign units, y = 7, batch 80, \
         max_epochs {MAX_EPOCHS}, seed {SEED}, samples 0 to {}; medians over all samples with 95 % intervals by \
         order statistics.\",\n \"command\": \"cargo bench --bench rsgd_published\",\n \
         \"cells\": [\n{}\n ]\n}}",
        SAMPLES - 1,
        lines.join(",\n")
    );
}
