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

/// See [`crate::simd::descend_voted`]; `sixteens` groups of sixteen lanes are in use.
pub(in crate::simd) fn descend_voted(
    descent: Descent,
    sixteens: usize,
    counts: &[i8],
    (pulls, votes): (&[f32; 8], &mut [i16]),
    fields: &mut [f32],
    bits: &mut [u64],
) {
    bits.fill(0);
    let lanes = fields.iter_mut().zip(votes).zip(counts).take(16 * sixteens).enumerate();
    for (lane, ((field, votes), &count)) in lanes {
        let h = *field + descent.eta * f32::from(count);
        let h = h + (pulls[(*votes >> 1 & 7) as usize] - descent.own.copysign(h));
        let [old, new] = [*field, h].map(|h| i16::from(h.is_sign_negative()));
        *votes = votes.wrapping_add(2 * (old - new));
        *field = h;
        bits[lane / 64] |= (new as u64) << (lane % 64);
    }
}
