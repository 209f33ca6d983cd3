//! Simulated annealing: attempted flips a second in whole sweeps, one core, at the hot and the cold
//! end of the default protocols, and the acceptance there.
//!
//! Rejection-free selection needs all N ΔE anew after each move, so that it pays only where less
//! than one attempt in N is accepted: the break-even that the acceptances printed here are to be
//! held against.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reluscape::model::{Activation, Architecture, Storage, WeightKind};
use reluscape::solver::annealing::Params;
use reluscape::solver::protocol::Protocol;
use reluscape::solver::{Instance, Progress, SolverSpec};
use std::sync::Arc;

fn benchmarks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rsa, attempted flips");
    group.sample_size(20);
    // Above the capacity, so that no run ends by solving.
    for (name, activation, inputs, hidden, beta) in [
        ("relu hot", Activation::Relu, 496, 16, 5.0),
        ("relu cold", Activation::Relu, 496, 16, 60.0),
        ("sign hot", Activation::Sign, 495, 15, 1.0),
        ("sign cold", Activation::Sign, 495, 15, 15.0),
    ] {
        let architecture = Architecture::tree(inputs, hidden).expect("K divides N");
        let storage = Storage::new(architecture, activation, 0.0);
        let instance = Instance::random(storage, WeightKind::Binary, 500, 20191023, 0);
        let params = Params {
            beta: Some(Protocol::constant(beta)),
            max_epochs: Some(u64::MAX),
            ..Params::default()
        };
        let mut solver = SolverSpec::Rsa(params).build(Arc::new(instance));
        group.throughput(Throughput::Elements(inputs as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(solver.epoch(), Progress::Running));
        });
        println!("{name}: accepted in the last sweep {:?}, N = {inputs}", solver.values()[6]);
    }
    group.finish();
}

criterion_group!(rsa, benchmarks);
criterion_main!(rsa);
