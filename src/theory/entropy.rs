//! Entropies of solutions along α, and the stability (AT) line, for any machine covered.
//!
//! $$ S(\alpha) = \lim_{N \to \infty} \frac1N\ \mathbb E \ln Z, \qquad
//!    Z = \sum_W \prod_{\mu=1}^{\alpha N} \Theta\left(\sigma^\mu \Delta^\mu(W) - \kappa\right) $$
//!
//! (spherical weights: the integral over the sphere of unit measure.)
//!
//! Below the AT line the replica-symmetric values of [`super::replica_symmetric`]; beyond it, at
//! K → ∞, also one step of breaking ([`super::one_step`], [`super::broken_binary`]). A load beyond
//! capacity has no value: negative entropy for binary weights, no solution with q < 1 for spherical
//! ones. Deterministic.

use super::energetic::WideEnergy;
use super::energy::{Energy, Resolutions};
use super::finite_relu::ReluEnergy;
use super::finite_sign::SignEnergy;
use super::model::{Hidden, Model, Ties, check_alpha};
use super::one_step::{self, OneStepPoint};
use super::replica_symmetric::{ReplicaSymmetric, RsPoint};
use super::{Outcome, broken_binary};
use crate::error::TheoryError;
use crate::model::activation::Activation;
use crate::model::weights::WeightKind;

/// Gauss–Legendre nodes a panel.
const NODES: usize = 150;

/// One load.
#[derive(Clone, Debug, PartialEq)]
pub struct EntropyPoint {
    /// α.
    pub alpha: f64,
    /// Replica-symmetric entropy per weight, in nats.
    pub entropy: f64,
    /// q.
    pub q: f64,
    /// q̂.
    pub q_hat: f64,
    /// ρ, unstable above 1.
    pub replicon: f64,
    /// One step of breaking, where the replica-symmetric solution is unstable.
    pub one_step: Option<OneStepPoint>,
}

/// The AT point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtPoint {
    /// α.
    pub alpha: f64,
    /// q.
    pub q: f64,
    /// Whether the entropy of binary weights is negative there already.
    pub beyond_capacity: bool,
}

/// The entropy of `model` at each load.
///
/// # Errors
/// `Domain` for a load that is not positive, `Absent` beyond capacity, `Unavailable` for a finite
/// K that is not covered.
pub fn entropy(model: &Model, alphas: &[f64]) -> Outcome<Vec<EntropyPoint>> {
    alphas.iter().try_for_each(|&alpha| check_alpha(alpha))?;
    let model = model.reduced()?;
    match (model.hidden, model.activation) {
        (Hidden::Infinite, activation) => {
            let energy = WideEnergy::new(activation, model.kappa, NODES);
            let mut points = along(&model, energy, alphas)?;
            for point in points.iter_mut().filter(|p| p.replicon > 1.0 + 1e-9) {
                let (kappa, alpha) = (model.kappa, point.alpha);
                let found = match model.weights {
                    WeightKind::Spherical => one_step::spherical(activation, kappa, alpha)?,
                    WeightKind::Binary => {
                        broken_binary::entropy(activation, kappa, alpha, point.q_hat)?
                    }
                };
                if model.weights == WeightKind::Binary && found.entropy < 0.0 {
                    return Err(TheoryError::Absent(format!(
                        "alpha = {alpha} lies beyond capacity: the one-step entropy of binary \
                         weights would be {}",
                        found.entropy
                    )));
                }
                point.one_step = Some(found);
            }
            Ok(points)
        }
        (Hidden::Finite(units), Activation::Sign) => {
            along_finite(&model, SignEnergy::resolutions(units, model.kappa)?, alphas)
        }
        (Hidden::Finite(units), Activation::Relu) => {
            along_finite(&model, ReluEnergy::resolutions(units, model.kappa, Ties::Strict)?, alphas)
        }
        (Hidden::Finite(units), other) => Err(TheoryError::Unavailable(format!(
            "entropy of {} at K = {units}; finite K is known for sign and relu",
            other.name()
        ))),
    }
}

fn along<E: Energy>(model: &Model, energy: E, alphas: &[f64]) -> Outcome<Vec<EntropyPoint>> {
    let theory = ReplicaSymmetric::new(model.weights, energy, NODES);
    alphas.iter().map(|&alpha| checked(model, &theory, theory.at_load(alpha)?)).collect()
}

fn along_finite<E: Energy>(
    model: &Model,
    energies: Resolutions<E>,
    alphas: &[f64],
) -> Outcome<Vec<EntropyPoint>> {
    let coarse = ReplicaSymmetric::new(model.weights, energies.coarse, NODES);
    let fine = ReplicaSymmetric::new(model.weights, energies.fine, NODES);
    alphas.iter().map(|&alpha| checked(model, &fine, fine.at_load_near(&coarse, alpha)?)).collect()
}

/// The point as reported, if solutions exist there.
fn checked<E: Energy>(
    model: &Model,
    theory: &ReplicaSymmetric<E>,
    point: RsPoint,
) -> Outcome<EntropyPoint> {
    if model.weights == WeightKind::Binary && point.entropy < 0.0 {
        return Err(TheoryError::Absent(format!(
            "alpha = {} lies beyond capacity: the replica-symmetric entropy of binary weights \
             would be {}",
            point.alpha, point.entropy
        )));
    }
    Ok(EntropyPoint {
        alpha: point.alpha,
        entropy: point.entropy,
        q: point.q.value(),
        q_hat: point.q_hat,
        replicon: theory.replicon(&point),
        one_step: None,
    })
}

/// The AT point of `model` at K → ∞.
///
/// # Errors
/// `Absent` if the replica-symmetric solution is stable up to capacity; `Unavailable` at finite K.
pub fn at_line(model: &Model) -> Outcome<AtPoint> {
    let model = model.reduced()?;
    model.require_infinite("the AT line")?;
    let energy = WideEnergy::new(model.activation, model.kappa, NODES);
    let point = ReplicaSymmetric::new(model.weights, energy, NODES).at_line()?;
    Ok(AtPoint {
        alpha: point.alpha,
        q: point.q.value(),
        beyond_capacity: model.weights == WeightKind::Binary && point.entropy < 0.0,
    })
}
