//! g(x) = x Φ(x), Φ the Gaussian distribution function.

use super::HiddenUnit;
use crate::simd::functions::density_and_tails;
use std::f64::consts::{PI, SQRT_2};

/// GELU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gelu;

impl HiddenUnit for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn key(&self) -> u64 {
        6
    }

    fn is_odd(&self) -> bool {
        false
    }

    fn value(&self, x: f64) -> f64 {
        0.5 * x * libm::erfc(-x / SQRT_2)
    }

    fn derivative(&self, x: f64) -> f64 {
        0.5 * libm::erfc(-x / SQRT_2) + x * libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
    }

    #[inline(always)]
    fn learnt(&self, x: f32, _gain: f32) -> (f32, f32) {
        let (density, below, _) = density_and_tails(x);
        (x * below, below + x * density)
    }
}
