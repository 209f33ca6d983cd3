//! `[solver.rsgd]` with spherical weights: parameters, defaults, checks.

use crate::model::{Activation, Architecture, Connectivity, WeightKind};
use crate::record::Column;
use crate::solver::protocol::{Form, Protocol};
use crate::solver::{Extent, Instance, Method, Solver, Stop, Then};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the gradient moves the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// SGD with momentum.
    Momentum,
    /// Adam.
    Adam,
}

/// `[solver.rsgd]` for spherical weights. Every key may be left out; [`Params::resolved`] fills the
/// defaults in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
    /// Momentum or Adam.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// Patterns a mini-batch, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Epochs from one division into mini-batches to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regroup: Option<u64>,
    /// η, learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Protocol>,
    /// m in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// β, slope of the cross-entropy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<Protocol>,
    /// Gain of smoothed units: sign, ReLU, leaky ReLU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<Protocol>,
    /// λ, elastic constant that draws a replica to the mean of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<Protocol>,
    /// Whose solution ends the run; of one replica its own.
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
    /// y.
    pub replicas: usize,
    /// Momentum or Adam.
    pub optimizer: Optimizer,
    /// Patterns a mini-batch, at most.
    pub batch: usize,
    /// Epochs from one division into mini-batches to the next.
    pub regroup: u64,
    /// η.
    pub eta: Protocol,
    /// m.
    pub momentum: f64,
    /// β.
    pub beta: Protocol,
    /// Gain of smoothed units.
    pub gain: Protocol,
    /// λ.
    pub lambda: Protocol,
    /// Whose solution ends the run.
    pub stop: Stop,
    /// How far to go on.
    pub then: Option<Then>,
    /// Cap on the epochs.
    pub max_epochs: u64,
}

/// Default protocols of momentum SGD: sign units sharpen at a constant slope of the loss; the others
/// cool while the loss sharpens, from large steps that leave poor regions to small ones.
pub struct Annealed {
    /// Patterns a mini-batch.
    pub batch: usize,
    /// η.
    pub eta: Protocol,
    /// β.
    pub beta: Protocol,
    /// Gain.
    pub gain: Protocol,
}

impl Annealed {
    /// Protocols that take `span` epochs.
    pub fn new(activation: Activation, span: u64) -> Self {
        let to = |start, end| Protocol::to(start, end, span, Form::Geometric);
        let (batch, eta, beta, gain) = match activation {
            Activation::Sign => {
                (256, Protocol::constant(0.0004), Protocol::constant(3.0), to(1.0, 10.0))
            }
            _ => (64, to(0.005, 0.0002), to(2.0, 100.0), to(1.0, 20.0)),
        };
        Self { batch, eta, beta, gain }
    }
}

impl Params {
    /// The values that a run uses. Protocols left out span four fifths of `max_epochs`.
    pub fn settings(&self, activation: Activation) -> Settings {
        let max_epochs = self.max_epochs.unwrap_or(24_000);
        // Four fifths, rounded down.
        let span = (max_epochs - max_epochs.div_ceil(5)).max(1);
        let optimizer = self.optimizer.unwrap_or(Optimizer::Momentum);
        let annealed = Annealed::new(activation, span);
        let eta = match optimizer {
            Optimizer::Momentum => annealed.eta,
            Optimizer::Adam => Protocol::to(0.003, 0.0003, span, Form::Geometric),
        };
        let replicas = self.replicas.unwrap_or(3);
        let stop = if replicas == 1 { Stop::Any } else { self.stop.unwrap_or_default() };
        Settings {
            replicas,
            optimizer,
            batch: self.batch.unwrap_or(annealed.batch),
            regroup: self.regroup.unwrap_or(100),
            eta: self.eta.unwrap_or(eta),
            momentum: self.momentum.unwrap_or(0.9),
            beta: self.beta.unwrap_or(annealed.beta),
            gain: self.gain.unwrap_or(annealed.gain),
            lambda: self.lambda.unwrap_or(Protocol::to(1e-3, 0.1, span, Form::Geometric)),
            stop,
            then: self.then,
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
            optimizer: Some(settings.optimizer),
            batch: Some(settings.batch),
            regroup: Some(settings.regroup),
            eta: Some(settings.eta),
            momentum: Some(settings.momentum),
            beta: Some(settings.beta),
            gain: Some(settings.gain),
            lambda: Some(settings.lambda),
            stop: Some(settings.stop),
            then: settings.then,
            max_epochs: Some(settings.max_epochs),
        }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        super::columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(super::SphericalRsgd::new(instance, self))
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        _architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let fail = |key: &str, message: String| Err((key.to_owned(), message));
        let settings = self.settings(activation);
        if kind != WeightKind::Spherical {
            return fail("weights", "these parameters are those of spherical weights".into());
        }
        if !(1..=1024).contains(&settings.replicas) {
            let message =
                format!("{}: expected at least one replica, at most 1024", settings.replicas);
            return fail("replicas", message);
        }
        if settings.batch == 0 {
            return fail("batch", "0: expected at least one pattern a mini-batch".into());
        }
        if settings.regroup == 0 {
            return fail("regroup", "0: expected at least one epoch".into());
        }
        if settings.max_epochs == 0 {
            return fail("max_epochs", "0: expected at least one epoch".into());
        }
        if !(0.0..1.0).contains(&settings.momentum) {
            let message = format!("{}: expected a number in [0, 1)", settings.momentum);
            return fail("momentum", message);
        }
        Protocol::validate_all(
            &[
                ("eta", settings.eta),
                ("beta", settings.beta),
                ("gain", settings.gain),
                ("lambda", settings.lambda),
            ],
            settings.max_epochs,
        )?;
        match settings
            .then
            .map(|then| then.validate("lambda", settings.lambda, settings.max_epochs))
        {
            Some(Err(message)) => fail("then", message),
            _ => Ok(()),
        }
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        // Exact for resolved parameters, whatever the activation.
        let settings = self.settings(Activation::Sign);
        let (hidden, n) = (architecture.hidden() as u128, architecture.unit_inputs() as u128);
        let groups = match architecture.connectivity() {
            Connectivity::Tree => hidden,
            Connectivity::Full => 1,
        };
        let (patterns, batch) = (patterns as u128, settings.batch.min(patterns) as u128);
        // Rows, and both orientations of the mini-batches.
        let packed = groups * patterns * 3 * n.next_multiple_of(64) / 8;
        // W, V, second moment a replica; mean, best, gradient; look-up tables of weights and slopes.
        let vector = 4 * hidden * n.next_multiple_of(8);
        let tables = 2 * 4 * hidden * (n + batch).next_multiple_of(64);
        packed + (3 * settings.replicas as u128 + 4) * vector + tables + 8 * patterns
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        // Exact for resolved parameters, whatever the activation.
        let settings = self.settings(Activation::Sign);
        let work = architecture.inputs() as f64 * patterns as f64 * settings.replicas as f64;
        // Weights times presentations a second, most of the way to the cap.
        0.7 * settings.max_epochs as f64 * work / 1.4e10
    }
}
