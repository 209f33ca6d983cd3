//! An epoch of `[solver.rsgd]` with spherical weights against the sign products it is made of.
//!
//! `cargo bench --bench spherical` prints, for ReLU and sign units at N ≈ 1000, the time of an epoch
//! (packing, activation, update and judgement included) and that of one forward and one transposed
//! product over all patterns with everything packed; their quotient is the fraction of the kernel's
//! bound that a whole epoch reaches. CPU time of the thread, best of several.

use reluscape::model::{Activation, Architecture, Storage, WeightKind};
use reluscape::simd::{Isa, SignMatrix, SumTable, sign_product};
use reluscape::solver::spherical::{Params, SphericalRsgd};
use reluscape::solver::{Instance, Solver};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::sync::Arc;

/// CPU seconds of this thread.
fn clock() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + 1e-9 * now.tv_nsec as f64
}

/// Best of `rounds` of the mean seconds of `work` over `calls` calls.
fn best(rounds: usize, calls: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let start = clock();
        for _ in 0..calls {
            work();
        }
        best = best.min((clock() - start) / calls as f64);
    }
    best
}

fn main() {
    let isa = Isa::selected();
    println!("| units | N | K | P | batch | epoch, µs | products, µs | fraction |");
    println!("|---|---|---|---|---|---|---|---|");
    for (activation, inputs, hidden, alpha) in
        [(Activation::Relu, 1024, 16, 2.3), (Activation::Sign, 1005, 15, 1.8)]
    {
        let architecture = Architecture::tree(inputs, hidden).expect("K divides N");
        let storage = Storage::new(architecture, activation, 0.0);
        let count = (alpha * inputs as f64).round() as usize;
        let instance = Instance::random(storage, WeightKind::Spherical, count, 1, 0);
        let (rows, n) = (instance.patterns.rows(), architecture.unit_inputs());
        let forward = SignMatrix::forward(rows, hidden, n);
        let transposed = SignMatrix::transposed(rows, hidden, n);
        let mut weights = SumTable::new(n, hidden, 1);
        let mut slopes = SumTable::new(count, hidden, 1);
        for unit in 0..hidden {
            weights.set(isa, 0, unit, &vec![1.0; n]);
            slopes.set(isa, 0, unit, &vec![1.0; count]);
        }
        let mut fields = vec![0.0; weights.len(&forward)];
        let mut gradient = vec![0.0; slopes.len(&transposed)];
        let products = best(20, 20, || {
            sign_product(isa, &forward, &weights, black_box(&mut fields));
            sign_product(isa, &transposed, &slopes, black_box(&mut gradient));
        });
        let instance = Arc::new(instance);
        for batch in [64, 128, 256, 512] {
            let params = Params { replicas: Some(1), batch: Some(batch), ..Params::default() };
            let mut solver = SphericalRsgd::new(instance.clone(), &params);
            // Some learning first: later epochs count all errors only where a record is near. A round packs
            // anew once.
            for _ in 0..100 {
                let _ = solver.epoch();
            }
            let epoch = best(10, 100, || {
                black_box(solver.epoch());
            });
            println!(
                "| {} | {inputs} | {hidden} | {count} | {batch} | {:.0} | {:.0} | {:.0} % |",
                activation.name(),
                1e6 * epoch,
                1e6 * products,
                100.0 * products / epoch
            );
        }
    }
}
