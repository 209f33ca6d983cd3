//! Sums of sign vectors, eight lanes a 64-bit word.

/// The eight bits of a byte as bytes +1 (bit 0) or −1 (bit 1), little end first.
const SIGNS: [[i8; 8]; 256] = {
    let mut signs = [[1; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut b = 0;
        while b < 8 {
            if byte >> b & 1 == 1 {
                signs[byte][b] = -1;
            }
            b += 1;
        }
        byte += 1;
    }
    signs
};

/// See [`crate::simd::count_signs`].
pub(in crate::simd) fn count_signs(words: &[u64], flip: u64, counts: &mut [i8]) {
    for (counts, &word) in counts.chunks_exact_mut(64).zip(words) {
        for (counts, byte) in counts.chunks_exact_mut(8).zip((word ^ flip).to_le_bytes()) {
            for (count, sign) in counts.iter_mut().zip(SIGNS[usize::from(byte)]) {
                *count = count.wrapping_add(sign);
            }
        }
    }
}
