//! The storage capacity of any machine the theory covers: which method applies.
//!
//! $$ \alpha_c = \sup \lbrace \alpha : \text{with probability 1 as } N \to \infty,\ P = \alpha N
//!    \text{ patterns have } \sigma^\mu \Delta^\mu > \kappa \text{ for some } W \rbrace $$
//!
//! K → ∞: binary weights, replica-symmetric zero entropy ([`super::symmetric_capacity`]) where
//! that solution is stable, one step of breaking ([`super::broken_binary`]) where it is not;
//! spherical weights, 0 to 3 steps ([`super::broken_capacity`]). Finite K: sign
//! ([`super::finite_sign`], [`super::finite_spherical`]) and ReLU ([`super::finite_relu`]).
//! Deterministic.

use super::Outcome;
use super::finite_relu::ReluEnergy;
use super::finite_sign::SignEnergy;
use super::model::{Hidden, Model, Ties};
use super::{broken_binary, broken_capacity, finite_spherical, symmetric_capacity};
use crate::error::TheoryError;
use crate::model::activation::Activation;
use crate::model::weights::WeightKind;

/// A capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    /// α_c.
    pub alpha: f64,
    /// Estimated numerical error of α_c.
    pub error: f64,
    /// Steps of replica-symmetry breaking, 0 to 3.
    pub rsb: usize,
    /// Named order parameters at α_c.
    pub order_parameters: Vec<(&'static str, f64)>,
    /// Whether the solution is stable against (further) breaking at α_c.
    pub stable: bool,
    /// What the reader should know: that fewer steps than asked for give the value.
    pub note: Option<String>,
}

impl Capacity {
    /// The same capacity as the answer to `steps` steps, which bring nothing new.
    pub fn with_idle_steps(self, steps: usize) -> Self {
        let note = Some(format!(
            "the solution with {steps} steps of replica-symmetry breaking is the one with {}, \
             which {}",
            self.rsb,
            if self.stable { "is stable" } else { "further steps do not lower" },
        ));
        Self { rsb: steps, note, ..self }
    }
}

/// The smallest error ever claimed: the last bits of a double.
pub fn floor(alpha: f64) -> f64 {
    4.0 * f64::EPSILON * alpha.abs()
}

/// The capacity of `model` with `rsb` steps of breaking. Without `rsb`: replica-symmetric, except
/// for binary weights at K → ∞ where that is unstable, which take one step.
///
/// # Errors
/// `Absent` where there is no finite capacity, `NotConverged`, `Unavailable` for a combination
/// that is not implemented, `Domain` for a K that the method does not reach.
pub fn capacity(model: &Model, rsb: Option<usize>, ties: Ties) -> Outcome<Capacity> {
    let model = model.reduced()?;
    match (model.hidden, model.weights) {
        (Hidden::Infinite, WeightKind::Spherical) => {
            broken_capacity::spherical(model.activation, model.kappa, rsb.unwrap_or(0))
        }
        (Hidden::Infinite, WeightKind::Binary) => {
            let symmetric =
                symmetric_capacity::binary_replica_symmetric(model.activation, model.kappa)?;
            broken_or_frozen(symmetric, rsb, || {
                broken_binary::capacity(model.activation, model.kappa)
            })
        }
        (Hidden::Finite(units), WeightKind::Binary) => {
            let symmetric = finite_binary(&model, units, ties)?;
            broken_or_frozen(symmetric, rsb.or(Some(0)), || {
                Err(TheoryError::Unavailable(format!(
                    "replica-symmetry breaking of binary weights at K = {units}"
                )))
            })
        }
        (Hidden::Finite(units), WeightKind::Spherical) => {
            if model.activation != Activation::Sign {
                return Err(TheoryError::Unavailable(format!(
                    "spherical {} at finite K; only sign, or --hidden inf",
                    model.activation.name()
                )));
            }
            finite_spherical::capacity(units, model.kappa, rsb.unwrap_or(0))
        }
    }
}

/// Binary weights: the replica-symmetric zero of the entropy is also the capacity with any number
/// of steps (frozen states, q1 = 1, m = 1) wherever it is stable.
fn broken_or_frozen(
    symmetric: Capacity,
    rsb: Option<usize>,
    broken: impl FnOnce() -> Outcome<Capacity>,
) -> Outcome<Capacity> {
    match rsb {
        Some(0) => Ok(symmetric),
        None if symmetric.stable => Ok(symmetric),
        Some(steps) if symmetric.stable => {
            let mut frozen = symmetric.with_idle_steps(steps);
            for (name, _) in &mut frozen.order_parameters {
                *name = match *name {
                    "q" => "q0",
                    "q_hat" => "q_hat0",
                    other => other,
                };
            }
            frozen.order_parameters.extend([("q1", 1.0), ("m", 1.0)]);
            Ok(frozen)
        }
        None | Some(1) => broken(),
        Some(steps) => Err(TheoryError::Unavailable(format!(
            "{steps} steps of replica-symmetry breaking for binary weights whose replica-symmetric \
             solution is unstable; use --rsb 0 or 1"
        ))),
    }
}

fn finite_binary(model: &Model, units: usize, ties: Ties) -> Outcome<Capacity> {
    match model.activation {
        Activation::Sign => {
            symmetric_capacity::binary_from(SignEnergy::resolutions(units, model.kappa)?)
        }
        Activation::Relu => {
            symmetric_capacity::binary_from(ReluEnergy::resolutions(units, model.kappa, ties)?)
        }
        other => Err(TheoryError::Unavailable(format!(
            "{} at K = {units}; finite K is known for sign and relu",
            other.name()
        ))),
    }
}
