//! Steps of hidden weights, lane by lane.

use crate::simd::sign_descent::Descent;

/// See [`crate::simd::descend`]; `eights` groups of eight lanes are in use.
pub(in crate::simd) fn descend(
    descent: Descent,
    eights: usize,
    counts: &[i8],
    pulls: &[f32],
    fields: &mut [f32],
    bits: &mut [u64],
) {
    bits.fill(0);
    for eight in 0..eights {
        let at = 8 * eight..8 * eight + 8;
        let (counts, pulls, fields) = (&counts[at.clone()], &pulls[at.clone()], &mut fields[at]);
        let mut byte = 0;
        for (b, field) in fields.iter_mut().enumerate() {
            let h = *field + descent.eta * f32::from(counts[b]);
            *field = h + (pulls[b] - descent.own.copysign(h));
            byte |= u64::from(field.to_bits() >> 31) << b;
        }
        bits[eight / 8] |= byte << (8 * (eight % 8));
    }
}
