//! Momentum steps on the sphere: eight f32 in a register.

#![allow(unsafe_code)]

use crate::simd::generic::sphere::{Floats, momentum_step as generic};
use crate::simd::sphere::Momentum;
use std::arch::x86_64::*;

/// See [`crate::simd::momentum_step`].
pub(in crate::simd) fn momentum_step(
    step: Momentum,
    gradient: &[f32],
    velocity: &mut [f32],
    weights: &mut [f32],
) {
    #[target_feature(enable = "avx2")]
    fn compiled(step: Momentum, gradient: &[f32], velocity: &mut [f32], weights: &mut [f32]) {
        generic::<Lanes>(step, gradient, velocity, weights);
    }
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { compiled(step, gradient, velocity, weights) }
}

/// Eight lanes. Values of this type exist only inside the function above, which is compiled for AVX2.
#[derive(Clone, Copy)]
struct Lanes(__m256);

impl Floats for Lanes {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        Lanes(unsafe { _mm256_set1_ps(x) })
    }
    #[inline(always)]
    fn load(x: &[f32; 8]) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`; eight entries, no alignment is asked for.
        Lanes(unsafe { _mm256_loadu_ps(x.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, x: &mut [f32; 8]) {
        // SAFETY: AVX2 is there, see `Lanes`; eight entries, no alignment is asked for.
        unsafe { _mm256_storeu_ps(x.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        Lanes(unsafe { _mm256_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        Lanes(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        Lanes(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        Lanes(unsafe { _mm256_div_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: AVX2 is there, see `Lanes`.
        Lanes(unsafe { _mm256_sqrt_ps(self.0) })
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: AVX2 is there, see `Lanes`.
        unsafe {
            let four =
                _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
}
