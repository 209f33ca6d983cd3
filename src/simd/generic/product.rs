//! Products of sign matrices with real vectors, sixteen rows at a time; see
//! [`crate::simd::sign_product()`].

use crate::simd::sign_matrix::{ROWS, SignMatrix, Signs};
use crate::simd::sign_product::{PARTIAL, SumTable, Table};

/// One f32 or one word of signs for each row of two tiles.
pub(in crate::simd) trait Rows: Copy {
    /// 32 columns of the signs of sixteen rows.
    type Signs: Copy;
    /// The eight values of a table, ready for look-ups.
    type Table: Copy;

    /// All zero.
    fn zero() -> Self;
    /// Two tiles.
    fn signs(a: &Signs, b: &Signs) -> Self::Signs;
    /// A table.
    fn table(table: &Table) -> Self::Table;
    /// self + the table's entry chosen by the lowest three bits of `signs`, with the sign of the
    /// fourth.
    fn add_entry(self, table: Self::Table, signs: Self::Signs) -> Self;
    /// The next four bits.
    fn next(signs: Self::Signs) -> Self::Signs;
    /// Lane-wise sum.
    fn add(self, other: Self) -> Self;
    /// The lanes, first tile first.
    fn lanes(self) -> [[f32; ROWS]; 2];
}

/// All products.
#[inline(always)]
pub(in crate::simd) fn sign_product<L: Rows>(
    matrix: &SignMatrix,
    table: &SumTable,
    out: &mut [f32],
) {
    let replicas = table.replicas();
    for unit in 0..table.units() {
        for tile in (0..matrix.rows().div_ceil(ROWS)).step_by(2) {
            for replica in (0..replicas).step_by(4) {
                let job = Job { matrix, table, unit, tile, replica };
                match replicas - replica {
                    1 => job.run::<L, 1>(out),
                    2 => job.run::<L, 2>(out),
                    3 => job.run::<L, 3>(out),
                    _ => job.run::<L, 4>(out),
                }
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
    /// Two tiles × R replicas.
    #[inline(always)]
    fn run<L: Rows, const R: usize>(&self, out: &mut [f32]) {
        let (matrix, table) = (self.matrix, self.table);
        let (each, words) = (table.len_each(), matrix.words());
        let block = if matrix.blocks() == 1 { 0 } else { self.unit };
        let tiles = if self.tile + 1 < matrix.rows().div_ceil(ROWS) { 2 } else { 1 };
        // A single tile stands in for its missing partner.
        let first = matrix.tile(block, self.tile);
        let second = matrix.tile(block, self.tile + tiles - 1);
        let index = |r: usize| (self.replica + r) * table.units() + self.unit;
        let mut tables: [&[Table]; R] = [&[]; R];
        for (r, tables) in tables.iter_mut().enumerate() {
            *tables = &table.tables[index(r) * each..][..8 * words];
        }
        let mut total = [L::zero(); R];
        for from in (0..words).step_by(PARTIAL / 8) {
            let mut partial = [L::zero(); R];
            for word in from..(from + PARTIAL / 8).min(words) {
                let mut signs = L::signs(&first[word], &second[word]);
                for k in 0..8 {
                    for (partial, tables) in partial.iter_mut().zip(&tables) {
                        *partial = partial.add_entry(L::table(&tables[8 * word + k]), signs);
                    }
                    signs = L::next(signs);
                }
            }
            for (total, partial) in total.iter_mut().zip(partial) {
                *total = total.add(partial);
            }
        }
        for (r, total) in total.into_iter().enumerate() {
            for (v, lanes) in total.lanes().iter().take(tiles).enumerate() {
                let at = index(r) * matrix.stride() + (self.tile + v) * ROWS;
                out[at..at + ROWS].copy_from_slice(lanes);
            }
        }
    }
}
