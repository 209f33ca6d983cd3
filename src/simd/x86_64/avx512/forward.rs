//! The binary forward pass: VPOPCNTB counts the differing bits of 64 patterns × 8 inputs.

#![allow(unsafe_code)]

use crate::simd::block::{ByteColumn, LANES, PatternBlock};
use crate::simd::generic::forward::{self, Bytes};
use crate::simd::preactivation::WeightTable;
use std::arch::x86_64::*;

/// 64 bytes. Values of this type exist only inside the function below, compiled for AVX-512.
#[derive(Clone, Copy)]
struct Register(__m512i);

impl Bytes for Register {
    #[inline(always)]
    fn zero() -> Self {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe { Register(_mm512_setzero_si512()) }
    }
    #[inline(always)]
    fn splat(x: u8) -> Self {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe { Register(_mm512_set1_epi8(x as i8)) }
    }
    #[inline(always)]
    fn load(a: &ByteColumn, b: &ByteColumn) -> Self {
        // SAFETY: AVX-512 is there, see `Register`; 32 bytes each, aligned to 32.
        unsafe {
            let a = _mm512_castsi256_si512(_mm256_load_si256(a.0.as_ptr().cast()));
            Register(_mm512_inserti64x4::<1>(a, _mm256_load_si256(b.0.as_ptr().cast())))
        }
    }
    #[inline(always)]
    fn add_differing(self, x: Self, w: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Register`.
        unsafe {
            let differing = _mm512_popcnt_epi8(_mm512_xor_si512(x.0, w.0));
            Register(_mm512_add_epi8(self.0, differing))
        }
    }
    #[inline(always)]
    fn bytes(self) -> [ByteColumn; 2] {
        let mut out = [ByteColumn([0; LANES]); 2];
        // SAFETY: AVX-512 is there, see `Register`; 64 bytes, no alignment asked for.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), self.0) };
        out
    }
}

/// See [`crate::simd::preactivations`].
pub(in crate::simd) fn preactivations(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bitalg,avx512vpopcntdq")]
    fn compiled(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
        forward::preactivations::<Register>(block, table, out);
    }
    // SAFETY: selected by an `Isa`, so AVX-512 is there.
    unsafe { compiled(block, table, out) }
}
