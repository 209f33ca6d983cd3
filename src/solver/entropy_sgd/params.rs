//! `[solver.entropy_sgd]`: parameters, defaults for each kind of weights, checks.

use crate::model::{Activation, Architecture, Connectivity, WeightKind};
use crate::record::Column;
use crate::solver::protocol::{Form, Protocol};
use crate::solver::spherical::params::Annealed;
use crate::solver::{Extent, Instance, Method, Solver, Stop, Then};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `[solver.entropy_sgd]`. Every key may be left out; [`Params::resolved`] fills the defaults in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Patterns a mini-batch, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Epochs from one division into mini-batches to the next (spherical; binary: 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regroup: Option<u64>,
    /// L, Langevin steps an outer step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// η, size of a Langevin step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Protocol>,
    /// m in [0, 1) (spherical; binary: 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// β: slope of the cross-entropy (spherical), gain of the means (binary).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<Protocol>,
    /// Gain of smoothed units: sign, ReLU, leaky ReLU (spherical).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<Protocol>,
    /// ε, size of the noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Protocol>,
    /// γ, elastic constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<Protocol>,
    /// a in (0, 1], share of the newest point in the running average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub averaging: Option<f64>,
    /// ρ in (0, 1], outer step towards the average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outer: Option<f64>,
    /// Whose solution ends the run: x (`center`), x' (`all`) or either (`any`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// How far to go on after the first solution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// Epochs after which a sample is censored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<u64>,
}

/// All parameters, with values.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Patterns a mini-batch, at most.
    pub batch: usize,
    /// Epochs from one division into mini-batches to the next.
    pub regroup: u64,
    /// L.
    pub steps: u64,
    /// η.
    pub eta: Protocol,
    /// m.
    pub momentum: f64,
    /// β.
    pub beta: Protocol,
    /// Gain of smoothed units.
    pub gain: Protocol,
    /// ε.
    pub noise: Protocol,
    /// γ.
    pub gamma: Protocol,
    /// a.
    pub averaging: f64,
    /// ρ.
    pub outer: f64,
    /// Whose solution ends the run.
    pub stop: Stop,
    /// How far to go on.
    pub then: Option<Then>,
    /// Cap on the epochs.
    pub max_epochs: u64,
}

impl Params {
    /// The values that a run uses. Protocols left out span four fifths of `max_epochs`.
    pub fn settings(&self, kind: WeightKind, activation: Activation) -> Settings {
        let real = kind == WeightKind::Spherical;
        let max_epochs = self.max_epochs.unwrap_or(if real { 24_000 } else { 1000 });
        let span = (max_epochs - max_epochs.div_ceil(5)).max(1);
        let grow = |start, end| Protocol::to(start, end, span, Form::Geometric);
        let annealed = Annealed::new(activation, span);
        let (batch, eta, beta, noise, gamma) = if real {
            (annealed.batch, annealed.eta, annealed.beta, grow(0.1, 0.001), grow(1.0, 100.0))
        } else {
            let (eta, beta) = (Protocol::constant(0.1), Protocol::constant(1.0));
            (10, eta, beta, grow(0.03, 0.003), grow(0.01, 1.0))
        };
        Settings {
            batch: self.batch.unwrap_or(batch),
            regroup: self.regroup.unwrap_or(if real { 100 } else { 1 }),
            steps: self.steps.unwrap_or(10),
            eta: self.eta.unwrap_or(eta),
            momentum: self.momentum.unwrap_or(if real { 0.9 } else { 0.0 }),
            beta: self.beta.unwrap_or(beta),
            gain: self.gain.unwrap_or(annealed.gain),
            noise: self.noise.unwrap_or(noise),
            gamma: self.gamma.unwrap_or(gamma),
            averaging: self.averaging.unwrap_or(0.75),
            outer: self.outer.unwrap_or(1.0),
            stop: self.stop.unwrap_or_default(),
            then: self.then,
            max_epochs,
        }
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        super::TAG
    }

