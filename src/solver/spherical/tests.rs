//! Gradients by finite differences, snapshots, instruction sets, solutions.

use super::*;
use crate::model::activation::tests::ALL as ACTIVATIONS;
use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::solver::Method;

fn instance(activation: Activation, shape: (usize, usize), count: usize) -> Arc<Instance> {
    let storage = Storage::new(Architecture::tree(shape.0, shape.1).unwrap(), activation, 0.1);
    Arc::new(Instance::random(storage, WeightKind::Spherical, count, 20191023, 0))
}

/// Loss of all patterns by the definition, in f64, with smoothed units; and −√N times its
/// derivative along each weight, by central differences.
fn slopes_by_differences(
    instance: &Instance,
    weights: &[f64],
    beta: f64,
    gain: f64,
    at: &[usize],
) -> Vec<f64> {
    let architecture = instance.storage.architecture();
    let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
    let activation = instance.storage.activation();
    let loss = |weights: &[f64]| -> f64 {
        (0..instance.patterns.count())
            .map(|mu| {
                let delta: f64 = (0..hidden)
                    .map(|l| {
                        let inputs = l * n..(l + 1) * n;
                        let field: f64 = inputs
                            .map(|i| weights[i] * f64::from(instance.patterns.entry(mu, i)))
                            .sum();
                        let lambda = field / (n as f64).sqrt();
                        let (value, _) =
                            crate::model::activation::tests::smoothed(activation, gain, lambda);
                        f64::from(activation.readout(l, hidden)) * value
                    })
                    .sum();
                let x = f64::from(instance.patterns.label(mu)) * delta / (hidden as f64).sqrt()
                    - instance.storage.kappa();
                libm::log1p(libm::exp(-2.0 * beta * x)) / (2.0 * beta)
            })
            .sum()
    };
    let root = (architecture.inputs() as f64).sqrt();
    let step = 1e-5;
    let slope = |&i: &usize| {
        let mut moved = weights.to_vec();
        moved[i] += step;
        let up = loss(&moved);
        moved[i] -= 2.0 * step;
        -root * (up - loss(&moved)) / (2.0 * step)
    };
    at.iter().map(slope).collect()
}

/// The gradient of every activation agrees with differences of the f64 loss; the tolerance is that
/// of f32 sums of 70 terms of order one and of the step near a kink, which a wrong factor, sign or
/// readout exceeds by far.
#[test]
fn gradients_are_those_of_the_loss() {
    for activation in ACTIVATIONS {
        let instance = instance(activation, (4 * 67, 4), 70);
        let params = Params { replicas: Some(1), batch: Some(70), ..Params::default() };
        let mut solver = SphericalRsgd::new(instance.clone(), &params);
        solver.deck.deal(&instance.patterns, &solver.state.members);
        let (beta, gain) = (1.3, 1.7);
        solver.pass.set(beta, gain);
        let _ = solver.pass.learn(&solver.deck, 0, &solver.state.replicas[0].weights);
        let Weights::Spherical(weights) = solver.pass.unpadded(&solver.state.replicas[0].weights)
        else {
            unreachable!("spherical")
        };
        let weights: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        let at = [0, 1, 66, 67, 133, 134, 200, 201, 267];
        let expected = slopes_by_differences(&instance, &weights, beta, gain, &at);
        for (&i, expected) in at.iter().zip(expected) {
            let found = solver.pass.gradient[i / 67 * solver.pass.stride() + i % 67];
            let name = activation.name();
            assert!(
                (f64::from(found) - expected).abs() < 2e-4 * (1.0 + expected.abs()),
                "{name}, weight {i}: {found}, by differences {expected}"
            );
        }
    }
}

/// Every unit keeps its norm, to f32 rounding of a sum of squares, with either optimizer; the
/// velocity stays tangent with momentum.
#[test]
fn steps_stay_on_the_sphere() {
    for optimizer in [Optimizer::Momentum, Optimizer::Adam] {
        let instance = instance(Activation::Relu, (4 * 67, 4), 300);
        let params =
            Params { optimizer: Some(optimizer), max_epochs: Some(5), ..Params::default() };
        let mut solver = SphericalRsgd::new(instance, &params);
        let start = solver.replicas();
        while solver.epoch() == Progress::Running {}
        assert_ne!(start, solver.replicas());
        for weights in solver.replicas() {
            let Weights::Spherical(values) = weights else { unreachable!("spherical") };
            for unit in values.chunks_exact(67) {
                let norm2: f64 = unit.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
                assert!((norm2 / 67.0 - 1.0).abs() < 1e-6, "{norm2}");
            }
        }
    }
}

