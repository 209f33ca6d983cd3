//! The binary forward pass.

#![allow(unsafe_code)]
// Register blocks are indexed by the two names of their dimensions.
#![allow(clippy::needless_range_loop)]

use super::{most_tiles, narrow, replica_blocks, tile_blocks};
use crate::simd::block::{ByteColumn, Chosen, LANES, PatternBlock};
use crate::simd::preactivation::WeightTable;
use std::arch::x86_64::*;
use std::ops::Range;

/// Entry (w, x) is |w xor x| for nibbles w and x, twice over for the two halves of a register.
#[repr(C, align(32))]
struct Tables([[u8; 32]; 16]);

static TABLES: Tables = {
    let mut tables = [[0; 32]; 16];
    let mut w = 0;
    while w < 16 {
        let mut x = 0;
        while x < 32 {
            tables[w][x] = ((w ^ (x & 15)) as u8).count_ones() as u8;
            x += 1;
        }
        w += 1;
    }
    Tables(tables)
};

/// Bytes of a unit whose differing bits a byte can count: 31 · 8 = 248.
const CHUNK: usize = 31;

/// Byte columns that a first-level cache holds with room to spare: 16 KiB.
const CLOSE: usize = 1 << 9;

/// Byte columns of a block that no second-level cache holds: 1 MiB.
const FAR: usize = 1 << 15;

/// Byte columns of one tile from 32 packed rows.
pub(in crate::simd) fn gather(chosen: &Chosen, group_bytes: usize, columns: &mut [ByteColumn]) {
    let words = group_bytes.div_ceil(8);
    let groups = columns.len() / group_bytes;
    assert!(groups * words <= chosen.row_words, "rows of whole groups");
    let last = chosen.indices.iter().fold(0, |last, &mu| last.max(mu)) as usize;
    assert!((last + 1) * chosen.row_words <= chosen.rows.len(), "rows that are there");
    // SAFETY: selected by an `Isa`, so AVX2 is there; the rest has been checked.
    unsafe { gather_avx2(chosen, group_bytes, columns) }
}

/// # Safety
/// All chosen rows exist and hold groups × ⌈group_bytes/8⌉ words.
#[target_feature(enable = "avx2")]
unsafe fn gather_avx2(chosen: &Chosen, group_bytes: usize, columns: &mut [ByteColumn]) {
    let words = group_bytes.div_ceil(8);
    let mut rows = [chosen.rows.as_ptr(); LANES];
    for (row, &mu) in rows.iter_mut().zip(&chosen.indices) {
        *row = row.wrapping_add(mu as usize * chosen.row_words);
    }
    // Within each 16-byte half: bytes of two patterns interleaved.
    let pairs = _mm256_setr_epi8(
        0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5,
        13, 6, 14, 7, 15,
    );
    let mut at = 0;
    for columns in columns.chunks_exact_mut(group_bytes) {
        for columns in columns.chunks_mut(8) {
            let mut x = [_mm256_setzero_si256(); 8];
            for (i, x) in x.iter_mut().enumerate() {
                // SAFETY: `at` < groups × words.
                let word = |lane: usize| unsafe { *rows[lane].add(at) as i64 };
                let low = _mm_set_epi64x(word(2 * i + 1), word(2 * i));
                let high = _mm_set_epi64x(word(2 * i + 17), word(2 * i + 16));
                *x = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), pairs);
            }
            // x[i]: 16-bit pieces (pattern pair i) of bytes 0..8; transpose pairs against bytes.
            let mut y = [_mm256_setzero_si256(); 8];
            for i in 0..4 {
                y[i] = _mm256_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
                y[i + 4] = _mm256_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
            }
            // y[i], i < 4: four patterns (quad i) of bytes 0..4; y[i + 4]: of bytes 4..8.
            let mut z = [_mm256_setzero_si256(); 8];
            for half in 0..2 {
                for i in 0..2 {
                    let (a, b) = (y[4 * half + 2 * i], y[4 * half + 2 * i + 1]);
                    z[4 * half + i] = _mm256_unpacklo_epi32(a, b);
                    z[4 * half + 2 + i] = _mm256_unpackhi_epi32(a, b);
                }
            }
            // z[4h + 2s + i]: eight patterns (octet i) of bytes 4h + 2s and 4h + 2s + 1.
            let mut out = [_mm256_setzero_si256(); 8];
            for s in 0..4 {
                out[2 * s] = _mm256_unpacklo_epi64(z[2 * s], z[2 * s + 1]);
                out[2 * s + 1] = _mm256_unpackhi_epi64(z[2 * s], z[2 * s + 1]);
            }
            for (column, out) in columns.iter_mut().zip(out) {
                // SAFETY: a column is 32 bytes, aligned to 32.
                unsafe { _mm256_store_si256(column.0.as_mut_ptr().cast(), out) };
            }
            at += 1;
        }
    }
    debug_assert_eq!(at % words, 0);
}

/// See [`crate::simd::preactivations`].
///
/// Bound: the two shuffle ports (one look-up of 32 × 4 entries each a cycle) and, with the
/// additions and table loads, six instructions a cycle.
pub(in crate::simd) fn preactivations(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    assert_eq!(out.len(), table.len(block), "preactivations");
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { preactivations_avx2(block, table, out) }
}

#[target_feature(enable = "avx2")]
fn preactivations_avx2(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    if block.inputs() <= narrow::MOST_INPUTS {
        return narrow::preactivations(block, table, out);
    }
    let (units, replicas) = (table.units(), table.replicas());
    let most = most_tiles(replicas);
    // Units whose patterns stay in the first-level cache for all replicas.
    let together = (CLOSE / (most * block.group_bytes())).max(1);
    for (tile, width) in tile_blocks(block.used_tiles(), most) {
        for first in (0..units).step_by(together) {
            for (replica, count) in replica_blocks(replicas) {
                let units = first..(first + together).min(units);
                let job = Job { block, table, units, tile, replica };
                register_block!(job, out, width, count);
            }
        }
    }
}

