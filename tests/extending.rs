//! The examples of the guide: a solver, an observable and an activation, each in one file, run by the
//! machinery of every other; and the pages that show them hold these files.

#[path = "../docs/examples/descent.rs"]
mod descent;
#[path = "../docs/examples/free_weights.rs"]
mod free_weights;
#[path = "../docs/examples/swish.rs"]
mod swish;

use free_weights::FreeWeights;
use reluscape::engine::unit::{Interrupt, Outcome, Unit};
use reluscape::exact::Enumeration;
use reluscape::job::Job;
use reluscape::model::{Activation, Architecture, HiddenUnit, Storage, WeightKind, Weights};
use reluscape::observable::{Observable, Solution, columns};
use reluscape::record::{Record, UnitId, Value};
use reluscape::rng::{Purpose, Stream};
use reluscape::solver::{Extent, Instance, Method, Progress, spherical};
use reluscape::theory::capacity::capacity;
use reluscape::theory::covariance::Covariance;
use reluscape::theory::model::{Hidden, Model, Ties};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use swish::Swish;

const SWISH: Activation = Activation::Custom(&Swish);

fn instance(activation: Activation, shape: (usize, usize), count: usize) -> Arc<Instance> {
    let storage = Storage::new(Architecture::tree(shape.0, shape.1).unwrap(), activation, 0.0);
    Arc::new(Instance::random(storage, WeightKind::Binary, count, 3, 0))
}

/// The binary machine of N = 12 whose bits are `machine`.
fn twelve(architecture: Architecture, machine: u32) -> Weights {
    let signs: Vec<i8> = (0..12).map(|i| if machine >> i & 1 == 0 { 1 } else { -1 }).collect();
    Weights::from_signs(architecture, &signs).unwrap()
}

/// The record of a unit by name of its columns; suspended and taken up again after every epoch.
fn run(instance: &Arc<Instance>, method: &dyn Method) -> Vec<(String, Value)> {
    let architecture = instance.storage.architecture();
    let count = instance.patterns.count();
    method.validate(instance.kind, instance.storage.activation(), architecture).unwrap();
    let observable = FreeWeights {};
    let extent =
        Extent { kind: instance.kind, max_inputs: architecture.inputs(), max_patterns: count };
    observable.validate(&extent).unwrap();
    let columns = columns(method, &[&observable], &extent);
    let unit = Unit {
        id: UnitId { cell: 0, sample: 0 },
        instance: Arc::clone(instance),
        method,
        observables: vec![&observable],
    };
    let finish = |snapshot: Option<&[u8]>| -> Record {
        match unit.run(&columns, snapshot, &Interrupt::default(), |_| {}) {
            Outcome::Finished(record) => record,
            Outcome::Suspended(_) => panic!("nobody asked for it"),
        }
    };
    let record = finish(None);
    let interrupt = Interrupt::default();
    interrupt.snapshot.store(true, Ordering::Relaxed);
    let mut snapshots = Vec::new();
    unit.run(&columns, None, &interrupt, |bytes| {
        snapshots.push(bytes);
        interrupt.snapshot.store(true, Ordering::Relaxed);
    });
    assert!(!snapshots.is_empty());
    // Some of them: each runs the rest of the unit.
    for bytes in snapshots.iter().step_by(snapshots.len().div_ceil(4)) {
        assert_eq!(finish(Some(bytes)), record, "a suspended unit is the same unit");
    }
    columns.into_iter().map(|column| column.name).zip(record).collect()
}

fn value<'a>(record: &'a [(String, Value)], name: &str) -> &'a Value {
    &record.iter().find(|(column, _)| column == name).unwrap().1
}

