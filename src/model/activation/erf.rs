//! g(x) = erf(scale·x).

use super::{HiddenUnit, Kernel, Parameter};
use crate::simd::functions::{erfc, exp};
use std::f64::consts::FRAC_2_SQRT_PI;

/// The error function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Erf {
    pub scale: f64,
}

pub(super) const PARAMETER: Parameter = Parameter {
    default: 1.0,
    accepts: |scale| scale > 0.0 && scale.is_finite(),
    expected: "a positive number",
};

impl HiddenUnit for Erf {
    fn name(&self) -> &'static str {
        "erf"
    }

    fn key(&self) -> u64 {
        4
    }

    fn is_odd(&self) -> bool {
        true
    }

    fn value(&self, x: f64) -> f64 {
        libm::erf(self.scale * x)
    }

    fn derivative(&self, x: f64) -> f64 {
        let scale = self.scale;
        scale * FRAC_2_SQRT_PI * libm::exp(-(scale * x) * (scale * x))
    }

    fn parameter(&self) -> Option<(&'static str, f64)> {
        Some(("scale", self.scale))
    }

    fn kernel(&self) -> Kernel {
        Kernel::ArcSine { scale: self.scale }
    }

    #[inline(always)]
    fn learnt(&self, x: f32, _gain: f32) -> (f32, f32) {
        let scale = self.scale as f32;
        let z = scale * x;
        (1.0 - erfc(z), scale * std::f32::consts::FRAC_2_SQRT_PI * exp(-(z * z)))
    }
}
