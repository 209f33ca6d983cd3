//! g(x) = |x|; real weights learn with the slope 0 at the kink.

use super::sign::Sign;
use super::{HiddenUnit, Kernel};
use crate::simd::UnitForm;

/// The modulus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abs;

impl HiddenUnit for Abs {
    fn name(&self) -> &'static str {
        "abs"
    }

    fn key(&self) -> u64 {
        8
    }

    fn is_odd(&self) -> bool {
        false
    }

    fn value(&self, x: f64) -> f64 {
        x.abs()
    }

    fn derivative(&self, x: f64) -> f64 {
        Sign.value(x)
    }

    fn integer_form(&self) -> Option<UnitForm> {
        Some(UnitForm::Abs)
    }

    fn kernel(&self) -> Kernel {
        Kernel::Rectifier { slope: -1.0 }
    }

    #[inline(always)]
    fn learnt(&self, x: f32, _gain: f32) -> (f32, f32) {
        (x.abs(), Sign.judged(x))
    }
}
