//! Straight-through gradient: cross-entropy of the binary machine, passed on to the hidden weights
//! as if W = H.
//!
//! x = σΔ − κ with W = sign H; loss ln(1 + e^(−2βx))/(2β), slope −1/(1 + e^(2βx)), so
//! H_li += η σ c_l g'(λ_l) ξ_i / (1 + e^(2βx)), |H_li| ≤ 1 after each mini-batch. Sign units use
//! tanh(βλ) in the place of sign λ, its derivative scaled to 1 at λ = 0. For ReLU units g' is the
//! smooth gate 1/(1 + e^(−0.6βλ)) instead of a step: a pattern whose units of the right sign
//! (c_l = σ) are all off would otherwise have no gradient that turns one on, and stay an error for
//! ever; at small K these dead patterns decide the success probability. Cost N/64 popcounts a
//! presentation and up to N additions. Deterministic: one table entry a value of the integer h_l,
//! sums in unit order, pinned `libm`.

use super::lanes;
use super::machine::Machine;
use crate::model::{Activation, Patterns};

/// Slope of the ReLU's gate in units of the loss's slope β.
const GATE: f64 = 0.3;

/// A gate below this counts as closed.
const CLOSED: f64 = 0.02;

/// Corrections below this fraction of the largest possible are not applied.
const NEGLIGIBLE: f64 = 1.0 / 1024.0;

/// g and g' by the number of differing inputs, and the loss at one β.
#[derive(Clone, Debug)]
pub struct Loss {
    beta: f64,
    kappa: f64,
    /// c-free g(λ)/√K for differing = 0..=n.
    value: Vec<f64>,
    /// g'(λ) (scaled for sign).
    derivative: Vec<f32>,
}

impl Loss {
    /// For `machine` with margin `kappa`; to be given its slope by [`Self::set`].
    pub fn new(machine: &Machine, kappa: f64) -> Self {
        let n = machine.unit_inputs;
        Self { beta: 0.0, kappa, value: vec![0.0; n + 1], derivative: vec![0.0; n + 1] }
    }

    /// Takes β of an epoch.
    pub fn set(&mut self, machine: &Machine, beta: f64) {
        let n = machine.unit_inputs as f64;
        let scale = 1.0 / (machine.hidden as f64).sqrt();
        self.beta = beta;
        let entries = self.value.iter_mut().zip(&mut self.derivative);
        for (differing, (value, derivative)) in entries.enumerate() {
            let lambda = (n - 2.0 * differing as f64) / n.sqrt();
            let (g, slope) = surrogate(machine.activation, beta, lambda);
            *value = scale * g;
            *derivative = slope as f32;
        }
    }

    /// 1/(1 + e^(2β(stability − κ))).
    #[inline(always)]
    fn slope(&self, stability: f64) -> f64 {
        1.0 / (1.0 + libm::exp(2.0 * self.beta * (stability - self.kappa)))
    }
}

/// The differentiable stand-in for g, and its derivative.
fn surrogate(activation: Activation, beta: f64, lambda: f64) -> (f64, f64) {
    match activation {
        Activation::Sign => {
            let t = libm::tanh(beta * lambda);
            (t, 1.0 - t * t)
        }
        Activation::Relu => {
            let gate = 1.0 / (1.0 + libm::exp(-2.0 * GATE * beta * lambda));
            (lambda.max(0.0), if gate < CLOSED { 0.0 } else { gate })
        }
        other => (other.value(lambda), other.derivative(lambda)),
    }
}

/// Presents the patterns of `batch` to one replica: H accumulates the gradient, `bits` stay.
/// Returns the number of patterns with σΔ̃ ≤ κ.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub fn minibatch(
    machine: &Machine,
    loss: &Loss,
    patterns: &Patterns,
    batch: &[u32],
    eta: f32,
    bits: &[u64],
    fields: &mut [f32],
    differing: &mut [u32],
) -> u64 {
    let lanes_of_unit = 64 * machine.words;
    let mut errors = 0;
    for &mu in batch {
        let row = patterns.row(mu as usize);
        let sigma = patterns.label(mu as usize);
        machine.differing(row, bits, differing);
        let mut output = 0.0;
        for (&d, &c) in differing.iter().zip(&machine.readout) {
            output += f64::from(c) * loss.value[d as usize];
        }
        let stability = f64::from(sigma) * output;
        errors += u64::from(stability <= loss.kappa);
        let slope = loss.slope(stability);
        if slope < NEGLIGIBLE {
            continue;
        }
        let step = eta * slope as f32 * sigma as f32;
        for unit in 0..machine.hidden {
            let gain = loss.derivative[differing[unit] as usize];
            if gain != 0.0 {
                let unit_fields = &mut fields[unit * lanes_of_unit..][..lanes_of_unit];
                let step = step * gain * machine.readout[unit] as f32;
                lanes::add_signed(unit_fields, machine.unit_row(row, unit), step);
            }
        }
    }
    errors
}
