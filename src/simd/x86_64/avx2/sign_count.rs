//! Sums of sign vectors: 32 bits become 32 bytes by a shuffle and a comparison.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// See [`crate::simd::count_signs`].
pub(in crate::simd) fn count_signs(words: &[u64], flip: u64, counts: &mut [i8]) {
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { count_signs_avx2(words, flip, counts) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn count_signs_avx2(words: &[u64], flip: u64, counts: &mut [i8]) {
    // Byte k of a quarter is looked at by eight lanes, one bit each.
    let spread = _mm256_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3,
        3, 3,
    );
    let bits = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
    let one = _mm256_set1_epi8(1);
    for (counts, &word) in counts.chunks_exact_mut(64).zip(words) {
        let word = word ^ flip;
        for (counts, half) in
            counts.chunks_exact_mut(32).zip([word as u32 as i32, (word >> 32) as u32 as i32])
        {
            let bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(half), spread);
            let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bits), bits);
            let counts = counts.as_mut_ptr().cast();
            // SAFETY: 32 lanes of one byte; no alignment is asked for.
            unsafe {
                let sum = _mm256_add_epi8(_mm256_loadu_si256(counts), _mm256_or_si256(set, one));
                _mm256_storeu_si256(counts, sum);
            }
        }
    }
}
