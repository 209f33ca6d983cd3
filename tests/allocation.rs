//! No allocation in an epoch: counted by the global allocator.

use reluscape::model::{Activation, Architecture, Connectivity, Storage, WeightKind};
use reluscape::solver::rsgd::{Center, Gradient, Params, Rsgd, Stop, Then};
use reluscape::solver::{Instance, Progress, Solver};
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
        let mut solver = Rsgd::new(instance, &params);
        let before = ALLOCATIONS.get();
        assert!(before > 0, "the counter counts");
        let mut epochs = 0;
        while epochs < 40 && solver.epoch() == Progress::Running {
            epochs += 1;
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{activation:?} {params:?}");
        assert!(epochs > 2, "an instance that takes a few epochs");
    }
}
