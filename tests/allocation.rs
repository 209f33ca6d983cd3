//! No allocation in an epoch: counted by the global allocator.

use reluscape::model::{Activation, Architecture, Connectivity, Storage, WeightKind};
use reluscape::solver::message_passing::params::PolishParams;
use reluscape::solver::message_passing::{FbpParams, MessagePassing, RbpParams, Settings};
use reluscape::solver::rsgd::{Center, Gradient, Params, Rsgd};
use reluscape::solver::spherical::SphericalRsgd;
use reluscape::solver::{Instance, Progress, Solver, SolverSpec, Stop, Then, annealing, edmc};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter is a thread's own and
// does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs up to `most` epochs, none of which may allocate; how many ended with the run still going.
fn allocate_nothing(solver: &mut dyn Solver, most: u64) -> u64 {
    let before = ALLOCATIONS.get();
    assert!(before > 0, "the counter counts");
    let mut epochs = 0;
    while epochs < most && solver.epoch() == Progress::Running {
        epochs += 1;
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    epochs
}

#[test]
fn epochs_of_rsgd_do_not_allocate() {
    let mean_field = Some(Gradient::MeanField);
    for (activation, connectivity, shape, params) in [
        (Activation::Sign, Connectivity::Tree, (315, 5), Params::default()),
        (Activation::Sign, Connectivity::Full, (315, 5), Params::default()),
        (
            Activation::Sign,
            Connectivity::Tree,
            (315, 5),
            Params { center: Some(Center::Explicit), batch: Some(200), ..Params::default() },
        ),
        (Activation::Relu, Connectivity::Tree, (312, 6), Params::default()),
        (
            Activation::Relu,
            Connectivity::Tree,
            (312, 6),
            Params {
                stop: Some(Stop::All),
                then: Some(Then::Margin(0.1)),
                gradient: mean_field,
                ..Params::default()
            },
        ),
        (
            Activation::Sign,
            Connectivity::Tree,
            (315, 5),
            Params { gradient: mean_field, ..Params::default() },
        ),
        (Activation::Tanh, Connectivity::Tree, (210, 5), Params::default()),
    ] {
        let architecture = Architecture::new(shape.0, shape.1, connectivity).expect("a shape");
        let storage = Storage::new(architecture, activation, 0.0);
        let instance = Arc::new(Instance::random(storage, WeightKind::Binary, 130, 7, 0));
        let epochs = allocate_nothing(&mut Rsgd::new(instance, &params), 40);
        assert!(epochs > 2, "an instance that takes a few epochs: {activation:?} {params:?}");
    }
}

/// Messages, the finish (of every miss, which is what such a load ends in) and further attempts.
#[test]
fn sweeps_of_message_passing_do_not_allocate() {
    let polish = PolishParams { max_errors: 200, proposals: 2000, ..PolishParams::default() };
    for (activation, inputs, hidden) in
        [(Activation::Relu, 312, 6), (Activation::Sign, 315, 5), (Activation::Identity, 201, 1)]
    {
        let architecture = Architecture::tree(inputs, hidden).expect("a shape");
        let storage = Storage::new(architecture, activation, 0.0);
        let instance = Arc::new(Instance::random(storage, WeightKind::Binary, 330, 7, 0));
        let fbp = FbpParams { step: 0.05, attempts: 2, polish, ..FbpParams::default() };
        let rbp = RbpParams { step: 0.05, attempts: 2, polish, ..RbpParams::default() };
        for settings in [Settings::from(&fbp), Settings::from(&rbp)] {
            let mut solver = MessagePassing::new(Arc::clone(&instance), settings);
            let epochs = allocate_nothing(&mut solver, 1000);
            assert!((60..1000).contains(&epochs), "a whole run: {epochs} epochs");
        }
    }
}

#[test]
fn epochs_of_real_weights_and_of_entropy_sgd_do_not_allocate() {
    let tree = Architecture::tree(312, 6).expect("a shape");
    for activation in [Activation::Relu, Activation::Tanh] {
        let storage = Storage::new(tree, activation, 0.0);
        for (kind, table) in [
            (WeightKind::Spherical, "rsgd = { regroup = 3 }"),
            (WeightKind::Spherical, "entropy_sgd = { regroup = 3, then = { margin = 0.5 } }"),
            (WeightKind::Binary, "entropy_sgd = { stop = \"all\", steps = 3 }"),
        ] {
            let instance = Arc::new(Instance::random(storage, kind, 250, 7, 0));
            let table: toml::Table = table.parse().expect("a table");
            let mut solver: Box<dyn Solver> = match (kind, table.get("rsgd")) {
                (_, Some(params)) => {
                    let params = params.clone().try_into().expect("parameters");
                    Box::new(SphericalRsgd::new(instance, &params))
                }
                _ => {
                    let spec: SolverSpec =
                        toml::Value::Table(table.clone()).try_into().expect("one");
                    spec.method().build(instance)
                }
            };
            let epochs = allocate_nothing(&mut *solver, 40);
            assert!(epochs > 2, "an instance that takes a few epochs: {kind:?} {table}");
        }
    }
}

/// Annealing by attempts and by waiting times, and entropy-driven Monte Carlo.
#[test]
fn sweeps_of_monte_carlo_do_not_allocate() {
    let architecture = Architecture::tree(315, 5).expect("a shape");
    let storage = Storage::new(architecture, Activation::Sign, 0.0);
    let instance = Arc::new(Instance::random(storage, WeightKind::Binary, 330, 7, 0));
    for (center, rejection_free) in [(Center::Traced, 0.0), (Center::Explicit, 1e9)] {
        let params = annealing::Params {
            center: Some(center),
            rejection_free: Some(rejection_free),
            ..annealing::Params::default()
        };
        let mut solver = annealing::Rsa::new(Arc::clone(&instance), &params);
        assert_eq!(allocate_nothing(&mut solver, 30), 30);
    }
    let mut solver = edmc::Edmc::new(instance, &edmc::Params::default());
    assert_eq!(allocate_nothing(&mut solver, 6), 6);
}
