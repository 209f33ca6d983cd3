//! Simulated annealing, one core, whole sweeps: attempted flips a second hot (some per cent
//! accepted) and at the cold end of the default protocols, and the break-even of rejection-free selection.
//!
//! For the break-even one state, settled at β, is swept attempt by attempt and by waiting times; the
//! table at the end holds the flips accepted a sweep and the times of both.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reluscape::model::{Activation, Architecture, Storage, WeightKind};
use reluscape::solver::annealing::Params;
use reluscape::solver::protocol::Protocol;
use reluscape::solver::{Instance, Method, Progress, Solver};
use std::sync::Arc;
use std::time::Instant;

/// One replica at β on 500 patterns: above the capacity, so that no run ends by solving.
fn build(activation: Activation, beta: f64, rejection_free: f64) -> Box<dyn Solver> {
    let (inputs, hidden) = if activation == Activation::Relu { (496, 16) } else { (495, 15) };
    let architecture = Architecture::tree(inputs, hidden).expect("K divides N");
    let storage = Storage::new(architecture, activation, 0.0);
    let instance = Instance::random(storage, WeightKind::Binary, 500, 20191023, 0);
    let params = Params {
        replicas: Some(1),
        beta: Some(Protocol::constant(beta)),
        rejection_free: Some(rejection_free),
        max_epochs: Some(u64::MAX),
        ..Params::default()
    };
    params.build(Arc::new(instance))
}

fn sweeps(solver: &mut dyn Solver, count: u64) {
    (0..count).for_each(|_| assert_eq!(solver.epoch(), Progress::Running));
}

fn attempts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rsa, attempted flips");
    group.sample_size(20);
    for (name, activation, beta) in [
        ("relu hot", Activation::Relu, 4.0),
        ("relu cold", Activation::Relu, 18.0),
        ("sign hot", Activation::Sign, 1.0),
        ("sign cold", Activation::Sign, 7.0),
    ] {
        let mut solver = build(activation, beta, 0.0);
        sweeps(&mut *solver, 1000);
        let inputs = if activation == Activation::Relu { 496 } else { 495 };
        group.throughput(Throughput::Elements(inputs));
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(solver.epoch(), Progress::Running));
        });
        println!("{name}: accepted in the last sweep {:?}", solver.values()[6]);
    }
    group.finish();
}

/// Flips accepted so far in `solver` of N = `inputs`.
fn accepted(solver: &dyn Solver, inputs: f64) -> f64 {
    let reluscape::record::Value::Real(share) = solver.values()[5] else { return 0.0 };
    share * solver.effort().epochs as f64 * inputs
}

fn break_even(_: &mut Criterion) {
    println!("| units | β | flips accepted a sweep | attempts, µs a sweep | waiting, µs a sweep |");
    println!("|---|---|---|---|---|");
    for (activation, betas) in [
        (Activation::Relu, [12.0, 15.0, 18.0, 21.0, 25.0, 30.0, 40.0]),
        (Activation::Sign, [4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0]),
    ] {
        let inputs = if activation == Activation::Relu { 496.0 } else { 495.0 };
        for beta in betas {
            let mut start = build(activation, beta, 0.0);
            sweeps(&mut *start, 10_000);
            let state = start.snapshot();
            let mut rows = Vec::new();
            for rejection_free in [0.0, 1e9] {
                // The state is the same, the parameter is not part of it.
                let mut solver = build(activation, beta, rejection_free);
                solver.restore(&state).expect("a state of this instance");
                let (count, before, clock) = (4000, accepted(&*solver, inputs), Instant::now());
                sweeps(&mut *solver, count);
                let micros = clock.elapsed().as_secs_f64() * 1e6 / count as f64;
                rows.push((micros, (accepted(&*solver, inputs) - before) / count as f64));
            }
            let (plain, waiting) = (rows[0], rows[1]);
            println!(
                "| {activation:?} | {beta} | {:.2} ({:.2} by waiting) | {:.1} | {:.1} |",
                plain.1, waiting.1, plain.0, waiting.0
            );
        }
    }
}

criterion_group!(rsa, attempts, break_even);
criterion_main!(rsa);
