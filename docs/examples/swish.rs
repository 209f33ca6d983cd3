//! g(x) = x/(1 + e⁻ˣ), swish.
//!
//! $$ g(x) = \frac{x}{1 + e^{-x}}, \qquad g^\prime(x) = s(x)\left[1 + x\,(1 - s(x))\right], \qquad
//!    s(x) = \frac{1}{1 + e^{-x}} . $$
//!
//! Analytic within |Im x| < π, so that the Hermite series of its covariance converges.

use reluscape::model::HiddenUnit;

/// Swish.
#[derive(Clone, Copy, Debug)]
pub struct Swish;

/// 1/(1 + e⁻ˣ), whose exponential cannot overflow.
fn logistic(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

impl HiddenUnit for Swish {
    fn name(&self) -> &'static str {
        "swish"
    }

    fn key(&self) -> u64 {
        1000
    }

    fn is_odd(&self) -> bool {
        false
    }

    fn value(&self, x: f64) -> f64 {
        x * logistic(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        let s = logistic(x);
        s * (1.0 + x * (1.0 - s))
    }
}
