//! Exact enumeration: machine × pattern evaluations a second, one core.
//!
//! An evaluation is one machine tested on one pattern while it was still alive, Σ_{p<P} Z(p) in all
//! (about 2·2^N at κ = 0): the dead machines that a block tests along with them do not count.
//! `cargo bench --bench exact` also does N = 36, some seconds a pass. Figures: `benches/README.md`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reluscape::exact::{Enumeration, density_of_states};
use reluscape::model::{Activation, Architecture, Patterns, Storage};
use std::hint::black_box;

/// A sample of `alpha`·N random patterns.
fn instance(
    inputs: usize,
    hidden: usize,
    activation: Activation,
    count: usize,
) -> (Storage, Patterns) {
    let architecture = Architecture::tree(inputs, hidden).expect("K divides N");
    let patterns = Patterns::random(architecture, count, 20191023, 0);
    (Storage::new(architecture, activation, 0.0), patterns)
}

fn benchmarks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exact capacity of a sample");
    group.sample_size(10);
    for (inputs, hidden, activation) in [
        (27, 3, Activation::Sign),
        (30, 2, Activation::Relu),
        (30, 6, Activation::Relu),
        (30, 10, Activation::Relu),
        (30, 1, Activation::Identity),
        (33, 3, Activation::Sign),
        (36, 4, Activation::Relu),
    ] {
        let (storage, patterns) = instance(inputs, hidden, activation, 2 * inputs);
        let pass = || {
            let mut enumeration = Enumeration::new(&storage, &patterns).expect("N is within reach");
            enumeration.complete();
            enumeration.counts().evaluations()
        };
        group.throughput(Throughput::Elements(pass()));
        group.bench_function(format!("{} N = {inputs}, K = {hidden}", activation.name()), |b| {
            b.iter(|| black_box(pass()));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("density of states");
    group.sample_size(10);
    for inputs in [24, 30] {
        let (storage, patterns) = instance(inputs, 2, Activation::Relu, 12);
        // Here every machine meets every pattern.
        group.throughput(Throughput::Elements(12 << inputs));
        group.bench_function(format!("relu N = {inputs}, K = 2, P = 12"), |b| {
            b.iter(|| density_of_states(black_box(&storage), &patterns));
        });
    }
    group.finish();
}

criterion_group!(exact, benchmarks);
criterion_main!(exact);
