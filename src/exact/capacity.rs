//! Exact capacity of one disorder sample: Z(P), the number of machines that store the first P
//! patterns, at every P.
//!
//! $$ Z(P) = \sum_{w \in \lbrace \pm 1 \rbrace^N} \prod_{\mu=1}^P
//!    \Theta\left(\sigma^\mu \Delta^\mu(w) - \kappa\right) $$
//!
//! Patterns are nested, so Z decreases with P; the storage P_c is the last P with Z(P) > 0, and ln Z(P)/N
//! averages to the entropy of the theory.
//! Block after block of 2^11 machines, the survivors of one more pattern are an AND and a popcount,
//! and a block is dropped when none is left: after about 11 patterns at κ = 0, or at once where the
//! other units decide. Cost: 2^N/2^11 blocks × the patterns until one dies × 32 words; N = 30 takes
//! some 0.05 s. Deterministic: integers only, whatever the instruction set.
//!
//! An [`Enumeration`] advances chunk by chunk, so that it can stop in between; it keeps the number
//! of solutions of each chunk, by which solutions are drawn uniformly afterwards without having been
//! stored: draw an index below Z, find its chunk, sweep that chunk again.

use super::blocks::{ALL, Blocks, NONE};
use super::space::MachineSpace;
use crate::model::{Patterns, Storage};
use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// Machines in a chunk, log2: about 10 ms of work.
const CHUNK_BITS: usize = 28;

/// What has been counted so far: the state of an enumeration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Z(0) … Z(P) over the machines seen.
    pub solutions: Vec<u64>,
    /// Solutions of all P patterns in each finished chunk.
    pub chunk_solutions: Vec<u64>,
    /// Most patterns stored so far, and the first machine of the first block that stores as many.
    deepest: (usize, u64),
}

impl Counts {
    /// Machine × pattern evaluations: for each pattern the machines that were still alive when it
    /// came, Σ_{p<P} Z(p). (A block tests its dead machines along with the others; they do not count.)
    pub fn evaluations(&self) -> u64 {
        let tested = self.solutions.len().saturating_sub(1);
        self.solutions[..tested].iter().sum()
    }
}

/// The enumeration of all machines before one sample of patterns.
#[derive(Clone, Debug)]
pub struct Enumeration {
    blocks: Blocks,
    counts: Counts,
    alive: Vec<u64>,
    chunk_bits: usize,
}

impl Enumeration {
    /// Of the machines of `storage` before `patterns`, whose number P is the cap.
    ///
    /// # Errors
    /// A message if N exceeds [`super::MAX_INPUTS`].
    pub fn new(storage: &Storage, patterns: &Patterns) -> Result<Self, String> {
        Ok(Self::from_blocks(Blocks::new(MachineSpace::new(storage, patterns)?)))
    }

    pub(super) fn from_blocks(blocks: Blocks) -> Self {
        let solutions = vec![0; blocks.space().count() + 1];
        let alive = vec![0; blocks.words()];
        let counts = Counts { solutions, ..Counts::default() };
        let mut enumeration = Self { blocks, counts, alive, chunk_bits: CHUNK_BITS };
        // Room for every chunk now: none is allocated later.
        enumeration.counts.chunk_solutions.reserve_exact(enumeration.chunks() as usize);
        enumeration
    }

    /// The machines and their patterns.
    pub fn space(&self) -> &MachineSpace {
        self.blocks.space()
    }

    /// What has been counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Goes on from `counts`, taken of an enumeration of the same machines and patterns.
    ///
    /// # Errors
    /// A message if `counts` cannot be of this enumeration.
    pub fn resume(&mut self, counts: Counts) -> Result<(), String> {
        let fits = counts.solutions.len() == self.counts.solutions.len()
            && counts.chunk_solutions.len() as u64 <= self.chunks()
            && counts.deepest.0 < counts.solutions.len();
        if !fits {
            return Err("not a state of this enumeration".to_owned());
        }
        self.counts = counts;
        Ok(())
    }

    /// Chunks in all.
    pub fn chunks(&self) -> u64 {
        self.blocks.layout.prefixes().div_ceil(self.chunk_prefixes())
    }

    fn chunk_prefixes(&self) -> u64 {
        let layout = &self.blocks.layout;
        1 << self.chunk_bits.saturating_sub(layout.block.bits + layout.middle.bits)
    }

    /// Whether every chunk has been counted.
    pub fn is_complete(&self) -> bool {
        self.counts.chunk_solutions.len() as u64 == self.chunks()
    }

    /// Counts the next chunk.
    ///
    /// # Panics
    /// If the enumeration is complete.
    pub fn advance(&mut self) {
        assert!(!self.is_complete(), "every chunk has been counted");
        let before = *self.counts.solutions.last().expect("Z(0) is always there");
        for prefix in self.chunk(self.counts.chunk_solutions.len() as u64) {
            sweep(&mut self.blocks, &mut self.counts, &mut self.alive, prefix, |_| {});
        }
        let after = *self.counts.solutions.last().expect("Z(0) is always there");
        self.counts.chunk_solutions.push(after - before);
    }

