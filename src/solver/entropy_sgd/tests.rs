//! Plain SGD as a limit, the law of the noise, snapshots, instruction sets, solutions.

use super::binary::BinaryEntropySgd;
use super::spherical::{Kick, SphericalEntropySgd};
use super::*;
use crate::model::{Activation, Architecture, Storage, Weights};
use crate::rng::Purpose;
use crate::simd::Isa;
use crate::solver::rsgd::Rsgd;
use crate::solver::spherical::{self as real, SphericalRsgd};
use crate::solver::{Method, Progress, SolverSpec, Stop};

const KINDS: [WeightKind; 2] = [WeightKind::Binary, WeightKind::Spherical];

fn instance(
    kind: WeightKind,
    activation: Activation,
    shape: (usize, usize),
    count: usize,
) -> Arc<Instance> {
    let storage = Storage::new(Architecture::tree(shape.0, shape.1).unwrap(), activation, 0.0);
    Arc::new(Instance::random(storage, kind, count, 20191023, 0))
}

fn params(text: &str) -> Params {
    toml::from_str(text).unwrap()
}

/// Keys that leave plain SGD.
const PLAIN: &str = "steps = 1\nnoise = 0.0\ngamma = 0.0\naveraging = 1.0\n";

/// From the same start and with the same orders, epoch by epoch; what differs is the rounding of
/// x + (μ − x) and of one more normalisation a step.
#[test]
fn without_noise_and_pull_it_is_plain_sgd() {
    let real_instance = instance(WeightKind::Spherical, Activation::Relu, (4 * 67, 4), 300);
    let text = "batch = 50\nregroup = 2\neta = 0.001\nbeta = 3.0\nmomentum = 0.8\n";
    let mut plain = SphericalRsgd::new(
        real_instance.clone(),
        &toml::from_str(&format!("replicas = 1\n{text}")).unwrap(),
    );
    let pulled = format!("steps = 4\nnoise = 0.0\ngamma = 100.0\naveraging = 1.0\n{text}");
    let [mut solver, mut pulled] = [format!("{PLAIN}{text}"), pulled].map(|text| {
        let mut solver = SphericalEntropySgd::new(real_instance.clone(), &params(&text));
        let replica = &plain.state.replicas[0];
        solver.state.weights.clone_from(&replica.weights);
        (solver.state.turns, solver.state.stream) =
            (replica.stream.clone(), plain.state.stream.clone());
        solver
    });
    for epoch in 0..6 {
        let _ = (plain.epoch(), solver.epoch(), pulled.epoch());
        let expected = &plain.state.replicas[0].weights;
        assert!(apart(&solver.state.weights, expected) < 2e-5, "epoch {epoch}");
        assert!(apart(&pulled.state.weights, expected) > 1e-3, "no power");
    }

    let binary = instance(WeightKind::Binary, Activation::Relu, (4 * 67, 4), 200);
    let text = "batch = 20\neta = 0.05\nmax_epochs = 50\n";
    let plain = format!("replicas = 1\nlambda = 0.0\ngradient = \"mean_field\"\n{text}");
    let mut plain = Rsgd::new(binary.clone(), &toml::from_str(&plain).unwrap());
    let mut solver = BinaryEntropySgd::new(binary, &params(&format!("{PLAIN}{text}")));
    let replica = &plain.state.replicas[0];
    solver.state.fields.clone_from(&replica.fields);
    solver.state.stream = replica.stream.clone();
    for epoch in 0..6 {
        let _ = (plain.epoch(), solver.epoch());
        let expected = &plain.state.replicas[0].fields;
        assert!(apart(&solver.state.fields, expected) < 1e-4, "epoch {epoch}");
    }
}

