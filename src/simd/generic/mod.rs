//! Algorithms written once over small register traits; each instruction set is a thin instance.
//!
//! Everything here is `#[inline(always)]`, so that it is compiled inside the function with the
//! instruction set's `#[target_feature]`, where the intrinsics of the instance become single
//! instructions. `forward` serves NEON, [`product`] NEON and AVX-512; AVX2 has its own, blocked for
//! its sixteen registers.

pub(super) mod flip;
#[cfg(target_arch = "aarch64")]
pub(super) mod forward;
mod integers;
pub(super) mod product;
pub(super) mod sphere;

pub(super) use integers::Pack;

/// The passes of [`flip`] for one instance of [`Pack`], compiled for the named features.
macro_rules! instances {
    ($lanes:ty, $features:literal) => {
        /// h ± 1, see [`crate::simd::generic::flip::add_column`].
        pub(in crate::simd) fn add_column(h: &mut [Slots], bits: &[u32], negative: bool) {
            #[target_feature(enable = $features)]
            fn compiled(h: &mut [Slots], bits: &[u32], negative: bool) {
                $crate::simd::generic::flip::add_column::<$lanes>(h, bits, negative);
            }
            // SAFETY: selected by an `Isa`, so the features are there.
            unsafe { compiled(h, bits, negative) }
        }

        /// The energy after a flip, see [`crate::simd::generic::flip::propose`].
        #[inline]
        pub(in crate::simd) fn propose(
            pass: &$crate::simd::flip::Pass,
            h: &[Slots],
            x: &[Slots],
            energy: $crate::simd::flip::Energy,
        ) -> i64 {
            #[target_feature(enable = $features)]
            fn compiled(
                pass: &$crate::simd::flip::Pass,
                h: &[Slots],
                x: &[Slots],
                energy: $crate::simd::flip::Energy,
            ) -> i64 {
                $crate::simd::generic::flip::propose::<$lanes>(pass, h, x, energy)
            }
            // SAFETY: selected by an `Isa`, so the features are there.
            unsafe { compiled(pass, h, x, energy) }
        }

        /// A flip, see [`crate::simd::generic::flip::flip`].
        pub(in crate::simd) fn flip(
            pass: &$crate::simd::flip::Pass,
            h: &mut [Slots],
            x: &mut [Slots],
        ) -> $crate::simd::flip::Energies {
            #[target_feature(enable = $features)]
            fn compiled(
                pass: &$crate::simd::flip::Pass,
                h: &mut [Slots],
                x: &mut [Slots],
            ) -> $crate::simd::flip::Energies {
                $crate::simd::generic::flip::flip::<$lanes>(pass, h, x)
            }
            // SAFETY: selected by an `Isa`, so the features are there.
            unsafe { compiled(pass, h, x) }
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use instances;
