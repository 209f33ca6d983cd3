//! g(x) = max(0, x).

use super::leaky_relu::LeakyRelu;
use super::{HiddenUnit, Kernel};
use crate::simd::UnitForm;

/// ReLU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relu;

impl HiddenUnit for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn key(&self) -> u64 {
        1
    }

    fn is_odd(&self) -> bool {
        false
    }

    fn value(&self, x: f64) -> f64 {
        x.max(0.0)
    }

    fn derivative(&self, x: f64) -> f64 {
        f64::from(u8::from(x > 0.0))
    }

    fn integer_form(&self) -> Option<UnitForm> {
        Some(UnitForm::Relu)
    }

    fn kernel(&self) -> Kernel {
        Kernel::Rectifier { slope: 0.0 }
    }

    #[inline(always)]
    fn learnt(&self, x: f32, gain: f32) -> (f32, f32) {
        LeakyRelu { slope: 0.0 }.learnt(x, gain)
    }

    #[inline(always)]
    fn judged(&self, x: f32) -> f32 {
        LeakyRelu { slope: 0.0 }.judged(x)
    }
}
