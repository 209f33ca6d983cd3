//! Entropic integrals of binary weights in the field √q̂ z.
//!
//! $$ \mathcal G_S = -\frac{\hat q (1-q)}{2} + \int Dz \ln 2\cosh(\sqrt{\hat q} z), \qquad
//!    1 - q = \int Dz \operatorname{sech}^2(\sqrt{\hat q} z), \qquad
//!    R = \int Dz \operatorname{sech}^4(\sqrt{\hat q} z) . $$
//!
//! Gauss–Legendre on |z| ≤ 14, split at 0 and at the width 1/√q̂ of tanh; 1 − q is integrated directly so
//! that it does not cancel. About 20 µs. Deterministic.

use super::covariance::Overlap;
use super::gaussian;
use super::quadrature::Legendre;

/// Half-width of the z range: ln 2cosh grows, so wider than for bounded integrands.
const HALF_WIDTH: f64 = 14.0;

/// The integrals at one q̂.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinaryEntropic {
    /// q̂.
    pub q_hat: f64,
    /// q = ∫Dz tanh², with its complement ∫Dz sech².
    pub q: Overlap,
    /// ∫Dz ln 2cosh(√q̂ z).
    pub ln_2cosh: f64,
    /// R = ∫Dz sech⁴(√q̂ z).
    pub replicon_factor: f64,
}

impl BinaryEntropic {
    /// At q̂ > 0.
    pub fn new(legendre: &Legendre, q_hat: f64) -> Self {
        let field = q_hat.sqrt();
        let width = 1.0 / field;
        let splits = [0.0, 3.0 * width, -3.0 * width, 12.0 * width, -12.0 * width];
        let rule = legendre.gaussian(HALF_WIDTH, &splits);
        let [tanh2, sech2, sech4, ln_2cosh] = rule.means(|z| {
            let (t, s) = gaussian::tanh_sech2(field * z);
            [t * t, s, s * s, gaussian::ln_2cosh(field * z)]
        });
        // The rule's norm is 1 to rounding; sharing its error keeps the parts summing to 1.
        let norm = tanh2 + sech2;
        let q = Overlap::from_parts(tanh2 / norm, sech2 / norm);
        Self { q_hat, q, ln_2cosh, replicon_factor: sech4 }
    }

    /// G_S.
    pub fn entropy(&self) -> f64 {
        -0.5 * self.q_hat * self.q.complement() + self.ln_2cosh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small and large q̂ by expansion; dG_S/dq̂ = 0 at fixed q on the solution.
    #[test]
    fn limits_and_stationarity() {
        let legendre = Legendre::new(100);
        let small = BinaryEntropic::new(&legendre, 1e-6);
        assert!((small.q.value() / (1e-6 - 2e-12) - 1.0).abs() < 1e-10);
        assert!((small.entropy() - std::f64::consts::LN_2).abs() < 1e-6);
        let large = BinaryEntropic::new(&legendre, 1e6);
        // 1 − q → √(2/(π q̂)).
        let expected = gaussian::SQRT_2_OVER_PI / 1e3;
        assert!((large.q.complement() / expected - 1.0).abs() < 1e-5);
        for q_hat in [0.3, 2.0, 40.0] {
            let here = BinaryEntropic::new(&legendre, q_hat);
            let action = |x: f64| {
                let there = BinaryEntropic::new(&legendre, x);
                -0.5 * x * here.q.complement() + there.ln_2cosh
            };
            let step = 1e-3 * q_hat;
            let slope = (action(q_hat + step) - action(q_hat - step)) / (2.0 * step);
            assert!(slope.abs() < 1e-6, "{q_hat}: {slope}");
        }
    }
}
