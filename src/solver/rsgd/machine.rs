//! The machine as the inner loops see it: sizes, masks, totals, computed once.

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
    /// Labels σ of all patterns.
    pub labels: Vec<i32>,
    /// Words of a pattern row.
    row_words: usize,
}

impl Machine {
    /// For the machine of `storage` on `patterns`.
    pub fn new(storage: &Storage, patterns: &Patterns) -> Self {
        let architecture = storage.architecture();
        let (hidden, unit_inputs) = (architecture.hidden(), architecture.unit_inputs());
        let words = unit_inputs.div_ceil(64);
        let stride = match architecture.connectivity() {
            Connectivity::Tree => words,
            Connectivity::Full => 0,
        };
        let activation = storage.activation();
        let readout = (0..hidden).map(|unit| activation.readout(unit, hidden)).collect();
        let labels = (0..patterns.count()).map(|mu| patterns.label(mu)).collect();
        let row_words = patterns.row_words();
        Self { hidden, unit_inputs, words, stride, activation, readout, labels, row_words }
    }

    /// Padded lanes of one unit: 64·⌈n/64⌉.
    pub fn unit_lanes(&self) -> usize {
        64 * self.words
    }

    /// Padded lanes of a configuration: 64·K·⌈n/64⌉.
    pub fn lanes(&self) -> usize {
        self.hidden * self.unit_lanes()
    }

    /// The row of pattern `mu`.
    #[inline(always)]
    pub fn row<'a>(&self, patterns: &'a Patterns, mu: u32) -> &'a [u64] {
        &patterns.rows()[mu as usize * self.row_words..][..self.row_words]
    }

    /// The words of a pattern row that `unit` sees.
    #[inline(always)]
    pub fn unit_row<'a>(&self, row: &'a [u64], unit: usize) -> &'a [u64] {
        &row[unit * self.stride..][..self.words]
    }

    /// Whether [`Self::totals`] knows the activation: integer, and Σ_l within i32.
    pub fn has_totals(&self) -> bool {
        matches!(
            self.activation,
            Activation::Sign | Activation::Relu | Activation::Identity | Activation::Abs
        )
    }

    /// Σ_l c_l g̃(h_l) of the first `out.len()` patterns of a batch, h_l of unit l at
    /// `fields[l·stride..]`.
    #[inline(always)]
    pub fn totals(&self, fields: &[i16], stride: usize, out: &mut [i32]) {
        out.fill(0);
        for (h, &c) in fields.chunks_exact(stride).zip(&self.readout) {
            let pairs = out.iter_mut().zip(h);
            match self.activation {
                Activation::Sign => {
                    pairs.for_each(|(total, &h)| *total += i32::from(h > 0) - i32::from(h < 0));
                }
                Activation::Relu => pairs.for_each(|(total, &h)| *total += c * i32::from(h.max(0))),
                Activation::Abs => pairs.for_each(|(total, &h)| *total += c * i32::from(h).abs()),
                _ => pairs.for_each(|(total, &h)| *total += i32::from(h)),
            }
        }
    }

    /// Whether pattern `mu` is stored, by itself, with `fields` as work space (K entries).
    ///
    /// Integer activations in integers; the others through [`Storage::is_stored`], whose guard band
    /// then holds here too.
    #[inline(always)]
    pub fn stores(
        &self,
        storage: &Storage,
        patterns: &Patterns,
        weights: &crate::model::Weights,
        mu: usize,
        fields: &mut [i32],
    ) -> bool {
        let crate::model::Weights::Binary(bits) = weights else {
            unreachable!("rsgd works on binary weights")
        };
        if !self.activation.is_integer() {
            return storage.is_stored(patterns, weights, mu);
        }
        let row = self.row(patterns, mu as u32);
        let n = self.unit_inputs as i32;
        for (unit, (h, weights)) in fields.iter_mut().zip(bits.chunks_exact(self.words)).enumerate()
        {
            let inputs = self.unit_row(row, unit).iter();
            let differing: u32 = inputs.zip(weights).map(|(x, w)| (x ^ w).count_ones()).sum();
            *h = n - 2 * differing as i32;
        }
        i64::from(self.labels[mu]) * storage.integer_total(fields) > storage.threshold()
    }
}
