//! `[solver.rsa]`: parameters, their defaults for each activation, and their checks.

use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::record::Column;
use crate::simd::Energy;
use crate::solver::protocol::{Form, Protocol};
use crate::solver::rsgd::Center;
use crate::solver::{Extent, Instance, Method, Solver, single_flip};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Largest γ of a protocol: e^{−2γ} must not underflow.
const MOST_GAMMA: f64 = 100.0;

/// Accepted flips a sweep at which both ways of selection cost the same (`benches/README.md`).
const BREAK_EVEN: f64 = 1.0;

/// `[solver.rsa]`. Every key may be left out; [`Params::resolved`] fills the defaults in, which
/// depend on the activation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// y; 1 is plain simulated annealing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
    /// Traced (robust ensemble) or explicit (local entropy) centre; of no effect with one replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub center: Option<Center>,
    /// What the Boltzmann weight counts: `errors` or `hinge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
    /// By how much the hinge energy asks for more than κ (units of the stability σΔ).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// β, inverse temperature: of one error, or of a hinge energy in units of the stability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<Protocol>,
    /// γ, coupling of the replicas to their centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<Protocol>,
    /// Accepted flips a sweep (running mean of a replica) below which it selects without rejections;
    /// 0 turns it off. Either way the law is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection_free: Option<f64>,
    /// Sweeps after which a sample is censored; the default protocols end there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<u64>,
}

/// All parameters, with values.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// y.
    pub replicas: usize,
    /// Traced or explicit centre.
    pub center: Center,
    /// The energy.
    pub energy: Energy,
    /// Margin beyond κ.
    pub margin: f64,
    /// β.
    pub beta: Protocol,
    /// γ.
    pub gamma: Protocol,
    /// Accepted flips a sweep below which rejections are skipped.
    pub rejection_free: f64,
    /// Cap on the sweeps.
    pub max_epochs: u64,
}

impl Params {
    /// The values that a run uses.
    pub fn settings(&self, activation: Activation) -> Settings {
        let max_epochs = self.max_epochs.unwrap_or(20_000);
        let energy = self.energy.unwrap_or(Energy::Hinge);
        let (margin, hot, cold) = match (energy, activation) {
            (Energy::Errors, _) => (0.0, 0.5, 5.0),
            (Energy::Hinge, Activation::Sign) => (0.3, 2.0, 7.0),
            (Energy::Hinge, _) => (0.2, 6.0, 18.0),
        };
        let end = max_epochs.max(1);
        Settings {
            replicas: self.replicas.unwrap_or(3),
            center: self.center.unwrap_or(Center::Traced),
            energy,
            margin: self.margin.unwrap_or(margin),
            beta: self.beta.unwrap_or(Protocol::to(hot, cold, end, Form::Linear)),
            gamma: self.gamma.unwrap_or(Protocol::to(0.0, 1.0, end, Form::Linear)),
            rejection_free: self.rejection_free.unwrap_or(BREAK_EVEN),
            max_epochs,
        }
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        super::TAG
    }

    fn resolved(&self, _kind: WeightKind, activation: Activation) -> Self {
        let settings = self.settings(activation);
        Self {
            replicas: Some(settings.replicas),
            center: Some(settings.center),
            energy: Some(settings.energy),
            margin: Some(settings.margin),
            beta: Some(settings.beta),
            gamma: Some(settings.gamma),
            rejection_free: Some(settings.rejection_free),
            max_epochs: Some(settings.max_epochs),
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        super::columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(super::Rsa::new(instance, self))
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let fail = |key: &str, message: String| Err((key.to_owned(), message));
        let settings = self.settings(activation);
        if !(0.0..=100.0).contains(&settings.margin) {
            return fail("margin", format!("{}: expected 0 to 100", settings.margin));
        }
        let hinge =
            single_flip::threshold(&Storage::new(architecture, activation, settings.margin));
        if let Err(message) = single_flip::check("rsa", kind, activation, architecture, hinge + 1) {
            return fail("", message);
        }
        if !(1..=4096).contains(&settings.replicas) {
            let message =
                format!("{}: expected at least one replica, at most 4096", settings.replicas);
            return fail("replicas", message);
        }
        if !(settings.rejection_free >= 0.0 && settings.rejection_free.is_finite()) {
            let message = format!("{}: expected a number ≥ 0", settings.rejection_free);
            return fail("rejection_free", message);
        }
        if settings.max_epochs == 0 {
            return fail("max_epochs", "0: expected at least one sweep".into());
        }
        Protocol::validate_all(
            &[("beta", settings.beta), ("gamma", settings.gamma)],
            settings.max_epochs,
        )?;
        // Monotone: the ends bound it.
        let gamma = settings.gamma.at(0).max(settings.gamma.at(settings.max_epochs));
        if gamma > MOST_GAMMA {
            return fail("gamma", format!("{gamma}: expected at most {MOST_GAMMA}"));
        }
        Ok(())
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        let (inputs, hidden) = (architecture.inputs() as u128, architecture.hidden() as u128);
        // Exact for resolved parameters, whatever the activation.
        let states = self.settings(Activation::Sign).replicas as u128 + 1;
        let padded = patterns as u128 + 64;
        // Bit columns and rows; h and x of every state; Boltzmann factors; ΔE of every flip and the
        // sums of their chances.
        inputs * padded / 4
            + states * ((hidden + 1) * 2 * padded + 16 * inputs)
            + 16 * padded
            + 2 * inputs
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        let settings = self.settings(Activation::Sign);
        let attempts =
            settings.max_epochs as f64 * (settings.replicas * architecture.inputs()) as f64;
        // Typically ends somewhat before the cap.
        0.8 * attempts * (3e-8 + 1e-10 * patterns as f64)
    }
}
