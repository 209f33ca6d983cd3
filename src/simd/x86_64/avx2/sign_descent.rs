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

/// See [`crate::simd::descend_voted`]; `sixteens` groups of sixteen lanes are in use.
pub(in crate::simd) fn descend_voted(
    descent: Descent,
    sixteens: usize,
    counts: &[i8],
    (pulls, votes): (&[f32; 8], &mut [i16]),
    fields: &mut [f32],
    bits: &mut [u64],
) {
    let lanes = 16 * sixteens;
    assert!(
        counts.len() >= lanes
            && votes.len() >= lanes
            && fields.len() >= lanes
            && 64 * bits.len() >= lanes,
        "lanes in use"
    );
    // SAFETY: selected by an `Isa`, so AVX2 is there; the lengths have been checked.
    unsafe { descend_voted_avx2(descent, sixteens, counts, (pulls, votes), fields, bits) }
}

/// # Safety
/// All slices have 16·`sixteens` lanes.
#[target_feature(enable = "avx2")]
unsafe fn descend_voted_avx2(
    descent: Descent,
    sixteens: usize,
    counts: &[i8],
    (pulls, votes): (&[f32; 8], &mut [i16]),
    fields: &mut [f32],
    bits: &mut [u64],
) {
    let sign = _mm256_set1_ps(-0.0);
    let (eta, own) = (_mm256_set1_ps(descent.eta), _mm256_set1_ps(descent.own));
    // SAFETY: eight entries; no alignment is asked for.
    let pulls = unsafe { _mm256_loadu_ps(pulls.as_ptr()) };
    let (counts, votes, fields) = (counts.as_ptr(), votes.as_mut_ptr(), fields.as_mut_ptr());
    // Eight lanes with their votes halved: H before and after.
    let step = |at: usize, half_votes: __m128i| {
        // SAFETY: at + 8 ≤ 16·sixteens.
        let (field, count) = unsafe { (fields.add(at), _mm_loadl_epi64(counts.add(at).cast())) };
        // SAFETY: likewise; no alignment is asked for.
        let old = unsafe { _mm256_loadu_ps(field) };
        let count = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(count));
        let h = _mm256_add_ps(old, _mm256_mul_ps(eta, count));
        let own = _mm256_or_ps(own, _mm256_and_ps(h, sign));
        let index = _mm256_cvtepi16_epi32(half_votes);
        let pull = _mm256_sub_ps(_mm256_permutevar8x32_ps(pulls, index), own);
        let h = _mm256_add_ps(h, pull);
        // SAFETY: likewise.
        unsafe { _mm256_storeu_ps(field, h) };
        (old, h)
    };
    // −1 where negative, else 0; saturation keeps signs. Lanes 0 … 3, 8 … 11, 4 … 7, 12 … 15.
    let negative = |low: __m256, high: __m256| {
        let (low, high) = (_mm256_castps_si256(low), _mm256_castps_si256(high));
        _mm256_srai_epi16::<15>(_mm256_packs_epi32(low, high))
    };
    for (word, bits) in bits.iter_mut().enumerate() {
        let mut mask = 0u64;
        for sixteen in 0..(sixteens - (4 * word).min(sixteens)).min(4) {
            let at = 64 * word + 16 * sixteen;
            // SAFETY: at + 16 ≤ 16·sixteens.
            let here = unsafe { votes.add(at).cast::<__m256i>() };
            // SAFETY: likewise; no alignment is asked for.
            let before = unsafe { _mm256_loadu_si256(here) };
            let half = _mm256_srai_epi16::<1>(before);
            let (old_low, low) = step(at, _mm256_castsi256_si128(half));
            let (old_high, high) = step(at + 8, _mm256_extracti128_si256::<1>(half));
            let change = _mm256_sub_epi16(negative(low, high), negative(old_low, old_high));
            let change = _mm256_permute4x64_epi64::<0b11_01_10_00>(change);
            let after = _mm256_add_epi16(before, _mm256_add_epi16(change, change));
            // SAFETY: likewise.
            unsafe { _mm256_storeu_si256(here, after) };
            let [low, high] = [low, high].map(|h| _mm256_movemask_ps(h) as u32);
            mask |= u64::from(low | high << 8) << (16 * sixteen);
        }
        *bits = mask;
    }
}
