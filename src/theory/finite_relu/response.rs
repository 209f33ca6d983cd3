//! The response J of K ReLU units: first derivatives of ln P by the fields.

use super::derivatives::{First, Pairs};
use crate::simd::Work;
use crate::theory::relu_groups::LANES;

/// Σ weights · Σ_l (∂_l ln P)² over all pairs of eight points with the smaller group.
pub(super) struct Response<'a> {
    pub(super) pairs: Pairs<'a>,
    pub(super) total: &'a mut f64,
}

impl Work for Response<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { pairs, total } = self;
        let tails = pairs.tails();
        for block in 0..pairs.blocks() {
            let length = pairs.length(&tails, block);
            for from in [0, 4] {
                let inverse = pairs.inverse(block, length, from);
                let First { larger, smaller } = pairs.first(block, length, from, &inverse);
                let mut squares = [[0.0; LANES]; 4];
                for slopes in larger.iter().chain(&smaller) {
                    for (squares, slopes) in squares.iter_mut().zip(slopes) {
                        for i in 0..LANES {
                            squares[i] += slopes[i] * slopes[i];
                        }
                    }
                }
                *total += pairs.weighted(block, from, &squares);
            }
        }
    }
}
