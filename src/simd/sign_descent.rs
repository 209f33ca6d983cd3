//! One step of hidden weights H whose signs are the weights: correction, pull, new signs.
//!
//! h = H + η·count, H ← h + (pull − own·sign h), bits ← sign H, lane by lane: multiplications and
//! additions of f32 in this order, never fused, so that the bits do not depend on the instruction
//! set. Deterministic. Bound: the vector ports, by nine instructions for eight lanes (one of them takes
//! the sign bits out), and seven more where the pulls are looked up from votes and these renewed.

use super::isa::{Isa, Set};
use super::scalar;

/// The scalars of a step.
#[derive(Clone, Copy, Debug)]
pub struct Descent {
    /// η.
    pub eta: f32,
    /// Coefficient of the lane's own sign, ≥ 0.
    pub own: f32,
}

/// Steps the `inputs` = n lanes of one unit; `bits` gets their signs (1 means −1), padding zero.
/// The slices have 64 lanes a word; what stands in the lanes behind n afterwards has no meaning.
///
/// # Panics
/// If a length is not that of ⌈n/64⌉ words.
pub fn descend(
    isa: Isa,
    descent: Descent,
    inputs: usize,
    counts: &[i8],
    pulls: &[f32],
    fields: &mut [f32],
    bits: &mut [u64],
) {
    let lanes = 64 * inputs.div_ceil(64);
    assert!(
        counts.len() == lanes
            && pulls.len() == lanes
            && fields.len() == lanes
            && bits.len() * 64 == lanes,
        "64 lanes a word"
    );
    let eights = inputs.div_ceil(8);
    match isa.0 {
        Set::Scalar => scalar::descend(descent, eights, counts, pulls, fields, bits),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => {
            super::x86_64::avx2::descend(descent, eights, counts, pulls, fields, bits);
        }
        #[cfg(target_arch = "aarch64")]
        Set::Neon => scalar::descend(descent, eights, counts, pulls, fields, bits),
    }
    if !inputs.is_multiple_of(64) {
        bits[inputs / 64] &= (1 << (inputs % 64)) - 1;
    }
}

/// Most replicas whose votes [`descend_voted`] takes: one register of f32 holds a pull for each value
/// of ΣW.
pub const MOST_VOTERS: usize = 7;

/// [`descend`] where the pull depends on the votes ΣW of y ≤ [`MOST_VOTERS`] replicas, this one among
/// them: entry (ΣW >> 1) & 7 of `pulls`. The votes follow the new signs.
///
/// # Panics
/// If a length is not that of ⌈n/64⌉ words.
pub fn descend_voted(
    isa: Isa,
    descent: Descent,
    inputs: usize,
    counts: &[i8],
    (pulls, votes): (&[f32; 8], &mut [i16]),
    fields: &mut [f32],
    bits: &mut [u64],
) {
    let lanes = 64 * inputs.div_ceil(64);
    assert!(
        counts.len() == lanes
            && votes.len() == lanes
            && fields.len() == lanes
            && bits.len() * 64 == lanes,
        "64 lanes a word"
    );
    let sixteens = inputs.div_ceil(16);
    let voted = (pulls, votes);
    match isa.0 {
        Set::Scalar => scalar::descend_voted(descent, sixteens, counts, voted, fields, bits),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => {
            super::x86_64::avx2::descend_voted(descent, sixteens, counts, voted, fields, bits);
        }
        #[cfg(target_arch = "aarch64")]
        Set::Neon => scalar::descend_voted(descent, sixteens, counts, voted, fields, bits),
    }
    if !inputs.is_multiple_of(64) {
        bits[inputs / 64] &= (1 << (inputs % 64)) - 1;
    }
}
