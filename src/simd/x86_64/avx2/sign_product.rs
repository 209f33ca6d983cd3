//! Products of sign matrices with real vectors: a table of eight f32 is one register, the look-up
//! one permutation.

#![allow(unsafe_code)]
// Register blocks are indexed by the two names of their dimensions.
#![allow(clippy::needless_range_loop)]

use super::{most_tiles, replica_blocks, tile_blocks};
use crate::simd::sign_matrix::{ROWS, SignMatrix, Signs};
use crate::simd::sign_product::{PARTIAL, SumTable, Table};
use std::arch::x86_64::*;

/// Look-up tables of one vector.
pub(in crate::simd) fn tabulate(x: &[f32], tables: &mut [Table]) {
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { tabulate_avx2(x, tables) }
}

#[target_feature(enable = "avx2")]
fn tabulate_avx2(x: &[f32], tables: &mut [Table]) {
    let minus = 1 << 31;
    let signs = [
        _mm256_setr_epi32(0, minus, 0, minus, 0, minus, 0, minus),
        _mm256_setr_epi32(0, 0, minus, minus, 0, 0, minus, minus),
        _mm256_setr_epi32(0, 0, 0, 0, minus, minus, minus, minus),
    ]
    .map(|x| _mm256_castsi256_ps(x));
    let (fours, rest) = x.as_chunks::<4>();
    for (table, four) in tables.iter_mut().zip(fours) {
        write_table(four, signs, table);
    }
    if !rest.is_empty() {
        let mut four = [0.0; 4];
        four[..rest.len()].copy_from_slice(rest);
        write_table(&four, signs, &mut tables[fours.len()]);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn write_table(x: &[f32; 4], signs: [__m256; 3], table: &mut Table) {
    let term = [
        _mm256_xor_ps(_mm256_set1_ps(x[0]), signs[0]),
        _mm256_xor_ps(_mm256_set1_ps(x[1]), signs[1]),
        _mm256_xor_ps(_mm256_set1_ps(x[2]), signs[2]),
    ];
    let sum = _mm256_add_ps(
        _mm256_add_ps(term[0], term[1]),
        _mm256_add_ps(term[2], _mm256_set1_ps(x[3])),
    );
    // SAFETY: a table is 32 bytes, aligned to 32.
    unsafe { _mm256_store_ps(table.0.as_mut_ptr(), sum) };
}

/// See [`crate::simd::sign_product()`].
pub(in crate::simd) fn sign_product(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
    assert_eq!(out.len(), table.len(matrix), "results");
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { sign_product_avx2(matrix, table, out) }
}

#[target_feature(enable = "avx2")]
fn sign_product_avx2(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
    let (tiles, replicas) = (matrix.rows().div_ceil(ROWS), table.replicas());
    for unit in 0..table.units() {
        for (tile, width) in tile_blocks(tiles, most_tiles(replicas)) {
            for (replica, count) in replica_blocks(replicas) {
                let job = Job { matrix, table, unit, tile, replica };
                register_block!(job, out, width, count);
            }
        }
    }
}

/// One unit, starting at one tile and one replica.
struct Job<'a> {
    matrix: &'a SignMatrix,
    table: &'a SumTable,
    unit: usize,
    tile: usize,
    replica: usize,
}

impl Job<'_> {
    /// V tiles × R replicas with all sums in registers.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn run<const V: usize, const R: usize>(&self, out: &mut [f32]) {
        let (matrix, table) = (self.matrix, self.table);
        let (each, words) = (table.len_each(), matrix.words());
        let block = if matrix.blocks() == 1 { 0 } else { self.unit };
        // Loops, not closures: those are not compiled for AVX2 and stay calls.
        let mut signs: [&[Signs]; V] = [&[]; V];
        for v in 0..V {
            signs[v] = matrix.tile(block, self.tile + v);
        }
        let mut tables: [&[Table]; R] = [&[]; R];
        for r in 0..R {
            let at = ((self.replica + r) * table.units() + self.unit) * each;
            tables[r] = &table.tables[at..at + each];
        }
        let sign_bit = _mm256_set1_epi32(1 << 31);
        let mut total = [[_mm256_setzero_ps(); R]; V];
        let mut from = 0;
        while from < words {
            let to = (from + PARTIAL / 8).min(words);
            let mut partial = [[_mm256_setzero_ps(); R]; V];
            for word in from..to {
                for k in 0..8 {
                    let mut index = [_mm256_setzero_si256(); V];
                    let mut sign = [_mm256_setzero_ps(); V];
                    for v in 0..V {
                        // SAFETY: word < words, the length of each tile.
                        let x = unsafe {
                            _mm256_load_si256(signs[v].get_unchecked(word).0.as_ptr().cast())
                        };
                        index[v] = _mm256_srl_epi32(x, _mm_cvtsi32_si128(4 * k));
                        let raised = _mm256_sll_epi32(x, _mm_cvtsi32_si128(28 - 4 * k));
                        sign[v] = _mm256_castsi256_ps(_mm256_and_si256(raised, sign_bit));
                    }
                    for r in 0..R {
                        // SAFETY: a vector has 8 × words tables, of 32 aligned bytes.
                        let eight = unsafe {
                            let at = 8 * word + k as usize;
                            _mm256_load_ps(tables[r].get_unchecked(at).0.as_ptr())
                        };
                        for v in 0..V {
                            let entry = _mm256_permutevar8x32_ps(eight, index[v]);
                            let entry = _mm256_xor_ps(entry, sign[v]);
                            partial[v][r] = _mm256_add_ps(partial[v][r], entry);
                        }
                    }
                }
            }
            for r in 0..R {
                for v in 0..V {
                    total[v][r] = _mm256_add_ps(total[v][r], partial[v][r]);
                }
            }
            from = to;
        }
        for r in 0..R {
            for v in 0..V {
                let at = ((self.replica + r) * table.units() + self.unit) * matrix.stride()
                    + (self.tile + v) * ROWS;
                let out = &mut out[at..at + ROWS];
                // SAFETY: eight entries; no alignment is asked for.
                unsafe { _mm256_storeu_ps(out.as_mut_ptr(), total[v][r]) };
            }
        }
    }
}
