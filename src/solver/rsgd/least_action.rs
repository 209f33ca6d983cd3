//! Least action: on an error, the fewest units that must change, those nearest to it, learn.
//!
//! τ_l = sign h_l. Where σΣ_lτ_l ≤ T (T = ⌊κ√K⌋) the
//! f = ⌈(T + 1 − σΣτ)/2⌉ wrong units (σh_l ≤ 0) with the smallest |h_l|, ties to the lower unit,
//! get H_l += ησξ; weights W are frozen within the mini-batch. Identity: all units learn (the
//! perceptron rule). Source: Baldassi et al., PNAS 113, E7655 (2016) and references there.
//! Cost N/64 popcounts a presentation, N/K additions a correction. Deterministic.

use super::lanes;
use super::machine::Machine;
use crate::model::{Activation, Patterns};

/// Presents the patterns of `batch` to one replica: H accumulates the corrections, `bits` stay.
/// Returns the number of errors.
#[inline(always)]
pub fn minibatch(
    machine: &Machine,
    patterns: &Patterns,
    batch: &[u32],
    eta: f32,
    bits: &[u64],
    fields: &mut [f32],
    preactivations: &mut [i32],
) -> u64 {
    let lanes_of_unit = 64 * machine.words;
    let mut errors = 0;
    for &mu in batch {
        let row = patterns.row(mu as usize);
        let sigma = patterns.label(mu as usize);
        machine.preactivations(row, bits, preactivations);
        let total = i64::from(sigma) * machine.total(preactivations);
        if total > machine.threshold {
            continue;
        }
        errors += 1;
        let step = eta * sigma as f32;
        if machine.activation == Activation::Identity {
            for unit in 0..machine.hidden {
                let unit_fields = &mut fields[unit * lanes_of_unit..][..lanes_of_unit];
                lanes::add_signed(unit_fields, machine.unit_row(row, unit), step);
            }
            continue;
        }
        let deficit = (machine.threshold + 2 - total) / 2;
        for _ in 0..deficit {
            let Some(unit) = nearest_wrong(sigma, preactivations) else { break };
            // Taken: no longer wrong.
            preactivations[unit] = sigma * i32::MAX;
            let unit_fields = &mut fields[unit * lanes_of_unit..][..lanes_of_unit];
            lanes::add_signed(unit_fields, machine.unit_row(row, unit), step);
        }
    }
    errors
}

/// The wrong unit with the smallest |h_l|, the first of equals.
#[inline(always)]
fn nearest_wrong(sigma: i32, preactivations: &[i32]) -> Option<usize> {
    let mut nearest = None;
    let mut least = i32::MAX;
    for (unit, &h) in preactivations.iter().enumerate() {
        let distance = -sigma * h;
        if distance >= 0 && distance < least {
            (nearest, least) = (Some(unit), distance);
        }
    }
    nearest
}