    fn resolved(&self, kind: WeightKind, activation: Activation) -> Self {
        let settings = self.settings(kind, activation);
        let real = kind == WeightKind::Spherical;
        Self {
            batch: Some(settings.batch),
            regroup: real.then_some(settings.regroup),
            steps: Some(settings.steps),
            eta: Some(settings.eta),
            momentum: real.then_some(settings.momentum),
            beta: Some(settings.beta),
            gain: real.then_some(settings.gain),
            noise: Some(settings.noise),
            gamma: Some(settings.gamma),
            averaging: Some(settings.averaging),
            outer: Some(settings.outer),
            stop: Some(settings.stop),
            then: settings.then,
            max_epochs: Some(settings.max_epochs),
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        super::columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        super::build(instance, self)
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let fail = |key: &str, message: String| Err((key.to_owned(), message));
        let settings = self.settings(kind, activation);
        if kind == WeightKind::Binary {
            let given = [
                ("regroup", self.regroup.is_some()),
                ("momentum", self.momentum.is_some()),
                ("gain", self.gain.is_some()),
            ];
            if let Some((key, _)) = given.iter().find(|(_, given)| *given) {
                return fail(key, "belongs to weights = \"spherical\"".into());
            }
            if architecture.connectivity() == Connectivity::Full && activation != Activation::Sign {
                let message = "\"full\" is available for sign units only";
                return fail("connectivity", message.into());
            }
        }
        if settings.batch == 0 {
            return fail("batch", "0: expected at least one pattern a mini-batch".into());
        }
        for (key, count, unit) in [
            ("regroup", settings.regroup, "epoch"),
            ("steps", settings.steps, "step"),
            ("max_epochs", settings.max_epochs, "epoch"),
        ] {
            if count == 0 {
                return fail(key, format!("0: expected at least one {unit}"));
            }
        }
        if !(0.0..1.0).contains(&settings.momentum) {
            let message = format!("{}: expected a number in [0, 1)", settings.momentum);
            return fail("momentum", message);
        }
        for (key, share) in [("averaging", settings.averaging), ("outer", settings.outer)] {
            if !(share > 0.0 && share <= 1.0) {
                return fail(key, format!("{share}: expected a number in (0, 1]"));
            }
        }
        Protocol::validate_all(
            &[
                ("eta", settings.eta),
                ("beta", settings.beta),
                ("gain", settings.gain),
                ("noise", settings.noise),
                ("gamma", settings.gamma),
            ],
            settings.max_epochs,
        )?;
        // Monotone protocols: the ends bound them.
        let most = |x: Protocol| x.at(0).max(x.at(settings.max_epochs));
        let pull = most(settings.eta) * most(settings.gamma);
        if pull > 1.0 {
            let message = format!(
                "eta·gamma up to {pull}: expected at most 1, where x' falls back to x in one step"
            );
            return fail("gamma", message);
        }
        let reach = |then: Then| then.validate("gamma", settings.gamma, settings.max_epochs);
        match settings.then.map(reach) {
            Some(Err(message)) => fail("then", message),
            _ => Ok(()),
        }
    }

    fn bytes(&self, kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        // Exact for resolved parameters, whatever the activation.
        let settings = self.settings(kind, Activation::Sign);
        let (hidden, n) = (architecture.hidden() as u128, architecture.unit_inputs() as u128);
        let (patterns, batch) = (patterns as u128, settings.batch.min(patterns) as u128);
        let row = (architecture.pattern_len() as u128).div_ceil(8) + 8;
        // x, x', μ, V, Ξ, best, gradient; look-up tables.
        let vectors = 7 * 4 * hidden * n.next_multiple_of(64);
        let tables = 2 * 4 * hidden * (n + batch).next_multiple_of(64);
        // Rows, and the kernels' copies: both orientations, or one for the count of errors.
        let copies = if kind == WeightKind::Spherical { 3 } else { 2 };
        copies * patterns * row + vectors + tables + batch * (row + 20 * hidden) + 8 * patterns
    }

    fn expected_seconds(
        &self,
        kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        // Exact for resolved parameters, whatever the activation.
        let settings = self.settings(kind, Activation::Sign);
        let work = architecture.inputs() as f64 * patterns as f64;
        // Weights times presentations a second, most of the way to the cap.
        let throughput = if kind == WeightKind::Spherical { 6e9 } else { 1.5e9 };
        0.6 * settings.max_epochs as f64 * work / throughput
    }
}