/// Some units, starting at one tile and one replica.
struct Job<'a> {
    block: &'a PatternBlock,
    table: &'a WeightTable,
    units: Range<usize>,
    tile: usize,
    replica: usize,
}

impl Job<'_> {
    /// V tiles × R replicas with all counters in registers, unit after unit.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn run<const V: usize, const R: usize>(&self, out: &mut [i16]) {
        let (block, table, count) = (self.block, self.table, self.units.len());
        let (bytes, half, stride) = (block.group_bytes(), table.half(), block.stride());
        // With full connectivity all units see the same columns.
        let step = if block.groups() == 1 { 0 } else { bytes };
        let tile_columns = block.groups() * bytes;
        let mut columns = [std::ptr::null::<ByteColumn>(); V];
        for (v, columns) in columns.iter_mut().enumerate() {
            let at = (self.tile + v) * tile_columns + self.units.start * step;
            *columns = block.columns[at..at + bytes + (count - 1) * step].as_ptr();
        }
        let index = |r: usize| (self.replica + r) * table.units() + self.units.start;
        let mut offsets = [std::ptr::null::<u8>(); R];
        let mut slots = [std::ptr::null_mut::<i16>(); R];
        let (base, len) = (out.as_mut_ptr(), out.len());
        for r in 0..R {
            offsets[r] = table.offsets[index(r) * 2 * half..][..count * 2 * half].as_ptr();
            let at = index(r) * stride + self.tile * LANES;
            assert!(at + (count - 1) * stride + V * LANES <= len, "room for all slots");
            slots[r] = base.wrapping_add(at);
        }
        // The same unit of the next tiles, where the block does not fit into a cache: the
        // processor's own prefetchers stop at the end of a page.
        let ahead = V * tile_columns;
        let last = (self.tile + 2 * V) * tile_columns;
        let fetch = self.replica == 0 && last <= block.columns.len() && block.columns.len() > FAR;
        let nibble = _mm256_set1_epi8(15);
        let inputs = _mm256_set1_epi16(block.inputs() as i16);
        let tables = TABLES.0.as_ptr().cast::<u8>();
        for _ in 0..count {
            let mut from = 0;
            while from < bytes {
                let to = (from + CHUNK).min(bytes);
                let mut counts = [[_mm256_setzero_si256(); R]; V];
                let mut piece = from;
                while piece < to {
                    // A cache line of each tile at a time, so that the requests do not queue up.
                    let end = if fetch { (piece + 2).min(to) } else { to };
                    if fetch {
                        for column in columns {
                            let next = column.wrapping_add(piece + ahead).cast();
                            // A hint, which may name any address.
                            _mm_prefetch::<_MM_HINT_T0>(next);
                        }
                    }
                    for j in piece..end {
                        let mut low = [_mm256_setzero_si256(); V];
                        let mut high = [_mm256_setzero_si256(); V];
                        for v in 0..V {
                            // SAFETY: `count` units of `bytes` columns, `step` apart, have been checked.
                            let x = unsafe { _mm256_load_si256(columns[v].add(j).cast()) };
                            low[v] = _mm256_and_si256(x, nibble);
                            high[v] = _mm256_and_si256(_mm256_srli_epi16::<4>(x), nibble);
                        }
                        for r in 0..R {
                            // SAFETY: j < bytes ≤ half, and both halves of `count` units have been
                            // checked; 8 × offset is 32 × a nibble (the only writer makes it so), inside
                            // the 512 aligned bytes of the tables.
                            let table = unsafe {
                                let offset = usize::from(*offsets[r].add(j));
                                _mm256_load_si256(tables.add(8 * offset).cast())
                            };
                            for v in 0..V {
                                let bits = _mm256_shuffle_epi8(table, low[v]);
                                counts[v][r] = _mm256_add_epi8(counts[v][r], bits);
                            }
                        }
                        for r in 0..R {
                            // SAFETY: as above.
                            let table = unsafe {
                                let offset = usize::from(*offsets[r].add(half + j));
                                _mm256_load_si256(tables.add(8 * offset).cast())
                            };
                            for v in 0..V {
                                let bits = _mm256_shuffle_epi8(table, high[v]);
                                counts[v][r] = _mm256_add_epi8(counts[v][r], bits);
                            }
                        }
                    }
                    piece = end;
                }
                for r in 0..R {
                    for v in 0..V {
                        // Lanes lie such that both halves come out in the order of slots.
                        let zero = _mm256_setzero_si256();
                        let halves = [
                            _mm256_unpacklo_epi8(counts[v][r], zero),
                            _mm256_unpackhi_epi8(counts[v][r], zero),
                        ];
                        for (k, differing) in halves.into_iter().enumerate() {
                            // SAFETY: 16 slots of two bytes, checked above; no alignment is asked for.
                            unsafe {
                                let slots = slots[r].add(v * LANES + 16 * k).cast();
                                let before =
                                    if from == 0 { inputs } else { _mm256_loadu_si256(slots) };
                                let twice = _mm256_add_epi16(differing, differing);
                                _mm256_storeu_si256(slots, _mm256_sub_epi16(before, twice));
                            }
                        }
                    }
                }
                from = to;
            }
            columns = columns.map(|column| column.wrapping_add(step));
            offsets = offsets.map(|offset| offset.wrapping_add(2 * half));
            slots = slots.map(|slot| slot.wrapping_add(stride));
        }
    }
}
