//! Whole-solver tests: a slow reference of the least-action rule step by step, gradients against
//! finite differences, snapshots.

use super::*;
use crate::model::{Activation, Architecture, Connectivity, Storage, WeightKind};
use crate::solver::SolverSpec;

/// An instance with P = `count` patterns.
fn instance(
    activation: Activation,
    connectivity: Connectivity,
    (inputs, hidden): (usize, usize),
    count: usize,
    sample: u64,
) -> Arc<Instance> {
    let architecture = Architecture::new(inputs, hidden, connectivity).unwrap();
    let storage = Storage::new(architecture, activation, 0.0);
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 20191023, sample))
}

/// Runs to the end; the claim must agree with the independent verifier.
fn finish(solver: &mut dyn Solver, instance: &Instance) -> Progress {
    loop {
        let progress = solver.epoch();
        if progress != Progress::Running {
            let errors = instance.storage.errors(&instance.patterns, &solver.weights());
            assert_eq!(progress == Progress::Solved, errors == 0);
            return progress;
        }
    }
}

fn solves(activation: Activation, connectivity: Connectivity, shape: (usize, usize), alpha: f64) {
    let count = (alpha * shape.0 as f64) as usize;
    for sample in 0..3 {
        let instance = instance(activation, connectivity, shape, count, sample);
        let spec = SolverSpec::Rsgd(Params::default());
        spec.validate(WeightKind::Binary, activation, instance.storage.architecture()).unwrap();
        let mut solver = spec.build(instance.clone());
        assert_eq!(
            finish(solver.as_mut(), &instance),
            Progress::Solved,
            "{activation:?} {shape:?} alpha {alpha} sample {sample}"
        );
        let values = solver.values();
        assert_eq!(values.len(), columns().len());
        assert!(values.iter().zip(columns()).all(|(value, column)| value.fits(&column.kind)));
    }
}

#[test]
fn defaults_solve_easy_instances() {
    solves(Activation::Sign, Connectivity::Tree, (405, 5), 0.35);
    solves(Activation::Sign, Connectivity::Full, (405, 5), 0.2);
    solves(Activation::Identity, Connectivity::Tree, (401, 1), 0.3);
    solves(Activation::Relu, Connectivity::Tree, (400, 8), 0.25);
    solves(Activation::LeakyRelu { slope: 0.1 }, Connectivity::Tree, (400, 8), 0.25);
    solves(Activation::Tanh, Connectivity::Tree, (405, 5), 0.2);
    solves(Activation::Abs, Connectivity::Tree, (400, 4), 0.1);
}

/// The published rule on nested vectors, with nothing packed, kept or incremental.
struct Reference<'a> {
    instance: &'a Instance,
    fields: Vec<Vec<f32>>,
    orders: Vec<Vec<usize>>,
    streams: Vec<Stream>,
    turns: Vec<usize>,
    stream: Stream,
    epoch: u64,
}

impl<'a> Reference<'a> {
    fn new(instance: &'a Instance, replicas: usize) -> Self {
        let architecture = instance.storage.architecture();
        let mut stream = instance.solver_stream(TAG, 0);
        let start = Weights::random_binary(architecture, &mut stream).signs(architecture).unwrap();
        Self {
            instance,
            fields: vec![start.iter().map(|&w| f32::from(w)).collect(); replicas],
            orders: vec![(0..instance.patterns.count()).collect(); replicas],
            streams: (0..replicas).map(|r| instance.solver_stream(TAG, r as u64 + 1)).collect(),
            turns: (0..replicas).collect(),
            stream,
            epoch: 0,
        }
    }

    fn sign(h: f32) -> f32 {
        if h < 0.0 { -1.0 } else { 1.0 }
    }

