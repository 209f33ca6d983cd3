//! How the N bits of a machine are split for enumeration: block, middle, prefix.
//!
//! A *segment* is a run of bits whose effect on a pattern depends only on a small class of
//! (bits xor pattern): part of one unit, class = number of agreeing inputs; or some whole units,
//! class = which of the distinct values Σ_l v_l they contribute. The *block* (low bits) varies
//! fastest and is held as one bit a machine; the *middle* is looped over with a table of classes;
//! the *prefix*, all other bits, is what a sweep counts through.

use super::space::{MachineSpace, ones};

/// What the class of a segment means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Bits of one unit that has others elsewhere, or all of it: class = agreeing inputs.
    Part {
        /// The unit.
        unit: usize,
    },
    /// Whole units: class = index into the distinct values of Σ_l v_l, ascending.
    Units {
        /// First unit.
        first: usize,
        /// One past the last.
        end: usize,
        /// Distinct values, ascending.
        values: Vec<i64>,
    },
    /// No bits: one class.
    Empty,
}

/// A run of bits and its classes.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// First bit.
    pub start: usize,
    /// Number of bits.
    pub bits: usize,
    /// Meaning of the classes.
    pub content: Content,
    /// Class of each (bits xor pattern bits).
    pub class_of: Vec<u8>,
    /// Number of classes.
    pub classes: usize,
}

impl Segment {
    fn empty() -> Self {
        Self { start: 0, bits: 0, content: Content::Empty, class_of: vec![0], classes: 1 }
    }

    fn part(unit: usize, start: usize, bits: usize) -> Self {
        let class_of = (0..1u32 << bits).map(|x| (bits as u32 - x.count_ones()) as u8).collect();
        Self { start, bits, content: Content::Part { unit }, class_of, classes: bits + 1 }
    }

    fn units(space: &MachineSpace, first: usize, end: usize) -> Self {
        let n = space.architecture().unit_inputs();
        let bits = (end - first) * n;
        let total = |x: u64| -> i64 {
            (first..end)
                .map(|unit| {
                    let differing = (x >> ((unit - first) * n) & ones(n)).count_ones() as usize;
                    space.value(unit, n - differing)
                })
                .sum()
        };
        let mut values: Vec<i64> = (0..1u64 << bits).map(total).collect();
        values.sort_unstable();
        values.dedup();
        let class_of = (0..1u64 << bits)
            .map(|x| values.binary_search(&total(x)).expect("the value was listed") as u8)
            .collect();
        let classes = values.len();
        // Units of one readout sign are exchangeable, which leaves at most 100 joint counts of
        // agreeing inputs for the sizes in use (6 units of 2 inputs, 4 of 3).
        assert!(classes <= 256, "{classes} classes do not fit in a byte");
        let content = Content::Units { first, end, values };
        Self { start: first * n, bits, content, class_of, classes }
    }

    /// The class of `machine` before a pattern: of `machine xor pattern`, both whole words.
    #[inline]
    pub fn class(&self, differing: u64) -> usize {
        usize::from(self.class_of[(differing >> self.start & ones(self.bits)) as usize])
    }

    /// Whether `unit` is wholly inside.
    pub fn covers(&self, unit: usize) -> bool {
        matches!(self.content, Content::Units { first, end, .. } if (first..end).contains(&unit))
    }
}

/// A machine's bits as block, middle and prefix.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub block: Segment,
    pub middle: Segment,
    inputs: usize,
}

impl Layout {
    /// Splits with about `block_bits` bits in the block and at most `middle_bits` in the middle.
    pub fn new(space: &MachineSpace, block_bits: usize, middle_bits: usize) -> Self {
        let architecture = space.architecture();
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let (block, next) = if n > block_bits {
            (Segment::part(0, 0, block_bits), 1)
        } else {
            // The nearest whole number of units: at most 14 bits (n = 7) for 11.
            let units = ((block_bits + n / 2) / n).min(hidden);
            (Segment::units(space, 0, units), units)
        };
        let middle = if next < hidden && n > middle_bits {
            Segment::part(next, next * n, middle_bits)
        } else if next < hidden {
            Segment::units(space, next, (next + middle_bits / n).min(hidden))
        } else if block.bits < architecture.inputs() {
            let left = architecture.inputs() - block.bits;
            Segment::part(0, block.bits, left.min(middle_bits))
        } else {
            Segment::empty()
        };
        Self { block, middle, inputs: architecture.inputs() }
    }

    /// Number of prefixes, a power of two.
    pub fn prefixes(&self) -> u64 {
        1 << (self.inputs - self.block.bits - self.middle.bits)
    }

    /// The machine of a prefix, with block and middle bits 0.
    pub fn machine(&self, prefix: u64) -> u64 {
        if self.middle.bits == 0 {
            return prefix << self.block.bits;
        }
        let gap = self.middle.start - self.block.bits;
        let low = prefix & ones(gap);
        low << self.block.bits | prefix >> gap << (self.middle.start + self.middle.bits)
    }
}
