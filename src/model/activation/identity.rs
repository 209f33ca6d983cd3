//! g(x) = x.

use super::{HiddenUnit, Kernel};
use crate::simd::UnitForm;

/// The identity; with K = 1 the perceptron.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity;

impl HiddenUnit for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn key(&self) -> u64 {
        0
    }

    fn is_odd(&self) -> bool {
        true
    }

    fn value(&self, x: f64) -> f64 {
        x
    }

    fn derivative(&self, _x: f64) -> f64 {
        1.0
    }

    fn integer_form(&self) -> Option<UnitForm> {
        Some(UnitForm::Identity)
    }

    fn kernel(&self) -> Kernel {
        Kernel::Rectifier { slope: 1.0 }
    }

    #[inline(always)]
    fn learnt(&self, x: f32, _gain: f32) -> (f32, f32) {
        (x, 1.0)
    }
}
