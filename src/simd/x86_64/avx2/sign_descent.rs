//! Steps of hidden weights, eight lanes a register; the signs come out as a byte mask.

#![allow(unsafe_code)]

use crate::simd::sign_descent::Descent;
use std::arch::x86_64::*;

/// See [`crate::simd::descend`]; `eights` groups of eight lanes are in use.
pub(in crate::simd) fn descend(
    descent: Descent,
    eights: usize,
    counts: &[i8],
    pulls: &[f32],
    fields: &mut [f32],
    bits: &mut [u64],
) {
    let lanes = 8 * eights;
    assert!(
        counts.len() >= lanes
            && pulls.len() >= lanes
            && fields.len() >= lanes
            && 64 * bits.len() >= lanes,
        "lanes in use"
    );
    // SAFETY: selected by an `Isa`, so AVX2 is there; the lengths have been checked.
    unsafe { descend_avx2(descent, eights, counts, pulls, fields, bits) }
}

/// # Safety
/// All slices have 8·`eights` lanes.
#[target_feature(enable = "avx2")]
unsafe fn descend_avx2(
    descent: Descent,
    eights: usize,
    counts: &[i8],
    pulls: &[f32],
    fields: &mut [f32],
    bits: &mut [u64],
) {
    let sign = _mm256_set1_ps(-0.0);
    let (eta, own) = (_mm256_set1_ps(descent.eta), _mm256_set1_ps(descent.own));
    for (word, bits) in bits.iter_mut().enumerate() {
        let mut mask = 0u64;
        for eight in 0..(eights - (8 * word).min(eights)).min(8) {
            let at = 64 * word + 8 * eight;
            // SAFETY: at + 8 ≤ 8·eights.
            let h = unsafe {
                let count = _mm256_cvtepi8_epi32(_mm_loadl_epi64(counts.as_ptr().add(at).cast()));
                let correction = _mm256_mul_ps(eta, _mm256_cvtepi32_ps(count));
                let field = fields.as_mut_ptr().add(at);
                let h = _mm256_add_ps(_mm256_loadu_ps(field), correction);
                let own = _mm256_or_ps(own, _mm256_and_ps(h, sign));
                let pull = _mm256_sub_ps(_mm256_loadu_ps(pulls.as_ptr().add(at)), own);
                let h = _mm256_add_ps(h, pull);
                _mm256_storeu_ps(field, h);
                h
            };
            mask |= u64::from(_mm256_movemask_ps(h) as u32) << (8 * eight);
        }
        *bits = mask;
    }
}
