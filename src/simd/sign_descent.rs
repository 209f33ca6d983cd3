//! One step of hidden weights H whose signs are the weights: correction, pull, new signs.
//!
//! h = H + η·count, H ← h + (pull − own·sign h), bits ← sign H, lane by lane: multiplications and
//! additions of f32 in this order, never fused, so that the bits do not depend on the instruction
//! set. Cost: about 14 instructions per eight lanes. Deterministic.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn every_instruction_set_follows_the_formula_bit_by_bit() {
        let mut stream = Stream::new(1, Purpose::Test, &[65]);
        let descent = Descent { eta: 0.3, own: 0.75 };
        for inputs in [1, 7, 8, 63, 64, 65, 130, 321] {
            let lanes = 64 * usize::div_ceil(inputs, 64);
            let counts: Vec<i8> = (0..lanes).map(|_| stream.bits() as i8).collect();
            let pulls: Vec<f32> = (0..lanes).map(|_| stream.normal() as f32).collect();
            let start: Vec<f32> = (0..lanes).map(|_| 20.0 * stream.normal() as f32).collect();
            for isa in Isa::all() {
                let (mut fields, mut bits) = (start.clone(), vec![u64::MAX; lanes / 64]);
                descend(isa, descent, inputs, &counts, &pulls, &mut fields, &mut bits);
                for i in 0..lanes {
                    let bit = bits[i / 64] >> (i % 64) & 1 == 1;
                    if i >= inputs {
                        assert!(!bit, "padding");
                        continue;
                    }
                    let h = start[i] + 0.3 * f32::from(counts[i]);
                    let expected = h + (pulls[i] - if h < 0.0 { -0.75 } else { 0.75 });
                    assert_eq!(fields[i].to_bits(), expected.to_bits(), "{} {i}", isa.name());
                    assert_eq!(bit, expected < 0.0, "{} {i}", isa.name());
                }
            }
        }
    }
}
