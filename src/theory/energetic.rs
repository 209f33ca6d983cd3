//! The energetic part at K → ∞.
//!
//! $$ \mathcal G_E = \int Dz \ln H(x), \quad x = \frac{\kappa - \sqrt Q z}{\sqrt\Delta}, \qquad
//!    I_1 = \int Dz \frac{h(x)^2}{\Delta}, \quad
//!    I_2 = \int Dz \frac{[h(x)(h(x) - x)]^2}{\Delta^2} ; $$
//!
//! then J = Q'(q) I1 and the replicon kernel is C = Q'² I2 + Q'' I1 (the Q'' term stems from the hidden
//! layer; Engel et al., PRA 45, 7590 (1992); BMZ). Panels are split around the layer z0 = κ/√Q of
//! width √(Δ/Q). About 20 µs. Deterministic.

use super::covariance::{Covariance, Overlap};
use super::energy::Energy;
use super::gaussian::{self, Tail};
use super::quadrature::{HALF_WIDTH, Legendre};
use crate::model::activation::Activation;

/// The integrals at one q.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Energetic {
    /// G_E.
    pub g_e: f64,
    /// I1.
    pub i1: f64,
    /// I2.
    pub i2: f64,
}

/// The energetic part of a machine with K → ∞.
#[derive(Clone, Debug)]
pub struct WideEnergy {
    covariance: Covariance,
    kappa: f64,
    legendre: Legendre,
}

impl WideEnergy {
    /// For `activation` and margin `kappa`, with `nodes` Gauss–Legendre nodes a panel.
    pub fn new(activation: Activation, kappa: f64, nodes: usize) -> Self {
        let covariance = Covariance::new(activation);
        Self { covariance, kappa, legendre: Legendre::new(nodes) }
    }

    /// The covariance.
    pub fn covariance(&self) -> &Covariance {
        &self.covariance
    }

    /// G_E, I1 and I2 at `q`.
    pub fn integrals(&self, q: Overlap) -> Energetic {
        let (signal, gap) = (self.covariance.value(q).max(0.0), self.covariance.gap(q));
        let (root_signal, root_gap) = (signal.sqrt(), gap.sqrt());
        let (centre, width) = (self.kappa / root_signal, root_gap / root_signal);
        let splits = [centre, centre - 6.0 * width, centre + 6.0 * width];
        let rule = self.legendre.gaussian(HALF_WIDTH, &splits);
        let [g_e, i1, i2] = rule.means(|z| {
            let x = (self.kappa - root_signal * z) / root_gap;
            let Tail { ln_tail, hazard, .. } = Tail::at(x);
            let curvature = hazard * (hazard - x);
            [ln_tail, hazard * hazard, curvature * curvature]
        });
        Energetic { g_e, i1: i1 / gap, i2: i2 / (gap * gap) }
    }
}

impl Energy for WideEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        let Energetic { g_e, i1, .. } = self.integrals(q);
        (g_e, self.covariance.first(q) * i1)
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        let Energetic { i1, i2, .. } = self.integrals(q);
        let (first, second) = (self.covariance.first(q), self.covariance.second(q));
        first * first * i2 + second * i1
    }

    fn ln_annealed(&self) -> f64 {
        gaussian::ln_tail(self.kappa / self.covariance.diagonal().sqrt())
    }

    fn uncorrelated_limit(&self) -> Option<f64> {
        self.covariance.is_even().then(|| {
            let diagonal = self.covariance.diagonal();
            let hazard = gaussian::hazard(self.kappa / diagonal.sqrt());
            diagonal / (self.covariance.second(0.0) * hazard * hazard)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::quadrature;

    #[test]
    fn documented_integrals() {
        let half = Overlap::new(0.5);
        let relu = WideEnergy::new(Activation::Relu, 0.0, 150).integrals(half);
        for (actual, expected) in
            [(relu.g_e, -0.9230985408), (relu.i1, 5.3824888581), (relu.i2, 10.3964949231)]
        {
            assert!((actual - expected).abs() < 6e-11, "{actual} {expected}");
        }
        let sign = WideEnergy::new(Activation::Sign, 0.0, 150).integrals(half);
        assert!((sign.g_e + 0.8491037202).abs() < 6e-11);
        assert!((sign.i1 - 1.3781139915).abs() < 6e-11);
    }

    /// Split panels against plain Gauss–Hermite and libm's erfc where these are good.
    #[test]
    fn integrals_by_another_rule() {
        let energy = WideEnergy::new(Activation::Gelu, 0.2, 150);
        let q = Overlap::new(0.3);
        let (signal, gap) = (energy.covariance.value(q), energy.covariance.gap(q));
        let mean = quadrature::hermite(100)
            .mean(|z| libm::log(0.5 * libm::erfc((0.2 - signal.sqrt() * z) / (2.0 * gap).sqrt())));
        assert!((mean - energy.integrals(q).g_e).abs() < 1e-12);
    }
}
