//! Hidden units in f32: g(λ) and g'(λ), by the kernels' transcendental functions.
//!
//! Units with a step or a kink learn in a smooth form whose width is the inverse of a gain b, and are
//! judged exactly: sign units as tanh(bλ); ReLU units as a parabola between 0 and λ over |λ| < 1/b, with a
//! small slope below: a pattern that finds all units off has no other way to move them. |x| has the
//! slope 0 at its kink. Element-wise, no fused operation: the bits depend on no instruction set.

use crate::model::Activation;
use crate::simd::functions::{density_and_tails, erfc, exp, tanh};

/// One kind of hidden unit.
pub(super) trait Unit: Copy {
    /// (g, g') while learning.
    fn value_and_slope(self, x: f32) -> (f32, f32);

    /// g when judged.
    fn exact(self, x: f32) -> f32 {
        self.value_and_slope(x).0
    }
}

/// Something generic over the kind of unit.
pub(super) trait WithUnit {
    /// Does it with `unit`.
    fn with<U: Unit>(self, unit: U);
}

/// Calls `work` with the units of `activation`; `gain` = b of sign and ReLU units.
pub(super) fn dispatch(activation: Activation, gain: f32, work: impl WithUnit) {
    match activation {
        Activation::Identity => work.with(Identity),
        Activation::Relu => work.with(Leaky::new(0.0, gain)),
        Activation::LeakyRelu { slope } => work.with(Leaky::new(slope as f32, gain)),
        Activation::Sign => work.with(Sign { gain }),
        Activation::Erf { scale } => work.with(Erf { scale: scale as f32 }),
        Activation::Tanh => work.with(Tanh),
        Activation::Gelu => work.with(Gelu),
        Activation::Quadratic => work.with(Quadratic),
        Activation::Abs => work.with(Abs),
    }
}

#[derive(Clone, Copy)]
struct Identity;

impl Unit for Identity {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        (x, 1.0)
    }
}

/// Least slope of ReLU units while they learn: it alone moves a pattern that finds all units off by
/// more than their width.
const LEAK: f32 = 0.01;

/// ReLU with `slope` on the negative side; learns as leak·x + (1 − leak)·x₊, leak = slope or,
/// where it is flatter, LEAK, and x₊ smoothed over |x| < `width`.
#[derive(Clone, Copy)]
struct Leaky {
    slope: f32,
    leak: f32,
    width: f32,
    half_gain: f32,
}

impl Leaky {
    fn new(slope: f32, gain: f32) -> Self {
        // The width stays finite.
        let gain = gain.max(1e-3);
        // A steeper slope downwards is as good.
        let leak = if slope.abs() < LEAK { LEAK } else { slope };
        Self { slope, leak, width: 1.0 / gain, half_gain: 0.5 * gain }
    }
}

impl Unit for Leaky {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let Self { leak, width, half_gain, .. } = self;
        let on = (0.5 + half_gain * x).clamp(0.0, 1.0);
        let beyond = x - width;
        let positive = width * (on * on) + if beyond > 0.0 { beyond } else { 0.0 };
        (leak * x + (1.0 - leak) * positive, leak + (1.0 - leak) * on)
    }

    #[inline(always)]
    fn exact(self, x: f32) -> f32 {
        if x > 0.0 { x } else { self.slope * x }
    }
}

#[derive(Clone, Copy)]
struct Sign {
    gain: f32,
}

impl Unit for Sign {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        // tanh to 1e-7, though not relative to small values: half the cost of the kernels' function.
        let e = exp(-2.0 * (self.gain * x).abs());
        let t = ((1.0 - e) / (1.0 + e)).copysign(x);
        (t, self.gain * (1.0 - t * t))
    }

    #[inline(always)]
    fn exact(self, x: f32) -> f32 {
        let negative = if x < 0.0 { 1.0 } else { 0.0 };
        (if x > 0.0 { 1.0 } else { 0.0 }) - negative
    }
}

#[derive(Clone, Copy)]
struct Erf {
    scale: f32,
}

impl Unit for Erf {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let z = self.scale * x;
        (1.0 - erfc(z), self.scale * std::f32::consts::FRAC_2_SQRT_PI * exp(-(z * z)))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl Unit for Tanh {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let t = tanh(x);
        (t, 1.0 - t * t)
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Unit for Gelu {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let (density, below, _) = density_and_tails(x);
        (x * below, below + x * density)
    }
}

#[derive(Clone, Copy)]
struct Quadratic;

impl Unit for Quadratic {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        (x * x, x + x)
    }
}

#[derive(Clone, Copy)]
struct Abs;

impl Unit for Abs {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let negative = if x < 0.0 { 1.0 } else { 0.0 };
        (x.abs(), (if x > 0.0 { 1.0 } else { 0.0 }) - negative)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    struct Compare<'a>(&'a Activation);

    /// Value and slope of the smooth form, in f64.
    pub(in super::super) fn smoothed(activation: Activation, gain: f64, x: f64) -> (f64, f64) {
        let parabola = |slope: f64| {
            let on = if gain * x < -1.0 { (0.0, 0.0) } else { (x, 1.0) };
            let inside = ((1.0 + gain * x).powi(2) / (4.0 * gain), 0.5 * (1.0 + gain * x));
            let (value, step) = if (gain * x).abs() < 1.0 { inside } else { on };
            (slope * x + (1.0 - slope) * value, slope + (1.0 - slope) * step)
        };
        match activation {
            Activation::Relu => parabola(f64::from(LEAK)),
            Activation::LeakyRelu { slope } => parabola(slope),
            Activation::Sign => {
                let t = libm::tanh(gain * x);
                (t, gain * (1.0 - t * t))
            }
            other => (other.value(x), other.derivative(x)),
        }
    }

    impl WithUnit for Compare<'_> {
        fn with<U: Unit>(self, unit: U) {
            for step in -400..=400 {
                // No kink is hit.
                let x = f64::from(step) / 100.0 + 0.003;
                let (value, slope) = unit.value_and_slope(x as f32);
                let (value, slope) = (f64::from(value), f64::from(slope));
                let name = self.0.name();
                let judged = f64::from(unit.exact(x as f32));
                assert!((judged - self.0.value(x)).abs() < 4e-6, "{name}({x}) = {judged}");
                let (v, s) = smoothed(*self.0, 1.5, x);
                assert!((value - v).abs() < 4e-6, "{name}({x}) = {value}");
                assert!((slope - s).abs() < 1e-5, "{name}'({x}) = {slope}");
            }
        }
    }

    /// Values and slopes of every activation against the f64 definitions: f32 rounding of numbers up
    /// to 16.
    #[test]
    fn units_agree_with_the_model() {
        for activation in [
            Activation::Identity,
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.2 },
            Activation::Sign,
            Activation::Erf { scale: 0.7 },
            Activation::Tanh,
            Activation::Gelu,
            Activation::Quadratic,
            Activation::Abs,
        ] {
            dispatch(activation, 1.5, Compare(&activation));
        }
    }
}
