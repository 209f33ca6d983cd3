//! The 2^N binary machines as integers, and the storage condition in integer arithmetic.
//!
//! Machine w has W_i = −1 where bit i is 1, unit l owning bits [l·n, (l+1)·n); pattern μ is the
//! same kind of word (with full connectivity the pattern is repeated in every unit), so that
//! h_l = n − 2·|bits of (w xor ξ^μ) in unit l|. Every activation is brought to the form
//! σ^μ Σ_l v_l(h_l) > T with integer v_l and T: the exact integers of [`Storage`] where they
//! exist, else c_l g(h/√n) in fixed point, 2^−40 a unit, with T from κ + [`GUARD_BAND`]. The
//! rounding, at most K·2^−41, lies far inside the guard band, and integer sums do not depend on
//! their order: whatever way an enumeration splits a machine, the answer is the same.

use crate::model::storage::GUARD_BAND;
use crate::model::{Architecture, Patterns, Storage, Weights};
use std::collections::BTreeMap;

/// Fixed-point units of 1 for activations without an integer form.
const FIXED_POINT: f64 = (1u64 << 40) as f64;

/// Largest N: one machine is one word, and the counts of machines fit in 64 bits.
pub const MAX_INPUTS: usize = 48;

/// All binary machines of one architecture, with the patterns they face.
#[derive(Clone, Debug)]
pub struct MachineSpace {
    architecture: Architecture,
    /// Pattern words, K·n bits each.
    patterns: Vec<u64>,
    /// σ^μ.
    labels: Vec<i64>,
    /// v_l(h) at index l·(n+1) + (number of agreeing inputs), h = 2·agreeing − n.
    values: Vec<i64>,
    threshold: i64,
}

impl MachineSpace {
    /// The machines of `storage` before `patterns`.
    ///
    /// # Errors
    /// A message if N exceeds [`MAX_INPUTS`].
    pub fn new(storage: &Storage, patterns: &Patterns) -> Result<Self, String> {
        let architecture = storage.architecture();
        let (inputs, hidden, n) =
            (architecture.inputs(), architecture.hidden(), architecture.unit_inputs());
        if inputs > MAX_INPUTS {
            return Err(format!("N = {inputs}: exact enumeration reaches N = {MAX_INPUTS}"));
        }
        let activation = storage.activation();
        let mut values = Vec::with_capacity(hidden * (n + 1));
        for unit in 0..hidden {
            for agreeing in 0..=n {
                let h = 2 * agreeing as i32 - n as i32;
                values.push(if activation.is_integer() {
                    // Every integer form vanishes at h = 0, so the other units drop out.
                    let mut fields = vec![0; hidden];
                    fields[unit] = h;
                    storage.integer_total(&fields)
                } else {
                    let g = activation.value(f64::from(h) / (n as f64).sqrt());
                    i64::from(activation.readout(unit, hidden)) * (g * FIXED_POINT).round() as i64
                });
            }
        }
        let threshold = if activation.is_integer() {
            storage.threshold()
        } else {
            ((storage.kappa() + GUARD_BAND) * (hidden as f64).sqrt() * FIXED_POINT).floor() as i64
        };
        let words = (0..patterns.count())
            .map(|mu| {
                (0..hidden)
                    .fold(0, |word, unit| word | patterns.unit_row(mu, unit)[0] << (unit * n))
            })
            .collect();
        let labels = (0..patterns.count()).map(|mu| i64::from(patterns.label(mu))).collect();
        Ok(Self { architecture, patterns: words, labels, values, threshold })
    }

    /// The architecture.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// P.
    pub fn count(&self) -> usize {
        self.patterns.len()
    }

    /// Pattern `mu` as a word.
    pub fn pattern(&self, mu: usize) -> u64 {
        self.patterns[mu]
    }

    /// σ of pattern `mu`.
    pub fn label(&self, mu: usize) -> i64 {
        self.labels[mu]
    }

    /// v_l at `agreeing` of its n inputs.
    #[inline]
    pub fn value(&self, unit: usize, agreeing: usize) -> i64 {
        self.values[unit * (self.architecture.unit_inputs() + 1) + agreeing]
    }

    /// T: a pattern is stored iff σ Σ_l v_l > T.
    pub fn threshold(&self) -> i64 {
        self.threshold
    }

    /// p = P(σΔ > κ): the fraction of random patterns and labels that a machine stores, the same
    /// for every machine, so that E[Z(P)] = 2^N p^P at every N. From the binomial laws of the
    /// numbers of agreeing inputs, O(distinct sums · K n). `None` where units share inputs: their
    /// fields are then not independent.
    pub fn stored_fraction(&self) -> Option<f64> {
        let (hidden, n) = (self.architecture.hidden(), self.architecture.unit_inputs());
        if hidden > 1 && self.architecture.pattern_len() == n {
            return None;
        }
        // Number of inputs of a unit, 2^−n C(n, agreeing), exact in f64 for n ≤ 48.
        let mut weights = vec![libm::ldexp(1.0, -(n as i32))];
        for agreeing in 0..n {
            weights.push(weights[agreeing] * (n - agreeing) as f64 / (agreeing + 1) as f64);
        }
        let mut law = BTreeMap::from([(0i64, 1.0)]);
        for unit in 0..hidden {
            let mut next = BTreeMap::new();
            for (total, probability) in law {
                for (agreeing, weight) in weights.iter().enumerate() {
                    *next.entry(total + self.value(unit, agreeing)).or_insert(0.0) +=
                        probability * weight;
                }
            }
            law = next;
        }
        let stored = |(&total, &probability): (&i64, &f64)| {
            let labels = u8::from(total > self.threshold) + u8::from(-total > self.threshold);
            0.5 * f64::from(labels) * probability
        };
        Some(law.iter().map(stored).sum())
    }

    /// Whether machine `machine` stores pattern `mu`: the plain evaluation, O(K).
    pub fn stores(&self, machine: u64, mu: usize) -> bool {
        let n = self.architecture.unit_inputs();
        let differing = machine ^ self.patterns[mu];
        let total: i64 = (0..self.architecture.hidden())
            .map(|unit| {
                self.value(unit, n - (differing >> (unit * n) & ones(n)).count_ones() as usize)
            })
            .sum();
        self.labels[mu] * total > self.threshold
    }

    /// Machine `machine` as weights.
    pub fn weights(&self, machine: u64) -> Weights {
        let n = self.architecture.unit_inputs();
        Weights::Binary(
            (0..self.architecture.hidden()).map(|unit| machine >> (unit * n) & ones(n)).collect(),
        )
    }

    /// Weights as a machine; `None` for spherical weights.
    pub fn machine(&self, weights: &Weights) -> Option<u64> {
        let Weights::Binary(bits) = weights else { return None };
        let n = self.architecture.unit_inputs();
        Some(bits.iter().enumerate().fold(0, |word, (unit, &bits)| word | bits << (unit * n)))
    }
}

/// A word with its lowest `count` < 64 bits set.
#[inline]
pub(super) fn ones(count: usize) -> u64 {
    (1 << count) - 1
}
