//! Distribution of the stabilities Δ of stored patterns, of typical and of dense solutions.
//!
//! Typical, with s̃² = F(1) − F(q̃):
//!
//! $$ P(\Delta) = \Theta(\Delta - \kappa) \int Dx\ \frac{1}{\tilde s}
//!    \frac{G\left((\Delta - \sqrt{F(\tilde q)} x)/\tilde s\right)}
//!         {H\left((\kappa - \sqrt{F(\tilde q)} x)/\tilde s\right)} ; $$
//!
//! dense (m → ∞), ρ the law of the maximising field w = (v−κ)/s of [`super::local_entropy::limit`]:
//!
//! $$ P(\Delta) = \Theta(\Delta - \kappa) \int \rho(w) dw\ \frac1s
//!    \frac{G((\Delta - \kappa)/s - w)}{\Phi(w)} . $$
//! Sources: BMZ; Baldassi et al., PNAS 117, 161 (2020). 50 µs a point. Deterministic.

use super::gaussian;
use super::local_entropy::{DenseRegion, Resolution};
use super::quadrature::{Legendre, Rule};
use super::reference::Reference;

/// P(Δ) of a typical solution.
#[derive(Clone, Debug)]
pub struct TypicalStability {
    rule: Rule,
    root: f64,
    spread: f64,
    kappa: f64,
}

impl TypicalStability {
    /// Of `reference`.
    pub fn new(reference: &Reference) -> Self {
        let (root, spread) = (reference.root_signal(), reference.spread());
        let kappa = reference.model().kappa;
        let splits: Vec<f64> =
            [-6.0, -2.0, 0.0, 2.0, 6.0].map(|x| (kappa + x * spread) / root).to_vec();
        Self { rule: Legendre::new(60).gaussian(10.0, &splits), root, spread, kappa }
    }

    /// P(Δ) at Δ ≥ κ, the one-sided limit at Δ = κ; 0 below.
    pub fn density(&self, stability: f64) -> f64 {
        if stability < self.kappa {
            return 0.0;
        }
        self.rule.mean(|x| {
            let field = self.root * x;
            let scaled = (self.kappa - field) / self.spread;
            let y = (stability - field) / self.spread;
            // G(y)/H(scaled), neither of which may underflow alone.
            libm::exp(-0.5 * y * y - gaussian::ln_tail(scaled)) * gaussian::INV_SQRT_2PI
                / self.spread
        })
    }
}

/// P(Δ) of a member of a dense region.
#[derive(Clone, Debug)]
pub struct DenseStability {
    rule: Rule,
    spread: f64,
    kappa: f64,
}

impl DenseStability {
    /// Of `region`, whose saddle point as m → ∞ has `delta`.
    pub fn new(region: &DenseRegion<'_>, delta: f64) -> Self {
        Self {
            rule: region.field_rule(Resolution::Fine, delta),
            spread: region.spread(),
            kappa: region.kappa(),
        }
    }

    /// P(Δ) at Δ ≥ κ, the one-sided limit at Δ = κ; 0 below.
    pub fn density(&self, stability: f64) -> f64 {
        if stability < self.kappa {
            return 0.0;
        }
        let scaled = (stability - self.kappa) / self.spread;
        self.rule.mean(|w| {
            let y = scaled - w;
            libm::exp(-0.5 * y * y - gaussian::ln_cdf(w)) * gaussian::INV_SQRT_2PI / self.spread
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activation::Activation;
    use crate::model::weights::WeightKind;
    use crate::theory::model::{Hidden, Model};

    fn reference(activation: Activation, kappa: f64, alpha: f64) -> Reference {
        let model = Model::new(WeightKind::Binary, activation, kappa, Hidden::Infinite).unwrap();
        Reference::new(&model, "stability", alpha).unwrap()
    }

    #[test]
    fn documented_density_at_zero() {
        for (activation, values) in [
            (Activation::Relu, [1.5155, 1.6232, 1.7708]),
            (Activation::Sign, [0.8496, 0.8757, 0.9023]),
        ] {
            for (alpha, expected) in [0.4, 0.6, 0.8].into_iter().zip(values) {
                let density =
                    TypicalStability::new(&reference(activation, 0.0, alpha)).density(0.0);
                assert!((density - expected).abs() < 6e-5, "{alpha} {density}");
            }
        }
    }

    /// Norm 1, and a second moment from the law itself: typical and dense, with a margin too.
    #[test]
    fn densities_are_normalised() {
        let legendre = Legendre::new(60);
        for (activation, kappa, alpha) in [
            (Activation::Relu, 0.0, 0.6),
            (Activation::Sign, 0.3, 0.4),
            (Activation::Abs, 0.0, 0.5),
        ] {
            let reference = reference(activation, kappa, alpha);
            let reach = 12.0 * reference.covariance().diagonal().sqrt();
            let breaks: Vec<f64> = (0..=12).map(|i| kappa + reach * f64::from(i) / 12.0).collect();
            let axis = legendre.panels(&breaks);
            let typical = TypicalStability::new(&reference);
            let norm = axis.mean(|x| typical.density(x));
            assert!((norm - 1.0).abs() < 1e-9, "{activation:?} {norm}");
            let covariance = reference.covariance().clone();
            let region =
                DenseRegion::new(&covariance, WeightKind::Binary, kappa, alpha, 0.1).unwrap();
            let delta = region.solve_limit(Resolution::Fine).unwrap().delta;
            let dense = DenseStability::new(&region, delta);
            let norm = axis.mean(|x| dense.density(x));
            assert!((norm - 1.0).abs() < 1e-9, "dense {activation:?} {norm}");
            assert_eq!(typical.density(kappa - 1e-9), 0.0);
            // Dense solutions store with larger stabilities.
            assert!(dense.density(kappa) < typical.density(kappa));
        }
    }
}
