//! One step of replica-symmetry breaking for spherical weights at finite α, K → ∞.
//!
//! $$ \varphi(q_0, q_1, m) = \frac12 \left[\ln(1-q_1) + \frac1m \ln\frac{a}{1-q_1} + \frac{q_0}{a}\right] +
//!    \frac{\alpha}{m} \int Dz_0 \ln \int Dz_1\ H^m , $$
//!
//! a = 1−q1+m(q1−q0), H at (κ−√Q0 z0−√(Q1−Q0) z1)/√Δ1. The solution is the minimum of φ over
//! 0 ≤ q0 ≤ q1 < 1, 0 < m < 1, reached from several starts; the saddle-point equations
//! q0/a² = αQ'(q0)J0 and (q1−q0)/(a(1−q1)) + q0/a² = αQ'(q1)J1, J0 = ∫Dz0⟨h/√Δ1⟩²,
//! J1 = ∫Dz0⟨h²/Δ1⟩, check it. Error: change under refined quadrature. About 1 ms a φ, 0.3 s a
//! point. Deterministic.

use super::Outcome;
use super::capacity::floor;
use super::covariance::{Covariance, Overlap};
use super::minimum::{Stencil, quasi_newton};
use super::one_step_energetic::OneStepEnergy;
use crate::error::TheoryError;
use crate::model::activation::Activation;

/// Nodes a panel: search, then two whose difference is the error.
const NODES: [usize; 3] = [6, 10, 14];
/// Largest residual of the saddle-point equations, relative.
const RESIDUAL: f64 = 1e-5;

/// The solution at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneStepPoint {
    /// Entropy per weight, in nats; for spherical weights relative to the whole sphere.
    pub entropy: f64,
    /// Estimated numerical error of the entropy.
    pub error: f64,
    /// Overlap between states.
    pub q0: f64,
    /// Overlap within a state.
    pub q1: f64,
    /// Breaking parameter.
    pub m: f64,
}

struct Functional {
    energy: OneStepEnergy,
    alpha: f64,
}

impl Functional {
    fn entropic(q0: Overlap, q1: Overlap, m: f64) -> f64 {
        let p = q1.complement();
        let difference = m * (q0.complement() - p);
        0.5 * (libm::log(p) + libm::log1p(difference / p) / m + q0.value() / (p + difference))
    }

    fn free_entropy(&self, point: &[f64]) -> f64 {
        let (q0, q1, m) = order_parameters(point);
        Self::entropic(q0, q1, m) + self.alpha * self.energy.averages(q0, q1, m).g_e
    }

    /// Relative residuals of the two overlap equations.
    fn residual(&self, point: &[f64]) -> f64 {
        let (q0, q1, m) = order_parameters(point);
        let e = self.energy.averages(q0, q1, m);
        let p = q1.complement();
        let difference = q0.complement() - p;
        let a = p + m * difference;
        let first = q0.value() / (a * a);
        let second = difference / (a * p) + first;
        let r0 = self.alpha * self.energy.covariance.first(q0) * e.j0 / first - 1.0;
        let r1 = self.alpha * self.energy.covariance.first(q1) * e.j1 / second - 1.0;
        r0.abs().max(r1.abs())
    }
}

/// (logit q0, logit of (q1−q0)/(1−q0), logit m).
fn order_parameters(point: &[f64]) -> (Overlap, Overlap, f64) {
    let q0 = Overlap::from_logit(point[0]);
    let share = Overlap::from_logit(point[1]);
    let q1 = Overlap::from_complement(q0.complement() * share.complement());
    (q0, q1, Overlap::from_logit(point[2]).value())
}

/// The one-step solution at load `alpha`, where the replica-symmetric one is unstable.
///
/// # Errors
/// `Absent` beyond the one-step capacity; `NotConverged` if the saddle-point equations are not met.
pub fn spherical(activation: Activation, kappa: f64, alpha: f64) -> Outcome<OneStepPoint> {
    let covariance = Covariance::new(activation);
    if covariance.slope_at_one().is_finite() {
        let capacity = super::broken_capacity::spherical(activation, kappa, 1)?.alpha;
        if alpha >= capacity {
            return Err(TheoryError::Absent(format!(
                "alpha = {alpha} lies beyond the one-step capacity {capacity}"
            )));
        }
    }
    let [rough, coarse, fine] = NODES.map(|nodes| Functional {
        energy: OneStepEnergy::new(covariance.clone(), kappa, nodes),
        alpha,
    });
    let settle = |functional: &Functional, start: &[f64], gain: f64, stencil: Stencil| {
        let objective = |point: &[f64]| {
            if point.iter().any(|x| x.abs() > 20.0) {
                return f64::INFINITY;
            }
            let value = functional.free_entropy(point);
            if value.is_finite() { value } else { f64::INFINITY }
        };
        quasi_newton(objective, start, gain, 200, stencil)
    };
    let search = [[0.8, 0.5, 0.0], [0.0, 2.0, -1.0]]
        .iter()
        .map(|start| settle(&rough, start, 1e-9, Stencil::Three))
        .min_by(|x, y| x.value.total_cmp(&y.value))
        .expect("there are two starts");
    let coarse_best = settle(&coarse, &search.at, 1e-14, Stencil::Three);
    let best = settle(&fine, &coarse_best.at, 1e-15, Stencil::Five);
    let (q0, q1, m) = order_parameters(&best.at);
    let residual = fine.residual(&best.at);
    // Negated so that a residual that is not a number fails as well.
    if !best.converged || residual.is_nan() || (residual > RESIDUAL && q0.value() > 1e-6) {
        return Err(TheoryError::NotConverged(format!(
            "one-step solution at alpha = {alpha}: residual {residual:e} at q0 = {}, q1 = {}, m = {m}",
            q0.value(),
            q1.value()
        )));
    }
    let error = (best.value - coarse_best.value).abs() + floor(best.value);
    Ok(OneStepPoint { entropy: best.value, error, q0: q0.value(), q1: q1.value(), m })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::WeightKind;
    use crate::theory::energetic::WideEnergy;
    use crate::theory::replica_symmetric::ReplicaSymmetric;

    /// Below the replica-symmetric entropy, and leaving it continuously at the AT line.
    #[test]
    fn lies_below_replica_symmetry() {
        let energy = WideEnergy::new(Activation::Relu, 0.0, 100);
        let symmetric = ReplicaSymmetric::new(WeightKind::Spherical, energy, 100);
        let mut previous = 0.0;
        for alpha in [1.9, 2.3, 2.5] {
            let rs = symmetric.at_load(alpha).unwrap().entropy;
            let broken = spherical(Activation::Relu, 0.0, alpha).unwrap();
            let gain = rs - broken.entropy;
            assert!(gain > previous, "{alpha}: {rs} {broken:?}");
            assert!(broken.q0 < broken.q1 && broken.m > 0.0 && broken.m < 1.0);
            assert!(broken.error < 1e-9 * broken.entropy.abs(), "{broken:?}");
            previous = gain;
        }
        assert!(matches!(spherical(Activation::Relu, 0.0, 2.7), Err(TheoryError::Absent(_))));
    }
}
