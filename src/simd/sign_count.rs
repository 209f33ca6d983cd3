//! Sums of sign vectors in bytes: what a mini-batch of corrections adds up to.
//!
//! Integer, exact, deterministic; 64 lanes a word.

use super::isa::{Isa, Set};
use super::scalar;

/// counts_i += ξ_i (−ξ_i with `negate`) over packed signs, bit b of word w being lane 64w + b and
/// 1 meaning −1; wraps beyond ±127. Padding bits count like any other.
///
/// # Panics
/// If `counts` is not 64 entries a word.
pub fn count_signs(isa: Isa, words: &[u64], negate: bool, counts: &mut [i8]) {
    assert_eq!(counts.len(), 64 * words.len(), "64 lanes a word");
    let flip = if negate { u64::MAX } else { 0 };
    match isa.0 {
        Set::Scalar => scalar::count_signs(words, flip, counts),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => super::x86_64::avx2::count_signs(words, flip, counts),
        #[cfg(target_arch = "aarch64")]
        Set::Neon => scalar::count_signs(words, flip, counts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn counts_are_sums_of_signs_on_every_instruction_set() {
        let mut stream = Stream::new(1, Purpose::Test, &[64]);
        for words in [0, 1, 2, 5] {
            let rows: Vec<Vec<u64>> =
                (0..9).map(|_| (0..words).map(|_| stream.bits()).collect()).collect();
            let mut expected = vec![0i8; 64 * words];
            for (k, row) in rows.iter().enumerate() {
                for (i, count) in expected.iter_mut().enumerate() {
                    let minus = (row[i / 64] >> (i % 64) & 1 == 1) != (k % 3 == 1);
                    *count += if minus { -1 } else { 1 };
                }
            }
            for isa in Isa::all() {
                let mut counts = vec![0i8; 64 * words];
                for (k, row) in rows.iter().enumerate() {
                    count_signs(isa, row, k % 3 == 1, &mut counts);
                }
                assert_eq!(counts, expected, "{}", isa.name());
            }
        }
    }
}
