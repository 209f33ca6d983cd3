//! One update of the magnetisations: m ← k·m + (1−k)·tanh h_tot, with what is to be known of it.
//!
//! In f32 by the kernels' functions, [`LANES`] weights at a time; sums in f64, a lane each, in
//! order. The same bits on every instruction set.

use super::focusing::{Field, Focus};
use super::node::LANES;
use crate::simd::Work;

/// Magnetisations and fields of all weights, n a unit.
pub struct Update<'a> {
    /// n.
    pub inputs: usize,
    /// Gives h_tot.
    pub focus: Focus,
    /// k.
    pub keep: f32,
    /// m, renewed.
    pub magnetization: &'a mut [f32],
    /// h.
    pub field: &'a [f32],
    /// h_tot of the last update, renewed (reinforcement).
    pub total: &'a mut [f32],
    /// Renewed: bits of h_tot < 0, ⌈n/64⌉ words a unit.
    pub bits: &'a mut [u64],
    /// Renewed: Σm² and Σ(tanh h_tot − m)².
    pub sums: &'a mut Sums,
}

/// Sums over all weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Σm² after the update.
    pub norm2: f64,
    /// Σ(tanh h_tot − m)².
    pub moved2: f64,
}

impl Work for Update<'_> {
    #[inline(always)]
    fn run(self) {
        match self.focus {
            Focus::Replicas(focus) => self.with(focus),
            Focus::Reinforce(focus) => self.with(focus),
        }
    }
}

impl Update<'_> {
    #[inline(always)]
    fn with(self, focus: impl Field) {
        let (mut norm2, mut moved2) = ([0.0f64; LANES], [0.0f64; LANES]);
        let n = self.inputs;
        let units = self.magnetization.chunks_exact_mut(n).zip(self.field.chunks_exact(n));
        let words = self.bits.chunks_exact_mut(n.div_ceil(64));
        for (((m, h), total), bits) in units.zip(self.total.chunks_exact_mut(n)).zip(words) {
            bits.fill(0);
            let chunks = m.chunks_mut(LANES).zip(h.chunks(LANES)).zip(total.chunks_mut(LANES));
            for (at, ((m, h), total)) in chunks.enumerate() {
                // A weight that is not there has h = m = 0 and adds nothing.
                let (mut old, mut fields, mut totals) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
                let len = m.len();
                old[..len].copy_from_slice(m);
                fields[..len].copy_from_slice(h);
                totals[..len].copy_from_slice(total);
                let (mut mixed, mut negative) = ([0.0f32; LANES], [0u16; LANES]);
                for j in 0..LANES {
                    let new = focus.magnetization(fields[j], &mut totals[j]);
                    let step = new - old[j];
                    mixed[j] = new - self.keep * step;
                    norm2[j] += f64::from(mixed[j] * mixed[j]);
                    moved2[j] += f64::from(step * step);
                    negative[j] = u16::from(new < 0.0) << j;
                }
                m.copy_from_slice(&mixed[..len]);
                total.copy_from_slice(&totals[..len]);
                let word = negative.iter().fold(0, |word, bit| word | bit);
                bits[at * LANES / 64] |= u64::from(word) << (at * LANES % 64);
            }
        }
        *self.sums = Sums { norm2: norm2.iter().sum(), moved2: moved2.iter().sum() };
    }
}
