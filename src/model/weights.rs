//! Weights: binary (bit-packed like a pattern row) or spherical (f32, Σ_i W_li² = n per unit).

use super::architecture::Architecture;
use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// The weight space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightKind {
    /// W_i = ±1.
    Binary,
    /// Real weights, Σ_i W_li² = n in every unit.
    Spherical,
}

impl WeightKind {
    /// The name used in job files, at the command line and in result files.
    pub fn name(self) -> &'static str {
        match self {
            WeightKind::Binary => "binary",
            WeightKind::Spherical => "spherical",
        }
    }
}

/// One configuration of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Weights {
    /// Bit-packed, K × ⌈n/64⌉ words, bit 1 means −1, padding zero.
    Binary(Vec<u64>),
    /// N values, unit after unit.
    Spherical(Vec<f32>),
}

impl Weights {
    /// Uniformly random ±1 weights.
    pub fn random_binary(architecture: Architecture, stream: &mut Stream) -> Self {
        let n = architecture.unit_inputs();
        let words = n.div_ceil(64);
        let mut bits = vec![0u64; architecture.hidden() * words];
        for (index, word) in bits.iter_mut().enumerate() {
            *word = stream.bits() & tail_mask(n, index % words);
        }
        Weights::Binary(bits)
    }

    /// Binary weights from N entries ±1, unit after unit.
    ///
    /// # Errors
    /// A message if the length is not N or an entry is not ±1.
    pub fn from_signs(architecture: Architecture, signs: &[i8]) -> Result<Self, String> {
        if signs.len() != architecture.inputs() {
            return Err(format!("{} weights: expected {}", signs.len(), architecture.inputs()));
        }
        if let Some(at) = signs.iter().position(|&x| x != 1 && x != -1) {
            return Err(format!("weights[{at}] = {}: expected 1 or -1", signs[at]));
        }
        let n = architecture.unit_inputs();
        let words = n.div_ceil(64);
        let mut bits = vec![0u64; architecture.hidden() * words];
        for (i, &sign) in signs.iter().enumerate() {
            bits[i / n * words + i % n / 64] |= u64::from(sign < 0) << (i % n % 64);
        }
        Ok(Weights::Binary(bits))
    }

    /// The N entries of binary weights as ±1; `None` for spherical weights.
    pub fn signs(&self, architecture: Architecture) -> Option<Vec<i8>> {
        let Weights::Binary(bits) = self else { return None };
        let n = architecture.unit_inputs();
        let words = n.div_ceil(64);
        Some(
            (0..architecture.inputs())
                .map(|i| 1 - 2 * (bits[i / n * words + i % n / 64] >> (i % n % 64) & 1) as i8)
                .collect(),
        )
    }

    /// q = (1/N) Σ_i W_i W'_i with other weights of the same machine.
    pub fn overlap(&self, other: &Self, architecture: Architecture) -> f64 {
        let inputs = architecture.inputs() as f64;
        match (self, other) {
            (Weights::Binary(a), Weights::Binary(b)) => {
                let differing: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
                1.0 - 2.0 * f64::from(differing) / inputs
            }
            _ => {
                let (a, b) = (self.values(architecture), other.values(architecture));
                a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>() / inputs
            }
        }
    }

    /// The N entries as f64, unit after unit.
    pub fn values(&self, architecture: Architecture) -> Vec<f64> {
        match self {
            Weights::Spherical(values) => values.iter().map(|&w| f64::from(w)).collect(),
            Weights::Binary(_) => {
                let signs = self.signs(architecture).expect("binary weights have signs");
                signs.into_iter().map(f64::from).collect()
            }
        }
    }

    /// W_i → −W_i.
    pub fn flip(&mut self, architecture: Architecture, i: usize) {
        let n = architecture.unit_inputs();
        match self {
            Weights::Binary(bits) => bits[i / n * n.div_ceil(64) + i % n / 64] ^= 1 << (i % n % 64),
            Weights::Spherical(values) => values[i] = -values[i],
        }
    }

    /// Binary or spherical.
    pub fn kind(&self) -> WeightKind {
        match self {
            Weights::Binary(_) => WeightKind::Binary,
            Weights::Spherical(_) => WeightKind::Spherical,
        }
    }
}

/// Mask of the valid bits of word `word` (0-based) of a group of `n` inputs.
pub fn tail_mask(n: usize, word: usize) -> u64 {
    let left = n.saturating_sub(word * 64);
    if left >= 64 { u64::MAX } else { (1 << left) - 1 }
}