    /// One epoch with least action; returns the units chosen, in order.
    fn epoch(&mut self, batch: usize, formula: Formula, farthest: bool) -> Vec<usize> {
        let architecture = self.instance.storage.architecture();
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let patterns = &self.instance.patterns;
        let entry = |mu: usize, unit: usize, i: usize| match architecture.connectivity() {
            Connectivity::Tree => patterns.entry(mu, unit * n + i),
            Connectivity::Full => patterns.entry(mu, i),
        };
        let gamma = 0.05 + 0.001 * self.epoch as f64;
        let (lambda, replicas) = (0.75f32, self.fields.len());
        let mut chosen = Vec::new();
        for (order, stream) in self.orders.iter_mut().zip(&mut self.streams) {
            stream.shuffle(order);
        }
        for start in (0..patterns.count()).step_by(batch) {
            self.stream.shuffle(&mut self.turns);
            for &r in &self.turns {
                let sums: Vec<f32> = (0..n * hidden)
                    .map(|i| self.fields.iter().map(|h| Self::sign(h[i])).sum())
                    .collect();
                let frozen: Vec<f32> = self.fields[r].iter().map(|&h| Self::sign(h)).collect();
                let end = (start + batch).min(patterns.count());
                for &mu in &self.orders[r][start..end] {
                    let sigma = patterns.label(mu);
                    let h: Vec<i32> = (0..hidden)
                        .map(|l| {
                            (0..n).map(|i| frozen[l * n + i] as i32 * entry(mu, l, i)).sum::<i32>()
                        })
                        .collect();
                    let votes: i32 = h.iter().map(|h| sigma * h.signum()).sum();
                    if votes > 0 {
                        continue;
                    }
                    let mut wrong: Vec<usize> =
                        (0..hidden).filter(|&l| sigma * h[l] <= 0).collect();
                    wrong.sort_by_key(|&l| if farthest { -h[l].abs() } else { h[l].abs() });
                    // The fewest changes that bring Σσ τ from `votes` to at least 1.
                    let mut need = 0;
                    while votes + 2 * need < 1 {
                        need += 1;
                    }
                    for &l in wrong.iter().take(need as usize) {
                        chosen.push(l);
                        for i in 0..n {
                            self.fields[r][l * n + i] += 2.0 * (sigma * entry(mu, l, i)) as f32;
                        }
                    }
                }
                for (h, &s) in self.fields[r].iter_mut().zip(&sums) {
                    let w = Self::sign(*h);
                    match formula {
                        Formula::Hard => {
                            let x = (gamma as f32 * s).clamp(-1.0, 1.0);
                            *h += lambda * x - lambda * w;
                        }
                        Formula::Continuous => {
                            let c = (1.0 / replicas as f32 * s).clamp(-1.0, 1.0);
                            *h += lambda * c - lambda * w;
                        }
                        Formula::Simple | Formula::Corrected => {
                            let y = replicas as f64;
                            let own = if formula == Formula::Simple {
                                1.0
                            } else {
                                libm::tanh(gamma * y)
                            };
                            let kick = 0.75 * libm::tanh(gamma * f64::from(s));
                            *h += kick as f32 - (0.75 * own) as f32 * w;
                        }
                    }
                }
            }
        }
        self.epoch += 1;
        chosen
    }
}

/// All hidden weights of every replica agree bit by bit with the reference after each epoch.
#[test]
fn least_action_follows_the_reference_step_by_step() {
    for (connectivity, shape) in [
        (Connectivity::Full, (5 * 67, 5)),
        (Connectivity::Tree, (7 * 63, 7)),
        // Even n and even K: ties of a unit and of the vote.
        (Connectivity::Tree, (4 * 66, 4)),
    ] {
        for formula in [Formula::Hard, Formula::Simple, Formula::Corrected, Formula::Continuous] {
            let instance = instance(Activation::Sign, connectivity, shape, 130, 4);
            let params = Params {
                formula: Some(formula),
                replicas: Some(3),
                batch: Some(17),
                ..Params::default()
            };
            let mut solver = Rsgd::new(instance.clone(), &params);
            let mut reference = Reference::new(&instance, 3);
            let mut wrong_choice = Reference::new(&instance, 3);
            for _ in 0..5 {
                let _ = solver.epoch();
                assert!(!reference.epoch(17, formula, false).is_empty());
                wrong_choice.epoch(17, formula, true);
                for r in 0..3 {
                    assert_eq!(unpadded(&solver, r), reference.fields[r], "{formula:?}");
                }
            }
            // Power: the farthest units instead of the nearest lead elsewhere.
            assert_ne!(unpadded(&solver, 0), wrong_choice.fields[0]);
        }
    }
}

