//! Passes over one bit column; see [`crate::simd::FlipState`].

use super::Pack;
use crate::simd::flip::{Energies, Energy, Pass, SLOTS, Slots, UnitForm};

/// g(after) − g(before) of one unit, after = before ± 2.
trait Form {
    fn change<P: Pack>(before: P, after: P) -> P;
}

struct Identity;
struct Relu;
struct Sign;
struct Abs;
struct Quadratic;

impl Form for Identity {
    #[inline(always)]
    fn change<P: Pack>(before: P, after: P) -> P {
        after.sub(before)
    }
}

impl Form for Relu {
    #[inline(always)]
    fn change<P: Pack>(before: P, after: P) -> P {
        let zero = P::splat(0);
        after.max(zero).sub(before.max(zero))
    }
}

impl Form for Sign {
    #[inline(always)]
    fn change<P: Pack>(before: P, after: P) -> P {
        after.signum().sub(before.signum())
    }
}

impl Form for Abs {
    #[inline(always)]
    fn change<P: Pack>(before: P, after: P) -> P {
        after.abs().sub(before.abs())
    }
}

impl Form for Quadratic {
    #[inline(always)]
    fn change<P: Pack>(before: P, after: P) -> P {
        // Both have the same parity, so that the floors cancel.
        after.sub(before).mul(after.add(before)).quarter()
    }
}

/// h ± 1 by the bits of one column, for weights built up from h = 0.
#[inline(always)]
pub(in crate::simd) fn add_column<P: Pack>(h: &mut [Slots], bits: &[u32], negative: bool) {
    let flipped = P::splat(-i16::from(negative));
    for (h, bits) in h.iter_mut().zip(bits) {
        // 1 or −1.
        let mask = P::from_bits(bits, flipped);
        P::load(h).add(mask).add(mask).add(P::splat(1)).store(h);
    }
}

/// The energy after the flip.
#[inline(always)]
pub(in crate::simd) fn propose<P: Pack>(
    pass: &Pass,
    h: &[Slots],
    x: &[Slots],
    energy: Energy,
) -> i64 {
    match pass.form {
        UnitForm::Identity => propose_form::<P, Identity>(pass, h, x, energy),
        UnitForm::Relu => propose_form::<P, Relu>(pass, h, x, energy),
        UnitForm::Sign => propose_form::<P, Sign>(pass, h, x, energy),
        UnitForm::Abs => propose_form::<P, Abs>(pass, h, x, energy),
        UnitForm::Quadratic => propose_form::<P, Quadratic>(pass, h, x, energy),
    }
}

#[inline(always)]
fn propose_form<P: Pack, F: Form>(pass: &Pass, h: &[Slots], x: &[Slots], energy: Energy) -> i64 {
    let step = Step::<P>::new(pass);
    let blocks = h.iter().zip(x).zip(pass.bits).zip(pass.sides);
    match energy {
        Energy::Errors => {
            // −1 a stored pattern or padding; at most 2^15 − 1 blocks, so that a lane holds the count.
            let mut stored = P::splat(0);
            for (((h, x), bits), side) in blocks {
                let (_, x) = step.moved::<F>(side, h, x, bits);
                stored = stored.add(x.greater(step.threshold));
            }
            (x.len() * SLOTS) as i64 + P::total(stored.add_to(P::no_sums()))
        }
        Energy::Hinge => {
            let mut sums = P::no_sums();
            for (((h, x), bits), side) in blocks {
                let (_, x) = step.moved::<F>(side, h, x, bits);
                sums = step.shortfall(x).add_to(sums);
            }
            P::total(sums)
        }
    }
}

/// Flips: renews `h` and `x`, gives both energies.
#[inline(always)]
pub(in crate::simd) fn flip<P: Pack>(pass: &Pass, h: &mut [Slots], x: &mut [Slots]) -> Energies {
    match pass.form {
        UnitForm::Identity => flip_form::<P, Identity>(pass, h, x),
        UnitForm::Relu => flip_form::<P, Relu>(pass, h, x),
        UnitForm::Sign => flip_form::<P, Sign>(pass, h, x),
        UnitForm::Abs => flip_form::<P, Abs>(pass, h, x),
        UnitForm::Quadratic => flip_form::<P, Quadratic>(pass, h, x),
    }
}

#[inline(always)]
fn flip_form<P: Pack, F: Form>(pass: &Pass, h: &mut [Slots], x: &mut [Slots]) -> Energies {
    let step = Step::<P>::new(pass);
    let (mut stored, mut sums) = (P::splat(0), P::no_sums());
    let slots = (x.len() * SLOTS) as i64;
    for (((h, x), bits), side) in h.iter_mut().zip(x).zip(pass.bits).zip(pass.sides) {
        let (after, moved) = step.moved::<F>(side, h, x, bits);
        after.store(h);
        moved.store(x);
        stored = stored.add(moved.greater(step.threshold));
        sums = step.shortfall(moved).add_to(sums);
    }
    Energies { errors: slots + P::total(stored.add_to(P::no_sums())), hinge: P::total(sums) }
}

/// Constants of a pass.
struct Step<P> {
    flipped: P,
    threshold: P,
    hinge: P,
}

impl<P: Pack> Step<P> {
    #[inline(always)]
    fn new(pass: &Pass) -> Self {
        Self {
            flipped: P::splat(-i16::from(pass.negative)),
            threshold: P::splat(pass.threshold),
            hinge: P::splat(pass.hinge),
        }
    }

    /// h and x of one block after the flip; `side` is σ c_l, 0 in padding.
    #[inline(always)]
    fn moved<F: Form>(&self, side: &Slots, h: &Slots, x: &Slots, bits: &u32) -> (P, P) {
        let before = P::load(h);
        // Wξ = −1 where the mask is set: h rises by two, else it falls.
        let step = P::from_bits(bits, self.flipped).and(P::splat(4)).sub(P::splat(2));
        let after = before.add(step);
        (after, P::load(x).add(F::change(before, after).mul(P::load(side))))
    }

    /// max(0, b − x).
    #[inline(always)]
    fn shortfall(&self, x: P) -> P {
        self.hinge.sub(x).max(P::splat(0))
    }
}
