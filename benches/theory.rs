//! Speed of the theory: one value of each kind, one core.

use criterion::{Criterion, criterion_group, criterion_main};
use reluscape::model::activation::Activation;
use reluscape::model::weights::WeightKind;
use reluscape::theory::capacity::capacity;
use reluscape::theory::entropy::{at_line, entropy};
use reluscape::theory::model::{Hidden, Model, Ties};
use std::hint::black_box;

fn model(weights: WeightKind, activation: Activation, hidden: Hidden) -> Model {
    Model::new(weights, activation, 0.0, hidden).expect("the benchmark's machines are valid")
}

fn benchmarks(criterion: &mut Criterion) {
    let wide = |weights, activation| model(weights, activation, Hidden::Infinite);
    let binary = wide(WeightKind::Binary, Activation::Relu);
    let spherical = wide(WeightKind::Spherical, Activation::Relu);
    let gelu = wide(WeightKind::Binary, Activation::Gelu);
    let three = model(WeightKind::Binary, Activation::Sign, Hidden::Finite(3));
    let mut group = criterion.benchmark_group("theory");
    group.sample_size(10);
    for (name, machine, steps) in [
        ("capacity, binary ReLU, replica-symmetric", binary, 0),
        ("capacity, binary GELU, replica-symmetric", gelu, 0),
        ("capacity, spherical ReLU, one step", spherical, 1),
        ("capacity, binary sign, K = 3", three, 0),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| capacity(black_box(&machine), Some(steps), Ties::Strict));
        });
    }
    group.bench_function("entropy, binary ReLU", |bencher| {
        bencher.iter(|| entropy(black_box(&binary), &[0.6]));
    });
    group.bench_function("entropy, spherical ReLU, one step", |bencher| {
        bencher.iter(|| entropy(black_box(&spherical), &[2.3]));
    });
    group.bench_function("AT line, spherical ReLU", |bencher| {
        bencher.iter(|| at_line(black_box(&spherical)));
    });
    group.finish();
}

criterion_group!(theory, benchmarks);
criterion_main!(theory);