/// H of replica `r` without padding lanes.
fn unpadded(solver: &Rsgd, r: usize) -> Vec<f32> {
    let n = solver.machine.unit_inputs;
    let units = solver.state.replicas[r].fields.chunks_exact(64 * solver.machine.words);
    units.flat_map(|unit| unit[..n].to_vec()).collect()
}

/// The correction of one pattern is −√N times the gradient of the cross-entropy over real weights,
/// taken at W = ±1; for ReLU units with the gate's antiderivative, a softplus, inside the chain.
#[test]
fn straight_through_is_the_gradient_of_the_cross_entropy() {
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Tanh,
        Activation::Erf { scale: 0.7 },
        Activation::Gelu,
        Activation::Quadratic,
        Activation::Abs,
        Activation::Identity,
    ] {
        // Odd n: no unit sits on a kink.
        let instance = instance(activation, Connectivity::Tree, (4 * 33, 4), 1, 2);
        let params =
            Params { rule: Some(Rule::StraightThrough), replicas: Some(1), ..Params::default() };
        let mut solver = Rsgd::new(instance.clone(), &params);
        let beta = 0.6;
        solver.loss.set(&solver.machine, beta);
        let before = unpadded(&solver, 0);
        let Replica { fields, weights, .. } = &mut solver.state.replicas[0];
        let bits = words(weights).to_vec();
        straight_through::minibatch(
            &solver.machine,
            &solver.loss,
            &instance.patterns,
            &[0],
            1.0,
            &bits,
            fields,
            &mut solver.differing,
        );
        let after = unpadded(&solver, 0);
        let weights: Vec<f64> = before.iter().map(|&w| f64::from(w)).collect();
        let g = |x: f64| activation.value(x);
        let softplus = |x: f64| libm::log1p(libm::exp(0.6 * beta * x)) / (0.6 * beta);
        let stability = stability(&instance, &weights, &g);
        let loss = |x: f64| libm::log1p(libm::exp(-2.0 * beta * x)) / (2.0 * beta);
        let step = 1e-4;
        let loss_slope = (loss(stability + step) - loss(stability - step)) / (2.0 * step);
        for i in [0, 32, 33, 70, 131] {
            let at = |shift: f64| {
                let mut moved = weights.clone();
                moved[i] += shift;
                match activation {
                    Activation::Relu => self::stability(&instance, &moved, &softplus),
                    _ => self::stability(&instance, &moved, &g),
                }
            };
            let slope = loss_slope * (at(step) - at(-step)) / (2.0 * step);
            let expected = -(132f64).sqrt() * slope;
            let found = f64::from(after[i] - before[i]);
            assert!(
                (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{activation:?} weight {i}: {found} against {expected}"
            );
        }
    }
}

/// σΔ of pattern 0 for real weights and hidden units `g`, straight from the definition.
fn stability(instance: &Instance, weights: &[f64], g: &dyn Fn(f64) -> f64) -> f64 {
    let architecture = instance.storage.architecture();
    let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
    let mut delta = 0.0;
    for unit in 0..hidden {
        let field: f64 = (0..n)
            .map(|i| weights[unit * n + i] * f64::from(instance.patterns.entry(0, unit * n + i)))
            .sum();
        let readout = instance.storage.activation().readout(unit, hidden);
        delta += f64::from(readout) * g(field / (n as f64).sqrt());
    }
    f64::from(instance.patterns.label(0)) * delta / (hidden as f64).sqrt()
}

