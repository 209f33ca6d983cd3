//! g(x) = x².

use super::{HiddenUnit, Kernel};
use crate::simd::UnitForm;

/// The square.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quadratic;

impl HiddenUnit for Quadratic {
    fn name(&self) -> &'static str {
        "quadratic"
    }

    fn key(&self) -> u64 {
        7
    }

    fn is_odd(&self) -> bool {
        false
    }

    fn value(&self, x: f64) -> f64 {
        x * x
    }

    fn derivative(&self, x: f64) -> f64 {
        2.0 * x
    }

    fn integer_form(&self) -> Option<UnitForm> {
        Some(UnitForm::Quadratic)
    }

    fn kernel(&self) -> Kernel {
        Kernel::Square
    }

    #[inline(always)]
    fn learnt(&self, x: f32, _gain: f32) -> (f32, f32) {
        (x * x, x + x)
    }
}
