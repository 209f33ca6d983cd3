//! Density of states: g(E), the number of machines that leave exactly E of the P patterns unstored.
//!
//! $$ g(E) = \sum_w \delta_{E,\ E(w)}, \qquad \sum_{E=0}^P g(E) = 2^N, \qquad g(0) = Z $$
//!
//! Each block keeps, for its 2^11 machines at once, the number of
//! patterns stored as bit planes: a pattern's mask is added by ripple carry, and the planes are
//! split into one count an energy at the end. Cost: 2^N/64 × P × ≤ 2 log2(P) word operations; N = 24
//! and P = 24 take some 20 ms. Deterministic, integers only.

use super::blocks::{ALL, Blocks, NONE};
use super::space::MachineSpace;
use crate::model::{Patterns, Storage};

/// g(0) … g(P) of the machines of `storage` before `patterns`.
///
/// # Errors
/// A message if N exceeds [`super::MAX_INPUTS`].
pub fn density_of_states(storage: &Storage, patterns: &Patterns) -> Result<Vec<u64>, String> {
    Ok(of_blocks(Blocks::new(MachineSpace::new(storage, patterns)?)))
}

pub(super) fn of_blocks(mut blocks: Blocks) -> Vec<u64> {
    let (count, words) = (blocks.space().count(), blocks.words());
    let depth = (usize::BITS - count.leading_zeros()) as usize;
    let mut planes = vec![vec![0u64; words]; depth];
    let mut carry = vec![0u64; words];
    // Histogram of the number stored.
    let mut stored = vec![0u64; count + 1];
    let mut scratch = vec![vec![0u64; words]; depth + 1];
    for prefix in 0..blocks.layout.prefixes() {
        blocks.begin(prefix);
        if count > 0 {
            blocks.require(count - 1);
        }
        for middle in 0..1u64 << blocks.layout.middle.bits {
            // Patterns that the whole block stores, and patterns added to the planes.
            let (mut common, mut added) = (0usize, 0usize);
            planes.iter_mut().for_each(|plane| plane.fill(0));
            for (mu, &class) in blocks.middle_classes(middle).iter().enumerate() {
                match blocks.id(mu, class) {
                    NONE => {}
                    ALL => common += 1,
                    id => {
                        added += 1;
                        carry.copy_from_slice(blocks.mask(mu, id));
                        // Sums up to `added` reach this many planes.
                        let reach = (usize::BITS - added.leading_zeros()) as usize;
                        for plane in &mut planes[..reach] {
                            for (bit, carry) in plane.iter_mut().zip(&mut carry) {
                                let both = *bit & *carry;
                                *bit ^= *carry;
                                *carry = both;
                            }
                        }
                    }
                }
            }
            scratch[depth].fill(blocks.full_word());
            split(&planes, &mut scratch, common, &mut stored);
        }
    }
    stored.reverse();
    stored
}

/// Adds to `histogram[base + value]` the machines in the last of `scratch` whose planes read
/// `value`; one scratch buffer a plane below it.
fn split(planes: &[Vec<u64>], scratch: &mut [Vec<u64>], base: usize, histogram: &mut [u64]) {
    let (selected, below) = scratch.split_last_mut().expect("one buffer more than planes");
    let Some((plane, lower)) = planes.split_last() else {
        histogram[base] += selected.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        return;
    };
    for set in [false, true] {
        let flip = if set { 0 } else { u64::MAX };
        let child = below.last_mut().expect("one buffer more than planes");
        let mut any = 0;
        for ((child, selected), plane) in child.iter_mut().zip(selected.iter()).zip(plane) {
            *child = selected & (plane ^ flip);
            any |= *child;
        }
        if any != 0 {
            split(lower, below, base + (usize::from(set) << lower.len()), histogram);
        }
    }
}
