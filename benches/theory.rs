//! Speed of the theory, one core: values of each kind, and the curves whose time is a promise
//! (replica-symmetric capacity ≤ 0.1 s, one step ≤ 1 s, a curve of 30 points ≤ 10 s).

use criterion::{Criterion, criterion_group, criterion_main};
use reluscape::model::activation::Activation;
use reluscape::model::weights::WeightKind;
use reluscape::theory::capacity::capacity;
use reluscape::theory::covariance::Covariance;
use reluscape::theory::entropy::{at_line, entropy};
use reluscape::theory::franz_parisi::FranzParisi;
use reluscape::theory::local_entropy::DenseRegion;
use reluscape::theory::model::{Hidden, Model, Ties};
use reluscape::theory::reference::Reference;
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
    let nine = model(WeightKind::Binary, Activation::Sign, Hidden::Finite(9));
    let six = model(WeightKind::Binary, Activation::Relu, Hidden::Finite(6));
    let with_margin = |activation, hidden, kappa| {
        Model::new(WeightKind::Binary, activation, kappa, hidden)
            .expect("the benchmark's machines are valid")
    };
    let unstable = with_margin(Activation::Abs, Hidden::Infinite, 1.0);
    let relu = |units, kappa| with_margin(Activation::Relu, Hidden::Finite(units), kappa);
    let mut group = criterion.benchmark_group("theory");
    group.sample_size(10);
    for (name, machine, steps) in [
        ("capacity, binary ReLU, replica-symmetric", binary, 0),
        ("capacity, binary GELU, replica-symmetric", gelu, 0),
        ("capacity, spherical ReLU, one step", spherical, 1),
        ("capacity, spherical ReLU, two steps", spherical, 2),
        ("capacity, spherical ReLU, three steps", spherical, 3),
        ("capacity, binary |x|, kappa = 1, one step", unstable, 1),
        ("capacity, binary sign, K = 3", three, 0),
        ("capacity, binary sign, K = 9", nine, 0),
        ("capacity, binary ReLU, K = 6", six, 0),
        ("capacity, binary ReLU, K = 4, kappa = 3", relu(4, 3.0), 0),
        ("capacity, binary ReLU, K = 6, kappa = -1", relu(6, -1.0), 0),
        ("capacity, binary ReLU, K = 6, kappa = 1", relu(6, 1.0), 0),
        ("capacity, binary ReLU, K = 6, kappa = 2", relu(6, 2.0), 0),
        ("capacity, binary ReLU, K = 6, kappa = 3", relu(6, 3.0), 0),
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
    let distances: Vec<f64> = (1..=30).map(|i| 0.01 * f64::from(i)).collect();
    group.bench_function("Franz-Parisi curve, binary ReLU, 30 points", |bencher| {
        bencher.iter(|| {
            let reference = Reference::new(black_box(&binary), "curve", 0.6)?;
            let curve = FranzParisi::new(reference);
            Ok::<_, reluscape::error::TheoryError>((
                curve.curve(&distances)?,
                curve.zero_crossing()?,
            ))
        });
    });
    let covariance = Covariance::new(Activation::Relu);
    for (name, at_limit) in [
        ("local-entropy curve, m -> infinity, 30 points", true),
        ("local-entropy curve, critical m, 30 points", false),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for &d in &distances {
                    let region = DenseRegion::new(&covariance, WeightKind::Binary, 0.0, 0.6, d)
                        .expect("distances lie in the domain");
                    // Where the external entropy stays positive the limit is the answer.
                    let found = if at_limit { region.limit() } else { region.critical() };
                    let _ = black_box(found);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(theory, benchmarks);
criterion_main!(theory);
