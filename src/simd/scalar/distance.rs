//! Differing bits of two rows.

/// |a xor b|.
pub(in crate::simd) fn differing(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
}
