//! g(x) = max(0, x) + slope·min(0, x).
//!
//! Real weights learn with leak·x + (1 − leak)·x₊, where x₊ is a parabola between 0 and x over
//! |x| < 1/gain and leak is the slope, or [`LEAK`] where that is flatter: a pattern that finds all ReLU
//! units off has no other way to move them.

use super::{HiddenUnit, Kernel, Parameter};

/// ReLU with `slope` on the negative side.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeakyRelu {
    pub slope: f64,
}

pub(super) const PARAMETER: Parameter = Parameter {
    default: 0.01,
    accepts: |slope| slope > -1.0 && slope < 1.0,
    expected: "a number in (-1, 1)",
};

/// Least slope of ReLU units while they learn: it alone moves a pattern that finds all units off by
/// more than their width.
pub(super) const LEAK: f32 = 0.01;

impl HiddenUnit for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn key(&self) -> u64 {
        2
    }

    fn is_odd(&self) -> bool {
        false
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { self.slope * x }
    }

    fn derivative(&self, x: f64) -> f64 {
        if x > 0.0 { 1.0 } else { self.slope }
    }

    fn parameter(&self) -> Option<(&'static str, f64)> {
        Some(("slope", self.slope))
    }

    fn kernel(&self) -> Kernel {
        Kernel::Rectifier { slope: self.slope }
    }

    #[inline(always)]
    fn learnt(&self, x: f32, gain: f32) -> (f32, f32) {
        // The width stays finite.
        let gain = gain.max(1e-3);
        let (width, half_gain) = (1.0 / gain, 0.5 * gain);
        let slope = self.slope as f32;
        // A steeper slope downwards is as good.
        let leak = if slope.abs() < LEAK { LEAK } else { slope };
        let on = (0.5 + half_gain * x).clamp(0.0, 1.0);
        let beyond = x - width;
        let positive = width * (on * on) + if beyond > 0.0 { beyond } else { 0.0 };
        (leak * x + (1.0 - leak) * positive, leak + (1.0 - leak) * on)
    }

    #[inline(always)]
    fn judged(&self, x: f32) -> f32 {
        if x > 0.0 { x } else { self.slope as f32 * x }
    }
}
