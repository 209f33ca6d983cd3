//! The flat measure against enumeration, and the contracts of a solver.

use super::*;
use crate::exact::Enumeration;
use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::solver::Method;

fn instance(
    inputs: usize,
    hidden: usize,
    activation: Activation,
    count: usize,
    sample: u64,
) -> Arc<Instance> {
    let architecture = Architecture::tree(inputs, hidden).unwrap();
    let storage = Storage::new(architecture, activation, 0.0);
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 5, sample))
}

fn run(solver: &mut Tempering) -> Progress {
    loop {
        match solver.epoch() {
            Progress::Running => {}
            ended => return ended,
        }
    }
}

/// chi² per degree of freedom of `drawn` against the flat measure over the solutions of
/// `instance`, as enumeration lists them, and its five standard deviations.
fn unevenness(instance: &Instance, drawn: &[Weights]) -> (f64, f64) {
    let mut enumeration = Enumeration::new(&instance.storage, &instance.patterns).unwrap();
    let total = *enumeration.complete().last().unwrap();
    assert!((20..1000).contains(&total), "{total} solutions");
    let mut counts = std::collections::BTreeMap::new();
    enumeration.for_each_solution(|machine| assert!(counts.insert(machine, 0u32).is_none()));
    for weights in drawn {
        let machine = enumeration.space().machine(weights).unwrap();
        *counts.get_mut(&machine).expect("what is drawn is a solution") += 1;
    }
    let (mean, freedom) = (drawn.len() as f64 / total as f64, (total - 1) as f64);
    let chi2: f64 = counts.values().map(|&c| (f64::from(c) - mean).powi(2) / mean).sum();
    (chi2 / freedom, 5.0 * (2.0 / freedom).sqrt())
}

/// Solutions taken are uniform over all of them. Draws eight sweeps apart are nearly
/// independent: what correlation is left may widen the counts by a fifth.
#[test]
fn solutions_are_uniform() {
    use Activation::*;
    for (activation, inputs, hidden) in
        [(Sign, 15, 3), (Relu, 18, 2), (Quadratic, 18, 2), (Abs, 16, 4)]
    {
        // As many patterns as leave some hundred solutions.
        let whole = instance(inputs, hidden, activation, 20, 1);
        let mut all = Enumeration::new(&whole.storage, &whole.patterns).unwrap();
        let count = all.complete().iter().position(|&z| z < 800).unwrap();
        let instance = instance(inputs, hidden, activation, count, 1);
        let limits = Params { burn_in: 200, spacing: 8, max_epochs: u64::MAX, ..Params::default() };
        let params = Params { solutions: 10_000, ..limits };
        let mut solver = Tempering::new(Arc::clone(&instance), &params);
        assert_eq!(run(&mut solver), Progress::Solved);
        let (chi2, allowed) = unevenness(&instance, &solver.replicas());
        assert!(chi2 < 1.2 + allowed, "{activation:?}: {chi2} {allowed}");
        assert!(chi2 > 1.0 - allowed, "{activation:?}: too even, {chi2} {allowed}");
    }
}

/// The test above has power: the first solution that a run meets is not a typical one.
#[test]
fn first_hits_are_not_uniform() {
    let instance = instance(15, 3, Activation::Sign, 8, 1);
    let params = Params { solutions: 1, burn_in: 0, spacing: 1, ..Params::default() };
    let first = |trial| {
        let instance = Arc::new(Instance { trial, ..(*instance).clone() });
        let mut solver = Tempering::new(instance, &params);
        assert_eq!(run(&mut solver), Progress::Solved);
        solver.weights()
    };
    // χ² a degree of freedom of a wrong law grows with the draws: 1.6 at 8000.
    let drawn: Vec<Weights> = (0..20_000).map(first).collect();
    let (chi2, allowed) = unevenness(&instance, &drawn);
    assert!(chi2 > 1.2 + 2.0 * allowed, "{chi2} {allowed}");
}

/// The ladder starts at 0, ends where `cold_errors` are expected, and exchanges are accepted.
#[test]
fn ladder_and_exchanges() {
    let params = Params::default();
    let ladder = params.ladder(100);
    assert!(ladder[0] == 0.0 && (ladder[ladder.len() - 1] - libm::log(200.0)).abs() < 1e-9);
    assert!(ladder.windows(2).all(|pair| pair[0] < pair[1]) && ladder.len() < 20);
    assert!(params.ladder(1).len() >= 2);
    let mut solver = Tempering::new(instance(101 * 3, 3, Activation::Sign, 60, 0), &params);
    assert_eq!(run(&mut solver), Progress::Solved);
    let values = solver.values();
    assert_eq!(values[0], Value::Count(2));
    let Value::Count(trips) = values[1] else { panic!("{values:?}") };
    let Value::Real(least) = values[2] else { panic!("{values:?}") };
    assert!(trips > 50 && least > 0.3, "{values:?}");
    // Two solutions by two to some looks, every spacing sweeps from burn_in on.
    let looks = 1 + (solver.effort().epochs - params.burn_in) / params.spacing;
    assert_eq!(values[3], Value::Real(2.0 / looks as f64));
    for weights in solver.replicas() {
        assert_eq!(solver.instance.storage.errors(&solver.instance.patterns, &weights), 0);
    }
}

#[test]
fn restored_equals_uninterrupted() {
    let instance = instance(60, 4, Activation::Relu, 12, 3);
    let params = Params { burn_in: 40, spacing: 5, solutions: 6, ..Params::default() };
    let new = || Tempering::new(Arc::clone(&instance), &params);
    let mut whole = new();
    let ended = run(&mut whole);
    for stop in [1, 39, 47] {
        let mut first = new();
        (0..stop).for_each(|_| assert_eq!(first.epoch(), Progress::Running));
        let mut second = new();
        assert!(second.restore(b"nonsense").is_err());
        second.restore(&first.snapshot()).unwrap();
        assert_eq!(run(&mut second), ended);
        assert_eq!(second.values(), whole.values());
        assert_eq!((second.replicas(), second.effort()), (whole.replicas(), whole.effort()));
    }
}

#[test]
fn beyond_capacity_it_ends_unsolved() {
    let params = Params { burn_in: 10, spacing: 1, max_epochs: 30, ..Params::default() };
    let mut solver = Tempering::new(instance(21, 3, Activation::Sign, 60, 0), &params);
    assert_eq!(run(&mut solver), Progress::Exhausted);
    assert_eq!(solver.effort().epochs, 30);
    let tree = Architecture::tree(20, 2).unwrap();
    let refuses =
        |params: Params, kind, activation| params.validate(kind, activation, tree).is_err();
    assert!(!refuses(Params::default(), WeightKind::Binary, Activation::Relu));
    assert!(refuses(Params::default(), WeightKind::Spherical, Activation::Relu));
    assert!(refuses(Params::default(), WeightKind::Binary, Activation::Tanh));
    assert!(refuses(
        Params { spacing: 0, ..Params::default() },
        WeightKind::Binary,
        Activation::Relu
    ));
    assert!(refuses(
        Params { max_epochs: 1, ..Params::default() },
        WeightKind::Binary,
        Activation::Relu
    ));
}