/// Largest difference of two entries.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Each tangent entry gets the variance size²(1 − 1/n), the direction of W none; in the solver, with
/// sign units of gain 0, which have no gradient, x' spreads by ηε² a step and settles at
/// ηε²/(1 − (1 − ηγ)²) around x.
#[test]
fn noise_has_its_variance() {
    let (n, stride, hidden) = (127, 128, 8);
    let mut stream = Stream::new(3, Purpose::Test, &[]);
    let (mut total, mut along, rounds) = (0.0, 0.0, 2000);
    let size = 1e-3;
    for _ in 0..rounds {
        let mut weights = vec![0.0; hidden * stride];
        draw(&mut stream, &mut weights, (n, stride));
        Isa::SCALAR.run(real::descent::Normalise { n, stride, weights: &mut weights });
        let before = weights.clone();
        let mut kick = vec![0.0; weights.len()];
        draw(&mut stream, &mut kick, (n, stride));
        Isa::SCALAR.run(Kick { n, stride, size, kick: &kick, weights: &mut weights });
        let moved = |w: &f32, v: &f32| f64::from(w - v);
        total += weights.iter().zip(&before).map(|(w, v)| moved(w, v).powi(2)).sum::<f64>();
        for (w, v) in weights.chunks_exact(stride).zip(before.chunks_exact(stride)) {
            let dot: f64 = w.iter().zip(v).map(|(w, v)| moved(w, v) * f64::from(*v)).sum();
            along += dot.powi(2) / (n * n) as f64;
        }
    }
    let entries = (rounds * hidden * n) as f64;
    let variance = total / entries / f64::from(size).powi(2);
    // Five standard errors of the variance of nearly normal numbers.
    let error = 5.0 * (2.0 / entries).sqrt();
    let expected = 1.0 - 1.0 / n as f64;
    assert!((variance - expected).abs() < error, "{variance} {expected}");
    // Power: without the projection, or with the 2 of other conventions, it would be caught.
    assert!((1.0 - expected) > error && (2.0 * expected - variance) > error);
    assert!(along / ((rounds * hidden) as f64) < 1e-3 * f64::from(size).powi(2), "{along}");

    let flat = instance(WeightKind::Spherical, Activation::Sign, (15 * 127, 15), 64);
    for (gamma, steps, expected) in
        [(0.0, 1, 1.0), (0.0, 5, 5.0), (25.0, 60, 1.0 / (1.0 - 0.75f64.powi(2)))]
    {
        // One mini-batch: an epoch is a step.
        let text = format!(
            "steps = 1000\nbatch = 64\neta = 0.01\nnoise = 0.02\ngamma = {gamma}\ngain = 0.0"
        );
        let mut solver = SphericalEntropySgd::new(flat.clone(), &params(&text));
        for _ in 0..steps {
            let _ = solver.epoch();
        }
        let pairs = solver.state.explorer.iter().zip(&solver.state.weights);
        let total: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let entries = (15 * 126) as f64;
        let found = total / entries / (0.01 * 0.02f64.powi(2));
        let error = 5.0 * (2.0 / entries).sqrt() * expected;
        assert!((found - expected).abs() < error, "γ {gamma}: {found}, expected {expected}");
    }

    // Binary: the same step with and without noise.
    let binary = instance(WeightKind::Binary, Activation::Relu, (16 * 65, 16), 10);
    let text = |noise: f64| format!("steps = 1000\neta = 0.25\nnoise = {noise}\ngamma = 0.5");
    let ends = [0.0, 0.1].map(|noise| {
        let mut solver = BinaryEntropySgd::new(binary.clone(), &params(&text(noise)));
        let _ = solver.epoch();
        solver.state.explorer
    });
    let total: f64 = ends[0].iter().zip(&ends[1]).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let found = total / (16.0 * 65.0) / (0.25 * 0.01);
    assert!((found - 1.0).abs() < 5.0 * (2.0f64 / (16.0 * 65.0)).sqrt(), "{found}");
}

fn finish(solver: &mut dyn Solver) -> Progress {
    loop {
        match solver.epoch() {
            Progress::Running => {}
            end => return end,
        }
    }
}

/// Interrupted after any epoch, restored into a used solver: the same end, byte for byte.
#[test]
fn snapshots_continue_identically() {
    for (kind, activation, count) in [
        (WeightKind::Spherical, Activation::Relu, 400),
        (WeightKind::Spherical, Activation::Tanh, 400),
        (WeightKind::Binary, Activation::Relu, 130),
        (WeightKind::Binary, Activation::Sign, 130),
    ] {
        let instance = instance(kind, activation, (4 * 33, 4), count);
        let regroup = if kind == WeightKind::Spherical { "regroup = 3\n" } else { "" };
        let params = params(&format!("{regroup}batch = 30\nsteps = 7\nmax_epochs = 14"));
        let mut whole = build(instance.clone(), &params);
        let mut snapshots = vec![whole.snapshot()];
        while whole.epoch() == Progress::Running {
            snapshots.push(whole.snapshot());
        }
        assert_eq!(snapshots.len(), 14, "unsolved to the end");
        for at in [0, 1, 3, 7, 13] {
            let mut resumed = build(instance.clone(), &params);
            let _ = resumed.epoch();
            resumed.restore(&snapshots[at]).unwrap();
            let _ = finish(&mut *resumed);
            assert!(resumed.snapshot() == whole.snapshot(), "{kind:?} {activation:?} from {at}");
            assert_eq!((resumed.values(), resumed.center()), (whole.values(), whole.center()));
        }
        // Other bytes leave it unchanged.
        let mut longer = snapshots[1].clone();
        longer.push(0);
        for bytes in [&[][..], &snapshots[1][..50], &longer] {
            assert!(whole.restore(bytes).is_err());
        }
        let other = KINDS[usize::from(kind == WeightKind::Binary)];
        let other =
            build(self::instance(other, activation, (4 * 33, 4), count), &Params::default());
        assert!(whole.restore(&other.snapshot()).is_err());
        let smaller = self::instance(kind, activation, (4 * 33, 4), count - 1);
        assert!(whole.restore(&build(smaller, &params).snapshot()).is_err());
    }
}

