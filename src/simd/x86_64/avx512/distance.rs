//! Differing bits of two rows, by VPOPCNTQ.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// |a xor b|.
pub(in crate::simd) fn differing(a: &[u64], b: &[u64]) -> u64 {
    #[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
    fn compiled(a: &[u64], b: &[u64]) -> u64 {
        let (eight_a, eight_b) = (a.chunks_exact(8), b.chunks_exact(8));
        let (tail_a, tail_b) = (eight_a.remainder(), eight_b.remainder());
        let mut total = _mm512_setzero_si512();
        for (a, b) in eight_a.zip(eight_b) {
            // SAFETY: eight words each; no alignment is asked for.
            let x = unsafe {
                let a = _mm512_loadu_si512(a.as_ptr().cast());
                _mm512_xor_si512(a, _mm512_loadu_si512(b.as_ptr().cast()))
            };
            total = _mm512_add_epi64(total, _mm512_popcnt_epi64(x));
        }
        let tail = tail_a.iter().zip(tail_b).map(|(a, b)| u64::from((a ^ b).count_ones()));
        _mm512_reduce_add_epi64(total) as u64 + tail.sum::<u64>()
    }
    // SAFETY: selected by an `Isa`, so AVX-512 is there.
    unsafe { compiled(a, b) }
}
