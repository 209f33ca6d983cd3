//! The binary forward pass.

#![allow(unsafe_code)]
// Register blocks are indexed by the two names of their dimensions.
#![allow(clippy::needless_range_loop)]

use crate::simd::block::{ByteColumn, LANES, PatternBlock};
use crate::simd::preactivation::WeightTable;
use std::arch::x86_64::*;

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

/// Byte columns of one tile from 32 packed rows.
pub(in crate::simd) fn gather(
    rows: &[&[u64]; LANES],
    group_bytes: usize,
    columns: &mut [ByteColumn],
) {
    let words = group_bytes.div_ceil(8);
    let groups = columns.len() / group_bytes;
    assert!(rows.iter().all(|row| row.len() >= groups * words), "rows of whole groups");
    // SAFETY: selected by an `Isa`, so AVX2 is there; every row has been checked to hold all words.
    unsafe { gather_avx2(rows, group_bytes, columns) }
}

/// # Safety
/// Every row holds groups × ⌈group_bytes/8⌉ words.
#[target_feature(enable = "avx2")]
unsafe fn gather_avx2(rows: &[&[u64]; LANES], group_bytes: usize, columns: &mut [ByteColumn]) {
    let words = group_bytes.div_ceil(8);
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
                let word = |lane: usize| unsafe { *rows[lane].get_unchecked(at) as i64 };
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
    let (tiles, units, replicas) = (block.used_tiles(), table.units(), table.replicas());
    let mut tile = 0;
    while tile < tiles {
        let width = match tiles - tile {
            4 => 2,
            left => left.min(3),
        };
        for unit in 0..units {
            let mut replica = 0;
            while replica < replicas {
                let count = match replicas - replica {
                    5 | 6 => 3,
                    left => left.min(4),
                };
                let job = Job { block, table, unit, tile, replica };
                match (width, count) {
                    (1, 1) => job.run::<1, 1>(out),
                    (1, 2) => job.run::<1, 2>(out),
                    (1, 3) => job.run::<1, 3>(out),
                    (1, _) => job.run::<1, 4>(out),
                    (2, 1) => job.run::<2, 1>(out),
                    (2, 2) => job.run::<2, 2>(out),
                    (2, 3) => job.run::<2, 3>(out),
                    (2, _) => job.run::<2, 4>(out),
                    (_, 1) => job.run::<3, 1>(out),
                    (_, 2) => job.run::<3, 2>(out),
                    (_, 3) => job.run::<3, 3>(out),
                    (..) => job.run::<3, 4>(out),
                }
                replica += count;
            }
        }
        tile += width;
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
    /// V tiles × R replicas with all counters in registers.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn run<const V: usize, const R: usize>(&self, out: &mut [i16]) {
        let (block, table) = (self.block, self.table);
        let (bytes, half, stride) = (block.group_bytes(), table.half(), block.stride());
        let group = if block.groups() == 1 { 0 } else { self.unit };
        let tile_columns = block.groups() * bytes;
        let columns: [&[ByteColumn]; V] = std::array::from_fn(|v| {
            &block.columns[(self.tile + v) * tile_columns + group * bytes..][..bytes]
        });
        let offsets: [(&[u8], &[u8]); R] = std::array::from_fn(|r| {
            let at = ((self.replica + r) * table.units() + self.unit) * 2 * half;
            table.offsets[at..at + 2 * half].split_at(half)
        });
        let nibble = _mm256_set1_epi8(15);
        let inputs = _mm256_set1_epi16(block.inputs() as i16);
        let tables = TABLES.0.as_ptr().cast::<u8>();
        let mut from = 0;
        while from < bytes {
            let to = (from + CHUNK).min(bytes);
            let mut counts = [[_mm256_setzero_si256(); R]; V];
            for j in from..to {
                // SAFETY: j < bytes ≤ half; 8 × offset is 32 × a nibble (the only writer makes it
                // so), inside the 512 aligned bytes of the tables.
                unsafe {
                    let mut low = [_mm256_setzero_si256(); V];
                    let mut high = [_mm256_setzero_si256(); V];
                    for v in 0..V {
                        let x = _mm256_load_si256(columns[v].as_ptr().add(j).cast());
                        low[v] = _mm256_and_si256(x, nibble);
                        high[v] = _mm256_and_si256(_mm256_srli_epi16::<4>(x), nibble);
                    }
                    for r in 0..R {
                        let offset = usize::from(*offsets[r].0.get_unchecked(j));
                        let table = _mm256_load_si256(tables.add(8 * offset).cast());
                        for v in 0..V {
                            let bits = _mm256_shuffle_epi8(table, low[v]);
                            counts[v][r] = _mm256_add_epi8(counts[v][r], bits);
                        }
                    }
                    for r in 0..R {
                        let offset = usize::from(*offsets[r].1.get_unchecked(j));
                        let table = _mm256_load_si256(tables.add(8 * offset).cast());
                        for v in 0..V {
                            let bits = _mm256_shuffle_epi8(table, high[v]);
                            counts[v][r] = _mm256_add_epi8(counts[v][r], bits);
                        }
                    }
                }
            }
            for r in 0..R {
                for v in 0..V {
                    let at = ((self.replica + r) * table.units() + self.unit) * stride
                        + (self.tile + v) * LANES;
                    let slots = &mut out[at..at + LANES];
                    let halves = [
                        _mm256_castsi256_si128(counts[v][r]),
                        _mm256_extracti128_si256::<1>(counts[v][r]),
                    ];
                    for (slots, half) in slots.chunks_exact_mut(16).zip(halves) {
                        let differing = _mm256_cvtepu8_epi16(half);
                        let slots = slots.as_mut_ptr().cast();
                        // SAFETY: 16 slots of two bytes; no alignment is asked for.
                        unsafe {
                            let before = if from == 0 { inputs } else { _mm256_loadu_si256(slots) };
                            let h =
                                _mm256_sub_epi16(before, _mm256_add_epi16(differing, differing));
                            _mm256_storeu_si256(slots, h);
                        }
                    }
                }
            }
            from = to;
        }
    }
}
