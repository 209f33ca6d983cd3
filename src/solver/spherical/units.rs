//! Hidden units in f32: g(λ) and g'(λ), by the kernels' transcendental functions.
//!
//! Sign units learn as tanh(βλ) with the gain β and are judged as sign(λ); at kinks the slope is
//! that of the negative side for ReLU units and 0 for |x|. Element-wise, no fused operation: the
//! bits depend on no instruction set.

use crate::model::Activation;
use crate::simd::functions::{density_and_tails, erfc, exp, tanh};

/// One kind of hidden unit.
pub(super) trait Unit: Copy {
    /// Whether the units that learn are a smoothed form of those that are judged.
    const SMOOTHED: bool = false;

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

/// Calls `work` with the units of `activation`; `gain` = β of sign units.
pub(super) fn dispatch(activation: Activation, gain: f32, work: impl WithUnit) {
    match activation {
        Activation::Identity => work.with(Identity),
        Activation::Relu => work.with(Leaky { slope: 0.0 }),
        Activation::LeakyRelu { slope } => work.with(Leaky { slope: slope as f32 }),
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

/// ReLU with `slope` on the negative side.
#[derive(Clone, Copy)]
struct Leaky {
    slope: f32,
}

impl Unit for Leaky {
    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let slope = if x > 0.0 { 1.0 } else { self.slope };
        (slope * x, slope)
    }
}

#[derive(Clone, Copy)]
struct Sign {
    gain: f32,
}

impl Unit for Sign {
    const SMOOTHED: bool = true;

    #[inline(always)]
    fn value_and_slope(self, x: f32) -> (f32, f32) {
        let t = tanh(self.gain * x);
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
mod tests {
    use super::*;

    struct Compare<'a>(&'a Activation);

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
                if U::SMOOTHED {
                    let t = libm::tanh(1.5 * x);
                    assert!((value - t).abs() < 1e-6, "smoothed {name}({x}) = {value}");
                    assert!((slope - 1.5 * (1.0 - t * t)).abs() < 1e-5, "slope at {x}: {slope}");
                } else {
                    let expected = self.0.derivative(x);
                    assert!((slope - expected).abs() < 4e-6, "{name}'({x}) = {slope}");
                }
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
