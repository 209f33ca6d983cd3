//! g(x) = sign(x), sign(0) = 0; real weights learn with tanh(gain·x).

use super::{HiddenUnit, Kernel};
use crate::simd::UnitForm;
use crate::simd::functions::exp2_coarse;
use std::f32::consts::LOG2_E;

/// Sign units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign;

impl HiddenUnit for Sign {
    fn name(&self) -> &'static str {
        "sign"
    }

    fn key(&self) -> u64 {
        3
    }

    fn is_odd(&self) -> bool {
        true
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            0.0
        }
    }

    fn derivative(&self, _x: f64) -> f64 {
        0.0
    }

    fn integer_form(&self) -> Option<UnitForm> {
        Some(UnitForm::Sign)
    }

    fn kernel(&self) -> Kernel {
        Kernel::ArcSine { scale: f64::INFINITY }
    }

    #[inline(always)]
    fn learnt(&self, x: f32, gain: f32) -> (f32, f32) {
        // tanh to 2e-6, though not relative to small values: a third of the cost of the kernels' function.
        let e = exp2_coarse((-2.0 * LOG2_E * gain) * x.abs());
        let t = ((1.0 - e) / (1.0 + e)).copysign(x);
        (t, gain * (1.0 - t * t))
    }

    #[inline(always)]
    fn judged(&self, x: f32) -> f32 {
        let negative = if x < 0.0 { 1.0 } else { 0.0 };
        (if x > 0.0 { 1.0 } else { 0.0 }) - negative
    }
}
