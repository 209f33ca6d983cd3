//! Number of differing bits of two configurations: d·N of two replicas, the overlap q = 1 − 2d.
//!
//! One long row pair at a time, by Harley–Seal (AVX2: sixteen registers pass a tree of carry-save
//! adders and one of them is counted by a byte shuffle), VPOPCNTQ (AVX-512), CNT (NEON) or the
//! processor's count. Bound: five logical operations a carry-save adder, one adder a register, on
//! the vector ports; from memory the bandwidth. It is also the limit that the benchmarks measure the
//! batched forward pass against. Integer, exact, deterministic; cost O(N/64).

use super::isa::{Isa, Set};
use super::scalar;

/// |a xor b|.
///
/// # Panics
/// If the lengths differ.
pub fn differing(isa: Isa, a: &[u64], b: &[u64]) -> u64 {
    assert_eq!(a.len(), b.len(), "words of a configuration");
    match isa.0 {
        Set::Scalar => scalar::differing(a, b),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => super::x86_64::avx2::differing(a, b),
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => super::x86_64::avx512::differing(a, b),
        #[cfg(target_arch = "aarch64")]
        Set::Neon => super::aarch64::neon::differing(a, b),
    }
}
