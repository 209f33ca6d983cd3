//! Products of sign matrices with real vectors: a table of eight f32 is two registers of bytes.

#![allow(unsafe_code)]

use crate::simd::generic::product::{self, Rows};
use crate::simd::sign_matrix::{ROWS, SignMatrix, Signs};
use crate::simd::sign_product::{SumTable, Table};
use std::arch::aarch64::*;

/// Sixteen f32. Values of this type exist only inside the function below, compiled for NEON.
#[derive(Clone, Copy)]
struct Registers([float32x4_t; 4]);

impl Rows for Registers {
    type Signs = [uint32x4_t; 4];
    type Table = uint8x16x2_t;

    #[inline(always)]
    fn zero() -> Self {
        // SAFETY: NEON is there, see `Registers`.
        unsafe { Registers([vdupq_n_f32(0.0); 4]) }
    }
    #[inline(always)]
    fn signs(a: &Signs, b: &Signs) -> [uint32x4_t; 4] {
        let (a, b) = (a.0.as_ptr(), b.0.as_ptr());
        // SAFETY: NEON is there, see `Registers`; eight words each.
        unsafe { [vld1q_u32(a), vld1q_u32(a.add(4)), vld1q_u32(b), vld1q_u32(b.add(4))] }
    }
    #[inline(always)]
    fn table(table: &Table) -> uint8x16x2_t {
        let from = table.0.as_ptr().cast::<u8>();
        // SAFETY: NEON is there, see `Registers`; 32 bytes.
        unsafe { uint8x16x2_t(vld1q_u8(from), vld1q_u8(from.add(16))) }
    }
    #[inline(always)]
    fn add_entry(self, table: uint8x16x2_t, signs: [uint32x4_t; 4]) -> Self {
        let mut sum = self.0;
        for (sum, signs) in sum.iter_mut().zip(signs) {
            // SAFETY: NEON is there, see `Registers`.
            unsafe {
                // Entry b occupies bytes 4b … 4b + 3.
                let index = vandq_u32(signs, vdupq_n_u32(7));
                let index = vmlaq_n_u32(vdupq_n_u32(0x0302_0100), index, 0x0404_0404);
                let entry = vqtbl2q_u8(table, vreinterpretq_u8_u32(index));
                let minus = vandq_u32(vshlq_n_u32::<28>(signs), vdupq_n_u32(1 << 31));
                let term = veorq_u32(vreinterpretq_u32_u8(entry), minus);
                *sum = vaddq_f32(*sum, vreinterpretq_f32_u32(term));
            }
        }
        Registers(sum)
    }
    #[inline(always)]
    fn next(mut signs: [uint32x4_t; 4]) -> [uint32x4_t; 4] {
        for signs in &mut signs {
            // SAFETY: NEON is there, see `Registers`.
            unsafe { *signs = vshrq_n_u32::<4>(*signs) };
        }
        signs
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut sum = self.0;
        for (sum, other) in sum.iter_mut().zip(other.0) {
            // SAFETY: NEON is there, see `Registers`.
            unsafe { *sum = vaddq_f32(*sum, other) };
        }
        Registers(sum)
    }
    #[inline(always)]
    fn lanes(self) -> [[f32; ROWS]; 2] {
        let mut out = [[0.0; ROWS]; 2];
        let to = out.as_mut_ptr().cast::<f32>();
        for (k, x) in self.0.into_iter().enumerate() {
            // SAFETY: NEON is there, see `Registers`; sixteen lanes side by side.
            unsafe { vst1q_f32(to.add(4 * k), x) };
        }
        out
    }
}

/// See [`crate::simd::sign_product`].
pub(in crate::simd) fn sign_product(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
    #[target_feature(enable = "neon")]
    fn compiled(matrix: &SignMatrix, table: &SumTable, out: &mut [f32]) {
        product::sign_product::<Registers>(matrix, table, out);
    }
    // SAFETY: selected by an `Isa`, so NEON is there.
    unsafe { compiled(matrix, table, out) }
}