#[test]
fn the_solver_runs_as_a_unit() {
    let method: descent::Params = toml::from_str("max_epochs = 300").unwrap();
    for (activation, shape, count) in [
        (Activation::Sign, (63, 3), 12),
        (Activation::Relu, (64, 4), 12),
        (SWISH, (64, 4), 12),
        (SWISH, (32, 2), 90),
    ] {
        let instance = instance(activation, shape, count);
        let record = run(&instance, &method);
        let unsolvable = count == 90;
        assert_eq!(*value(&record, "solved"), Value::Bool(!unsolvable), "{activation:?}");
        assert_eq!(*value(&record, "censored"), Value::Bool(unsolvable));
        let Value::Real(acceptance) = value(&record, "acceptance") else { panic!("{record:?}") };
        assert!((0.0..=1.0).contains(acceptance));
        match value(&record, "free_weights") {
            Value::Missing => assert!(unsolvable),
            Value::Real(free) => assert!((0.0..=1.0).contains(free) && !unsolvable),
            other => panic!("{other:?}"),
        }
    }
    assert!(toml::from_str::<descent::Params>("epochs = 3").is_err());
    let tree = Architecture::tree(63, 3).unwrap();
    assert!(method.validate(WeightKind::Spherical, Activation::Sign, tree).is_err());
    assert!(method.build(instance(SWISH, (64, 4), 3)).restore(b"nonsense").is_err());
}

/// Free weights against the neighbours among all solutions, enumerated.
#[test]
fn the_observable_counts_neighbours() {
    let instance = instance(Activation::Relu, (12, 2), 3);
    let architecture = instance.storage.architecture();
    let all: Vec<_> = (0..1u32 << 12)
        .map(|machine| twelve(architecture, machine))
        .filter(|weights| instance.storage.errors(&instance.patterns, weights) == 0)
        .collect();
    assert!(all.len() > 10, "the case is not trivial");
    for weights in &all {
        let at_one = |other: &&Weights| {
            (weights.overlap(other, architecture) - (1.0 - 2.0 / 12.0)).abs() < 1e-12
        };
        let neighbours = all.iter().filter(at_one).count();
        let solution = Solution {
            instance: &instance,
            weights,
            replicas: &[],
            center: None,
            independent: &[],
            solver: 0,
        };
        let measured = FreeWeights {}.measure(&solution);
        assert_eq!(measured, [Value::Real(neighbours as f64 / 12.0)]);
    }
    let extent = Extent { kind: WeightKind::Spherical, max_inputs: 12, max_patterns: 3 };
    assert!(FreeWeights {}.validate(&extent).is_err());
    assert_eq!(toml::from_str::<FreeWeights>("").unwrap(), FreeWeights {});
}

