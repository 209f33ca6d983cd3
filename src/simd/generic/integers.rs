//! Thirty-two 16-bit integers in as many registers as the instruction set needs.

use crate::simd::flip::Slots;

/// 32 lanes of i16, wrapping arithmetic.
pub(in crate::simd) trait Pack: Copy {
    /// 32-bit sums of pairs of lanes.
    type Sums: Copy;

    /// All lanes `x`.
    fn splat(x: i16) -> Self;
    /// Lane k from slot k.
    fn load(slots: &Slots) -> Self;
    /// Slot k from lane k.
    fn store(self, slots: &mut Slots);
    /// −1 where bit k of `bits` differs from `flipped` (all lanes 0 or all −1), else 0.
    fn from_bits(bits: &u32, flipped: Self) -> Self;
    /// Lane-wise sum.
    fn add(self, other: Self) -> Self;
    /// Lane-wise difference.
    fn sub(self, other: Self) -> Self;
    /// Low half of the product.
    fn mul(self, other: Self) -> Self;
    /// Larger lane.
    fn max(self, other: Self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// −1, 0 or 1.
    fn signum(self) -> Self;
    /// Bitwise and.
    fn and(self, other: Self) -> Self;
    /// x/4, rounded down.
    fn quarter(self) -> Self;
    /// −1 where self > other, else 0.
    fn greater(self, other: Self) -> Self;
    /// No sums yet.
    fn no_sums() -> Self::Sums;
    /// Adds all lanes to `sums`.
    fn add_to(self, sums: Self::Sums) -> Self::Sums;
    /// The grand total.
    fn total(sums: Self::Sums) -> i64;
}
