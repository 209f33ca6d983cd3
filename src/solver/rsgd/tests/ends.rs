//! Stop rules, presets, snapshots, instruction sets.

use super::*;
use crate::model::Storage;
use crate::solver::Stop;
use crate::solver::stop::Ending;
use proptest::prelude::*;

/// Runs `text` (keys of `[solver.rsgd]`) on a small sign machine; the solver at its end.
fn ended(text: &str, activation: Activation) -> (Rsgd, Arc<Instance>, Progress) {
    let shape = if activation == Activation::Sign { (315, 5) } else { (312, 6) };
    let instance = instance(activation, Connectivity::Tree, shape, 80, 1);
    let params: Params = toml::from_str(text).unwrap();
    let architecture = instance.storage.architecture();
    params.validate(WeightKind::Binary, activation, architecture).unwrap();
    let mut solver = Rsgd::new(instance.clone(), &params);
    let progress = finish(&mut solver, &instance);
    (solver, instance, progress)
}

fn stores(instance: &Instance, weights: &Weights, margin: f64) -> bool {
    let storage = Storage::new(
        instance.storage.architecture(),
        instance.storage.activation(),
        instance.storage.kappa() + margin,
    );
    storage.errors(&instance.patterns, weights) == 0
}

#[test]
fn stop_rules_mean_what_they_say() {
    for activation in [Activation::Sign, Activation::Relu] {
        let mut epochs = Vec::new();
        for stop in ["any", "center", "all"] {
            let (solver, instance, progress) = ended(&format!("stop = \"{stop}\""), activation);
            assert_eq!(progress, Progress::Solved);
            let replicas = solver.replicas();
            let solving = replicas.iter().filter(|w| stores(&instance, w, 0.0)).count();
            match stop {
                "center" => assert!(stores(&instance, &solver.center().unwrap(), 0.0)),
                "all" => assert_eq!(solving, replicas.len()),
                _ => assert!(solving > 0 || stores(&instance, &solver.center().unwrap(), 0.0)),
            }
            epochs.push(solver.effort().epochs);
        }
        // The three rules see the same trajectory, so they fire in this order.
        assert!(epochs[0] <= epochs[1] && epochs[0] <= epochs[2], "{epochs:?}");
        assert!(epochs[0] < epochs[2], "{epochs:?}: no power");
    }
}

#[test]
fn runs_go_on_to_their_target() {
    let first = |solver: &Rsgd| solver.state.ending.first.unwrap();
    let (plain, instance, _) = ended("", Activation::Sign);
    assert_eq!(first(&plain), plain.effort().epochs);
    assert!(!stores(&instance, &plain.weights(), 0.8), "no power");
    let (more, ..) = ended("then = { epochs = 7 }", Activation::Sign);
    assert_eq!(first(&more), first(&plain));
    assert!(more.effort().epochs >= first(&more) + 7);
    let (strong, ..) = ended("then = { gamma = 0.3 }", Activation::Sign);
    assert_eq!(first(&strong), first(&plain));
    assert!(strong.settings.gamma.at(strong.effort().epochs - 1) >= 0.3);
    for (activation, margin) in [(Activation::Sign, 0.8), (Activation::Relu, 0.15)] {
        let (wide, instance, progress) =
            ended(&format!("then = {{ margin = {margin} }}"), activation);
        assert_eq!(progress, Progress::Solved, "{activation:?}");
        assert!(stores(&instance, &wide.weights(), margin));
    }
    let text = "gradient = \"mean_field\"\nthen = { margin = 0.15 }";
    let (wide, instance, progress) = ended(text, Activation::Relu);
    assert_eq!(progress, Progress::Solved);
    assert!(stores(&instance, &wide.weights(), 0.15));
    // Out of time before the target: censored, though it has met a solution.
    let cap = first(&plain) + 3;
    let (short, _, progress) =
        ended(&format!("max_epochs = {cap}\nthen = {{ margin = 1.9 }}"), Activation::Sign);
    assert_eq!(
        (progress, short.state.ending),
        (Progress::Exhausted, Ending { winner: None, ..plain.state.ending })
    );
}

/// A preset is rsgd with one replica, byte for byte.
#[test]
fn presets_are_rsgd_with_one_replica() {
    let instance = instance(Activation::Sign, Connectivity::Tree, (105, 5), 30, 0);
    for (preset, text) in [
        ("sgd", "rule = \"gradient\"\nreplicas = 1"),
        ("lal", "rule = \"least_action\"\nreplicas = 1"),
    ] {
        let mut ends = Vec::new();
        for (name, text) in [(preset, ""), ("rsgd", text)] {
            let table: toml::Table = text.parse().unwrap();
            let table = toml::Table::from_iter([(name.to_owned(), table.into())]);
            let spec: SolverSpec = toml::Value::Table(table).try_into().unwrap();
            assert_eq!(spec.name(), name);
            let resolved = spec.resolved(WeightKind::Binary, Activation::Sign);
            let mut solver = resolved.method().build(instance.clone());
            let mut unresolved = spec.method().build(instance.clone());
            for _ in 0..5 {
                let _ = (solver.epoch(), unresolved.epoch());
            }
            assert_eq!(solver.snapshot(), unresolved.snapshot());
            ends.push(solver.snapshot());
        }
        assert_eq!(ends[0], ends[1], "{preset}");
    }
    let wrong = SolverSpec::Lal(Lal(Params { replicas: Some(3), ..Params::default() }));
    let refused = wrong.method().validate(
        WeightKind::Binary,
        Activation::Sign,
        instance.storage.architecture(),
    );
    assert_eq!(refused.unwrap_err().0, "replicas");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    /// Interrupted after any epoch, restored into a used solver: the same end, byte for byte, on
    /// every instruction set.
    #[test]
    fn snapshots_continue_identically(
        rule in 0..4usize,
        center in 0..2usize,
        formula in 0..5usize,
        stop in 0..3usize,
        (replicas, batch) in (1..5usize, 1..60usize),
        cut in 0..12u64,
        sample in 0..1000u64,
    ) {
        let (activation, shape) = [
            (Activation::Sign, (5 * 65, 5)),
            (Activation::Sign, (5 * 64, 5)),
            (Activation::Relu, (4 * 66, 4)),
            (Activation::Tanh, (3 * 40, 3)),
        ][rule];
        let instance = instance(activation, Connectivity::Tree, shape, 75, sample);
        let center = [Center::Traced, Center::Explicit][center];
        let params = Params {
            gradient: [None, Some(Gradient::MeanField), None, Some(Gradient::MeanField)][rule],
            center: Some(center),
            formula: Some([
                Formula::Hard, Formula::Simple, Formula::Corrected, Formula::Continuous,
                Formula::Elastic,
            ][formula]),
            stop: Some([Stop::Any, Stop::Center, Stop::All][stop]),
            replicas: Some(replicas),
            batch: Some(batch),
            max_epochs: Some(12),
            ..Params::default()
        };
        let mut whole = Rsgd::new(instance.clone(), &params);
        let mut snapshot = whole.snapshot();
        while whole.epoch() == Progress::Running {
            if whole.effort().epochs <= cut {
                snapshot = whole.snapshot();
            }
        }
        for isa in Isa::all() {
            let mut resumed = Rsgd::new(instance.clone(), &params);
            resumed.isa = isa;
            let _ = resumed.epoch();
            resumed.restore(&snapshot).unwrap();
            while resumed.epoch() == Progress::Running {}
            prop_assert!(resumed.snapshot() == whole.snapshot(), "{} from {cut}", isa.name());
            prop_assert_eq!(resumed.values(), whole.values());
        }
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
