//! The machine a theory curve is about: weights, activation, margin, number of hidden units.

use super::covariance::Covariance;
use super::{Outcome, root};
use crate::error::TheoryError;
use crate::model::activation::Activation;
use crate::model::weights::WeightKind;

/// K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// K → ∞ after N → ∞.
    Infinite,
    /// Finite K, N → ∞.
    Finite(usize),
}

impl Hidden {
    /// "inf" or the number, as on the command line.
    pub fn label(self) -> String {
        match self {
            Hidden::Infinite => "inf".into(),
            Hidden::Finite(units) => units.to_string(),
        }
    }
}

/// Whether Δ = 0 counts as stored; matters at finite K only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// A tie is an error, as in the simulation.
    Strict,
    /// A tie counts as stored.
    Accept,
}

impl Ties {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Ties::Strict => "strict",
            Ties::Accept => "accept",
        }
    }
}

/// A machine with valid parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Binary or spherical.
    pub weights: WeightKind,
    /// g.
    pub activation: Activation,
    /// κ.
    pub kappa: f64,
    /// K.
    pub hidden: Hidden,
}

impl Model {
    /// A machine.
    ///
    /// # Errors
    /// `Domain`: κ not finite, K = 0, odd K with an activation that is not odd, or an activation whose
    /// covariance has neither a closed form nor a convergent series.
    pub fn new(
        weights: WeightKind,
        activation: Activation,
        kappa: f64,
        hidden: Hidden,
    ) -> Outcome<Self> {
        if !kappa.is_finite() {
            return Err(TheoryError::Domain {
                argument: "kappa",
                value: kappa.to_string(),
                expected: "a finite number".into(),
            });
        }
        if !Covariance::new(activation).is_exact() {
            return Err(TheoryError::Domain {
                argument: "activation",
                value: activation.name().into(),
                expected: "an activation that is analytic near the real axis, or has a closed form"
                    .into(),
            });
        }
        if let Hidden::Finite(units) = hidden {
            let expected = if units == 0 {
                Some("at least one hidden unit")
            } else if !activation.is_odd() && units % 2 == 1 {
                Some("an even number: half the units of this activation have readout -1")
            } else {
                None
            };
            if let Some(expected) = expected {
                return Err(TheoryError::Domain {
                    argument: "hidden",
                    value: units.to_string(),
                    expected: expected.into(),
                });
            }
        }
        Ok(Self { weights, activation, kappa, hidden })
    }

    /// The machine in its simplest equal form: the identity does not know K, and one sign,
    /// erf or tanh unit is a perceptron with margin g⁻¹(κ).
    ///
    /// # Errors
    /// `Absent` if a single bounded unit can store nothing, or everything, at this margin.
    pub fn reduced(&self) -> Outcome<Self> {
        let perceptron = |kappa| Self {
            activation: Activation::Identity,
            kappa,
            hidden: Hidden::Infinite,
            ..*self
        };
        match (self.hidden, self.activation) {
            (Hidden::Finite(_), Activation::Identity) => Ok(perceptron(self.kappa)),
            (
                Hidden::Finite(1),
                activation @ (Activation::Sign | Activation::Erf { .. } | Activation::Tanh),
            ) => {
                // Increasing, with outputs in [−1, 1], sign's only at the ends.
                let kappa = self.kappa;
                let nothing = kappa >= 1.0;
                let everything =
                    if activation == Activation::Sign { kappa < -1.0 } else { kappa <= -1.0 };
                if nothing || everything {
                    return Err(TheoryError::Absent(format!(
                        "one {} unit stores {} at kappa = {kappa}",
                        activation.name(),
                        if nothing { "no pattern" } else { "every pattern" },
                    )));
                }
                if activation == Activation::Sign || kappa == 0.0 {
                    return Ok(perceptron(0.0));
                }
                let mut high = 1.0;
                while activation.value(high) < kappa.abs() {
                    high *= 2.0;
                }
                let difference = |x: f64| Ok(activation.value(x) - kappa);
                Ok(perceptron(root::brent(difference, -high, high, 1e-15)?))
            }
            _ => Ok(*self),
        }
    }

    /// Refuses finite K, for the quantities that are known as K → ∞ only. The identity is let
    /// pass: its output is the same for every K.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn require_infinite(&self, quantity: &str) -> Outcome<()> {
        match self.hidden {
            Hidden::Finite(units) if self.activation != Activation::Identity => {
                Err(TheoryError::Unavailable(format!(
                    "{quantity} of {} at K = {units}; use --hidden inf",
                    self.activation.name()
                )))
            }
            _ => Ok(()),
        }
    }

    /// A short name for tables: `binary-relu`, with parameters, κ and K where they differ from
    /// the default.
    pub fn label(&self) -> String {
        let mut label = format!("{}-{}", self.weights.name(), self.activation.name());
        if let Some((key, value)) = self.activation.parameter() {
            label += &format!("-{key}{value}");
        }
        if self.kappa != 0.0 {
            label += &format!("-kappa{}", self.kappa);
        }
        if let Hidden::Finite(units) = self.hidden {
            label += &format!("-K{units}");
        }
        label
    }
}

/// A `Domain` error unless `alpha` is a positive finite number.
///
/// # Errors
/// `Domain`.
pub fn check_alpha(alpha: f64) -> Outcome<()> {
    if alpha > 0.0 && alpha.is_finite() {
        return Ok(());
    }
    Err(TheoryError::Domain {
        argument: "alpha",
        value: alpha.to_string(),
        expected: "a positive number".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_machines_exist() {
        let make =
            |activation, kappa, hidden| Model::new(WeightKind::Binary, activation, kappa, hidden);
        assert!(make(Activation::Relu, 0.0, Hidden::Finite(4)).is_ok());
        assert!(make(Activation::Relu, 0.0, Hidden::Finite(3)).is_err());
        assert!(make(Activation::Sign, 0.0, Hidden::Finite(3)).is_ok());
        assert!(make(Activation::Sign, 0.0, Hidden::Finite(0)).is_err());
        assert!(make(Activation::Sign, f64::NAN, Hidden::Infinite).is_err());
        assert!(check_alpha(0.0).is_err() && check_alpha(f64::NAN).is_err());
        let model = make(Activation::Erf { scale: 2.0 }, 0.5, Hidden::Finite(3)).unwrap();
        assert_eq!(model.label(), "binary-erf-scale2-kappa0.5-K3");
        assert!(model.require_infinite("x").is_err());
    }
}