/// Interrupted after any epoch, restored into a fresh solver: the same end, byte for byte.
#[test]
fn snapshots_continue_identically() {
    for (activation, optimizer) in
        [(Activation::Relu, Optimizer::Momentum), (Activation::Tanh, Optimizer::Adam)]
    {
        let instance = instance(activation, (4 * 33, 4), 250);
        let params = Params {
            optimizer: Some(optimizer),
            regroup: Some(3),
            max_epochs: Some(14),
            ..Params::default()
        };
        let mut whole = SphericalRsgd::new(instance.clone(), &params);
        let mut snapshots = vec![whole.snapshot()];
        while whole.epoch() == Progress::Running {
            snapshots.push(whole.snapshot());
        }
        let end = whole.snapshot();
        assert_eq!(snapshots.len(), 14, "unsolved to the end");
        for at in [0, 1, 3, 7, 13] {
            let mut resumed = SphericalRsgd::new(instance.clone(), &params);
            let _ = resumed.epoch();
            resumed.restore(&snapshots[at]).unwrap();
            while resumed.epoch() == Progress::Running {}
            assert!(resumed.snapshot() == end, "{activation:?} from epoch {at}");
            assert_eq!((resumed.values(), resumed.center()), (whole.values(), whole.center()));
        }
    }
}

/// Every instruction set gives the same state, byte for byte, for every activation.
#[test]
fn instruction_sets_agree() {
    for activation in ACTIVATIONS {
        let instance = instance(activation, (4 * 67, 4), 200);
        let mut states = Vec::new();
        for isa in Isa::all() {
            let mut solver = SphericalRsgd::new(instance.clone(), &Params::default());
            solver.isa = isa;
            solver.pass.set_isa(isa);
            for _ in 0..4 {
                let _ = solver.epoch();
            }
            states.push(solver.snapshot());
        }
        assert!(states.iter().all(|state| state == &states[0]), "{activation:?}");
    }
}

/// A configuration that stores a pattern in f32 by less than the guard band is no solution; by more it
/// is, as the f64 verifier says of both.
#[test]
fn solutions_within_the_guard_band_are_refused() {
    let n = 64;
    let storage = Storage::new(Architecture::tree(n, 1).unwrap(), Activation::Identity, 0.0);
    let instance = Instance::random(storage, WeightKind::Spherical, 1, 20191023, 0);
    let mut solver = SphericalRsgd::new(Arc::new(instance.clone()), &Params::default());
    solver.deck.deal(&instance.patterns, &solver.state.members);
    for (stability, errors) in [(-1e-3, 1), (0.5e-6, 1), (2e-6, 0)] {
        // One weight decides; its sign is that of label and entry.
        let sign = instance.patterns.label(0) * instance.patterns.entry(0, 0);
        let mut weights = vec![0.0; solver.pass.stride()];
        weights[0] = (f64::from(sign) * stability * (n as f64).sqrt()) as f32;
        let in_single = solver.pass.errors_up_to(2, &solver.deck, &weights);
        assert_eq!(in_single, u64::from(stability < 0.0), "{stability} in f32");
        let (condition, machine) = ((&instance, &storage), (&mut solver.pass, &solver.deck));
        let found = solver.verifier.errors_up_to(2, condition, machine, &weights);
        assert_eq!(found, errors, "{stability}");
        let weights = solver.pass.unpadded(&weights);
        assert_eq!(storage.errors(&instance.patterns, &weights), errors as usize);
    }
}

/// Easy instances of every activation are solved, and the plain verifier agrees.
#[test]
fn defaults_solve_easy_instances() {
    for activation in ACTIVATIONS {
        let instance = instance(activation, (240, 6), 60);
        let params = Params { max_epochs: Some(2000), ..Params::default() };
        let mut solver = SphericalRsgd::new(instance.clone(), &params);
        let mut progress = solver.epoch();
        while progress == Progress::Running {
            progress = solver.epoch();
        }
        assert_eq!(progress, Progress::Solved, "{activation:?}");
        assert_eq!(instance.storage.errors(&instance.patterns, &solver.weights()), 0);
        let values = solver.values();
        assert_eq!(values.len(), columns().len());
        assert!(values.iter().zip(columns()).all(|(value, column)| value.fits(&column.kind)));
    }
}

