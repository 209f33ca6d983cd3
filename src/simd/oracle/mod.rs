//! One runner for every kernel and every instruction set: each is compared with the definition,
//! written entry by entry, at all lengths around the registers' multiples.

mod descents;
mod distances;
mod flips;
mod forward;
mod majorities;
mod products;
mod sphere;
mod transcendental;

use super::functions::{FUNCTIONS, Function, apply, exp2_coarse};
use super::*;
use crate::rng::{Purpose, Stream};

/// Runs `check` for every instruction set of this processor.
fn every_isa(check: impl Fn(Isa)) {
    for isa in Isa::all() {
        check(isa);
    }
}

fn stream(ids: &[u64]) -> Stream {
    Stream::new(3, Purpose::Test, ids)
}

/// Row-packed ±1 entries with zero padding: `count` × `groups` × ⌈n/64⌉ words.
fn random_rows(n: usize, groups: usize, count: usize, stream: &mut Stream) -> Vec<u64> {
    let words = n.div_ceil(64);
    (0..count * groups * words)
        .map(|at| {
            let left = n - at % words * 64;
            let mask = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
            // Half of the words are all ones or all zeros: the extreme counts must not overflow.
            mask & match stream.below(4) {
                0 => 0,
                1 => u64::MAX,
                _ => stream.bits(),
            }
        })
        .collect()
}

fn sign(words: &[u64], i: usize) -> i32 {
    1 - 2 * (words[i / 64] >> (i % 64) & 1) as i32
}

/// h of one unit, entry by entry.
fn field(x: &[u64], w: &[u64], n: usize) -> i32 {
    (0..n).map(|i| sign(x, i) * sign(w, i)).sum()
}
