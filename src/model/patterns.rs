//! Random patterns, bit-packed and nested.
//!
//! Bit i is input i (1 means −1). Row-major: pattern μ holds, for each group (the inputs of one
//! unit; with full connectivity the one group shared by all units), ⌈n/64⌉ words, little bit first;
//! padding bits are zero.
//!
//! Pattern μ of (seed, N, sample) does not depend on P, K, activation or solver: a larger alpha
//! extends a smaller one, and every machine sees the same disorder. Its stream gives ⌈N/64⌉ words
//! of inputs, then one word whose lowest bit is the label (1 means −1).

use super::architecture::Architecture;
use crate::rng::{Purpose, Stream};

/// P patterns with labels for one architecture, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    architecture: Architecture,
    count: usize,
    words: usize,
    rows: Vec<u64>,
    labels: Vec<u64>,
}

impl Patterns {
    /// The first `count` random patterns of disorder sample `sample` under `seed`.
    pub fn random(architecture: Architecture, count: usize, seed: u64, sample: u64) -> Self {
        let mut patterns = Self::zeroed(architecture, count);
        let len = architecture.pattern_len();
        let mut bits = vec![0u64; len.div_ceil(64)];
        for mu in 0..count {
            let mut stream = Stream::new(seed, Purpose::Pattern, &[len as u64, sample, mu as u64]);
            bits.iter_mut().for_each(|word| *word = stream.bits());
            patterns.set_row(mu, |i| bits[i / 64] >> (i % 64) & 1 == 1);
            patterns.set_label(mu, stream.bits() & 1 == 1);
        }
        patterns
    }

    /// Patterns from ±1 entries: `inputs` is P×N row-major, `labels` has P entries.
    ///
    /// # Errors
    /// A message if a length does not fit or an entry is not ±1.
    pub fn from_signs(
        architecture: Architecture,
        inputs: &[i8],
        labels: &[i8],
    ) -> Result<Self, String> {
        let (len, count) = (architecture.pattern_len(), labels.len());
        if inputs.len() != len * count {
            return Err(format!(
                "{} inputs for {count} labels: expected {count}×{len}",
                inputs.len()
            ));
        }
        if let Some(at) = inputs.iter().position(|&x| x != 1 && x != -1) {
            let (row, column) = (at / len, at % len);
            return Err(format!("inputs[{row}, {column}] = {}: expected 1 or -1", inputs[at]));
        }
        if let Some(at) = labels.iter().position(|&x| x != 1 && x != -1) {
            return Err(format!("labels[{at}] = {}: expected 1 or -1", labels[at]));
        }
        let mut patterns = Self::zeroed(architecture, count);
        for mu in 0..count {
            patterns.set_row(mu, |i| inputs[mu * len + i] < 0);
            patterns.set_label(mu, labels[mu] < 0);
        }
        Ok(patterns)
    }

    fn zeroed(architecture: Architecture, count: usize) -> Self {
        let words = architecture.unit_inputs().div_ceil(64);
        let groups = architecture.pattern_len() / architecture.unit_inputs();
        Self {
            architecture,
            count,
            words,
            rows: vec![0; count * groups * words],
            labels: vec![0; count.div_ceil(64)],
        }
    }

    fn set_row(&mut self, mu: usize, negative: impl Fn(usize) -> bool) {
        let (n, words, row_words) = (self.architecture.unit_inputs(), self.words, self.row_words());
        let row = &mut self.rows[mu * row_words..(mu + 1) * row_words];
        for i in 0..self.architecture.pattern_len() {
            row[i / n * words + i % n / 64] |= u64::from(negative(i)) << (i % n % 64);
        }
    }

    fn set_label(&mut self, mu: usize, negative: bool) {
        self.labels[mu / 64] |= u64::from(negative) << (mu % 64);
    }

    /// The architecture these rows are packed for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// P.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Words of one group: ⌈n/64⌉.
    pub fn group_words(&self) -> usize {
        self.words
    }

