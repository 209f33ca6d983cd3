//! Differing bits of two rows, by CNT.

#![allow(unsafe_code)]

use std::arch::aarch64::*;

/// |a xor b|.
pub(in crate::simd) fn differing(a: &[u64], b: &[u64]) -> u64 {
    #[target_feature(enable = "neon")]
    fn compiled(a: &[u64], b: &[u64]) -> u64 {
        let (two_a, two_b) = (a.chunks_exact(2), b.chunks_exact(2));
        let (tail_a, tail_b) = (two_a.remainder(), two_b.remainder());
        let mut total = vdupq_n_u64(0);
        for (a, b) in two_a.zip(two_b) {
            // SAFETY: two words each.
            let x = unsafe { veorq_u64(vld1q_u64(a.as_ptr()), vld1q_u64(b.as_ptr())) };
            let bytes = vcntq_u8(vreinterpretq_u8_u64(x));
            total = vpadalq_u32(total, vpaddlq_u16(vpaddlq_u8(bytes)));
        }
        let tail = tail_a.iter().zip(tail_b).map(|(a, b)| u64::from((a ^ b).count_ones()));
        vaddvq_u64(total) + tail.sum::<u64>()
    }
    // SAFETY: selected by an `Isa`, so NEON is there.
    unsafe { compiled(a, b) }
}
