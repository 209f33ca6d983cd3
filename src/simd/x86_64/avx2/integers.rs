//! Thirty-two 16-bit integers in two registers.

#![allow(unsafe_code)]

use crate::simd::flip::Slots;
use crate::simd::generic::{Pack, instances};
use std::arch::x86_64::*;

/// 32 lanes. Values of this type exist only inside the functions below, which are compiled for AVX2.
#[derive(Clone, Copy)]
struct Lanes([__m256i; 2]);

/// One operation on both registers.
macro_rules! both {
    ($f:ident, $a:expr) => {{
        let a = $a.0;
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe { Lanes([$f(a[0]), $f(a[1])]) }
    }};
    ($f:ident, $a:expr, $b:expr) => {{
        let (a, b) = ($a.0, $b.0);
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe { Lanes([$f(a[0], b[0]), $f(a[1], b[1])]) }
    }};
}

impl Pack for Lanes {
    type Sums = __m256i;

    #[inline(always)]
    fn splat(x: i16) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        let x = unsafe { _mm256_set1_epi16(x) };
        Lanes([x, x])
    }
    #[inline(always)]
    fn load(slots: &Slots) -> Self {
        let from: *const __m256i = slots.0.as_ptr().cast();
        // SAFETY: AVX2 is there, see `Lanes`; 64 bytes, aligned to 64.
        unsafe { Lanes([_mm256_load_si256(from), _mm256_load_si256(from.add(1))]) }
    }
    #[inline(always)]
    fn store(self, slots: &mut Slots) {
        let to: *mut __m256i = slots.0.as_mut_ptr().cast();
        // SAFETY: AVX2 is there, see `Lanes`; 64 bytes, aligned to 64.
        unsafe {
            _mm256_store_si256(to, self.0[0]);
            _mm256_store_si256(to.add(1), self.0[1]);
        }
    }
    #[inline(always)]
    fn from_bits(bits: &u32, flipped: Self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`; two 16-bit reads inside the 32-bit word.
        unsafe {
            let halves: *const i16 = std::ptr::from_ref(bits).cast();
            let k = _mm256_setr_epi16(
                1,
                2,
                4,
                8,
                16,
                32,
                64,
                128,
                256,
                512,
                1024,
                2048,
                4096,
                8192,
                16384,
                i16::MIN,
            );
            // Bit set: and gives k. Compared with k, or with 0 where the answer is to be flipped.
            let wanted = _mm256_andnot_si256(flipped.0[0], k);
            let low = _mm256_and_si256(_mm256_set1_epi16(*halves), k);
            let high = _mm256_and_si256(_mm256_set1_epi16(*halves.add(1)), k);
            Lanes([_mm256_cmpeq_epi16(low, wanted), _mm256_cmpeq_epi16(high, wanted)])
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        both!(_mm256_add_epi16, self, other)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        both!(_mm256_sub_epi16, self, other)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        both!(_mm256_mullo_epi16, self, other)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        both!(_mm256_max_epi16, self, other)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        both!(_mm256_abs_epi16, self)
    }
    #[inline(always)]
    fn signum(self) -> Self {
        both!(_mm256_sign_epi16, Self::splat(1), self)
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        both!(_mm256_and_si256, self, other)
    }
    #[inline(always)]
    fn quarter(self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe { Lanes([_mm256_srai_epi16::<2>(self.0[0]), _mm256_srai_epi16::<2>(self.0[1])]) }
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        both!(_mm256_cmpgt_epi16, self, other)
    }
    #[inline(always)]
    fn no_sums() -> __m256i {
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe { _mm256_setzero_si256() }
    }
    #[inline(always)]
    fn add_to(self, sums: __m256i) -> __m256i {
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe {
            let one = _mm256_set1_epi16(1);
            let low = _mm256_madd_epi16(self.0[0], one);
            let high = _mm256_madd_epi16(self.0[1], one);
            _mm256_add_epi32(sums, _mm256_add_epi32(low, high))
        }
    }
    #[inline(always)]
    fn total(sums: __m256i) -> i64 {
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe {
            let low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(sums));
            let high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(sums));
            let four = _mm256_add_epi64(low, high);
            let two =
                _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256::<1>(four));
            _mm_cvtsi128_si64(two) + _mm_extract_epi64::<1>(two)
        }
    }
}

instances!(Lanes, "avx2");