#[test]
fn instruction_sets_agree() {
    for activation in [Activation::Relu, Activation::Sign, Activation::Gelu] {
        let spherical = instance(WeightKind::Spherical, activation, (4 * 67, 4), 200);
        let binary = instance(WeightKind::Binary, activation, (4 * 67, 4), 200);
        let mut states = Vec::new();
        for isa in Isa::all() {
            let mut real = SphericalEntropySgd::new(spherical.clone(), &Params::default());
            let mut bits = BinaryEntropySgd::new(binary.clone(), &Params::default());
            real.set_isa(isa);
            bits.set_isa(isa);
            for _ in 0..4 {
                let _ = (real.epoch(), bits.epoch());
            }
            states.push((real.snapshot(), bits.snapshot()));
        }
        assert!(states.iter().all(|state| state == &states[0]), "{activation:?}");
    }
}

/// Easy instances are solved by the defaults, the plain verifier agrees, and x' lies the nearer to x
/// the stronger the pull; the stop rules mean what they say.
#[test]
fn defaults_solve_easy_instances() {
    for kind in KINDS {
        for activation in [Activation::Relu, Activation::Sign, Activation::Tanh] {
            let shape = if activation == Activation::Sign { (245, 5) } else { (240, 6) };
            let instance = instance(kind, activation, shape, 60);
            let mut overlaps = Vec::new();
            for (text, margin) in [
                ("max_epochs = 2000", 0.0),
                ("max_epochs = 2000\nstop = \"center\"", 0.0),
                ("max_epochs = 2000\nstop = \"all\"\nthen = { epochs = 5 }", 0.0),
                ("max_epochs = 2000\nthen = { margin = 0.1 }", 0.1),
            ] {
                let params = params(text);
                params.validate(kind, activation, instance.storage.architecture()).unwrap();
                let mut solver = build(instance.clone(), &params);
                let name = format!("{kind:?} {activation:?} {text}");
                let end = finish(&mut *solver);
                let errors = instance.storage.errors(&instance.patterns, &solver.weights());
                assert_eq!(end, Progress::Solved, "{name}: {errors} {:?}", solver.values());
                let stores = |weights: &Weights| {
                    let storage = instance.storage.beyond(margin);
                    storage.errors(&instance.patterns, weights) == 0
                };
                assert!(stores(&solver.weights()), "{name}");
                assert!(params.stop != Some(Stop::Center) || stores(&solver.center().unwrap()));
                assert!(params.stop != Some(Stop::All) || stores(&solver.replicas()[0]));
                let values = solver.values();
                assert!(values.iter().zip(columns()).all(|(v, column)| v.fits(&column.kind)));
                overlaps.push(values[2].clone());
            }
            for overlap in overlaps {
                let Value::Real(overlap) = overlap else { panic!("{overlap:?}") };
                assert!((0.5..=1.0 + 1e-6).contains(&overlap), "{kind:?} {overlap}");
            }
        }
    }
}

#[test]
fn parameters_are_checked_and_resolved() {
    let tree = Architecture::tree(400, 8).unwrap();
    let check = |text: &str, kind| {
        params(text).validate(kind, Activation::Relu, tree).map_err(|(key, _)| key)
    };
    for kind in KINDS {
        assert_eq!(check("", kind), Ok(()));
        for (text, key) in [
            ("batch = 0", "batch"),
            ("steps = 0", "steps"),
            ("max_epochs = 0", "max_epochs"),
            ("averaging = 0.0", "averaging"),
            ("outer = 1.5", "outer"),
            ("noise = -1.0", "noise"),
            ("eta = 0.1\ngamma = 11.0", "gamma"),
            ("then = { lambda = 1.0 }", "then"),
            ("then = { gamma = 1e9 }", "then"),
        ] {
            assert_eq!(check(text, kind), Err(key.into()), "{text}");
        }
        for activation in [Activation::Relu, Activation::Sign] {
            let resolved = Params::default().resolved(kind, activation);
            assert_eq!(resolved.resolved(kind, Activation::Identity), resolved);
            let settings = Params::default().settings(kind, activation);
            assert_eq!(resolved.settings(kind, Activation::Identity).eta, settings.eta);
            let text = toml::to_string(&resolved).unwrap();
            assert_eq!(toml::from_str::<Params>(&text).unwrap(), resolved, "{text}");
            let spec = SolverSpec::EntropySgd(resolved.clone());
            assert!(spec.method().validate(kind, activation, tree).is_ok());
            assert!(spec.method().bytes(kind, tree, 800) > 800 * 50);
        }
    }
    for (text, key) in [("momentum = 0.5", "momentum"), ("regroup = 2", "regroup")] {
        assert_eq!(check(text, WeightKind::Binary), Err(key.into()));
        assert_eq!(check(text, WeightKind::Spherical), Ok(()));
    }
    assert!(toml::from_str::<Params>("replicas = 2").is_err());
}
