//! AVX2 kernels.

/// Runs `$job` on a block of registers, tiles × replicas; the pairs listed are compiled.
macro_rules! register_block {
    ($job:expr, $out:expr, ($tiles:expr, $replicas:expr), $(($v:literal, $r:literal)),+) => {
        match ($tiles, $replicas) {
            $(($v, $r) => $job.run::<$v, $r>($out),)+
            (tiles, replicas) => unreachable!("no block of {tiles} x {replicas} registers"),
        }
    };
}

mod distance;
mod integers;
mod preactivation;
mod sign_product;

pub(in crate::simd) use distance::differing;
pub(in crate::simd) use integers::{add_column, flip, propose};
pub(in crate::simd) use preactivation::{gather, preactivations};
pub(in crate::simd) use sign_product::{sign_product, tabulate};

/// Replicas of the next register block, at most four, when `left` of them are left.
fn replicas_of(left: usize) -> usize {
    match left {
        5 | 6 => 3,
        left => left.min(4),
    }
}
