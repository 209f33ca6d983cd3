//! Momentum SGD on the sphere Σ_i W_li² = n of every unit.
//!
//! V ← T(mV + G), W ← R(W + ηV): T takes away the component along W, X − W(W·X)/(W·W), R restores the
//! norm. As the new V is tangent, |W + ηV|² = W·W + η²[V·V − (V·W)²/W·W] with V = mV + G: three sums of
//! one pass give the step and its norm, a second pass makes it. Sums run over eight lanes and a fixed
//! tree, nothing is fused: the bits depend on no instruction set. Cost O(N). Bound: the vector ports, by
//! thirteen instructions for eight weights.

use super::isa::{Isa, Set};
use super::scalar;

/// The scalars of a step.
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// n.
    pub n: usize,
    /// From unit to unit, a multiple of eight.
    pub stride: usize,
    /// m.
    pub momentum: f32,
    /// η.
    pub eta: f32,
}

/// One step of all units: G, V, W are K × stride with zero padding. A unit must not be zero.
///
/// # Panics
/// If the lengths differ or the stride is no multiple of eight.
pub fn momentum_step(
    isa: Isa,
    step: Momentum,
    gradient: &[f32],
    velocity: &mut [f32],
    weights: &mut [f32],
) {
    assert!(step.stride > 0 && step.stride.is_multiple_of(8), "whole registers");
    assert!(gradient.len() == weights.len() && velocity.len() == weights.len(), "lengths");
    match isa.0 {
        Set::Scalar => scalar::momentum_step(step, gradient, velocity, weights),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 | Set::Avx512 => {
            super::x86_64::avx2::momentum_step(step, gradient, velocity, weights);
        }
        #[cfg(target_arch = "aarch64")]
        Set::Neon => scalar::momentum_step(step, gradient, velocity, weights),
    }
}
