//! Portable code compiled for AVX2 and FMA.

#![allow(unsafe_code)]

use super::super::isa::Work;

/// Calls `work` from a function compiled for AVX2, FMA and POPCNT, into which it is inlined.
#[inline]
pub(in super::super) fn avx2_run<W: Work>(work: W) {
    #[target_feature(enable = "avx2,fma,popcnt")]
    fn compiled<W: Work>(work: W) {
        work.run();
    }
    // SAFETY: an `Isa` that leads here exists only where `Isa::all` has detected AVX2, FMA and POPCNT.
    unsafe { compiled(work) };
}
