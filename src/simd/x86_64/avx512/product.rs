//! Products of sign matrices with real vectors: a table of eight f32 lies twice in a register.

#![allow(unsafe_code)]

use crate::simd::generic::product::{self, Rows};
use crate::simd::sign_matrix::{ROWS, SignMatrix, Signs};
use crate::simd::sign_product::{SumTable, Table};
use std::arch::x86_64::*;

/// Sixteen f32. Values of this type exist only inside the function below, compiled for AVX-512.
#[derive(Clone, Copy)]
struct Register(__m512);

impl Rows for Register {
    type Signs = __m512i;
    type Table = __m512;

    #[inline(always)]
    fn zero() -> Self {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe { Register(_mm512_setzero_ps()) }
    }
    #[inline(always)]
    fn signs(a: &Signs, b: &Signs) -> __m512i {
        // SAFETY: AVX-512 is there, see `Register`; 32 bytes each, aligned to 32.
        unsafe {
            let a = _mm512_castsi256_si512(_mm256_load_si256(a.0.as_ptr().cast()));
            _mm512_inserti64x4::<1>(a, _mm256_load_si256(b.0.as_ptr().cast()))
        }
    }
    #[inline(always)]
    fn table(table: &Table) -> __m512 {
        // SAFETY: AVX-512 is there, see `Register`; 32 bytes, aligned to 32.
        unsafe {
            let half = _mm256_load_pd(table.0.as_ptr().cast());
            _mm512_castpd_ps(_mm512_broadcast_f64x4(half))
        }
    }
    #[inline(always)]
    fn add_entry(self, table: __m512, signs: __m512i) -> Self {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe {
            // Four bits choose among sixteen lanes: entry b and b + 8 are the same.
            let entry = _mm512_castps_si512(_mm512_permutexvar_ps(signs, table));
            let minus =
                _mm512_and_si512(_mm512_slli_epi32::<28>(signs), _mm512_set1_epi32(1 << 31));
            Register(_mm512_add_ps(self.0, _mm512_castsi512_ps(_mm512_xor_si512(entry, minus))))
        }
    }
    #[inline(always)]
    fn next(signs: __m512i) -> __m512i {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe { _mm512_srli_epi32::<4>(signs) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe { Register(_mm512_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn lanes(self) -> [[f32; ROWS]; 2] {
        let mut out = [[0.0; ROWS]; 2];
        // SAFETY: AVX-512 is there, see `Register`; 64 bytes, no alignment asked for.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr().cast(), self.0) };
        out
    }
}

/// See [`crate::simd::sign_product()`].
pub(in crate::simd) fn sign_product(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
    #[target_feature(enable = "avx512f")]
    fn compiled(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
        product::sign_product::<Register>(matrix, table, out);
    }
    // SAFETY: selected by an `Isa`, so AVX-512 is there.
    unsafe { compiled(matrix, table, out) }
}
