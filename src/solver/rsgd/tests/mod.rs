//! Whole-solver tests.

mod ends;
mod gradients;
mod reference;

use super::*;
use crate::model::{Activation, Architecture, Connectivity, WeightKind};
use crate::solver::{Method, SolverSpec};

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
            assert!(progress != Progress::Solved || errors == 0, "{errors} errors");
            return progress;
        }
    }
}

/// H of replica `r` without padding lanes.
fn unpadded(solver: &Rsgd, r: usize) -> Vec<f32> {
    let n = solver.machine.unit_inputs;
    let units = solver.state.replicas[r].fields.chunks_exact(64 * solver.machine.words);
    units.flat_map(|unit| unit[..n].to_vec()).collect()
}

fn solves(params: &Params, activation: Activation, full: bool, shape: (usize, usize), alpha: f64) {
    let count = (alpha * shape.0 as f64) as usize;
    let connectivity = if full { Connectivity::Full } else { Connectivity::Tree };
    for sample in 0..2 {
        let instance = instance(activation, connectivity, shape, count, sample);
        let spec = SolverSpec::Rsgd(params.clone());
        spec.method()
            .validate(WeightKind::Binary, activation, instance.storage.architecture())
            .unwrap();
        let mut solver = spec.method().build(instance.clone());
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
    let params = Params::default();
    solves(&params, Activation::Sign, false, (405, 5), 0.35);
    solves(&params, Activation::Sign, true, (405, 5), 0.2);
    solves(&params, Activation::Identity, false, (401, 1), 0.3);
    solves(&params, Activation::Relu, false, (400, 8), 0.25);
    solves(&params, Activation::LeakyRelu { slope: 0.1 }, false, (400, 8), 0.25);
    solves(&params, Activation::Tanh, false, (405, 5), 0.2);
    solves(&params, Activation::Abs, false, (400, 4), 0.1);
}

#[test]
fn the_mean_field_rule_solves_easy_instances() {
    let params = Params { gradient: Some(Gradient::MeanField), ..Params::default() };
    solves(&params, Activation::Sign, false, (405, 5), 0.35);
    solves(&params, Activation::Sign, true, (405, 5), 0.2);
    solves(&params, Activation::Identity, false, (401, 1), 0.3);
    solves(&params, Activation::Relu, false, (400, 8), 0.3);
    solves(&params, Activation::Gelu, false, (200, 4), 0.15);
}

#[test]
fn parameters_are_checked() {
    let tree = Architecture::tree(400, 8).unwrap();
    let key = |text: &str, activation, architecture| {
        let params: Params = toml::from_str(text).unwrap();
        params.validate(WeightKind::Binary, activation, architecture).map_err(|(key, _)| key)
    };
    assert_eq!(key("", Activation::Relu, tree), Ok(()));
    for (text, bad) in [
        ("replicas = 0", "replicas"),
        ("batch = 0", "batch"),
        ("max_epochs = 0", "max_epochs"),
        ("rule = \"least_action\"", "rule"),
        ("eta = -1.0", "eta"),
        ("gamma = { start = 1.0, step = -0.01 }", "gamma"),
        ("then = { epochs = 0 }", "then"),
        ("then = { margin = -0.1 }", "then"),
        ("then = { gamma = 2.0 }", "then"),
    ] {
        assert_eq!(key(text, Activation::Relu, tree), Err(bad.to_owned()), "{text}");
    }
    let both = "rule = \"least_action\"\ngradient = \"mean_field\"";
    assert_eq!(key(both, Activation::Sign, tree), Err("gradient".into()));
    let full = Architecture::new(400, 8, Connectivity::Full).unwrap();
    assert_eq!(key("", Activation::Relu, full), Err("connectivity".into()));
    assert!(toml::from_str::<Params>("replica = 3").is_err());
}

/// Resolved parameters are complete and mean the same.
#[test]
fn resolved_parameters_are_a_fixed_point() {
    let then = Some(crate::solver::Then::Margin(0.2));
    let gradient = Some(Gradient::MeanField);
    for params in [
        Params::default(),
        Params { replicas: Some(1), then, ..Params::default() },
        Params { gradient, ..Params::default() },
    ] {
        for activation in [Activation::Sign, Activation::Relu] {
            let resolved = params.resolved(WeightKind::Binary, activation);
            assert_eq!(resolved.resolved(WeightKind::Binary, Activation::Identity), resolved);
            let text = toml::to_string(&resolved).unwrap();
            assert_eq!(toml::from_str::<Params>(&text).unwrap(), resolved, "{text}");
            assert_eq!(resolved.settings(activation), params.settings(activation));
        }
    }
}