/// Storage, enumeration, learning of real weights, covariance and capacity take an activation that
/// they have never heard of.
#[test]
fn the_activation_is_taken_by_model_solvers_and_theory() {
    // Q(q) of the definition, by sums over a grid.
    let covariance = Covariance::new(SWISH);
    let (q, step) = (0.6f64, 0.05);
    let line: Vec<(f64, f64)> = (-200..=200)
        .map(|i| (f64::from(i) * step, libm::exp(-0.5 * (f64::from(i) * step).powi(2))))
        .collect();
    let norm: f64 = line.iter().map(|(_, weight)| weight).sum();
    let (mut product, mut mean) = (0.0, 0.0);
    for &(x, first) in &line {
        mean += first / norm * SWISH.value(x);
        for &(z, second) in &line {
            let y = q * x + (1.0 - q * q).sqrt() * z;
            product += first * second / (norm * norm) * SWISH.value(x) * SWISH.value(y);
        }
    }
    assert!((covariance.value(q) - (product - mean * mean)).abs() < 1e-12);

    // Swish lies between the identity and ReLU, and so does its capacity.
    let binary = |activation, hidden| {
        let model = Model::new(WeightKind::Binary, activation, 0.0, hidden)?;
        capacity(&model, None, Ties::Strict)
    };
    let [identity, swish, relu] = [Activation::Identity, SWISH, Activation::Relu]
        .map(|activation| binary(activation, Hidden::Infinite).unwrap().alpha);
    assert!(identity < swish && swish < relu, "{identity} {swish} {relu}");
    assert!(binary(SWISH, Hidden::Finite(4)).unwrap_err().to_string().contains("swish"));

    // Binary weights: all machines of a small sample.
    let small = instance(SWISH, (12, 2), 6);
    let mut enumeration = Enumeration::new(&small.storage, &small.patterns).unwrap();
    let stores_all = |machine: &u32| {
        let weights = twelve(small.storage.architecture(), *machine);
        small.storage.errors(&small.patterns, &weights) == 0
    };
    let plain = (0..1u32 << 12).filter(stores_all).count();
    assert_eq!(enumeration.complete()[6], plain as u64);

    // Real weights learn it.
    let storage = Storage::new(Architecture::tree(64, 4).unwrap(), SWISH, 0.0);
    let sphere = Arc::new(Instance::random(storage, WeightKind::Spherical, 64, 3, 0));
    let params: spherical::Params = toml::from_str("replicas = 1\nmax_epochs = 2000").unwrap();
    let mut solver = params.resolved(WeightKind::Spherical, SWISH).build(sphere);
    let end = loop {
        match solver.epoch() {
            Progress::Running => {}
            end => break end,
        }
    };
    assert_eq!(end, Progress::Solved);

    // A kink has no convergent series, and a closed form of its own it does not name.
    #[derive(Debug)]
    struct Soft;
    #[rustfmt::skip]
    impl HiddenUnit for Soft {
        fn name(&self) -> &'static str { "softsign" }
        fn key(&self) -> u64 { 1001 }
        fn is_odd(&self) -> bool { true }
        fn value(&self, x: f64) -> f64 { x / (1.0 + x.abs()) }
        fn derivative(&self, x: f64) -> f64 { 1.0 / (1.0 + x.abs()).powi(2) }
    }
    let refused = binary(Activation::Custom(&Soft), Hidden::Infinite).unwrap_err().to_string();
    assert!(refused.contains("analytic"), "{refused}");
}

/// Swish has the slope that it says, and streams of its own.
#[test]
fn the_activation_is_consistent() {
    for step in -40..=40 {
        let (x, h) = (f64::from(step) / 5.0, 1e-5);
        let difference = (SWISH.value(x + h) - SWISH.value(x - h)) / (2.0 * h);
        assert!((SWISH.derivative(x) - difference).abs() < 1e-9, "{x}");
    }
    assert_eq!(SWISH.value(-800.0), 0.0);
    let [a, b] = [SWISH, Activation::Gelu]
        .map(|activation| instance(activation, (64, 4), 3).stream(Purpose::Solver, 1, 0).bits());
    assert_ne!(a, b);
    assert_ne!(a, Stream::new(3, Purpose::Solver, &[]).bits());
}

/// Each page shows its file whole, as it is compiled here.
#[test]
fn pages_show_the_files_that_run() {
    for (page, file) in [
        (include_str!("../docs/adding-a-solver.md"), include_str!("../docs/examples/descent.rs")),
        (
            include_str!("../docs/adding-an-observable.md"),
            include_str!("../docs/examples/free_weights.rs"),
        ),
        (
            include_str!("../docs/adding-an-activation.md"),
            include_str!("../docs/examples/swish.rs"),
        ),
    ] {
        let block = format!("```rust,ignore\n{file}```\n");
        assert!(page.contains(&block), "a page does not hold its file:\n{file}");
    }
}

/// The job files of the tutorial are valid, and have the fingerprints that it shows.
#[test]
fn job_files_of_the_tutorial_are_valid() {
    let page = include_str!("../docs/tutorial.md");
    let jobs: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .filter(|block| block.starts_with("schema"))
        .collect();
    assert_eq!(jobs.len(), 2);
    for text in jobs {
        let job = Job::parse("tutorial.md", text).unwrap();
        assert!(job.warnings.is_empty(), "{:?}", job.warnings);
        assert!(page.contains(&job.fingerprint()), "{}: not the fingerprint shown", job.name);
    }
}
