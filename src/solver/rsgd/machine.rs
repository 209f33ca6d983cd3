//! The machine as the inner loops see it: sizes, masks, thresholds, computed once.

use crate::model::weights::tail_mask;
use crate::model::{Activation, Connectivity, Patterns, Storage};

/// Constants of one instance.
#[derive(Clone, Debug)]
pub struct Machine {
    /// K.
    pub hidden: usize,
    /// n = N/K.
    pub unit_inputs: usize,
    /// Words of one unit: ⌈n/64⌉.
    pub words: usize,
    /// Words from one unit's inputs to the next in a pattern row: 0 with full connectivity.
    pub stride: usize,
    /// g.
    pub activation: Activation,
    /// Readout signs c_l.
    pub readout: Vec<i32>,
    /// The integer T: stored iff σ·total > T.
    pub threshold: i64,
}

impl Machine {
    /// For the machine of `storage`.
    pub fn new(storage: &Storage) -> Self {
        let architecture = storage.architecture();
        let (hidden, unit_inputs) = (architecture.hidden(), architecture.unit_inputs());
        let words = unit_inputs.div_ceil(64);
        let stride = match architecture.connectivity() {
            Connectivity::Tree => words,
            Connectivity::Full => 0,
        };
        let activation = storage.activation();
        Self {
            hidden,
            unit_inputs,
            words,
            stride,
            activation,
            readout: (0..hidden).map(|unit| activation.readout(unit, hidden)).collect(),
            threshold: storage.threshold(),
        }
    }

    /// Padded lanes of a configuration: 64·K·⌈n/64⌉.
    pub fn lanes(&self) -> usize {
        64 * self.hidden * self.words
    }

    /// Valid bits of word `index` (0-based over all units).
    #[inline(always)]
    pub fn mask(&self, index: usize) -> u64 {
        tail_mask(self.unit_inputs, index % self.words)
    }

    /// The words of a pattern row that `unit` sees.
    #[inline(always)]
    pub fn unit_row<'a>(&self, row: &'a [u64], unit: usize) -> &'a [u64] {
        &row[unit * self.stride..][..self.words]
    }

    /// Number of inputs of each unit where pattern and weights differ: h_l = n − 2·differing.
    #[inline(always)]
    pub fn differing(&self, row: &[u64], bits: &[u64], out: &mut [u32]) {
        for (unit, (out, weights)) in out.iter_mut().zip(bits.chunks_exact(self.words)).enumerate()
        {
            *out = self
                .unit_row(row, unit)
                .iter()
                .zip(weights)
                .map(|(x, w)| (x ^ w).count_ones())
                .sum();
        }
    }

    /// h_l of each unit.
    #[inline(always)]
    pub fn preactivations(&self, row: &[u64], bits: &[u64], out: &mut [i32]) {
        let n = self.unit_inputs as i32;
        for (unit, (out, weights)) in out.iter_mut().zip(bits.chunks_exact(self.words)).enumerate()
        {
            let differing: u32 = self
                .unit_row(row, unit)
                .iter()
                .zip(weights)
                .map(|(x, w)| (x ^ w).count_ones())
                .sum();
            *out = n - 2 * differing as i32;
        }
    }

    /// Σ_l c_l g̃(h_l), integer activations only.
    #[inline(always)]
    pub fn total(&self, preactivations: &[i32]) -> i64 {
        match self.activation {
            Activation::Sign => preactivations.iter().map(|h| i64::from(h.signum())).sum(),
            Activation::Identity => preactivations.iter().map(|&h| i64::from(h)).sum(),
            Activation::Relu => {
                let (plus, minus) = preactivations.split_at(self.hidden / 2);
                let half = |unit: &[i32]| unit.iter().map(|&h| i64::from(h.max(0))).sum::<i64>();
                half(plus) - half(minus)
            }
            Activation::Abs | Activation::Quadratic => preactivations
                .iter()
                .zip(&self.readout)
                .map(|(&h, &c)| {
                    let h = i64::from(h);
                    let g = if self.activation == Activation::Abs { h.abs() } else { h * h };
                    i64::from(c) * g
                })
                .sum(),
            other => unreachable!("{} is not an integer activation", other.name()),
        }
    }

    /// Number of patterns that `bits` does not store, counted up to `limit`.
    ///
    /// Integer activations in integers; the others through [`Storage::is_stored`], whose guard band
    /// then holds here too.
    pub fn errors_up_to(
        &self,
        limit: usize,
        storage: &Storage,
        patterns: &Patterns,
        weights: &crate::model::Weights,
        fields: &mut [i32],
    ) -> usize {
        let crate::model::Weights::Binary(bits) = weights else {
            unreachable!("rsgd works on binary weights")
        };
        let mut errors = 0;
        for mu in 0..patterns.count() {
            if errors >= limit {
                break;
            }
            let stored = if self.activation.is_integer() {
                self.preactivations(patterns.row(mu), bits, fields);
                i64::from(patterns.label(mu)) * self.total(fields) > self.threshold
            } else {
                storage.is_stored(patterns, weights, mu)
            };
            errors += usize::from(!stored);
        }
        errors
    }
}
