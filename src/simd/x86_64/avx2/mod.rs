//! AVX2 kernels.

/// Runs `$job` on a block of registers, tiles × replicas: up to 2 × 4, or 4 × 1.
macro_rules! register_block {
    ($job:expr, $out:expr, $tiles:expr, $replicas:expr) => {
        match ($tiles, $replicas) {
            (1, 1) => $job.run::<1, 1>($out),
            (1, 2) => $job.run::<1, 2>($out),
            (1, 3) => $job.run::<1, 3>($out),
            (1, 4) => $job.run::<1, 4>($out),
            (2, 1) => $job.run::<2, 1>($out),
            (2, 2) => $job.run::<2, 2>($out),
            (2, 3) => $job.run::<2, 3>($out),
            (2, 4) => $job.run::<2, 4>($out),
            (3, 1) => $job.run::<3, 1>($out),
            (4, 1) => $job.run::<4, 1>($out),
            (tiles, replicas) => unreachable!("no block of {tiles} x {replicas} registers"),
        }
    };
}

mod distance;
mod integers;
mod narrow;
mod preactivation;
mod sign_count;
mod sign_descent;
mod sign_product;
mod sphere;

pub(in crate::simd) use distance::differing;
pub(in crate::simd) use integers::{add_column, flip, propose};
pub(in crate::simd) use preactivation::{gather, preactivations};
pub(in crate::simd) use sign_count::count_signs;
pub(in crate::simd) use sign_descent::{descend, descend_voted};
pub(in crate::simd) use sign_product::{sign_product, tabulate};
pub(in crate::simd) use sphere::momentum_step;

/// Most tiles of a register block: sixteen registers hold the sums of 2 × 4 or 4 × 1 blocks beside the
/// patterns and a table.
fn most_tiles(replicas: usize) -> usize {
    if replicas == 1 { 4 } else { 2 }
}

/// The tiles of the register blocks, (first, how many): as few blocks as can be, of nearly equal size.
fn tile_blocks(tiles: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let blocks = tiles.div_ceil(most);
    (0..blocks).map(move |block| {
        let (first, end) = (block * tiles / blocks, (block + 1) * tiles / blocks);
        (first, end - first)
    })
}

/// The replicas of the register blocks, (first, how many): fours, and threes where they divide better.
fn replica_blocks(replicas: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let (first, left) = (next, replicas - next);
        let count = if left == 5 || left == 6 { 3 } else { left.min(4) };
        next += count;
        (count > 0).then_some((first, count))
    })
}
