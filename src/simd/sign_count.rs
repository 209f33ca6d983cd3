//! Sums of sign vectors in bytes: what a mini-batch of corrections adds up to.
//!
//! Integer, exact, deterministic; 64 lanes a word. Bound: the vector ports, by the five instructions
//! that expand 32 bits to bytes and add them.

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