/// Interrupted after any epoch, restored into a fresh solver: the same end, byte for byte.
#[test]
fn snapshots_continue_identically() {
    for (activation, shape, center) in [
        (Activation::Sign, (315, 5), Center::Traced),
        (Activation::Sign, (315, 5), Center::Explicit),
        (Activation::Relu, (312, 6), Center::Traced),
    ] {
        let instance = instance(activation, Connectivity::Tree, shape, 110, 9);
        let params = Params { center: Some(center), max_epochs: Some(40), ..Params::default() };
        let mut whole = Rsgd::new(instance.clone(), &params);
        let mut snapshots = vec![whole.snapshot()];
        while whole.epoch() == Progress::Running {
            snapshots.push(whole.snapshot());
        }
        let end = whole.snapshot();
        assert!(snapshots.len() > 5);
        for at in [0, 1, snapshots.len() / 2, snapshots.len() - 1] {
            let mut resumed = Rsgd::new(instance.clone(), &params);
            let _ = resumed.epoch();
            resumed.restore(&snapshots[at]).unwrap();
            while resumed.epoch() == Progress::Running {}
            assert!(resumed.snapshot() == end, "{activation:?} from epoch {at}");
            assert_eq!(resumed.values(), whole.values());
        }
    }
}

/// Every instruction set gives the same state, byte for byte.
#[test]
fn instruction_sets_agree() {
    for (activation, shape) in [(Activation::Sign, (5 * 67, 5)), (Activation::Relu, (4 * 65, 4))] {
        let instance = instance(activation, Connectivity::Tree, shape, 120, 3);
        let mut states = Vec::new();
        for isa in Isa::all() {
            let mut solver = Rsgd::new(instance.clone(), &Params::default());
            solver.isa = isa;
            for _ in 0..6 {
                let _ = solver.epoch();
            }
            states.push(solver.snapshot());
        }
        assert!(states.iter().all(|state| state == &states[0]), "{activation:?}");
    }
}

#[test]
fn bad_snapshots_leave_the_solver_unchanged() {
    let small = instance(Activation::Sign, Connectivity::Tree, (105, 5), 30, 0);
    let large = instance(Activation::Sign, Connectivity::Tree, (205, 5), 60, 0);
    let mut solver = Rsgd::new(small, &Params::default());
    let other = Rsgd::new(large, &Params::default()).snapshot();
    let before = solver.snapshot();
    let mut longer = before.clone();
    longer.push(0);
    for bytes in [&[][..], &before[..before.len() / 2], &other, &longer] {
        assert!(solver.restore(bytes).is_err());
        assert!(solver.snapshot() == before);
    }
}

#[test]
fn parameters_are_checked() {
    let tree = Architecture::tree(400, 8).unwrap();
    let key = |text: &str, activation, architecture| {
        let params: Params = toml::from_str(text).unwrap();
        params.validate(WeightKind::Binary, activation, architecture).map_err(|(key, _)| key)
    };
    assert_eq!(key("", Activation::Relu, tree), Ok(()));
    assert_eq!(key("replicas = 0", Activation::Relu, tree), Err("replicas".into()));
    assert_eq!(key("batch = 0", Activation::Relu, tree), Err("batch".into()));
    assert_eq!(key("max_epochs = 0", Activation::Relu, tree), Err("max_epochs".into()));
    assert_eq!(key("rule = \"least_action\"", Activation::Relu, tree), Err("rule".into()));
    assert_eq!(key("eta = -1.0", Activation::Relu, tree), Err("eta".into()));
    assert_eq!(
        key("gamma = { start = 1.0, step = -0.01 }", Activation::Relu, tree),
        Err("gamma".into())
    );
    let full = Architecture::new(400, 8, Connectivity::Full).unwrap();
    assert_eq!(key("", Activation::Relu, full), Err("connectivity".into()));
    assert!(toml::from_str::<Params>("replica = 3").is_err());
}

/// Resolved parameters are complete and mean the same.
#[test]
fn resolved_parameters_are_a_fixed_point() {
    for activation in [Activation::Sign, Activation::Relu] {
        let resolved = Params::default().resolved(activation);
        assert_eq!(resolved.resolved(Activation::Identity), resolved);
        let text = toml::to_string(&resolved).unwrap();
        assert_eq!(toml::from_str::<Params>(&text).unwrap(), resolved, "{text}");
        assert_eq!(resolved.settings(activation), Params::default().settings(activation));
    }
}
