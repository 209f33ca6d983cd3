//! The solvers fBP and rBP: verified solutions, snapshots, attempts, damping, nodes.

use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::solver::message_passing::node::NodeKind;
use crate::solver::message_passing::params::Damping;
use crate::solver::message_passing::{FbpParams, RbpParams};
use crate::solver::{Instance, Method, Progress, Solver, SolverSpec};
use std::sync::Arc;

fn instance(activation: Activation, n: usize, hidden: usize, alpha: f64) -> Arc<Instance> {
    let architecture = Architecture::tree(n, hidden).unwrap();
    let storage = Storage::new(architecture, activation, 0.0);
    let count = (alpha * n as f64).round() as usize;
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 20191023, 0))
}

fn fast(name: &str) -> SolverSpec {
    match name {
        "fbp" => SolverSpec::Fbp(FbpParams { step: 0.004, ..FbpParams::default() }),
        _ => SolverSpec::Rbp(RbpParams { step: 0.004, ..RbpParams::default() }),
    }
}

fn run(solver: &mut dyn Solver) -> Progress {
    loop {
        match solver.epoch() {
            Progress::Running => {}
            ended => return ended,
        }
    }
}

/// Half a capacity where plain replicated SGD already fails; the independent verifier agrees.
#[test]
fn both_solvers_store_relu_sign_and_identity() {
    for (activation, n, hidden, alpha) in [
        (Activation::Relu, 512, 8, 0.55),
        (Activation::Sign, 495, 5, 0.55),
        (Activation::Identity, 501, 1, 0.5),
    ] {
        let instance = instance(activation, n, hidden, alpha);
        for name in ["fbp", "rbp"] {
            let mut solver = fast(name).method().build(Arc::clone(&instance));
            assert_eq!(run(&mut *solver), Progress::Solved, "{activation:?} {name}");
            let weights = solver.weights();
            assert_eq!(instance.storage.errors(&instance.patterns, &weights), 0);
        }
    }
}

/// Above what it can store it ends, censored, with its best configuration.
#[test]
fn hopeless_instances_are_exhausted_with_their_best_weights() {
    let instance = instance(Activation::Relu, 256, 4, 1.2);
    let mut solver = fast("fbp").method().build(Arc::clone(&instance));
    assert_eq!(run(&mut *solver), Progress::Exhausted);
    let errors = instance.storage.errors(&instance.patterns, &solver.weights());
    assert_eq!(solver.values()[1], crate::record::Value::Count(errors as u64));
    assert!(errors > 0 && errors < 100, "{errors}");
}

#[test]
fn a_restored_solver_continues_with_the_same_bits() {
    let instance = instance(Activation::Relu, 512, 8, 0.6);
    for name in ["fbp", "rbp"] {
        let mut whole = fast(name).method().build(Arc::clone(&instance));
        for _ in 0..40 {
            assert_eq!(whole.epoch(), Progress::Running);
        }
        let mut second = fast(name).method().build(Arc::clone(&instance));
        second.restore(&whole.snapshot()).unwrap();
        assert_eq!(second.snapshot(), whole.snapshot());
        assert_eq!(run(&mut *whole), run(&mut *second));
        assert_eq!(whole.snapshot(), second.snapshot());
        assert_eq!(whole.weights(), second.weights());
        assert!(second.restore(b"nonsense").is_err());
    }
}

/// Undamped messages oscillate once focused; the adaptive share settles them, and without it (its
/// ceiling at zero) the same run fails.
#[test]
fn damping_adapts_where_undamped_messages_diverge() {
    let instance = instance(Activation::Relu, 512, 8, 0.6);
    let run_with = |end: f64| {
        let damping = Damping { start: 0.0, end, unrest: 0.1 };
        let params = FbpParams { step: 0.004, damping, attempts: 1, ..FbpParams::default() };
        let mut solver = params.build(Arc::clone(&instance));
        run(&mut *solver)
    };
    assert_eq!(run_with(0.9), Progress::Solved);
    assert_eq!(run_with(0.0), Progress::Exhausted);
}

/// Further attempts differ from the first, count their sweeps, and may succeed where it failed.
#[test]
fn further_attempts_are_made_after_a_miss() {
    let mut solved = [0, 0];
    for sample in 0..6 {
        let architecture = Architecture::tree(512, 8).unwrap();
        let storage = Storage::new(architecture, Activation::Relu, 0.0);
        let instance = Instance::random(storage, WeightKind::Binary, 369, 20191023, sample);
        let instance = Arc::new(instance);
        for (attempts, solved) in [1, 6].into_iter().zip(&mut solved) {
            let params = FbpParams { step: 0.004, attempts, ..FbpParams::default() };
            let mut solver = params.build(Arc::clone(&instance));
            *solved += u32::from(run(&mut *solver) == Progress::Solved);
        }
    }
    assert!(solved[0] < 5 && solved[1] > solved[0], "{solved:?}");
}

/// The Gaussian closure of fifteen votes solves what their exact law solves.
#[test]
fn sign_units_by_the_gaussian_closure() {
    let instance = instance(Activation::Sign, 495, 15, 0.5);
    for node in [NodeKind::Exact, NodeKind::Gaussian] {
        let params = FbpParams { step: 0.004, node, ..FbpParams::default() };
        let mut solver = params.build(Arc::clone(&instance));
        assert_eq!(run(&mut *solver), Progress::Solved, "{node:?}");
    }
}
