//! Elastic coupling of a replica to the centre, after each of its mini-batches.
//!
//! Traced centre, c = (1/y)Σ_r W^r, x = γ y c = γ Σ_r W^r:
//! hard H += λ[clamp(x, −1, 1) − W], simple H += λ[tanh x − W],
//! corrected H += λ[tanh x − tanh(γy) W], continuous H += λ(c − W).
//! The sum over replicas is the one before this replica's mini-batch, W the one after it, as in
//! Baldassi et al., PNAS 113, E7655 (2016), SI eqs. (C7), (C9), and its published program.
//! Explicit centre, H^c its own hidden weights: H += λ(W^c − W)/2, H^c −= λ(W^c − W)/2.
//! Cost O(N) a mini-batch. Deterministic.

use super::lanes;
use super::params::Formula;

/// The coupling at one epoch's γ and λ.
#[derive(Clone, Debug)]
pub struct Coupling {
    formula: Formula,
    lambda: f32,
    gamma: f32,
    /// Coefficient of W.
    own: f32,
    /// λ·f(γ s) for s = −y, −y+2, …, y, for the formulas with tanh.
    kicks: Vec<f32>,
}

impl Coupling {
    /// For y = `replicas`; to be given its strength by [`Self::set`].
    pub fn new(formula: Formula, replicas: usize) -> Self {
        let kicks = vec![0.0; replicas + 1];
        Self { formula, lambda: 0.0, gamma: 0.0, own: 0.0, kicks }
    }

    /// Takes λ and γ of an epoch.
    pub fn set(&mut self, lambda: f64, gamma: f64) {
        let replicas = self.kicks.len() as f64 - 1.0;
        let correction = match self.formula {
            Formula::Corrected => libm::tanh(gamma * replicas),
            _ => 1.0,
        };
        self.lambda = lambda as f32;
        self.own = (lambda * correction) as f32;
        self.gamma = match self.formula {
            Formula::Continuous => 1.0 / replicas as f32,
            _ => gamma.min(1e6) as f32,
        };
        for (index, kick) in self.kicks.iter_mut().enumerate() {
            let sum = 2.0 * index as f64 - replicas;
            let x = if sum == 0.0 { 0.0 } else { gamma * sum };
            *kick = (lambda * libm::tanh(x)) as f32;
        }
    }

    /// One word of a replica: kicks the 64 `fields`, renews the weight bits `old` and the lanes'
    /// `sums` Σ_r W^r; returns the new bits.
    #[inline(always)]
    pub fn kick(&self, fields: &mut [f32], sums: &mut [f32], old: u64, mask: u64) -> u64 {
        match self.formula {
            Formula::Hard | Formula::Continuous => {
                for (h, &s) in fields.iter_mut().zip(&*sums) {
                    let w = 1f32.copysign(*h);
                    *h += self.lambda * (self.gamma * s).clamp(-1.0, 1.0) - self.lambda * w;
                }
            }
            Formula::Simple | Formula::Corrected => {
                let offset = self.kicks.len() as i32 - 1;
                for (h, &s) in fields.iter_mut().zip(&*sums) {
                    let w = 1f32.copysign(*h);
                    *h += self.kicks[((s as i32 + offset) >> 1) as usize] - self.own * w;
                }
            }
        }
        lanes::reset_padding(fields, mask, 1.0);
        renew(fields, sums, old, mask)
    }

    /// The explicit centre: moves `fields` of a replica and `center` towards each other where their
    /// signs differ; returns the new bits of both.
    #[inline(always)]
    pub fn kick_explicit(&self, fields: &mut [f32], center: &mut [f32], mask: u64) -> (u64, u64) {
        for (h, c) in fields.iter_mut().zip(&mut *center) {
            let pull = 0.5 * self.lambda * (1f32.copysign(*c) - 1f32.copysign(*h));
            *h += pull;
            *c -= pull;
        }
        lanes::reset_padding(fields, mask, 1.0);
        lanes::reset_padding(center, mask, 1.0);
        (lanes::negative_bits(fields, mask), lanes::negative_bits(center, mask))
    }
}

/// New weight bits of 64 lanes; `sums` follows.
#[inline(always)]
fn renew(fields: &[f32], sums: &mut [f32], old: u64, mask: u64) -> u64 {
    let mut before = [0f32; 64];
    lanes::expand(old, &mut before);
    for ((s, h), w) in sums.iter_mut().zip(fields).zip(&before) {
        *s += 1f32.copysign(*h) - w;
    }
    lanes::negative_bits(fields, mask)
}
