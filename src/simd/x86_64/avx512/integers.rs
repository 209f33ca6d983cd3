//! Thirty-two 16-bit integers in one register.

#![allow(unsafe_code)]

use crate::simd::flip::Slots;
use crate::simd::generic::{Pack, instances};
use std::arch::x86_64::*;

/// 32 lanes. Values of this type exist only inside the functions below, compiled for AVX-512.
#[derive(Clone, Copy)]
struct Lanes(__m512i);

impl Pack for Lanes {
    type Sums = __m512i;

    #[inline(always)]
    fn splat(x: i16) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_set1_epi16(x)) }
    }
    #[inline(always)]
    fn load(slots: &Slots) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`; 64 bytes.
        unsafe { Lanes(_mm512_loadu_si512(slots.0.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store(self, slots: &mut Slots) {
        // SAFETY: AVX-512 is there, see `Lanes`; 64 bytes.
        unsafe { _mm512_storeu_si512(slots.0.as_mut_ptr().cast(), self.0) }
    }
    #[inline(always)]
    fn from_bits(bits: &u32, flipped: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_xor_si512(_mm512_movm_epi16(*bits), flipped.0)) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_add_epi16(self.0, other.0)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_sub_epi16(self.0, other.0)) }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_mullo_epi16(self.0, other.0)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_max_epi16(self.0, other.0)) }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_abs_epi16(self.0)) }
    }
    #[inline(always)]
    fn signum(self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe {
            let least = _mm512_max_epi16(self.0, _mm512_set1_epi16(-1));
            Lanes(_mm512_min_epi16(least, _mm512_set1_epi16(1)))
        }
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_and_si512(self.0, other.0)) }
    }
    #[inline(always)]
    fn quarter(self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_srai_epi16::<2>(self.0)) }
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { Lanes(_mm512_movm_epi16(_mm512_cmpgt_epi16_mask(self.0, other.0))) }
    }
    #[inline(always)]
    fn no_sums() -> __m512i {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    fn add_to(self, sums: __m512i) -> __m512i {
        // SAFETY: AVX-512 is there, see `Lanes`.
        unsafe { _mm512_add_epi32(sums, _mm512_madd_epi16(self.0, _mm512_set1_epi16(1))) }
    }
    #[inline(always)]
    fn total(sums: __m512i) -> i64 {
        let mut lanes = [0i32; 16];
        // SAFETY: AVX-512 is there, see `Lanes`; 64 bytes, no alignment asked for.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), sums) };
        lanes.iter().map(|&x| i64::from(x)).sum()
    }
}

instances!(Lanes, "avx512f,avx512bw,avx512vl,avx512bitalg,avx512vpopcntdq");
