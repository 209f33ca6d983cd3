//! Entropies of solutions along α, and the stability (AT) line, for any machine covered.
//!
//! Below the AT line the replica-symmetric values of [`super::replica_symmetric`]; beyond it, for
//! spherical weights at K → ∞, also one step of breaking ([`super::one_step`]). A load beyond
//! capacity has no value: negative replica-symmetric entropy for binary weights, no solution with
//! q < 1 for spherical ones. Deterministic.

use super::Outcome;
use super::energetic::WideEnergy;
use super::finite_relu::ReluEnergy;
use super::finite_sign::SignEnergy;
use super::model::{Hidden, Model, Ties, check_alpha};
use super::one_step::{self, OneStepPoint};
use super::replica_symmetric::{Energy, ReplicaSymmetric};
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
            if model.weights == WeightKind::Spherical {
                for point in points.iter_mut().filter(|p| p.replicon > 1.0 + 1e-9) {
                    let found = one_step::spherical(activation, model.kappa, point.alpha)?;
                    point.one_step = Some(found);
                }
            }
            Ok(points)
        }
        (Hidden::Finite(units), Activation::Sign) => {
            let [fine, _] = SignEnergy::pair(units, model.kappa)?;
            along(&model, fine, alphas)
        }
        (Hidden::Finite(units), Activation::Relu) => {
            let [fine, _] = ReluEnergy::pair(units, model.kappa, Ties::Strict)?;
            along(&model, fine, alphas)
        }
        (Hidden::Finite(units), other) => Err(TheoryError::Unavailable(format!(
            "entropy of {} at K = {units}; finite K is known for sign and relu",
            other.name()
        ))),
    }
}

fn along<E: Energy>(model: &Model, energy: E, alphas: &[f64]) -> Outcome<Vec<EntropyPoint>> {
    let theory = ReplicaSymmetric::new(model.weights, energy, NODES);
    alphas
        .iter()
        .map(|&alpha| {
            let point = theory.at_load(alpha)?;
            if model.weights == WeightKind::Binary && point.entropy < 0.0 {
                return Err(TheoryError::Absent(format!(
                    "alpha = {alpha} lies beyond capacity: the replica-symmetric entropy of \
                     binary weights would be {}",
                    point.entropy
                )));
            }
            Ok(EntropyPoint {
                alpha,
                entropy: point.entropy,
                q: point.q.value(),
                q_hat: point.q_hat,
                replicon: theory.replicon(&point),
                one_step: None,
            })
        })
        .collect()
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