    /// Groups of a row: K for a tree, 1 for full connectivity.
    pub fn groups(&self) -> usize {
        self.architecture.pattern_len() / self.architecture.unit_inputs()
    }

    /// Words of a row: groups × ⌈n/64⌉.
    pub fn row_words(&self) -> usize {
        self.groups() * self.words
    }

    /// All rows, P × [`Self::row_words`].
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// Row of pattern `mu`.
    #[inline]
    pub fn row(&self, mu: usize) -> &[u64] {
        let words = self.row_words();
        &self.rows[mu * words..(mu + 1) * words]
    }

    /// The words of pattern `mu` that unit `unit` sees.
    #[inline]
    pub fn unit_row(&self, mu: usize, unit: usize) -> &[u64] {
        let group = if self.groups() == 1 { 0 } else { unit };
        &self.row(mu)[group * self.words..(group + 1) * self.words]
    }

    /// Label bits, ⌈P/64⌉ words, 1 means −1.
    pub fn label_bits(&self) -> &[u64] {
        &self.labels
    }

    /// Label σ of pattern `mu`, ±1.
    #[inline]
    pub fn label(&self, mu: usize) -> i32 {
        1 - 2 * (self.labels[mu / 64] >> (mu % 64) & 1) as i32
    }

    /// Entry ξ_i of pattern `mu`, ±1, i in 0..pattern_len.
    #[inline]
    pub fn entry(&self, mu: usize, i: usize) -> i32 {
        let n = self.architecture.unit_inputs();
        let word = self.row(mu)[i / n * self.words + i % n / 64];
        1 - 2 * (word >> (i % n % 64) & 1) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_in_p_and_independent_of_k() {
        for n in [1, 63, 64, 65] {
            let wide = Architecture::tree(6 * n, 6).unwrap();
            let narrow = Architecture::tree(6 * n, 2).unwrap();
            let small = Patterns::random(wide, 70, 7, 3);
            let large = Patterns::random(wide, 71, 7, 3);
            let other = Patterns::random(narrow, 70, 7, 3);
            for mu in 0..70 {
                assert_eq!(small.row(mu), large.row(mu));
                assert_eq!(small.label(mu), other.label(mu));
                for i in 0..6 * n {
                    assert_eq!(small.entry(mu, i), other.entry(mu, i));
                }
            }
            let differs = Patterns::random(wide, 70, 7, 4);
            assert_ne!(small, differs);
        }
    }

    #[test]
    fn padding_is_zero() {
        for n in [1, 63, 64, 65, 130] {
            let patterns = Patterns::random(Architecture::tree(3 * n, 3).unwrap(), 65, 11, 0);
            let padding: u32 = patterns.rows().iter().map(|w| w.count_ones()).sum();
            let set = (0..65)
                .flat_map(|mu| (0..3 * n).map(move |i| (mu, i)))
                .filter(|&(mu, i)| patterns.entry(mu, i) < 0)
                .count();
            assert_eq!(padding as usize, set);
        }
    }

    #[test]
    fn signs_round_trip_and_bad_entries_are_named() {
        let architecture = Architecture::tree(6, 2).unwrap();
        let random = Patterns::random(architecture, 5, 1, 0);
        let inputs: Vec<i8> = (0..5)
            .flat_map(|mu| (0..6).map(move |i| (mu, i)))
            .map(|(mu, i)| random.entry(mu, i) as i8)
            .collect();
        let labels: Vec<i8> = (0..5).map(|mu| random.label(mu) as i8).collect();
        assert_eq!(Patterns::from_signs(architecture, &inputs, &labels).unwrap(), random);
        let mut bad = inputs.clone();
        bad[8] = 0;
        let message = Patterns::from_signs(architecture, &bad, &labels).unwrap_err();
        assert!(message.contains("inputs[1, 2] = 0"), "{message}");
        assert!(Patterns::from_signs(architecture, &inputs[1..], &labels).is_err());
    }
}
