//! The binary forward pass where bytes have a population count; see
//! [`crate::simd::preactivations`].

use crate::simd::block::{ByteColumn, LANES, PatternBlock, slot};
use crate::simd::preactivation::{NIBBLE_SCALE, WeightTable};

/// Bytes of a unit whose differing bits a byte can count: 31 · 8 = 248.
const CHUNK: usize = 31;

/// One byte for each pattern of two tiles.
pub(in crate::simd) trait Bytes: Copy {
    /// All zero.
    fn zero() -> Self;
    /// All `x`.
    fn splat(x: u8) -> Self;
    /// Two tiles.
    fn load(a: &ByteColumn, b: &ByteColumn) -> Self;
    /// self + the bits of each byte in which `x` and `w` differ.
    fn add_differing(self, x: Self, w: Self) -> Self;
    /// The bytes, first tile first.
    fn bytes(self) -> [ByteColumn; 2];
}

/// All preactivations.
#[inline(always)]
pub(in crate::simd) fn preactivations<B: Bytes>(
    block: &PatternBlock,
    table: &WeightTable,
    out: &mut [i16],
) {
    let replicas = table.replicas();
    for tile in (0..block.used_tiles()).step_by(2) {
        for unit in 0..table.units() {
            for replica in (0..replicas).step_by(4) {
                let job = Job { block, table, unit, tile, replica };
                match replicas - replica {
                    1 => job.run::<B, 1>(out),
                    2 => job.run::<B, 2>(out),
                    3 => job.run::<B, 3>(out),
                    _ => job.run::<B, 4>(out),
                }
            }
        }
    }
}

/// One unit, starting at one tile and one replica.
struct Job<'a> {
    block: &'a PatternBlock,
    table: &'a WeightTable,
    unit: usize,
    tile: usize,
    replica: usize,
}

impl Job<'_> {
    /// Two tiles × R replicas.
    #[inline(always)]
    fn run<B: Bytes, const R: usize>(&self, out: &mut [i16]) {
        let (block, table) = (self.block, self.table);
        let (bytes, half, stride) = (block.group_bytes(), table.half(), block.stride());
        let group = if block.groups() == 1 { 0 } else { self.unit };
        let tiles = if self.tile + 1 < block.used_tiles() { 2 } else { 1 };
        let column = |v: usize| {
            let at = (self.tile + v) * block.groups() * bytes + group * bytes;
            &block.columns[at..at + bytes]
        };
        // A single tile stands in for its missing partner.
        let (first, second) = (column(0), column(tiles - 1));
        let index = |r: usize| (self.replica + r) * table.units() + self.unit;
        let mut weights: [(&[u8], &[u8]); R] = [(&[], &[]); R];
        for (r, weights) in weights.iter_mut().enumerate() {
            let (low, high) = table.offsets[index(r) * 2 * half..][..2 * half].split_at(half);
            *weights = (&low[..bytes], &high[..bytes]);
        }
        let mut from = 0;
        while from < bytes {
            let to = (from + CHUNK).min(bytes);
            let mut counts = [B::zero(); R];
            for j in from..to {
                let x = B::load(&first[j], &second[j]);
                for (count, (low, high)) in counts.iter_mut().zip(&weights) {
                    let weight = low[j] / NIBBLE_SCALE + (high[j] / NIBBLE_SCALE) * 16;
                    *count = count.add_differing(x, B::splat(weight));
                }
            }
            for (r, count) in counts.into_iter().enumerate() {
                for (v, differing) in count.bytes().iter().take(tiles).enumerate() {
                    let at = index(r) * stride + (self.tile + v) * LANES;
                    let out = &mut out[at..at + LANES];
                    for (lane, &differing) in differing.0.iter().enumerate() {
                        let h = &mut out[slot(lane)];
                        let before = if from == 0 { block.inputs() as i16 } else { *h };
                        *h = before - 2 * i16::from(differing);
                    }
                }
            }
            from = to;
        }
    }
}
