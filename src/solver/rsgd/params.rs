//! `[solver.rsgd]`, `[solver.sgd]`, `[solver.lal]`: parameters, their defaults for each rule, and
//! their checks.

use crate::model::{Activation, Architecture, Connectivity, WeightKind};
use crate::record::Column;
use crate::solver::protocol::{Form, Protocol};
use crate::solver::{Extent, Instance, Method, Solver, Stop, Then};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a misclassified (or weakly classified) pattern moves the hidden weights H.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The fewest wrong units nearest to their threshold learn (sign, identity).
    LeastAction,
    /// A gradient (any activation).
    Gradient,
}

/// Which gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gradient {
    /// Cross-entropy through W = sign H.
    StraightThrough,
    /// Log-probability of storage by random weights with means tanh(βH).
    MeanField,
}

/// The attraction to the centre.
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
    /// λ(H̄ − H).
    Elastic,
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
    /// Which gradient, for `rule = "gradient"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient: Option<Gradient>,
    /// Traced or explicit centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub center: Option<Center>,
    /// The coupling formula.
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
    /// β: slope of the cross-entropy, or gain of the means (gradient rules).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<Protocol>,
    /// Whether all replicas start from the same weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equal_start: Option<bool>,
    /// Whose solution ends the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// How far to go on after the first solution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// Epochs after which a sample is censored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<u64>,
}

/// The rules as the solver tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// See [`super::least_action`].
    LeastAction,
    /// See [`super::straight_through`].
    StraightThrough,
    /// See [`super::mean_field`].
    MeanField,
}

/// All parameters, with values.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// y.
    pub replicas: usize,
    /// Rule and gradient.
    pub learning: Learning,
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
    /// Whose solution ends the run.
    pub stop: Stop,
    /// How far to go on.
    pub then: Option<Then>,
    /// Cap on the epochs.
    pub max_epochs: u64,
}

impl Settings {
    /// The defaults of a rule with y = `replicas` (`None`: the default y).
    fn defaults(learning: Learning, replicas: Option<usize>) -> Self {
        let common = Settings {
            replicas: 7,
            learning,
            center: Center::Traced,
            formula: Formula::Hard,
            batch: 80,
            eta: Protocol::constant(2.0),
            lambda: Protocol::constant(0.75),
            gamma: Protocol::linear_step(0.05, 0.001),
            beta: Protocol::constant(1.0),
            equal_start: true,
            stop: Stop::Any,
            then: None,
            max_epochs: 2000,
        };
        let mut default = match learning {
            Learning::LeastAction => common,
            Learning::StraightThrough => Settings {
                replicas: 5,
                formula: Formula::Continuous,
                batch: 50,
                eta: Protocol::constant(0.02),
                lambda: Protocol::to(0.001, 0.01, 400, Form::Geometric),
                gamma: Protocol::constant(1.0),
                beta: Protocol::to(1.0, 10.0, 400, Form::Geometric),
                equal_start: false,
                max_epochs: 500,
                ..common
            },
            Learning::MeanField => Settings {
                replicas: 3,
                formula: Formula::Elastic,
                batch: 10,
                eta: Protocol::constant(0.1),
                lambda: Protocol::constant(0.01),
                gamma: Protocol::constant(1.0),
                equal_start: false,
                max_epochs: 400,
                ..common
            },
        };
        default.replicas = replicas.unwrap_or(default.replicas);
        if default.replicas == 1 {
            // No one to be drawn to.
            default.lambda = Protocol::constant(0.0);
        }
        default
    }
}

impl Params {
    /// Rule and gradient for `activation`.
    fn learning(&self, activation: Activation) -> Learning {
        let rule = self.rule.unwrap_or(match activation {
            _ if self.gradient.is_some() => Rule::Gradient,
            Activation::Sign | Activation::Identity => Rule::LeastAction,
            _ => Rule::Gradient,
        });
        match (rule, self.gradient) {
            (Rule::LeastAction, _) => Learning::LeastAction,
            (Rule::Gradient, None | Some(Gradient::StraightThrough)) => Learning::StraightThrough,
            (Rule::Gradient, Some(Gradient::MeanField)) => Learning::MeanField,
        }
    }

