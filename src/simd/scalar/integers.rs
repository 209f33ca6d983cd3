//! Thirty-two 16-bit integers as an array.

use crate::simd::flip::{Energies, Energy, Pass, SLOTS, Slots};
use crate::simd::generic::{self, Pack};

/// 32 lanes.
#[derive(Clone, Copy)]
struct Lanes([i16; SLOTS]);

#[inline(always)]
fn each(f: impl Fn(usize) -> i16) -> Lanes {
    Lanes(std::array::from_fn(f))
}

impl Pack for Lanes {
    type Sums = i64;

    #[inline(always)]
    fn splat(x: i16) -> Self {
        Lanes([x; SLOTS])
    }
    #[inline(always)]
    fn load(slots: &Slots) -> Self {
        Lanes(slots.0)
    }
    #[inline(always)]
    fn store(self, slots: &mut Slots) {
        slots.0 = self.0;
    }
    #[inline(always)]
    fn from_bits(bits: &u32, flipped: Self) -> Self {
        each(|k| -((bits >> k & 1) as i16) ^ flipped.0[k])
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        each(|k| self.0[k].wrapping_add(other.0[k]))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        each(|k| self.0[k].wrapping_sub(other.0[k]))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        each(|k| self.0[k].wrapping_mul(other.0[k]))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        each(|k| self.0[k].max(other.0[k]))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        each(|k| self.0[k].wrapping_abs())
    }
    #[inline(always)]
    fn signum(self) -> Self {
        each(|k| self.0[k].signum())
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        each(|k| self.0[k] & other.0[k])
    }
    #[inline(always)]
    fn quarter(self) -> Self {
        each(|k| self.0[k] >> 2)
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        each(|k| -i16::from(self.0[k] > other.0[k]))
    }
    #[inline(always)]
    fn no_sums() -> i64 {
        0
    }
    #[inline(always)]
    fn add_to(self, sums: i64) -> i64 {
        sums + self.0.iter().map(|&x| i64::from(x)).sum::<i64>()
    }
    #[inline(always)]
    fn total(sums: i64) -> i64 {
        sums
    }
}

pub(in crate::simd) fn add_column(h: &mut [Slots], bits: &[u32], negative: bool) {
    generic::flip::add_column::<Lanes>(h, bits, negative);
}

pub(in crate::simd) fn propose(pass: &Pass, h: &[Slots], x: &[Slots], energy: Energy) -> i64 {
    generic::flip::propose::<Lanes>(pass, h, x, energy)
}

pub(in crate::simd) fn flip(pass: &Pass, h: &mut [Slots], x: &mut [Slots]) -> Energies {
    generic::flip::flip::<Lanes>(pass, h, x)
}
