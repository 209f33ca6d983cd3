//! Exact node of sign units: the number of right votes among K independent units.
//!
//! p_l = Φ(y ω_l/√V_l) is the probability that unit l votes with the label; Z = P(at least
//! `need` right votes), d_l = P(exactly need − 1 of the others right), by prefix and suffix laws:
//!
//! $$ g_l = \frac{y\ \varphi_l\ d_l}{\sqrt{V_l}\ Z}, \qquad
//!    -\partial g_l = g_l^2 + \frac{\omega_l}{V_l} g_l . $$
//! O(K²) a pattern; deterministic. f64 inside: products of K tail probabilities leave f32's range.

use super::closure::lanes;
use super::node::{Block, LANES, Spread, first_storing};
use crate::model::Storage;
use crate::simd::functions::density_and_tails;

type Wide = [f64; LANES];

/// The node of one machine, with work space.
pub struct Votes {
    hidden: usize,
    /// Right votes that store.
    need: usize,
    /// p_l.
    right: Vec<Wide>,
    /// φ(ω_l/√V_l).
    density: Vec<Wide>,
    /// `prefix[l][a]` = P(a right among units before l), a in 0..need; row length `need`.
    prefix: Vec<Wide>,
    /// P(a right among the units after the present one).
    suffix: Vec<Wide>,
}

impl Votes {
    /// The node for `storage` with sign units.
    pub fn new(storage: &Storage) -> Self {
        let hidden = storage.architecture().hidden();
        // right − wrong ≥ first ⇔ right ≥ (K + first)/2, rounded up; at least one vote.
        let need = (hidden as i64 + first_storing(storage) + 1).div_euclid(2).max(1) as usize;
        Self {
            hidden,
            need,
            right: vec![[0.0; LANES]; hidden],
            density: vec![[0.0; LANES]; hidden],
            prefix: vec![[0.0; LANES]; (hidden + 1) * need],
            suffix: vec![[0.0; LANES]; need],
        }
    }
}

/// ln Z of pattern `mu` with label `label`; row l of `omega` is unit l, `stride` values apart.
pub fn ln_z(
    votes: &mut Votes,
    spreads: &[Spread],
    omega: &[f32],
    (stride, mu): (usize, usize),
    label: f32,
) -> f64 {
    let (need, mut z) = (votes.need, 0.0);
    let law = &mut votes.suffix;
    law.iter_mut().for_each(|entry| entry[0] = 0.0);
    law[0][0] = 1.0;
    for (l, spread) in spreads.iter().enumerate() {
        let u = (label * omega[l * stride + mu] * spread.inverse).clamp(-CERTAIN, CERTAIN);
        let p = f64::from(density_and_tails(u).1);
        // The vote that decides ends the count.
        z += law[need - 1][0] * p;
        for a in (0..need).rev() {
            let fewer = if a > 0 { law[a - 1][0] } else { 0.0 };
            law[a][0] = law[a][0] * (1.0 - p) + fewer * p;
        }
    }
    libm::log(z.max(f64::MIN_POSITIVE))
}

/// z beyond which a vote counts as certain: K/2 such tails still multiply to a normal f64.
const CERTAIN: f32 = 8.0;

/// g and −∂g of one block.
#[inline(always)]
pub fn block(votes: &mut Votes, spreads: &[Spread], block: Block) {
    let (hidden, need) = (votes.hidden, votes.need);
    for (l, spread) in spreads.iter().enumerate() {
        let omega = lanes(block.omega, l * block.stride + block.at);
        let (right, density) = (&mut votes.right[l], &mut votes.density[l]);
        for j in 0..LANES {
            let z = (block.label[j] * omega[j] * spread.inverse).clamp(-CERTAIN, CERTAIN);
            let (phi, below, _) = density_and_tails(z);
            right[j] = f64::from(below);
            density[j] = f64::from(phi);
        }
    }
    // Laws of the units before each unit, cut off at need − 1 right votes.
    votes.prefix[..need].fill([0.0; LANES]);
    votes.prefix[0] = [1.0; LANES];
    for l in 0..hidden {
        let (done, rest) = votes.prefix.split_at_mut((l + 1) * need);
        let (before, after) = (&done[l * need..], &mut rest[..need]);
        let p = &votes.right[l];
        for a in (0..need).take(l + 2) {
            let fewer = if a > 0 { before[a - 1] } else { [0.0; LANES] };
            for j in 0..LANES {
                after[a][j] = before[a][j] * (1.0 - p[j]) + fewer[j] * p[j];
            }
        }
        for entry in after.iter_mut().skip(l + 2) {
            *entry = [0.0; LANES];
        }
    }
    // Z = 1 − P(fewer than need right), or where that cancels the sum over the last decisive vote:
    // Z = Σ_l P(need − 1 right before l) p_l.
    let mut z = [0.0f64; LANES];
    for l in need - 1..hidden {
        let (last, p) = (&votes.prefix[l * need + need - 1], &votes.right[l]);
        for j in 0..LANES {
            z[j] += last[j] * p[j];
        }
    }
    votes.suffix.fill([0.0; LANES]);
    votes.suffix[0] = [1.0; LANES];
    for l in (0..hidden).rev() {
        let mut decisive = [0.0f64; LANES];
        for a in 0..need.min(l + 1) {
            let others = need - 1 - a;
            if others > hidden - 1 - l {
                continue;
            }
            let (before, after) = (&votes.prefix[l * need + a], &votes.suffix[others]);
            for j in 0..LANES {
                decisive[j] += before[j] * after[j];
            }
        }
        let p = &votes.right[l];
        for a in (0..need.min(hidden - l + 1)).rev() {
            let fewer = if a > 0 { votes.suffix[a - 1] } else { [0.0; LANES] };
            let entry = &mut votes.suffix[a];
            for j in 0..LANES {
                entry[j] = entry[j] * (1.0 - p[j]) + fewer[j] * p[j];
            }
        }
        let at = l * block.stride + block.at;
        let (spread, density) = (spreads[l], &votes.density[l]);
        let inverse = f64::from(spread.inverse);
        for j in 0..LANES {
            let ratio = density[j] * decisive[j] * inverse / z[j].max(f64::MIN_POSITIVE);
            let g = (f64::from(block.label[j]) * ratio) as f32;
            let omega = block.omega[at + j];
            block.g[at + j] = g;
            block.curvature[l][j] += g * g + omega * spread.inverse * spread.inverse * g;
        }
    }
}
