//! Straight-through gradient: cross-entropy of the binary machine, passed on to the hidden weights
//! as if W = H.
//!
//! With x = σΔ − κ, W = sign H,
//!
//! $$ \mathcal L = \frac{\ln(1 + e^{-2\beta x})}{2\beta}, \qquad
//!    H_{li} \leftarrow H_{li} + \frac{\eta\ \sigma\ c_l\ g^\prime(\lambda_l)\ \xi_{li}}{1 + e^{2\beta x}} , $$
//!
//! |H_li| ≤ 1 after each mini-batch. Sign units use
//! tanh(βλ) in the place of sign λ, its derivative scaled to 1 at λ = 0. For ReLU units g' is the
//! smooth gate 1/(1 + e^(−0.6βλ)) instead of a step: a pattern whose units of the right sign
//! (c_l = σ) are all off would otherwise have no gradient that turns one on, and stay an error for
//! ever; at small K these dead patterns decide the success probability. Cost N/64 popcounts a
//! presentation and up to N additions. Deterministic: one table entry a value of the integer h_l,
//! sums in unit order, pinned `libm`.

use super::forward::Forward;
use super::lanes;
use super::machine::Machine;
use crate::model::{Activation, Patterns};
use crate::simd::{Isa, PatternBlock};

/// Slope of the ReLU's gate in units of the loss's slope β.
const GATE: f64 = 0.3;

/// A gate below this counts as closed.
const CLOSED: f64 = 0.02;

/// Corrections below this fraction of the largest possible are not applied.
const NEGLIGIBLE: f64 = 1.0 / 1024.0;

/// The rule at one β, with its work space.
#[derive(Clone, Debug)]
pub struct StraightThrough {
    beta: f64,
    /// c-free g(λ)/√K for differing = 0..=n.
    value: Vec<f64>,
    /// g'(λ) (scaled for sign).
    derivative: Vec<f32>,
    /// The gradient of the mini-batch times η, padded lanes.
    corrections: Vec<f32>,
}

impl StraightThrough {
    /// For `machine`; to be given its slope by [`Self::set`].
    pub fn new(machine: &Machine) -> Self {
        let n = machine.unit_inputs;
        Self {
            beta: 0.0,
            value: vec![0.0; n + 1],
            derivative: vec![0.0; n + 1],
            corrections: vec![0.0; machine.lanes()],
        }
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

    /// Presents the patterns of `batch`, which are in `block`, to the weights in `forward`; leaves
    /// η times the gradient in [`Self::corrections`]. Returns the number of patterns with σΔ̃ ≤ κ.
    #[inline(always)]
    pub fn minibatch(
        &mut self,
        isa: Isa,
        machine: &Machine,
        patterns: &Patterns,
        (eta, kappa): (f32, f64),
        (batch, block): (&[u32], &PatternBlock),
        forward: &mut Forward,
    ) -> u64 {
        self.corrections.fill(0.0);
        let (n, stride, lanes) = (machine.unit_inputs, forward.stride(), machine.unit_lanes());
        let fields = forward.run(isa, block);
        let mut errors = 0;
        for (slot, &mu) in batch.iter().enumerate() {
            let sigma = machine.labels[mu as usize];
            let differing =
                |unit: usize| ((n as i32 - i32::from(fields[unit * stride + slot])) / 2) as usize;
            let mut output = 0.0;
            for (unit, &c) in machine.readout.iter().enumerate() {
                output += f64::from(c) * self.value[differing(unit)];
            }
            let stability = f64::from(sigma) * output;
            errors += u64::from(stability <= kappa);
            let slope = 1.0 / (1.0 + libm::exp(2.0 * self.beta * (stability - kappa)));
            if slope < NEGLIGIBLE {
                continue;
            }
            let row = machine.row(patterns, mu);
            let step = eta * slope as f32 * sigma as f32;
            for (unit, &c) in machine.readout.iter().enumerate() {
                let gain = self.derivative[differing(unit)];
                if gain != 0.0 {
                    let sums = &mut self.corrections[unit * lanes..][..lanes];
                    lanes::add_signed(sums, machine.unit_row(row, unit), step * gain * c as f32);
                }
            }
        }
        errors
    }

    /// η times the gradient, the lanes of `unit`.
    #[inline(always)]
    pub fn corrections(&self, machine: &Machine, unit: usize) -> &[f32] {
        &self.corrections[unit * machine.unit_lanes()..][..machine.unit_lanes()]
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