/// The stop rules see one trajectory and fire in order; runs go on to their target.
#[test]
fn runs_end_by_their_rules() {
    let instance = instance(Activation::Relu, (240, 6), 150);
    let ended = |text: &str| {
        let params: Params = toml::from_str(&format!("max_epochs = 3000\n{text}")).unwrap();
        let tree = instance.storage.architecture();
        params.validate(WeightKind::Spherical, Activation::Relu, tree).unwrap();
        let mut solver = SphericalRsgd::new(instance.clone(), &params);
        while solver.epoch() == Progress::Running {}
        let left = solver.state.ending;
        assert!(left.winner.is_some(), "{text}: {left:?}, {} errors", solver.state.replicas[0].met);
        solver
    };
    let stores = |weights: &Weights, margin: f64| {
        instance.storage.beyond(margin).errors(&instance.patterns, weights) == 0
    };
    let any = ended("");
    assert_eq!(any.state.ending.first, Some(any.state.epochs));
    assert!(!stores(&any.weights(), 0.1), "no power");
    let center = ended("stop = \"center\"");
    assert!(stores(&center.center().unwrap(), 0.0));
    assert_eq!(center.state.ending.winner, Some(Winner::Center));
    let all = ended("stop = \"all\"");
    assert!(all.replicas().iter().all(|weights| stores(weights, 0.0)));
    assert!(any.state.epochs <= center.state.epochs && any.state.epochs < all.state.epochs);
    let more = ended("then = { epochs = 7 }");
    assert_eq!(more.state.ending.first, any.state.ending.first);
    assert!(more.state.epochs >= any.state.epochs + 7);
    let strong = ended("then = { lambda = 0.009 }");
    assert!(strong.settings.lambda.at(strong.state.epochs - 1) >= 0.009);
    assert!(strong.state.epochs > any.state.epochs);
    for replicas in ["", "replicas = 1\n"] {
        let wide = ended(&format!("{replicas}then = {{ margin = 0.1 }}"));
        assert!(stores(&wide.weights(), 0.1));
    }
}

/// The elastic term draws replicas together: the overlap at the end grows with λ.
#[test]
fn coupling_draws_replicas_together() {
    let instance = instance(Activation::Tanh, (240, 4), 600);
    let overlap = |lambda| {
        let lambda = Some(super::super::protocol::Protocol::constant(lambda));
        let params = Params { lambda, max_epochs: Some(30), ..Params::default() };
        let mut solver = SphericalRsgd::new(instance.clone(), &params);
        while solver.epoch() == Progress::Running {}
        solver.overlap().unwrap()
    };
    let (free, strong) = (overlap(0.0), overlap(0.3));
    assert!(free < 0.7 && strong > 0.95, "{free} {strong}");
}

#[test]
fn bad_snapshots_leave_the_solver_unchanged() {
    let small = instance(Activation::Tanh, (105, 5), 30);
    let large = instance(Activation::Tanh, (205, 5), 60);
    let mut solver = SphericalRsgd::new(small, &Params::default());
    let other = SphericalRsgd::new(large, &Params::default()).snapshot();
    let before = solver.snapshot();
    let mut longer = before.clone();
    longer.push(0);
    for bytes in [&[][..], &before[..before.len() / 2], &other, &longer] {
        assert!(solver.restore(bytes).is_err());
        assert!(solver.snapshot() == before);
    }
}

#[test]
fn parameters_are_checked_and_resolved() {
    let tree = Architecture::tree(400, 8).unwrap();
    let key = |text: &str, kind| {
        let params: Params = toml::from_str(text).unwrap();
        params.validate(kind, Activation::Relu, tree).map_err(|(key, _)| key)
    };
    let spherical = |text: &str| key(text, WeightKind::Spherical);
    assert_eq!(spherical(""), Ok(()));
    assert_eq!(key("", WeightKind::Binary), Err("weights".into()));
    for (text, name) in [
        ("replicas = 0", "replicas"),
        ("batch = 0", "batch"),
        ("regroup = 0", "regroup"),
        ("max_epochs = 0", "max_epochs"),
        ("momentum = 1.0", "momentum"),
        ("eta = -1.0", "eta"),
        ("beta = { start = 1.0, step = -0.1 }", "beta"),
        ("then = { gamma = 0.1 }", "then"),
        ("then = { lambda = 1.0 }", "then"),
    ] {
        assert_eq!(spherical(text), Err(name.into()));
    }
    assert!(toml::from_str::<Params>("rule = \"least_action\"").is_err());
    for activation in [Activation::Sign, Activation::Relu] {
        for optimizer in [None, Some(Optimizer::Adam)] {
            let params = Params { optimizer, ..Params::default() };
            let resolved = params.resolved(WeightKind::Spherical, activation);
            assert_eq!(resolved.resolved(WeightKind::Spherical, Activation::Identity), resolved);
            assert_eq!(resolved.settings(activation), params.settings(activation));
            let text = toml::to_string(&resolved).unwrap();
            assert_eq!(toml::from_str::<Params>(&text).unwrap(), resolved, "{text}");
        }
    }
}
