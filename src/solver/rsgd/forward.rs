//! The forward pass of one replica over a batch of patterns, and the count of its errors.
//!
//! All h_l of a batch come from [`crate::simd::preactivations`]. With full connectivity the units see
//! the same inputs, so the kernel gets them as replicas of one unit: it then splits the pattern
//! bytes once for several units.

use super::machine::Machine;
use crate::model::{Patterns, Storage, Weights};
use crate::simd::{Isa, PatternBlock, WeightTable, preactivations};

/// The weights of one replica and the preactivations of one batch.
pub struct Forward {
    table: WeightTable,
    outputs: Vec<i16>,
    stride: usize,
}

impl Forward {
    /// Room for the batches of `block`.
    pub fn new(machine: &Machine, block: &PatternBlock) -> Self {
        let (units, replicas) =
            if machine.stride == 0 { (1, machine.hidden) } else { (machine.hidden, 1) };
        let table = WeightTable::new(machine.unit_inputs, units, replicas);
        let outputs = vec![0; table.len(block)];
        Self { table, outputs, stride: block.stride() }
    }

    /// Takes the weights of a configuration, K × ⌈n/64⌉ words.
    pub fn take(&mut self, machine: &Machine, bits: &[u64]) {
        for (unit, words) in bits.chunks_exact(machine.words).enumerate() {
            let (replica, unit) = if machine.stride == 0 { (unit, 0) } else { (0, unit) };
            self.table.set_unit(replica, unit, words);
        }
    }

    /// Computes all h_l of the patterns in `block`: unit l at [`Self::stride`]·l.
    pub fn run(&mut self, isa: Isa, block: &PatternBlock) -> &[i16] {
        preactivations(isa, block, &self.table, &mut self.outputs);
        &self.outputs
    }

    /// Entries from one unit to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }
}

/// A block with room for `capacity` patterns of `machine`.
pub fn block(machine: &Machine, capacity: usize) -> PatternBlock {
    let groups = if machine.stride == 0 { 1 } else { machine.hidden };
    PatternBlock::new(machine.unit_inputs, groups, capacity)
}

/// Patterns of a chunk: three tiles, what the kernel takes at once.
const CHUNK: usize = 96;

/// Counts errors of whole configurations.
///
/// A configuration that does not store everything usually fails on the pattern it failed on last
/// time: that one is looked at first, then the rest from there on. The answers do not depend on it.
pub struct Judge {
    chunks: Vec<PatternBlock>,
    forward: Forward,
    totals: Vec<i32>,
    fields: Vec<i32>,
    /// Where each configuration failed last.
    witness: Vec<usize>,
}

impl Judge {
    /// For `configurations` configurations on all of `patterns`.
    pub fn new(isa: Isa, machine: &Machine, patterns: &Patterns, configurations: usize) -> Self {
        let count = patterns.count();
        let chunks = if machine.has_totals() { count.div_ceil(CHUNK) } else { 0 };
        let chunks: Vec<_> = (0..chunks)
            .map(|chunk| {
                let end = count.min((chunk + 1) * CHUNK);
                let indices: Vec<u32> = (chunk * CHUNK..end).map(|mu| mu as u32).collect();
                let mut block = block(machine, CHUNK);
                block.gather(isa, patterns.rows(), &indices);
                block
            })
            .collect();
        let empty = block(machine, CHUNK);
        Self {
            forward: Forward::new(machine, &empty),
            chunks,
            totals: vec![0; CHUNK],
            fields: vec![0; machine.hidden],
            witness: vec![0; configurations],
        }
    }

    /// Number of patterns that `weights` do not store, exact below `limit`, else at least `limit`;
    /// `configuration` is whose weights they are.
    #[inline(always)]
    pub fn errors(
        &mut self,
        isa: Isa,
        machine: &Machine,
        storage: &Storage,
        patterns: &Patterns,
        (configuration, weights): (usize, &Weights),
        limit: usize,
    ) -> usize {
        let count = patterns.count();
        if count == 0 || limit == 0 {
            return 0;
        }
        let first = self.witness[configuration];
        if limit == 1 && !machine.stores(storage, patterns, weights, first, &mut self.fields) {
            return 1;
        }
        if self.chunks.is_empty() {
            return self.one_by_one(machine, storage, patterns, (configuration, weights), limit);
        }
        let Weights::Binary(bits) = weights else { unreachable!("rsgd works on binary weights") };
        self.forward.take(machine, bits);
        let mut errors = 0;
        for step in 0..self.chunks.len() {
            let at = (first / CHUNK + step) % self.chunks.len();
            let block = &self.chunks[at];
            let stride = self.forward.stride();
            let outputs = self.forward.run(isa, block);
            let totals = &mut self.totals[..block.len()];
            machine.totals(outputs, stride, totals);
            let labels = &machine.labels[at * CHUNK..];
            for (slot, (total, label)) in totals.iter().zip(labels).enumerate() {
                if i64::from(total * label) <= storage.threshold() {
                    errors += 1;
                    self.witness[configuration] = at * CHUNK + slot;
                }
            }
            if errors >= limit {
                break;
            }
        }
        errors
    }

    /// [`Self::errors`] without the kernel.
    #[inline(always)]
    fn one_by_one(
        &mut self,
        machine: &Machine,
        storage: &Storage,
        patterns: &Patterns,
        (configuration, weights): (usize, &Weights),
        limit: usize,
    ) -> usize {
        let (first, count) = (self.witness[configuration], patterns.count());
        let mut errors = 0;
        for step in 0..count {
            let mu = (first + step) % count;
            if !machine.stores(storage, patterns, weights, mu, &mut self.fields) {
                errors += 1;
                self.witness[configuration] = mu;
                if errors >= limit {
                    break;
                }
            }
        }
        errors
    }
}
