//! The replicon kernel of K ReLU units: second derivatives of ln P by the fields.

use super::derivatives::{First, Pairs};
use crate::simd::Work;
use crate::theory::relu_groups::{LANES, Lanes, Orders};

/// Σ weights · Σ_{ll'}(∂_l ∂_l' ln P)² over all pairs of eight points with the smaller group.
pub(super) struct Curvature<'a> {
    pub(super) pairs: Pairs<'a>,
    pub(super) kinds: &'a [Orders],
    /// No second derivative of ln P is larger; rounding where P is tiny.
    pub(super) most: f64,
    pub(super) total: &'a mut f64,
}

impl Work for Curvature<'_> {
    #[inline(always)]
    fn run(self) {
        let tails = self.pairs.tails();
        for block in 0..self.pairs.blocks() {
            let length = self.pairs.length(&tails, block);
            for from in [0, 4] {
                let squares = self.squares(block, length, from);
                *self.total += self.pairs.weighted(block, from, &squares);
            }
        }
    }
}

impl Curvature<'_> {
    /// Σ_{ll'}(∂_l ∂_l' ln P)², ∂∂ ln P = P''/P − (P'/P)², from `length` entries.
    #[inline(always)]
    fn squares(&self, block: usize, length: usize, from: usize) -> [Lanes; 4] {
        let Self { pairs, kinds, most, .. } = self;
        let order = |kind: &Orders| kind.iter().sum::<usize>();
        // The fields of a second derivative.
        let fields = |kind: &Orders| {
            let first = kind.iter().position(|&order| order > 0).unwrap_or(0);
            let last = kind.iter().rposition(|&order| order > 0).unwrap_or(0);
            (first, last)
        };
        let inverse = pairs.inverse(block, length, from);
        let First { larger, smaller } = pairs.first(block, length, from, &inverse);
        let mut squares = [[0.0; LANES]; 4];
        for (i, kind) in kinds.iter().enumerate().filter(|(_, kind)| order(kind) == 2) {
            let (l, k) = fields(kind);
            let times = if l == k { 1.0 } else { 2.0 };
            let second = pairs.relative([i, 0], block, length, from, &inverse);
            add(&mut squares, times, *most, &second, &larger[l], &larger[k]);
            let second = pairs.relative([0, i], block, length, from, &inverse);
            add(&mut squares, times, *most, &second, &smaller[l], &smaller[k]);
        }
        for (l, larger) in larger.iter().enumerate().take(pairs.units) {
            for (k, smaller) in smaller.iter().enumerate().take(pairs.units) {
                let second = pairs.relative([1 + l, 1 + k], block, length, from, &inverse);
                add(&mut squares, 2.0, *most, &second, larger, smaller);
            }
        }
        squares
    }
}

/// squares += times·(second − x y)².
#[inline(always)]
fn add(
    squares: &mut [Lanes; 4],
    times: f64,
    most: f64,
    second: &[Lanes; 4],
    x: &[Lanes; 4],
    y: &[Lanes; 4],
) {
    for l in 0..4 {
        for i in 0..LANES {
            let term = second[l][i] - x[l][i] * y[l][i];
            squares[l][i] += if term.abs() < most { times * term * term } else { 0.0 };
        }
    }
}
