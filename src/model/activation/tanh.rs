//! g(x) = tanh(x).

use super::HiddenUnit;
use crate::simd::functions::tanh;

/// The hyperbolic tangent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tanh;

impl HiddenUnit for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn key(&self) -> u64 {
        5
    }

    fn is_odd(&self) -> bool {
        true
    }

    fn value(&self, x: f64) -> f64 {
        libm::tanh(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        let t = libm::tanh(x);
        1.0 - t * t
    }

    #[inline(always)]
    fn learnt(&self, x: f32, _gain: f32) -> (f32, f32) {
        let t = tanh(x);
        (t, 1.0 - t * t)
    }
}
