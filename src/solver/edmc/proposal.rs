//! Blocks of flips proposed from the means of the messages.
//!
//! Site i flips with p_i = s/(1 + e^{−βΔ_i}), Δ_i = ln[cosh 2γ − w̃_i m_i sinh 2γ], independently of
//! the others; s = min(½, `flips`/Σ_i 1/(1 + e^{−βΔ_i})). ln q of a block is then
//! Σ_i ln(1 − p_i) + Σ_{flipped} [ln p_i − ln(1 − p_i)]. O(N), nothing allocates after `new`.

use crate::rng::Stream;

/// Largest s: what is left undone can always be undone.
const MOST: f64 = 0.5;

/// The law of a proposal at one state.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// p_i.
    chances: Vec<f64>,
    /// Σ_i ln(1 − p_i).
    none: f64,
}

impl Proposal {
    /// For `inputs` = N sites; flips nothing yet.
    pub fn new(inputs: usize) -> Self {
        Self { chances: vec![0.0; inputs], none: 0.0 }
    }

    /// The law at w̃ = `signs` with the means m.
    pub fn set(&mut self, m: &[f32], signs: &[i8], beta: f64, gamma: f64, flips: f64) {
        let (with, against) = (libm::exp(-2.0 * gamma), libm::exp(2.0 * gamma));
        let mut sum = 0.0;
        for ((chance, &m), &sign) in self.chances.iter_mut().zip(m).zip(signs) {
            let t = f64::from(sign) * f64::from(m);
            let ratio = 0.5 * ((1.0 + t) * with + (1.0 - t) * against);
            *chance = 1.0 / (1.0 + libm::exp(-beta * libm::log(ratio)));
            sum += *chance;
        }
        let scale = (flips / sum).min(MOST);
        self.none = 0.0;
        for chance in &mut self.chances {
            *chance *= scale;
            self.none += libm::log1p(-*chance);
        }
    }

    /// Draws a block, ascending.
    pub fn draw(&self, stream: &mut Stream, sites: &mut Vec<u32>) {
        sites.clear();
        for (site, &chance) in self.chances.iter().enumerate() {
            if stream.uniform() < chance {
                sites.push(site as u32);
            }
        }
    }

    /// ln q of the block `sites`.
    pub fn ln(&self, sites: &[u32]) -> f64 {
        let odds = |&site: &u32| {
            let p = self.chances[site as usize];
            libm::log(p) - libm::log1p(-p)
        };
        self.none + sites.iter().map(odds).sum::<f64>()
    }
}
