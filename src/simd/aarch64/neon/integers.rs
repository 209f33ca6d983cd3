//! Thirty-two 16-bit integers in four registers.

#![allow(unsafe_code)]

use crate::simd::flip::Slots;
use crate::simd::generic::{Pack, instances};
use std::arch::aarch64::*;

/// 32 lanes. Values of this type exist only inside the functions below, compiled for NEON.
#[derive(Clone, Copy)]
struct Lanes([int16x8_t; 4]);

/// One operation on all four registers.
macro_rules! four {
    ($a:expr, $b:expr, $f:expr) => {{
        let (a, b) = ($a.0, $b.0);
        // SAFETY: NEON is there, see `Lanes`.
        unsafe { Lanes([$f(a[0], b[0]), $f(a[1], b[1]), $f(a[2], b[2]), $f(a[3], b[3])]) }
    }};
}

impl Pack for Lanes {
    type Sums = int32x4_t;

    #[inline(always)]
    fn splat(x: i16) -> Self {
        // SAFETY: NEON is there, see `Lanes`.
        unsafe { Lanes([vdupq_n_s16(x); 4]) }
    }
    #[inline(always)]
    fn load(slots: &Slots) -> Self {
        let from = slots.0.as_ptr();
        // SAFETY: NEON is there, see `Lanes`; 32 values.
        unsafe {
            Lanes([
                vld1q_s16(from),
                vld1q_s16(from.add(8)),
                vld1q_s16(from.add(16)),
                vld1q_s16(from.add(24)),
            ])
        }
    }
    #[inline(always)]
    fn store(self, slots: &mut Slots) {
        let to = slots.0.as_mut_ptr();
        for (k, x) in self.0.into_iter().enumerate() {
            // SAFETY: NEON is there, see `Lanes`; 32 values.
            unsafe { vst1q_s16(to.add(8 * k), x) };
        }
    }
    #[inline(always)]
    fn from_bits(bits: &u32, flipped: Self) -> Self {
        const LOW: [i16; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
        let mut lanes = flipped.0;
        for (k, lanes) in lanes.iter_mut().enumerate() {
            // SAFETY: NEON is there, see `Lanes`; eight values.
            unsafe {
                let byte = vdupq_n_s16((*bits >> (8 * k) & 0xff) as i16);
                let set = vreinterpretq_s16_u16(vtstq_s16(byte, vld1q_s16(LOW.as_ptr())));
                *lanes = veorq_s16(*lanes, set);
            }
        }
        Lanes(lanes)
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        four!(self, other, vaddq_s16)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        four!(self, other, vsubq_s16)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        four!(self, other, vmulq_s16)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        four!(self, other, vmaxq_s16)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        four!(self, self, |a, _| vabsq_s16(a))
    }
    #[inline(always)]
    fn signum(self) -> Self {
        let least = self.max(Self::splat(-1));
        four!(least, Self::splat(1), vminq_s16)
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        four!(self, other, vandq_s16)
    }
    #[inline(always)]
    fn quarter(self) -> Self {
        four!(self, self, |a, _| vshrq_n_s16::<2>(a))
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        four!(self, other, |a, b| vreinterpretq_s16_u16(vcgtq_s16(a, b)))
    }
    #[inline(always)]
    fn no_sums() -> int32x4_t {
        // SAFETY: NEON is there, see `Lanes`.
        unsafe { vdupq_n_s32(0) }
    }
    #[inline(always)]
    fn add_to(self, mut sums: int32x4_t) -> int32x4_t {
        for x in self.0 {
            // SAFETY: NEON is there, see `Lanes`.
            sums = unsafe { vpadalq_s16(sums, x) };
        }
        sums
    }
    #[inline(always)]
    fn total(sums: int32x4_t) -> i64 {
        // SAFETY: NEON is there, see `Lanes`.
        unsafe { vaddlvq_s32(sums) }
    }
}

instances!(Lanes, "neon");
