//! Least action: on an error, the fewest units that must change, those nearest to it, learn.
//!
//! τ_l = sign h_l. Where σΣ_lτ_l ≤ T (T = ⌊κ√K⌋) the f = ⌈(T + 1 − σΣτ)/2⌉ wrong units (σh_l ≤ 0)
//! with the smallest |h_l|, ties to the lower unit, learn,
//!
//! $$ H_{li} \leftarrow H_{li} + \eta\ \sigma\ \xi_{li} ; $$
//!
//! weights W are frozen within the
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
    /// Slots of the errors.
    errors: Vec<u32>,
    /// [`nearness`] of each unit.
    keys: Vec<u64>,
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
            errors: vec![0; batch],
            keys: vec![0; machine.hidden],
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
        // Without branches: which patterns are errors is beyond prediction.
        let mut errors = 0;
        for (slot, (&mu, total)) in batch.iter().zip(&self.totals).enumerate() {
            self.errors[errors] = slot as u32;
            let total = i64::from(machine.labels[mu as usize] * total);
            errors += usize::from(total <= threshold);
        }
        for error in 0..errors {
            let slot = self.errors[error] as usize;
            let mu = batch[slot];
            let sigma = machine.labels[mu as usize];
            let row = machine.row(patterns, mu);
            if machine.activation == Activation::Identity {
                for unit in 0..machine.hidden {
                    self.learn(isa, machine, unit, row, sigma);
                }
                continue;
            }
            let mut nearest = NONE;
            for (unit, key) in self.keys.iter_mut().enumerate() {
                *key = nearness(-sigma * i32::from(fields[unit * stride + slot]), unit);
                nearest = nearest.min(*key);
            }
            let total = i64::from(sigma * self.totals[slot]);
            let mut left = (threshold + 2 - total) / 2;
            while left > 0 && nearest < NONE {
                let unit = nearest as u32 as usize;
                self.learn(isa, machine, unit, row, sigma);
                left -= 1;
                if left > 0 {
                    self.keys[unit] = NONE;
                    nearest = self.keys.iter().fold(NONE, |nearest, &key| nearest.min(key));
                }
            }
        }
        errors as u64
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

/// A key that no wrong unit has.
const NONE: u64 = 1 << 63;

/// The order in which units learn, from −σh: wrong units (0 or more) the nearer the sooner, of equals
/// the lower first; others at [`NONE`] or behind.
#[inline(always)]
fn nearness(distance: i32, unit: usize) -> u64 {
    u64::from(distance as u32) << 32 | unit as u64
}
