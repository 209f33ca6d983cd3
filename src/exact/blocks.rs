//! Blocks of machines: which machines of a block store a pattern, as one bit a machine.
//!
//! Within a block only the low bits vary. For pattern μ the rest of the machine leaves two numbers,
//! the agreeing inputs f outside the block in the block's unit and the sum s of the other units, so
//! the stored machines are {σ v(f, class) > T − σ s}: one of a few *subsets* of the classes. Each
//! distinct subset of each pattern is one precomputed mask of 2^b bits, and evaluating a block is
//! one AND a pattern.
//!
//! For one prefix the subset depends on the middle's class alone: a row of subset ids a pattern is
//! built when a block first gets as far as that pattern, at O(K + classes), and used by all 2^m
//! blocks of the prefix.
//!
//! Memory: P × subsets × 2^b bits of masks (b = 11 and a monotone activation: 12 × 256 bytes a
//! pattern) and P × 2^m bytes of middle classes. Deterministic.

use super::segment::{Content, Layout};
use super::space::{MachineSpace, ones};
use std::collections::BTreeMap;

/// Default block size in bits: the best of 6–12 at N = 30, by a factor of 10 over 6.
pub(super) const BLOCK_BITS: usize = 11;
/// Default middle size in bits.
pub(super) const MIDDLE_BITS: usize = 10;

/// Subset id: no machine of the block stores the pattern.
pub(super) const NONE: u16 = u16::MAX;
/// Subset id: all machines of the block store it.
pub(super) const ALL: u16 = u16::MAX - 1;

/// Stored machines as thresholds on the block's value: one a (sign of the label, f).
#[derive(Clone, Debug)]
struct Ranked {
    /// Distinct σ v, descending.
    values: Vec<i64>,
    /// Subset id where the r largest values store, r = 0..=values.len().
    ids: Vec<u16>,
}

/// Masks of one set of patterns, and the id rows of the present prefix.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    space: MachineSpace,
    pub layout: Layout,
    /// By label (+1, −1), then by f.
    ranked: [Vec<Ranked>; 2],
    /// Number of distinct subsets that are neither empty nor full.
    subsets: usize,
    /// Words of one mask.
    words: usize,
    masks: Vec<u64>,
    /// Class of (middle, pattern), 2^m × P.
    middle_classes: Vec<u8>,
    /// Subset id at (pattern, middle class), P × classes, valid for the first `ready` patterns.
    ids: Vec<u16>,
    ready: usize,
    prefix_machine: u64,
}

impl Blocks {
    /// Masks for the patterns of `space`.
    pub fn new(space: MachineSpace) -> Self {
        Self::with_sizes(space, BLOCK_BITS, MIDDLE_BITS)
    }

    /// As [`Self::new`] with other block and middle sizes.
    pub fn with_sizes(space: MachineSpace, block_bits: usize, middle_bits: usize) -> Self {
        let layout = Layout::new(&space, block_bits, middle_bits);
        let block = &layout.block;
        let mut known: BTreeMap<Vec<bool>, u16> = BTreeMap::new();
        let ranked = [1, -1].map(|sigma| rank(&space, &layout, sigma, &mut known));
        let words = (1usize << block.bits).div_ceil(64);
        let mut subsets = vec![Vec::new(); known.len()];
        known.into_iter().for_each(|(subset, id)| subsets[usize::from(id)] = subset);
        let (count, size) = (space.count(), 1u64 << block.bits);
        let mut masks = vec![0u64; count * subsets.len() * words];
        for mu in 0..count {
            let pattern = space.pattern(mu) & ones(block.bits);
            for (id, subset) in subsets.iter().enumerate() {
                let mask = &mut masks[(mu * subsets.len() + id) * words..][..words];
                for machine in 0..size {
                    let class = usize::from(block.class_of[(machine ^ pattern) as usize]);
                    mask[machine as usize / 64] |= u64::from(subset[class]) << (machine % 64);
                }
            }
        }
        let middle = &layout.middle;
        let mut middle_classes = Vec::with_capacity(count << middle.bits);
        for bits in 0..1u64 << middle.bits {
            let machine = bits << middle.start;
            middle_classes
                .extend((0..count).map(|mu| middle.class(machine ^ space.pattern(mu)) as u8));
        }
        let ids = vec![NONE; count * middle.classes];
        let subsets = subsets.len();
        Self {
            space,
            layout,
            ranked,
            subsets,
            words,
            masks,
            middle_classes,
            ids,
            ready: 0,
            prefix_machine: 0,
        }
    }

    /// The machines and their patterns.
    pub fn space(&self) -> &MachineSpace {
        &self.space
    }

    /// Words of a mask: ⌈2^b/64⌉.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Machines in a block.
    pub fn size(&self) -> u64 {
        1 << self.layout.block.bits
    }

