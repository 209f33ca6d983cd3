//! Products of a sign matrix with real vectors: forward Σ_i ξ_i w_i for all patterns, transpose
//! Σ_μ ξ_i^μ g_μ for all inputs (with a minibatch: the gradient, an axpy over its patterns).
//!
//! Four columns at a time: t = (s₀x₀ + s₁x₁) + (s₂x₂ + s₃x₃) takes eight values up to its sign, which
//! fill one table of eight f32 (a register); three bits of the matrix choose the entry, the fourth
//! its sign. Per 32 entries that is one permutation, one xor and one addition of eight lanes. The
//! products are summed over 512 columns (128 tables) into a partial sum, the partial sums in order:
//! error about 2^−24·√(C/4 + 2^7)… of the root mean square sum, far below a straight sum's.
//! No fused multiply-add; each (row, vector) is one lane, so that the bits depend neither on the
//! instruction set nor on the number of rows or replicas. Cost O(R·C/4) look-ups a vector.
//!
//! Bound: the vector ports, by the mix of one permutation (two port cycles), one xor and one addition
//! for 32 entries; at y = 1 the three instructions that extract index and sign, which several
//! vectors share, come on top.

use super::isa::{Isa, Set};
use super::scalar;
use super::sign_matrix::SignMatrix;
use std::ops::Range;

/// Tables (of four columns) in one partial sum.
pub(super) const PARTIAL: usize = 128;

/// The eight values of four signed terms with the fourth sign +: entry b has s_k = −1 where bit k
/// of b is 1, k < 3.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(32))]
pub(super) struct Table(pub [f32; 8]);

/// y vectors for each of K units, as look-up tables.
#[derive(Clone, Debug)]
pub struct SumTable {
    columns: usize,
    units: usize,
    replicas: usize,
    pub(super) tables: Vec<Table>,
}

impl SumTable {
    /// Room for `replicas` = y × `units` = K vectors of `columns` entries, all zero.
    pub fn new(columns: usize, units: usize, replicas: usize) -> Self {
        // Whole words of 32 columns; the tables behind the last column stay zero.
        let tables = vec![Table([0.0; 8]); replicas * units * columns.div_ceil(32) * 8];
        Self { columns, units, replicas, tables }
    }

    /// y.
    #[inline]
    pub fn replicas(&self) -> usize {
        self.replicas
    }

    /// K.
    #[inline]
    pub fn units(&self) -> usize {
        self.units
    }

    /// Tables of one vector.
    #[inline]
    pub(super) fn len_each(&self) -> usize {
        self.columns.div_ceil(32) * 8
    }

    /// Sets the vector of `unit` of `replica`; entries from `x.len()` on are zero. Cost: about that of
    /// a product with one tile of rows.
    ///
    /// # Panics
    /// If the replica or the unit does not exist or `x` has more than C entries.
    pub fn set(&mut self, isa: Isa, replica: usize, unit: usize, x: &[f32]) {
        assert!(replica < self.replicas && unit < self.units, "no such unit of a replica");
        let each = self.len_each();
        let at = (replica * self.units + unit) * each;
        tabulate(isa, self.columns, (x, x.len(), x.len()), &mut self.tables[at..at + each]);
    }

    /// [`Self::set`] of all units of `replica`: unit l is the first `length` entries of
    /// `x[l·stride..]`.
    ///
    /// # Panics
    /// If the replica does not exist, `x` is not K × `stride` long, or `length` is more than C or
    /// `stride`.
    pub fn set_all(
        &mut self,
        isa: Isa,
        replica: usize,
        (x, stride, length): (&[f32], usize, usize),
    ) {
        assert!(replica < self.replicas, "no such replica");
        assert_eq!(x.len(), self.units * stride, "a vector a unit");
        let room = self.units * self.len_each();
        let tables = &mut self.tables[replica * room..][..room];
        tabulate(isa, self.columns, (x, stride, length), tables);
    }

    /// Length of the output of [`sign_product`]: y × K × stride.
    #[inline]
    pub fn len(&self, matrix: &SignMatrix) -> usize {
        self.replicas * self.units * matrix.stride()
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.replicas * self.units == 0
    }

    /// Where the result of `unit` of `replica` lies in the output of [`sign_product`].
    pub fn at(&self, matrix: &SignMatrix, replica: usize, unit: usize) -> Range<usize> {
        let start = (replica * self.units + unit) * matrix.stride();
        start..start + matrix.rows()
    }
}

/// Tables of the vectors `x[l·stride..][..length]` of `columns` columns, one after the other.
fn tabulate(isa: Isa, columns: usize, vectors: (&[f32], usize, usize), tables: &mut [Table]) {
    let (_, stride, length) = vectors;
    assert!(length <= columns, "{length} entries for {columns} columns");
    assert!(length <= stride, "{length} entries for vectors {stride} apart");
    if length == 0 {
        return tables.fill(Table([0.0; 8]));
    }
    let each = columns.div_ceil(32) * 8;
    match isa.0 {
        Set::Scalar => scalar::tabulate(vectors, each, tables),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => super::x86_64::avx2::tabulate(vectors, each, tables),
        #[cfg(target_arch = "aarch64")]
        Set::Neon => scalar::tabulate(vectors, each, tables),
    }
}

/// Σ_c s_rc x_c of all rows r, for all units and replicas in `table`, into `out`:
/// `[replica][unit][row]`, unit stride [`SignMatrix::stride`], see [`SumTable::at`]. Unit l uses block
/// l of the matrix, or its only one.
///
/// # Panics
/// If the matrix has more columns than the table, another number of blocks than 1 or K, or `out` is not [`SumTable::len`] long.
pub fn sign_product(isa: Isa, matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
    assert!(matrix.columns() <= table.columns, "columns");
    assert!(matrix.blocks() == 1 || matrix.blocks() == table.units, "blocks of the matrix");
    assert_eq!(out.len(), table.len(matrix), "results");
    if matrix.rows() == 0 {
        return;
    }
    match isa.0 {
        Set::Scalar => scalar::sign_product(matrix, table, out),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => super::x86_64::avx2::sign_product(matrix, table, out),
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => super::x86_64::avx512::sign_product(matrix, table, out),
        #[cfg(target_arch = "aarch64")]
        Set::Neon => super::aarch64::neon::sign_product(matrix, table, out),
    }
}
