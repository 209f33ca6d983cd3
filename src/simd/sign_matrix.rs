//! Matrices of signs for products with real vectors: one bit an entry, never stored as floats.
//!
//! A matrix has B independent blocks of R rows × C columns (bit 1 means −1), laid out for the
//! kernels: tiles of eight rows, 32 columns of the eight rows side by side. Patterns give two of
//! them: rows μ, columns i, one block a unit (forward, Σ_i ξ_i w_i), and the transpose, rows i,
//! columns μ (Σ_μ ξ_i^μ g_μ). Either holds all patterns or a minibatch.
//!
//! Within each four columns the signs of the first three are stored relative to the fourth's: four
//! signed terms then have eight values up to the sign of the fourth, one register of look-up table
//! (see [`super::sign_product()`]). Building costs O(B·R·C/32), bound by the
//! scattered stores of the rows, or by the transposition's exchanges. Exact and deterministic.

use super::transpose::transpose64;

/// Rows of a tile.
pub(super) const ROWS: usize = 8;

/// 32 columns of the eight rows of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub(super) struct Signs(pub [u32; ROWS]);

/// B blocks of R × C signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignMatrix {
    blocks: usize,
    columns: usize,
    rows: usize,
    tiles: usize,
    pub(super) signs: Vec<Signs>,
}

impl SignMatrix {
    /// Room for `blocks` × `rows` × `columns` signs, all +1.
    pub fn new(blocks: usize, rows: usize, columns: usize) -> Self {
        let tiles = rows.div_ceil(ROWS);
        let signs = vec![Signs([0; ROWS]); blocks * tiles * columns.div_ceil(32)];
        Self { blocks, columns, rows, tiles, signs }
    }

    /// All patterns of `rows`, forward: rows μ, columns the `inputs` = n inputs of a unit, one block
    /// each of the `groups` (K; 1 with full connectivity). A row is groups × ⌈n/64⌉ words with zero
    /// padding (the rows of [`crate::model::Patterns`]).
    pub fn forward(rows: &[u64], groups: usize, inputs: usize) -> Self {
        let count = rows.len() / (groups * inputs.div_ceil(64));
        let mut matrix = Self::new(groups, count, inputs);
        matrix.gather(rows, &(0..count as u32).collect::<Vec<_>>());
        matrix
    }

    /// All patterns of `rows`, transposed: rows are the inputs i of a unit, columns μ.
    pub fn transposed(rows: &[u64], groups: usize, inputs: usize) -> Self {
        let count = rows.len() / (groups * inputs.div_ceil(64));
        let mut matrix = Self::new(groups, inputs, count);
        matrix.gather_transposed(rows, &(0..count as u32).collect::<Vec<_>>());
        matrix
    }

    /// B.
    #[inline]
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// R: rows now in use.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// C: columns now in use.
    #[inline]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Entries of one result vector of [`super::sign_product()`]: room for rows, rounded up to 8.
    /// Entries from [`Self::rows`] on hold nothing of meaning.
    #[inline]
    pub fn stride(&self) -> usize {
        self.tiles * ROWS
    }

    /// Groups of 32 columns.
    #[inline]
    pub(super) fn words(&self) -> usize {
        self.columns.div_ceil(32)
    }

    /// Signs of `tile` of `block`.
    #[inline]
    pub(super) fn tile(&self, block: usize, tile: usize) -> &[Signs] {
        let words = self.words();
        &self.signs[(block * self.tiles + tile) * words..][..words]
    }

    /// Replaces the rows by the patterns `indices` of `rows`, where a row is blocks × ⌈C/64⌉ words
    /// with zero padding (the rows of [`crate::model::Patterns`]).
    ///
    /// # Panics
    /// If there are more indices than room, or one lies outside `rows`.
    pub fn gather(&mut self, rows: &[u64], indices: &[u32]) {
        assert!(indices.len() <= self.stride(), "{} rows in a full matrix", indices.len());
        self.rows = indices.len();
        let (words, row_words) = (self.words(), self.columns.div_ceil(64));
        for block in 0..self.blocks {
            for (tile, chosen) in indices.chunks(ROWS).enumerate() {
                // The last pattern stands in for missing ones.
                let chosen: [&[u64]; ROWS] = std::array::from_fn(|lane| {
                    let mu = chosen[lane.min(chosen.len() - 1)] as usize;
                    &rows[(mu * self.blocks + block) * row_words..][..row_words]
                });
                let at = (block * self.tiles + tile) * words;
                for (i, pair) in self.signs[at..at + words].chunks_mut(2).enumerate() {
                    write_pair(chosen.map(|row| row[i]), pair);
                }
            }
        }
    }

    /// Replaces the columns by the patterns `indices` of `rows`, where a row is
    /// blocks × ⌈R/64⌉ words with zero padding. The number of columns may change from call to call
    /// up to that of [`Self::new`].
    ///
    /// # Panics
    /// If there are more indices than room, or one lies outside `rows`.
    pub fn gather_transposed(&mut self, rows: &[u64], indices: &[u32]) {
        let words = indices.len().div_ceil(32);
        assert!(self.blocks * self.tiles * words <= self.signs.len(), "room for the columns");
        self.columns = indices.len();
        let row_words = self.rows.div_ceil(64);
        for block in 0..self.blocks {
            for (square, chosen) in indices.chunks(64).enumerate() {
                for i in 0..row_words {
                    // 64 patterns × 64 inputs; absent patterns are all +1.
                    let mut bits = [0u64; 64];
                    for (bits, &mu) in bits.iter_mut().zip(chosen) {
                        *bits = rows[(mu as usize * self.blocks + block) * row_words + i];
                    }
                    transpose64(&mut bits);
                    let first = i * (64 / ROWS);
                    let tiles = (first..self.tiles).zip(bits.as_chunks::<ROWS>().0);
                    for (tile, &bits) in tiles {
                        let at = (block * self.tiles + tile) * words;
                        let pair = &mut self.signs[at + 2 * square..at + words];
                        write_pair(bits, pair);
                    }
                }
            }
        }
    }
}

/// 64 columns of eight rows into one or two words of a tile.
#[inline(always)]
fn write_pair(bits: [u64; ROWS], signs: &mut [Signs]) {
    let bits = bits.map(relative);
    signs[0] = Signs(bits.map(|bits| bits as u32));
    if let Some(second) = signs.get_mut(1) {
        *second = Signs(bits.map(|bits| (bits >> 32) as u32));
    }
}

/// Flips the first three of each four bits where the fourth is set.
fn relative(word: u64) -> u64 {
    word ^ (((word >> 3) & 0x1111_1111_1111_1111) * 7)
}
