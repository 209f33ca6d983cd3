//! All preactivations h_l = Σ_i W_li ξ_li of a batch of patterns for y replicas.
//!
//! h_l = n − 2·|W_l xor ξ_l|. The number of differing bits of four inputs is looked up: the four
//! weight bits choose one of 16 tables, the four bits of each pattern its entry, 32 patterns in one
//! byte shuffle; bytes count up to 62 look-ups before they are widened. Per 256 entries that is two
//! shuffles and two additions, against nine instructions for xor and a shuffle popcount, because
//! splitting the pattern bytes is shared by all replicas. Cost O(B·y·N/4) byte operations.
//!
//! Bound: the vector ports, by the mix of one shuffle with one addition; at small n the eight
//! instructions that widen and store the counts of 32 patterns, once for each 31 bytes of a unit
//! begun (five where h fits into a byte, n ≤ 127); from memory the bandwidth up to y ≈ 3, beyond that
//! the ports again.
//! Integer, exact, deterministic.

use super::block::PatternBlock;
use super::isa::{Isa, Set};
use super::scalar;
use std::ops::Range;

/// Factor of the stored table offsets: 8 times four is the 32 bytes of a table, and 8 is what an
/// address can scale by.
pub(super) const NIBBLE_SCALE: u8 = 4;

/// One in each byte.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;

/// The weights of y replicas of one machine, as table offsets: entry (replica, unit, half, byte j)
/// is 4 times the low (half 0) or high (half 1) nibble of byte j.
#[derive(Clone, Debug)]
pub struct WeightTable {
    inputs: usize,
    units: usize,
    replicas: usize,
    pub(super) offsets: Vec<u8>,
}

impl WeightTable {
    /// Room for `replicas` = y configurations of `units` = K units with `inputs` = n weights each;
    /// all weights start at +1.
    ///
    /// # Panics
    /// If one of them is 0.
    pub fn new(inputs: usize, units: usize, replicas: usize) -> Self {
        assert!(inputs >= 1 && units >= 1 && replicas >= 1, "a machine has weights");
        let offsets = vec![0; replicas * units * 2 * inputs.div_ceil(64) * 8];
        Self { inputs, units, replicas, offsets }
    }

    /// y.
    pub fn replicas(&self) -> usize {
        self.replicas
    }

    /// K.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Entries of one half of one unit: ⌈n/64⌉·8.
    pub(super) fn half(&self) -> usize {
        self.inputs.div_ceil(64) * 8
    }

    /// Sets the weights of `replica`: K × ⌈n/64⌉ words, zero padding, as in
    /// [`crate::model::Weights::Binary`].
    ///
    /// # Panics
    /// If the replica does not exist or the number of words is wrong.
    pub fn set(&mut self, replica: usize, bits: &[u64]) {
        for (unit, words) in bits.chunks_exact(self.inputs.div_ceil(64)).enumerate() {
            self.set_unit(replica, unit, words);
        }
        assert_eq!(bits.len(), self.units * self.inputs.div_ceil(64), "words of a replica");
    }

    /// Sets the ⌈n/64⌉ words of one unit of `replica`.
    ///
    /// # Panics
    /// If the replica or the unit does not exist or the number of words is wrong.
    pub fn set_unit(&mut self, replica: usize, unit: usize, words: &[u64]) {
        assert!(replica < self.replicas && unit < self.units, "no such unit of a replica");
        let half = self.half();
        assert_eq!(words.len() * 8, half, "words of a unit");
        let at = (replica * self.units + unit) * 2 * half;
        let (low, high) = self.offsets[at..at + 2 * half].split_at_mut(half);
        for ((word, low), high) in
            words.iter().zip(low.chunks_exact_mut(8)).zip(high.chunks_exact_mut(8))
        {
            // A nibble times four, eight at once.
            low.copy_from_slice(&((word << 2) & (0x3c * ONES)).to_le_bytes());
            high.copy_from_slice(&((word >> 2) & (0x3c * ONES)).to_le_bytes());
        }
    }

    /// Length of the output of [`preactivations`] for `block`: y × K × stride.
    pub fn len(&self, block: &PatternBlock) -> usize {
        self.replicas * self.units * block.stride()
    }

    /// Always false; here because there is a `len`.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Where h_l of unit l = `unit` of `replica` lies in the output of [`preactivations`], patterns
    /// in the order of the gathered indices.
    pub fn at(&self, block: &PatternBlock, replica: usize, unit: usize) -> Range<usize> {
        let start = (replica * self.units + unit) * block.stride();
        start..start + block.len()
    }
}

/// Computes all h_l of all patterns in `block` for all replicas in `table` into `out`:
/// `[replica][unit][slot]`, unit stride [`PatternBlock::stride`], see [`WeightTable::at`].
///
/// # Panics
/// If the shapes of block and table differ or `out` is not [`WeightTable::len`] long.
pub fn preactivations(isa: Isa, block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    assert_eq!(block.inputs(), table.inputs, "inputs of a unit");
    assert!(block.groups() == 1 || block.groups() == table.units, "groups of a pattern");
    assert_eq!(out.len(), table.len(block), "preactivations");
    if block.is_empty() {
        return;
    }
    match isa.0 {
        Set::Scalar => scalar::preactivations(block, table, out),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => super::x86_64::avx2::preactivations(block, table, out),
        #[cfg(target_arch = "aarch64")]
        Set::Neon => super::aarch64::neon::preactivations(block, table, out),
    }
}
