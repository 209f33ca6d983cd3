//! Products of sign matrices with real vectors: a table of eight f32 is one register, the look-up
//! one permutation.

#![allow(unsafe_code)]
// Register blocks are indexed by the two names of their dimensions.
#![allow(clippy::needless_range_loop)]

use super::{most_tiles, replica_blocks, tile_blocks};
use crate::simd::sign_matrix::{ROWS, SignMatrix, Signs};
use crate::simd::sign_product::{PARTIAL, SumTable, Table};
use std::arch::x86_64::*;
use std::ops::Range;

/// Look-up tables of the vectors `x[l·stride..][..length]`, `each` a vector.
pub(in crate::simd) fn tabulate(
    vectors: (&[f32], usize, usize),
    each: usize,
    tables: &mut [Table],
) {
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { tabulate_avx2(vectors, each, tables) }
}

#[target_feature(enable = "avx2")]
fn tabulate_avx2((x, stride, length): (&[f32], usize, usize), each: usize, tables: &mut [Table]) {
    let minus = 1 << 31;
    let signs = [
        _mm256_setr_epi32(0, minus, 0, minus, 0, minus, 0, minus),
        _mm256_setr_epi32(0, 0, minus, minus, 0, 0, minus, minus),
        _mm256_setr_epi32(0, 0, 0, 0, minus, minus, minus, minus),
    ]
    .map(|x| _mm256_castsi256_ps(x));
    for (x, tables) in x.chunks_exact(stride).zip(tables.chunks_exact_mut(each)) {
        let (fours, rest) = x[..length].as_chunks::<4>();
        let (full, others) = tables.split_at_mut(fours.len());
        for (table, four) in full.iter_mut().zip(fours) {
            write_table(four, signs, table);
        }
        others.fill(Table([0.0; 8]));
        if !rest.is_empty() {
            let mut four = [0.0; 4];
            four[..rest.len()].copy_from_slice(rest);
            write_table(&four, signs, &mut others[0]);
        }
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
        // Tables behind the last column are zero: no look-ups there.
        let used = matrix.columns().div_ceil(4);
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
        let whole_and_rest = (used / 8, (used % 8) as i32);
        // SAFETY: tiles have `words` words, vectors 8 × words tables.
        let mut total =
            unsafe { partial_sums(&signs, &tables, 0..words.min(PARTIAL / 8), whole_and_rest) };
        let mut from = PARTIAL / 8;
        while from < words {
            let to = (from + PARTIAL / 8).min(words);
            // SAFETY: likewise.
            let partial = unsafe { partial_sums(&signs, &tables, from..to, whole_and_rest) };
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

/// The sums of V tiles × R replicas over `words`, of which the first `whole` have eight tables and the
/// next one `rest`. No sum is −0, so that the first needs no addition to 0.
///
/// # Safety
/// `words` lie in each tile, eight times as many tables in each vector.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn partial_sums<const V: usize, const R: usize>(
    signs: &[&[Signs]; V],
    tables: &[&[Table]; R],
    words: Range<usize>,
    (whole, rest): (usize, i32),
) -> [[__m256; R]; V] {
    let mut sums = [[_mm256_setzero_ps(); R]; V];
    for word in words.start..words.end.min(whole) {
        for k in 0..8 {
            // SAFETY: the caller's.
            unsafe { add_entries(signs, tables, (word, k), &mut sums) };
        }
    }
    if words.end > whole {
        for k in 0..rest {
            // SAFETY: the caller's.
            unsafe { add_entries(signs, tables, (whole, k), &mut sums) };
        }
    }
    sums
}

/// Adds one look-up of each of V tiles × R replicas: group `k` of four columns of `word`.
///
/// # Safety
/// `word` lies in each tile, table 8·`word` + `k` in each vector.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn add_entries<const V: usize, const R: usize>(
    signs: &[&[Signs]; V],
    tables: &[&[Table]; R],
    (word, k): (usize, i32),
    partial: &mut [[__m256; R]; V],
) {
    let sign_bit = _mm256_set1_epi32(1 << 31);
    let mut index = [_mm256_setzero_si256(); V];
    let mut sign = [_mm256_setzero_ps(); V];
    for v in 0..V {
        // SAFETY: the caller's.
        let x = unsafe { _mm256_load_si256(signs[v].get_unchecked(word).0.as_ptr().cast()) };
        index[v] = _mm256_srl_epi32(x, _mm_cvtsi32_si128(4 * k));
        let raised = _mm256_sll_epi32(x, _mm_cvtsi32_si128(28 - 4 * k));
        sign[v] = _mm256_castsi256_ps(_mm256_and_si256(raised, sign_bit));
    }
    for r in 0..R {
        // SAFETY: the caller's; 32 aligned bytes.
        let eight =
            unsafe { _mm256_load_ps(tables[r].get_unchecked(8 * word + k as usize).0.as_ptr()) };
        for v in 0..V {
            let entry = _mm256_xor_ps(_mm256_permutevar8x32_ps(eight, index[v]), sign[v]);
            partial[v][r] = _mm256_add_ps(partial[v][r], entry);
        }
    }
}
