//! The mean of ln P over pairs of points, products no longer than they need to be.

use super::products::{Tails, products};
use super::{Group, largest};
use crate::simd::Work;
use crate::theory::elementary::{ln, ln_complement};
use crate::theory::relu_groups::{LANES, Lanes};

/// P is kept above.
const LEAST: f64 = 1e-300;

/// Σ weights · ln P over all pairs of eight points with the smaller group.
pub(super) struct MeanLog<'a> {
    pub(super) weights: &'a Lanes,
    pub(super) row: &'a [Lanes],
    pub(super) smaller: &'a Group,
    /// Nodes a panel.
    pub(super) panel: usize,
    pub(super) cut: f64,
    /// The least relative error of P that counts.
    pub(super) exact: f64,
    pub(super) complement: bool,
    pub(super) total: &'a mut f64,
}

impl Work for MeanLog<'_> {
    /// Each product ends where the rest cannot matter to the pair's weight.
    #[inline(always)]
    fn run(self) {
        let Self { weights, row, smaller, panel, cut, exact, complement, total } = self;
        let tails = Tails::new(row, weights, panel);
        let heaviest = largest(weights);
        let mut lanes = [0.0; LANES];
        let blocks = smaller.within(weights, cut);
        for (block, others) in smaller.weights[..blocks].iter().enumerate() {
            let other = smaller.rows[0].block(block);
            // What a pair may be off, by its weight.
            let error = (cut / (heaviest * others[0])).clamp(exact, 1e-3);
            let length = tails.length(error, other);
            for from in [0, 4] {
                let sums = products(&row[..length], &other[..length], from);
                for (l, sums) in sums.iter().enumerate() {
                    for i in 0..LANES {
                        let log = if complement {
                            ln_complement(sums[i])
                        } else {
                            ln(if sums[i] > LEAST { sums[i] } else { LEAST })
                        };
                        lanes[i] += others[from + l] * log;
                    }
                }
            }
        }
        for (lane, weight) in lanes.iter().zip(weights) {
            *total += weight * lane;
        }
    }
}
