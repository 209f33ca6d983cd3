//! Products of sign matrices with real vectors.

use crate::simd::sign_matrix::{ROWS, SignMatrix};
use crate::simd::sign_product::{PARTIAL, SumTable, Table};

/// Look-up tables of the vectors `x[l·stride..][..length]`, `each` a vector.
pub(in crate::simd) fn tabulate(
    (x, stride, length): (&[f32], usize, usize),
    each: usize,
    tables: &mut [Table],
) {
    for (x, tables) in x.chunks_exact(stride).zip(tables.chunks_exact_mut(each)) {
        tables[length.div_ceil(4)..].fill(Table([0.0; 8]));
        for (table, x) in tables.iter_mut().zip(x[..length].chunks(4)) {
            let mut four = [0.0; 4];
            four[..x.len()].copy_from_slice(x);
            for (signs, entry) in table.0.iter_mut().enumerate() {
                let term = |k: usize| if signs >> k & 1 == 1 { -four[k] } else { four[k] };
                *entry = (term(0) + term(1)) + (term(2) + four[3]);
            }
        }
    }
}

/// See [`crate::simd::sign_product()`].
pub(in crate::simd) fn sign_product(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
    let (each, stride) = (table.len_each(), matrix.stride());
    for (index, out) in out.chunks_exact_mut(stride).enumerate() {
        let unit = index % table.units();
        let block = if matrix.blocks() == 1 { 0 } else { unit };
        let tables = &table.tables[index * each..][..each];
        for (tile, out) in out.chunks_exact_mut(ROWS).take(matrix.rows().div_ceil(ROWS)).enumerate()
        {
            out.fill(0.0);
            let words = matrix.tile(block, tile).chunks(PARTIAL / 8);
            for (words, tables) in words.zip(tables.chunks(PARTIAL)) {
                let mut partial = [0.0f32; ROWS];
                for (signs, tables) in words.iter().zip(tables.chunks_exact(8)) {
                    for (k, table) in tables.iter().enumerate() {
                        for (partial, sign) in partial.iter_mut().zip(signs.0) {
                            let bits = sign >> (4 * k);
                            let entry = table.0[(bits & 7) as usize].to_bits();
                            *partial += f32::from_bits(entry ^ (bits & 8) << 28);
                        }
                    }
                }
                for (out, partial) in out.iter_mut().zip(partial) {
                    *out += partial;
                }
            }
        }
    }
}
