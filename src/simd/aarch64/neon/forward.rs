//! The binary forward pass: CNT counts the differing bits of 16 patterns × 8 inputs.

#![allow(unsafe_code)]

use crate::simd::block::{ByteColumn, LANES, PatternBlock};
use crate::simd::generic::forward::{self, Bytes};
use crate::simd::preactivation::WeightTable;
use std::arch::aarch64::*;

/// 64 bytes. Values of this type exist only inside the function below, compiled for NEON.
#[derive(Clone, Copy)]
struct Registers([uint8x16_t; 4]);

impl Bytes for Registers {
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(0)
    }
    #[inline(always)]
    fn splat(x: u8) -> Self {
        // SAFETY: NEON is there, see `Registers`.
        unsafe { Registers([vdupq_n_u8(x); 4]) }
    }
    #[inline(always)]
    fn load(a: &ByteColumn, b: &ByteColumn) -> Self {
        let (a, b) = (a.0.as_ptr(), b.0.as_ptr());
        // SAFETY: NEON is there, see `Registers`; 32 bytes each.
        unsafe { Registers([vld1q_u8(a), vld1q_u8(a.add(16)), vld1q_u8(b), vld1q_u8(b.add(16))]) }
    }
    #[inline(always)]
    fn add_differing(self, x: Self, w: Self) -> Self {
        let mut sum = self.0;
        for (k, sum) in sum.iter_mut().enumerate() {
            // SAFETY: NEON is there, see `Registers`.
            unsafe { *sum = vaddq_u8(*sum, vcntq_u8(veorq_u8(x.0[k], w.0[k]))) };
        }
        Registers(sum)
    }
    #[inline(always)]
    fn bytes(self) -> [ByteColumn; 2] {
        let mut out = [ByteColumn([0; LANES]); 2];
        let to = out.as_mut_ptr().cast::<u8>();
        for (k, x) in self.0.into_iter().enumerate() {
            // SAFETY: NEON is there, see `Registers`; two columns are 64 bytes side by side.
            unsafe { vst1q_u8(to.add(16 * k), x) };
        }
        out
    }
}

/// See [`crate::simd::preactivations`].
pub(in crate::simd) fn preactivations(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
    #[target_feature(enable = "neon")]
    fn compiled(block: &PatternBlock, table: &WeightTable, out: &mut [i16]) {
        forward::preactivations::<Registers>(block, table, out);
    }
    // SAFETY: selected by an `Isa`, so NEON is there.
    unsafe { compiled(block, table, out) }
}
