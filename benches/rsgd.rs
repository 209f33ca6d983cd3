//! Speed of replicated SGD: one epoch of each rule, and the published problem to its solution.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use reluscape::model::{Activation, Architecture, Connectivity, Storage, WeightKind};
use reluscape::solver::rsgd::{Gradient, Params, Rsgd};
use reluscape::solver::{Instance, Progress, Solver};
use std::sync::Arc;

fn instance(
    activation: Activation,
    full: bool,
    shape: (usize, usize),
    alpha: f64,
) -> Arc<Instance> {
    let connectivity = if full { Connectivity::Full } else { Connectivity::Tree };
    let architecture =
        Architecture::new(shape.0, shape.1, connectivity).expect("the benchmark's shapes divide");
    let storage = Storage::new(architecture, activation, 0.0);
    let count = (alpha * shape.0 as f64).round() as usize;
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 20191023, 0))
}

fn benchmarks(criterion: &mut Criterion) {
    let gradient = |gradient| Params { gradient: Some(gradient), ..Params::default() };
    let (sign, relu) = ((1605, 5), (1024, 16));
    // Beyond each rule's reach, so that epochs do not run out.
    let cases = [
        ("least action, 5×321 full", Activation::Sign, true, sign, 0.6, Params::default()),
        ("least action, 5×321 tree", Activation::Sign, false, sign, 0.8, Params::default()),
        (
            "straight-through, ReLU 1024, K = 16",
            Activation::Relu,
            false,
            relu,
            0.9,
            gradient(Gradient::StraightThrough),
        ),
        (
            "mean field, ReLU 1024, K = 16",
            Activation::Relu,
            false,
            relu,
            0.9,
            gradient(Gradient::MeanField),
        ),
    ];
    let mut group = criterion.benchmark_group("rsgd epoch");
    group.sample_size(10);
    for (name, activation, full, shape, alpha, params) in cases {
        let instance = instance(activation, full, shape, alpha);
        let replicas = params.settings(activation).replicas;
        let params = Params { max_epochs: Some(u64::MAX >> 1), ..params };
        // Presentations × replicas × weights.
        let work = instance.patterns.count() * replicas * shape.0;
        group.throughput(Throughput::Elements(work as u64));
        let mut solver = Rsgd::new(instance, &params);
        group.bench_function(name, |bencher| bencher.iter(|| solver.epoch()));
    }
    group.finish();
    let mut group = criterion.benchmark_group("rsgd to a solution, 5×321 full");
    group.sample_size(10);
    for alpha in [0.3, 0.4, 0.5] {
        let instance = instance(Activation::Sign, true, sign, alpha);
        group.bench_function(format!("alpha {alpha}"), |bencher| {
            bencher.iter_batched(
                || Rsgd::new(instance.clone(), &Params::default()),
                |mut solver| while solver.epoch() == Progress::Running {},
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(rsgd, benchmarks);
criterion_main!(rsgd);