    /// The block of all machines as one word of a mask (the only one if b < 6).
    pub fn full_word(&self) -> u64 {
        if self.size() >= 64 { u64::MAX } else { ones(self.size() as usize) }
    }

    /// Starts `prefix`: id rows are rebuilt on demand.
    pub fn begin(&mut self, prefix: u64) {
        self.prefix_machine = self.layout.machine(prefix);
        self.ready = 0;
    }

    /// The first machine of block `middle` of the present prefix.
    pub fn machine(&self, middle: u64) -> u64 {
        self.prefix_machine | middle << self.layout.middle.start
    }

    /// Makes the id row of pattern `mu` (and those before it) valid.
    #[inline]
    pub fn require(&mut self, mu: usize) {
        while self.ready <= mu {
            self.build_row(self.ready);
            self.ready += 1;
        }
    }

    /// Classes of block `middle`'s middle bits, one a pattern.
    #[inline]
    pub fn middle_classes(&self, middle: u64) -> &[u8] {
        let count = self.space.count();
        &self.middle_classes[middle as usize * count..][..count]
    }

    /// Subset id of pattern `mu` at the middle's `class`; its row must be valid.
    #[inline]
    pub fn id(&self, mu: usize, class: u8) -> u16 {
        self.ids[mu * self.layout.middle.classes + usize::from(class)]
    }

    /// Mask of subset `id` of pattern `mu`.
    #[inline]
    pub fn mask(&self, mu: usize, id: u16) -> &[u64] {
        &self.masks[(mu * self.subsets + usize::from(id)) * self.words..][..self.words]
    }

    #[cold]
    fn build_row(&mut self, mu: usize) {
        let (space, layout) = (&self.space, &self.layout);
        let architecture = space.architecture();
        let n = architecture.unit_inputs();
        let sigma = space.label(mu);
        let outside = !(ones(layout.block.bits) | ones(layout.middle.bits) << layout.middle.start);
        let differing = (self.prefix_machine ^ space.pattern(mu)) & outside;
        // Inputs of `unit` in the prefix that agree.
        let agreeing = |unit: usize| {
            let valid = ones(n) << (unit * n) & outside;
            (valid & !differing).count_ones() as usize
        };
        let (block_unit, middle_unit) = (part(&layout.block.content), part(&layout.middle.content));
        let rest: i64 = (0..architecture.hidden())
            .filter(|&unit| {
                Some(unit) != block_unit
                    && Some(unit) != middle_unit
                    && !layout.block.covers(unit)
                    && !layout.middle.covers(unit)
            })
            .map(|unit| space.value(unit, agreeing(unit)))
            .sum();
        let field = block_unit.map_or(0, agreeing);
        for class in 0..layout.middle.classes {
            let (sum, field) = match &layout.middle.content {
                Content::Part { unit } if Some(*unit) == block_unit => (rest, field + class),
                Content::Part { unit } => {
                    (rest + space.value(*unit, agreeing(*unit) + class), field)
                }
                Content::Units { values, .. } => (rest + values[class], field),
                Content::Empty => (rest, field),
            };
            let ranked = &self.ranked[usize::from(sigma < 0)][field];
            // Stored iff σ v > T − σ s.
            let bound = space.threshold() - sigma * sum;
            let rank = ranked.values.iter().take_while(|&&value| value > bound).count();
            self.ids[mu * layout.middle.classes + class] = ranked.ids[rank];
        }
    }
}

/// The unit of a partial segment.
fn part(content: &Content) -> Option<usize> {
    match content {
        Content::Part { unit } => Some(*unit),
        _ => None,
    }
}

/// For every f the block's values under label `sigma`, ranked, with subset ids taken from and added
/// to `known`.
fn rank(
    space: &MachineSpace,
    layout: &Layout,
    sigma: i64,
    known: &mut BTreeMap<Vec<bool>, u16>,
) -> Vec<Ranked> {
    let block = &layout.block;
    let fields = match block.content {
        Content::Part { .. } => space.architecture().unit_inputs() - block.bits + 1,
        _ => 1,
    };
    (0..fields)
        .map(|field| {
            let of_class: Vec<i64> = (0..block.classes)
                .map(|class| {
                    sigma
                        * match &block.content {
                            Content::Part { unit } => space.value(*unit, field + class),
                            Content::Units { values, .. } => values[class],
                            Content::Empty => 0,
                        }
                })
                .collect();
            let mut values = of_class.clone();
            values.sort_unstable_by(|a, b| b.cmp(a));
            values.dedup();
            let ids = (0..=values.len())
                .map(|stored| match stored {
                    0 => NONE,
                    all if all == values.len() => ALL,
                    some => {
                        let least = values[some - 1];
                        let subset: Vec<bool> = of_class.iter().map(|&v| v >= least).collect();
                        let next = known.len() as u16;
                        *known.entry(subset).or_insert(next)
                    }
                })
                .collect();
            Ranked { values, ids }
        })
        .collect()
}