    /// Counts all chunks that are left and returns Z(0) … Z(P).
    pub fn complete(&mut self) -> &[u64] {
        while !self.is_complete() {
            self.advance();
        }
        &self.counts.solutions
    }

    fn chunk(&self, chunk: u64) -> std::ops::Range<u64> {
        let size = self.chunk_prefixes();
        chunk * size..((chunk + 1) * size).min(self.blocks.layout.prefixes())
    }

    /// P_c, the most patterns that any machine seen so far stores.
    pub fn storage(&self) -> usize {
        self.counts.deepest.0
    }

    /// A machine that stores the first P_c patterns (the first in the order of the enumeration).
    pub fn deepest(&self) -> u64 {
        let (depth, first) = self.counts.deepest;
        let space = self.space();
        (first..first + self.blocks.size())
            .find(|&machine| (0..depth).all(|mu| space.stores(machine, mu)))
            .expect("the block was recorded because one of its machines stores them")
    }

    /// Calls `found` with every machine that stores all P patterns, in a fixed order.
    pub fn for_each_solution(&self, mut found: impl FnMut(u64)) {
        let (mut blocks, mut alive) = (self.blocks.clone(), self.alive.clone());
        let mut counts = Counts { solutions: self.counts.solutions.clone(), ..Counts::default() };
        for prefix in 0..blocks.layout.prefixes() {
            sweep(&mut blocks, &mut counts, &mut alive, prefix, &mut found);
        }
    }

    /// `count` independent, uniformly random solutions of all P patterns (with replacement); empty
    /// if there is none. Costs at most `count` chunks.
    ///
    /// # Panics
    /// If the enumeration is not complete.
    pub fn sample(&self, count: usize, stream: &mut Stream) -> Vec<u64> {
        assert!(self.is_complete(), "solutions are drawn from a complete enumeration");
        let total: u64 = self.counts.chunk_solutions.iter().sum();
        if total == 0 {
            return Vec::new();
        }
        // Index of the solution wanted, and where it goes.
        let mut wanted: Vec<(u64, usize)> =
            (0..count).map(|place| (stream.below(total), place)).collect();
        wanted.sort_unstable();
        let mut drawn = vec![0; count];
        let (mut blocks, mut alive) = (self.blocks.clone(), self.alive.clone());
        let mut counts = Counts { solutions: self.counts.solutions.clone(), ..Counts::default() };
        let mut wanted = wanted.into_iter().peekable();
        let mut index = 0;
        for (chunk, &solutions) in self.counts.chunk_solutions.iter().enumerate() {
            let end = index + solutions;
            if wanted.peek().is_none_or(|&(next, _)| next >= end) {
                index = end;
                continue;
            }
            for prefix in self.chunk(chunk as u64) {
                sweep(&mut blocks, &mut counts, &mut alive, prefix, |machine| {
                    while let Some((_, place)) = wanted.next_if(|&(next, _)| next == index) {
                        drawn[place] = machine;
                    }
                    index += 1;
                });
            }
        }
        drawn
    }
}

/// Counts the machines of `prefix`; those that store all P patterns go to `found`.
fn sweep(
    blocks: &mut Blocks,
    counts: &mut Counts,
    alive: &mut [u64],
    prefix: u64,
    mut found: impl FnMut(u64),
) {
    blocks.begin(prefix);
    let (count, size, full) = (blocks.space().count(), blocks.size(), blocks.full_word());
    for middle in 0..1u64 << blocks.layout.middle.bits {
        alive.fill(full);
        let mut survivors = size;
        counts.solutions[0] += size;
        let mut mu = 0;
        while mu < count {
            blocks.require(mu);
            let id = blocks.id(mu, blocks.middle_classes(middle)[mu]);
            if id == NONE {
                break;
            }
            if id != ALL {
                survivors = 0;
                for (word, mask) in alive.iter_mut().zip(blocks.mask(mu, id)) {
                    *word &= mask;
                    survivors += u64::from(word.count_ones());
                }
                if survivors == 0 {
                    break;
                }
            }
            mu += 1;
            counts.solutions[mu] += survivors;
        }
        if mu > counts.deepest.0 {
            counts.deepest = (mu, blocks.machine(middle));
        }
        if mu == count {
            for_each_bit(alive, blocks.machine(middle), &mut found);
        }
    }
}

/// Calls `found` with `first | index` for the index of every bit set.
fn for_each_bit(words: &[u64], first: u64, mut found: impl FnMut(u64)) {
    for (index, &word) in words.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            found(first | (64 * index as u64) | u64::from(left.trailing_zeros()));
            left &= left - 1;
        }
    }
}

#[cfg(test)]
mod tests;