    /// The values that a run uses.
    pub fn settings(&self, activation: Activation) -> Settings {
        let default = Settings::defaults(self.learning(activation), self.replicas);
        Settings {
            center: self.center.unwrap_or(default.center),
            formula: self.formula.unwrap_or(default.formula),
            batch: self.batch.unwrap_or(default.batch),
            eta: self.eta.unwrap_or(default.eta),
            lambda: self.lambda.unwrap_or(default.lambda),
            gamma: self.gamma.unwrap_or(default.gamma),
            beta: self.beta.unwrap_or(default.beta),
            equal_start: self.equal_start.unwrap_or(default.equal_start),
            stop: self.stop.unwrap_or(default.stop),
            then: self.then,
            max_epochs: self.max_epochs.unwrap_or(default.max_epochs),
            ..default
        }
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        super::TAG
    }

    fn resolved(&self, _kind: WeightKind, activation: Activation) -> Self {
        let settings = self.settings(activation);
        let (rule, gradient) = match settings.learning {
            Learning::LeastAction => (Rule::LeastAction, None),
            Learning::StraightThrough => (Rule::Gradient, Some(Gradient::StraightThrough)),
            Learning::MeanField => (Rule::Gradient, Some(Gradient::MeanField)),
        };
        Self {
            replicas: Some(settings.replicas),
            rule: Some(rule),
            gradient,
            center: Some(settings.center),
            formula: Some(settings.formula),
            batch: Some(settings.batch),
            eta: Some(settings.eta),
            lambda: Some(settings.lambda),
            gamma: Some(settings.gamma),
            beta: Some(settings.beta),
            equal_start: Some(settings.equal_start),
            stop: Some(settings.stop),
            then: settings.then,
            max_epochs: Some(settings.max_epochs),
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        super::columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(super::Rsgd::new(instance, self))
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let fail = |key: &str, message: String| Err((key.to_owned(), message));
        let settings = self.settings(activation);
        if kind != WeightKind::Binary {
            return fail("", "rsgd works on binary weights".into());
        }
        let full = architecture.connectivity() == Connectivity::Full;
        if full && activation != Activation::Sign {
            return fail("connectivity", "\"full\" is available for sign units only".into());
        }
        let odd_rule = matches!(activation, Activation::Sign | Activation::Identity);
        if settings.learning == Learning::LeastAction && !odd_rule {
            let message = format!(
                "\"least_action\" is defined for sign and identity, not for {}: \
                 expected \"gradient\"",
                activation.name()
            );
            return fail("rule", message);
        }
        if settings.learning == Learning::LeastAction && self.gradient.is_some() {
            return fail("gradient", "belongs to rule = \"gradient\"".into());
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
        Protocol::validate_all(
            &[
                ("eta", settings.eta),
                ("lambda", settings.lambda),
                ("gamma", settings.gamma),
                ("beta", settings.beta),
            ],
            settings.max_epochs,
        )?;
        if let Some(Err(message)) =
            settings.then.map(|then| then.validate("gamma", settings.gamma, settings.max_epochs))
        {
            return fail("then", message);
        }
        Ok(())
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        // Exact for resolved parameters, whatever the activation.
        let settings = self.settings(Activation::Sign);
        let (replicas, patterns) = (settings.replicas as u128, patterns as u128);
        let lanes =
            (architecture.unit_inputs().next_multiple_of(64) * architecture.hidden()) as u128;
        let row = (architecture.pattern_len() as u128).div_ceil(8) + 8;
        // The rows and their copy for the error count; H and W of every replica, the sums, an
        // explicit centre, corrections and means; look-up tables; orders of presentation.
        2 * patterns * row
            + (replicas + 4) * lanes * 4
            + (replicas + 3) * lanes / 8
            + 9 * lanes
            + replicas * patterns * 4
            + settings.batch as u128 * (row + 20 * architecture.hidden() as u128)
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        let settings = self.settings(Activation::Sign);
        let work = architecture.inputs() as f64 * patterns as f64 * settings.replicas as f64;
        // Presentations·replicas·weights a second and typical epochs, half way to the cap.
        let throughput = match settings.learning {
            Learning::LeastAction => 4e10,
            Learning::StraightThrough => 5e9,
            Learning::MeanField => 2e9,
        };
        0.5 * settings.max_epochs as f64 * work / throughput
    }
}
