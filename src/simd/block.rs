//! Patterns in the layout of the binary kernels: byte columns of 32 patterns.
//!
//! A tile holds 32 patterns; byte j of a unit (inputs 8j … 8j+7 of it) of all 32 lies in one
//! register's worth of memory. A kernel then looks up four inputs of 32 patterns in one shuffle, and
//! the preactivations of a unit come out side by side. One bit an entry, like the rows; the bytes
//! behind ⌈n/8⌉ of a unit are dropped.
//!
//! Gathering is shared by all replicas; a block of all patterns is built once. Bound: the shuffle ports,
//! by 56 insertions, shuffles and unpackings per 32 patterns × 64 inputs. Exact and deterministic.

use super::isa::{Isa, Set};
use super::scalar;

/// Patterns of a tile.
pub(super) const LANES: usize = 32;

/// Slot of each lane of a tile, and lane of each slot: the second and third eight change places, so that widening the
/// bytes within the halves of an AVX2 register leaves them in the order of slots.
pub(super) const fn slot(lane: usize) -> usize {
    match lane / 8 {
        1 => lane + 8,
        2 => lane - 8,
        _ => lane,
    }
}

/// One byte of each pattern of a tile, in lanes (see [`slot`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub(super) struct ByteColumn(pub [u8; LANES]);

/// The patterns of a tile, lane by lane.
pub(super) struct Chosen<'a> {
    pub rows: &'a [u64],
    pub row_words: usize,
    pub indices: [u32; LANES],
}

impl Chosen<'_> {
    /// The row in `lane`.
    pub fn row(&self, lane: usize) -> &[u64] {
        &self.rows[self.indices[lane] as usize * self.row_words..][..self.row_words]
    }
}

/// A batch of patterns, gathered from packed rows.
#[derive(Clone, Debug)]
pub struct PatternBlock {
    inputs: usize,
    groups: usize,
    len: usize,
    tiles: usize,
    pub(super) columns: Vec<ByteColumn>,
}

impl PatternBlock {
    /// Room for `capacity` patterns of `groups` groups of `inputs` = n entries each (K groups for a
    /// tree, 1 for full connectivity).
    ///
    /// # Panics
    /// If n is 0 or above 32,767 (preactivations are i16), or there is no group.
    pub fn new(inputs: usize, groups: usize, capacity: usize) -> Self {
        assert!(inputs >= 1 && groups >= 1, "a pattern has at least one entry");
        assert!(inputs <= i16::MAX as usize, "units have at most 32767 inputs, not {inputs}");
        let tiles = capacity.div_ceil(LANES);
        let columns = vec![ByteColumn([0; LANES]); tiles * groups * inputs.div_ceil(8)];
        Self { inputs, groups, len: 0, tiles, columns }
    }

    /// n: inputs of a unit.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Groups of a pattern.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Patterns now in the block.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been gathered.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Slots of one unit in the output of [`super::preactivations`]: the capacity rounded up to
    /// tiles of 32. Slots from [`Self::len`] on hold nothing of meaning.
    pub fn stride(&self) -> usize {
        self.tiles * LANES
    }

    /// Bytes of one group: ⌈n/8⌉.
    pub(super) fn group_bytes(&self) -> usize {
        self.inputs.div_ceil(8)
    }

    /// Tiles that hold patterns.
    pub(super) fn used_tiles(&self) -> usize {
        self.len.div_ceil(LANES)
    }

    /// Replaces the content by the patterns `indices` of `rows`, where a row is groups × ⌈n/64⌉
    /// words with zero padding (the rows of [`crate::model::Patterns`]).
    ///
    /// # Panics
    /// If there are more indices than the capacity, or one lies outside `rows`.
    pub fn gather(&mut self, isa: Isa, rows: &[u64], indices: &[u32]) {
        assert!(indices.len() <= self.stride(), "{} patterns in a full block", indices.len());
        let row_words = self.groups * self.inputs.div_ceil(64);
        let count = rows.len() / row_words;
        let last = indices.iter().fold(0, |last, &mu| last.max(mu));
        assert!(indices.is_empty() || (last as usize) < count, "a pattern index of {count}");
        self.len = indices.len();
        let tile_columns = self.groups * self.group_bytes();
        let (group_bytes, used) = (self.group_bytes(), self.used_tiles());
        for tile in 0..used {
            let here = &indices[tile * LANES..indices.len().min((tile + 1) * LANES)];
            // Empty slots of the last tile repeat its first pattern: kernels need no mask.
            let mut chosen = [here[0]; LANES];
            for (slots, indices) in here.chunks(8).enumerate() {
                let lane = slot(8 * slots);
                chosen[lane..lane + indices.len()].copy_from_slice(indices);
            }
            let chosen = Chosen { rows, row_words, indices: chosen };
            let columns = &mut self.columns[tile * tile_columns..][..tile_columns];
            match isa.0 {
                Set::Scalar => scalar::gather(&chosen, group_bytes, columns),
                #[cfg(target_arch = "x86_64")]
                Set::Avx2 | Set::Avx512 => {
                    super::x86_64::avx2::gather(&chosen, group_bytes, columns);
                }
                #[cfg(target_arch = "aarch64")]
                Set::Neon => scalar::gather(&chosen, group_bytes, columns),
            }
        }
    }

    /// Replaces the content by all patterns of `rows`, in order.
    ///
    /// # Panics
    /// If they are more than the capacity.
    pub fn gather_all(&mut self, isa: Isa, rows: &[u64]) {
        let count = rows.len() / (self.groups * self.inputs.div_ceil(64));
        let indices: Vec<u32> = (0..count as u32).collect();
        self.gather(isa, rows, &indices);
    }
}
