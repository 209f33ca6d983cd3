//! `[solver.rsgd]`: parameters, their defaults for each rule, and their checks.

use crate::model::{Activation, Architecture, Connectivity, WeightKind};
use crate::solver::protocol::{Form, Protocol};
use serde::{Deserialize, Serialize};

/// How a misclassified (or weakly classified) pattern moves the hidden weights H.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The fewest wrong units nearest to their threshold learn (sign, identity).
    LeastAction,
    /// Cross-entropy gradient through W = sign H (any activation).
    StraightThrough,
}

/// The attraction to the traced centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// λ[clamp(γyc, −1, 1) − W].
    Hard,
    /// λ[tanh(γyc) − W].
    Simple,
    /// λ[tanh(γyc) − tanh(γy)W].
    Corrected,
    /// λ(c − W).
    Continuous,
}

/// What represents the centre of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Center {
    /// The mean of the replicas.
    Traced,
    /// A configuration of its own, attracted by the replicas.
    Explicit,
}

/// `[solver.rsgd]`. Every key may be left out; [`Params::resolved`] fills the defaults in, which
/// depend on the activation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
    /// The learning rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Traced or explicit centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub center: Option<Center>,
    /// The coupling formula of a traced centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<Formula>,
    /// Patterns a mini-batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// η, learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Protocol>,
    /// λ, strength of the coupling step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Protocol>,
    /// γ, coupling of replicas and centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<Protocol>,
    /// β, slope of the cross-entropy (gradient rules).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<Protocol>,
    /// Whether all replicas start from the same weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equal_start: Option<bool>,
    /// Epochs after which a sample is censored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<u64>,
}

/// All parameters, with values.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// y.
    pub replicas: usize,
    /// The learning rule.
    pub rule: Rule,
    /// Traced or explicit centre.
    pub center: Center,
    /// Coupling formula.
    pub formula: Formula,
    /// Patterns a mini-batch.
    pub batch: usize,
    /// η.
    pub eta: Protocol,
    /// λ.
    pub lambda: Protocol,
    /// γ.
    pub gamma: Protocol,
    /// β.
    pub beta: Protocol,
    /// Same initial weights in all replicas.
    pub equal_start: bool,
    /// Cap on the epochs.
    pub max_epochs: u64,
}

impl Params {
    /// All keys with their values for `activation`: what a job file that names every key would
    /// hold, and what is stored with the results.
    pub fn resolved(&self, activation: Activation) -> Self {
        let settings = self.settings(activation);
        Self {
            replicas: Some(settings.replicas),
            rule: Some(settings.rule),
            center: Some(settings.center),
            formula: Some(settings.formula),
            batch: Some(settings.batch),
            eta: Some(settings.eta),
            lambda: Some(settings.lambda),
            gamma: Some(settings.gamma),
            beta: Some(settings.beta),
            equal_start: Some(settings.equal_start),
            max_epochs: Some(settings.max_epochs),
        }
    }

    /// The values that a run uses.
    pub fn settings(&self, activation: Activation) -> Settings {
        let rule = self.rule.unwrap_or(match activation {
            Activation::Sign | Activation::Identity => Rule::LeastAction,
            _ => Rule::StraightThrough,
        });
        let default = match rule {
            Rule::LeastAction => Settings {
                replicas: 7,
                rule,
                center: Center::Traced,
                formula: Formula::Hard,
                batch: 80,
                eta: Protocol::constant(2.0),
                lambda: Protocol::constant(0.75),
                gamma: Protocol::linear_step(0.05, 0.001),
                beta: Protocol::constant(1.0),
                equal_start: true,
                max_epochs: 2000,
            },
            Rule::StraightThrough => Settings {
                replicas: 5,
                rule,
                center: Center::Traced,
                formula: Formula::Continuous,
                batch: 50,
                eta: Protocol::constant(0.02),
                lambda: Protocol::to(0.001, 0.01, 400, Form::Geometric),
                gamma: Protocol::constant(1.0),
                beta: Protocol::to(1.0, 10.0, 400, Form::Geometric),
                equal_start: false,
                max_epochs: 500,
            },
        };
        Settings {
            replicas: self.replicas.unwrap_or(default.replicas),
            rule,
            center: self.center.unwrap_or(default.center),
            formula: self.formula.unwrap_or(default.formula),
            batch: self.batch.unwrap_or(default.batch),
            eta: self.eta.unwrap_or(default.eta),
            lambda: self.lambda.unwrap_or(default.lambda),
            gamma: self.gamma.unwrap_or(default.gamma),
            beta: self.beta.unwrap_or(default.beta),
            equal_start: self.equal_start.unwrap_or(default.equal_start),
            max_epochs: self.max_epochs.unwrap_or(default.max_epochs),
        }
    }

    /// See [`crate::solver::SolverSpec::validate`].
    ///
    /// # Errors
    /// (key, message).
    pub fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let fail = |key: &str, message: String| Err((key.to_owned(), message));
        let settings = self.settings(activation);
        if kind != WeightKind::Binary {
            return fail("weights", "rsgd knows binary weights only so far".into());
        }
        let full = architecture.connectivity() == Connectivity::Full;
        if full && activation != Activation::Sign {
            return fail("connectivity", "\"full\" is available for sign units only".into());
        }
        let odd_rule = matches!(activation, Activation::Sign | Activation::Identity);
        if settings.rule == Rule::LeastAction && !odd_rule {
            let message = format!(
                "\"least_action\" is defined for sign and identity, not for {}: \
                 expected \"straight_through\"",
                activation.name()
            );
            return fail("rule", message);
        }
        if !(1..=4096).contains(&settings.replicas) {
            return fail(
                "replicas",
                format!("{}: expected at least one replica, at most 4096", settings.replicas),
            );
        }
        if settings.batch == 0 {
            return fail("batch", "0: expected at least one pattern a mini-batch".into());
        }
        if settings.max_epochs == 0 {
            return fail("max_epochs", "0: expected at least one epoch".into());
        }
        for (key, protocol) in [
            ("eta", settings.eta),
            ("lambda", settings.lambda),
            ("gamma", settings.gamma),
            ("beta", settings.beta),
        ] {
            if let Err(message) = protocol.validate(0.0, settings.max_epochs) {
                return fail(key, message);
            }
        }
        Ok(())
    }

    /// See [`crate::solver::SolverSpec::bytes`].
    pub fn bytes(&self, architecture: Architecture, patterns: usize) -> u128 {
        // Exact for resolved parameters, whatever the activation.
        let settings = self.settings(Activation::Sign);
        let replicas = settings.replicas as u128;
        let lanes =
            (architecture.unit_inputs().next_multiple_of(64) * architecture.hidden()) as u128;
        let row = (architecture.pattern_len() as u128).div_ceil(8) + 8;
        let instance = patterns as u128 * row;
        // H and W of every replica, the sums, an explicit centre, two packed configurations; the
        // orders of presentation.
        instance
            + (replicas + 2) * lanes * 4
            + (replicas + 3) * lanes / 8
            + replicas * patterns as u128 * 4
    }

    /// See [`crate::solver::SolverSpec::expected_seconds`].
    pub fn expected_seconds(&self, architecture: Architecture, patterns: usize) -> f64 {
        let settings = self.settings(Activation::Sign);
        let work = architecture.inputs() as f64 * patterns as f64 * settings.replicas as f64;
        // Presentations·replicas·weights a second and typical epochs, half way to the cap.
        let throughput = match settings.rule {
            Rule::LeastAction => 3e10,
            Rule::StraightThrough => 5e9,
        };
        0.5 * settings.max_epochs as f64 * work / throughput
    }
}
