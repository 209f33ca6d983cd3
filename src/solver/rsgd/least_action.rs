//! Least action: on an error, the fewest units that must change, those nearest to it, learn.
//!
//! τ_l = sign h_l. Where σΣ_lτ_l ≤ T (T = ⌊κ√K⌋) the f = ⌈(T + 1 − σΣτ)/2⌉ wrong units (σh_l ≤ 0)
//! with the smallest |h_l|, ties to the lower unit, get H_l += ησξ; weights W are frozen within the
//! mini-batch. Identity: all units learn (the perceptron rule). Source: Baldassi et al., PNAS 113,
//! E7655 (2016) and references there.
//! The corrections of a mini-batch are counted in bytes, H += η Σσξ at its end. Cost N/64 popcounts
//! a presentation, N/K byte additions a correction. Deterministic.

use super::forward::Forward;
use super::machine::Machine;
use crate::model::{Activation, Patterns};
use crate::simd::{Isa, PatternBlock, count_signs};

/// Corrections of one unit that a byte can count.
const MOST: u32 = 127;

/// The rule's work space.
pub struct LeastAction {
    /// Σσξ of this mini-batch, padded lanes.
    counts: Vec<i8>,
    /// What left `counts` before it could overflow; only for mini-batches above [`MOST`].
    carried: Vec<i32>,
    /// Corrections of each unit in `counts`.
    learned: Vec<u32>,
    totals: Vec<i32>,
    nearness: Vec<i32>,
}

impl LeastAction {
    /// For mini-batches of at most `batch` patterns.
    pub fn new(machine: &Machine, batch: usize) -> Self {
        let carried = if batch > MOST as usize { machine.lanes() } else { 0 };
        Self {
            counts: vec![0; machine.lanes()],
            carried: vec![0; carried],
            learned: vec![0; machine.hidden],
            totals: vec![0; batch],
            nearness: vec![0; machine.hidden],
        }
    }

    /// Presents the patterns of `batch`, which are in `block`, to the weights in `forward`; counts
    /// the corrections. Returns the number of errors.
    #[inline(always)]
    pub fn minibatch(
        &mut self,
        isa: Isa,
        machine: &Machine,
        patterns: &Patterns,
        threshold: i64,
        (batch, block): (&[u32], &PatternBlock),
        forward: &mut Forward,
    ) -> u64 {
        self.counts.fill(0);
        self.carried.fill(0);
        self.learned.fill(0);
        let stride = forward.stride();
        let fields = forward.run(isa, block);
        machine.totals(fields, stride, &mut self.totals[..batch.len()]);
        let mut errors = 0;
        for (slot, &mu) in batch.iter().enumerate() {
            let sigma = machine.labels[mu as usize];
            let total = i64::from(sigma * self.totals[slot]);
            if total > threshold {
                continue;
            }
            errors += 1;
            let row = machine.row(patterns, mu);
            if machine.activation == Activation::Identity {
                for unit in 0..machine.hidden {
                    self.learn(isa, machine, unit, row, sigma);
                }
                continue;
            }
            // −σh_l: 0 or more for wrong units, the smaller the nearer.
            for (unit, nearness) in self.nearness.iter_mut().enumerate() {
                *nearness = -sigma * i32::from(fields[unit * stride + slot]);
            }
            for _ in 0..(threshold + 2 - total) / 2 {
                let Some(unit) = nearest(&self.nearness) else { break };
                self.nearness[unit] = -1;
                self.learn(isa, machine, unit, row, sigma);
            }
        }
        errors
    }

    #[inline(always)]
    fn learn(&mut self, isa: Isa, machine: &Machine, unit: usize, row: &[u64], sigma: i32) {
        let lanes = machine.unit_lanes();
        let counts = &mut self.counts[unit * lanes..][..lanes];
        if self.learned[unit] == MOST {
            let carried = &mut self.carried[unit * lanes..][..lanes];
            for (carried, count) in carried.iter_mut().zip(counts.iter_mut()) {
                *carried += i32::from(*count);
                *count = 0;
            }
            self.learned[unit] = 0;
        }
        self.learned[unit] += 1;
        count_signs(isa, machine.unit_row(row, unit), sigma < 0, counts);
    }

    /// Σσξ of the lanes of `unit`, if the mini-batch fits into bytes.
    #[inline(always)]
    pub fn counts(&self, machine: &Machine, unit: usize) -> Option<&[i8]> {
        let lanes = machine.unit_lanes();
        self.carried.is_empty().then(|| &self.counts[unit * lanes..][..lanes])
    }

    /// Σσξ of one lane of all.
    #[inline(always)]
    pub fn count(&self, lane: usize) -> i32 {
        i32::from(self.counts[lane]) + self.carried[lane]
    }
}

/// The least entry that is not negative, the first of equals.
#[inline(always)]
fn nearest(nearness: &[i32]) -> Option<usize> {
    let mut nearest = None;
    let mut least = i32::MAX;
    for (unit, &distance) in nearness.iter().enumerate() {
        if distance >= 0 && distance < least {
            (nearest, least) = (Some(unit), distance);
        }
    }
    nearest
}
