//! The typical solution at a given load, around which the landscape is described.
//!
//! The replica-symmetric point (q̃, q̃̂) of a machine at K → ∞, admitted only where solutions exist
//! (entropy ≥ 0 for binary weights) and replica symmetry is stable. Deterministic.

use super::Outcome;
use super::covariance::{Covariance, Overlap};
use super::energetic::WideEnergy;
use super::model::{Model, check_alpha};
use super::replica_symmetric::{ReplicaSymmetric, RsPoint};
use crate::error::TheoryError;
use crate::model::weights::WeightKind;

/// A typical solution.
#[derive(Clone, Debug)]
pub struct Reference {
    covariance: Covariance,
    model: Model,
    point: RsPoint,
}

/// The replica-symmetric point at `alpha`.
///
/// # Errors
/// `Domain`; `Unavailable` at finite K; `Absent` where no solutions exist.
fn existing(
    model: &Model,
    quantity: &str,
    alpha: f64,
) -> Outcome<(ReplicaSymmetric<WideEnergy>, RsPoint)> {
    model.require_infinite(quantity)?;
    check_alpha(alpha)?;
    let energy = WideEnergy::new(model.activation, model.kappa, 150);
    let theory = ReplicaSymmetric::new(model.weights, energy, 150);
    let point = theory.at_load(alpha)?;
    if model.weights == WeightKind::Binary && point.entropy < 0.0 {
        return Err(TheoryError::Absent(format!(
            "alpha = {alpha} lies beyond the capacity of {}: the entropy is {:.6}",
            model.label(),
            point.entropy
        )));
    }
    Ok((theory, point))
}

/// The covariance of a machine that has solutions at `alpha`, and their typical distance
/// d* = (1−q̃)/2.
///
/// # Errors
/// `Domain`; `Unavailable` at finite K; `Absent` where no solutions exist.
pub fn covariance_below_capacity(
    model: &Model,
    quantity: &str,
    alpha: f64,
) -> Outcome<(Covariance, f64)> {
    let (theory, point) = existing(model, quantity, alpha)?;
    Ok((theory.energy().covariance().clone(), 0.5 * point.q.complement()))
}

impl Reference {
    /// The typical solution of `model` at load `alpha`, for `quantity` (named in errors).
    ///
    /// # Errors
    /// `Domain`; `Unavailable` at finite K; `Absent` where no solutions exist or replica symmetry
    /// is unstable.
    pub fn new(model: &Model, quantity: &str, alpha: f64) -> Outcome<Self> {
        let (theory, point) = existing(model, quantity, alpha)?;
        let replicon = theory.replicon(&point);
        if replicon > 1.0 {
            return Err(TheoryError::Absent(format!(
                "replica symmetry is unstable for {} at alpha = {alpha} (replicon {replicon:.6} > 1)",
                model.label(),
            )));
        }
        Ok(Self { covariance: theory.energy().covariance().clone(), model: *model, point })
    }

    /// The covariance.
    pub fn covariance(&self) -> &Covariance {
        &self.covariance
    }

    /// The machine.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The replica-symmetric point.
    pub fn point(&self) -> &RsPoint {
        &self.point
    }

    /// q̃.
    pub fn overlap(&self) -> Overlap {
        self.point.q
    }

    /// √F(q̃).
    pub fn root_signal(&self) -> f64 {
        self.covariance.value(self.point.q).max(0.0).sqrt()
    }

    /// s̃ = √(Qd − F(q̃)).
    pub fn spread(&self) -> f64 {
        self.covariance.gap(self.point.q).sqrt()
    }

    /// F(t)/√F(q̃); 0 where both vanish (even F with q̃ = 0).
    pub fn projection(&self, t: f64) -> f64 {
        let root = self.root_signal();
        if root > 0.0 { self.covariance.value(t) / root } else { 0.0 }
    }

    /// d* = (1 − q̃)/2, the distance of two typical solutions.
    pub fn typical_distance(&self) -> f64 {
        0.5 * self.point.q.complement()
    }
}
