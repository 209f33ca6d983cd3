//! `[solver.edmc]`: parameters and their checks.

use crate::model::{Activation, Architecture, WeightKind};
use crate::record::Column;
use crate::solver::message_passing::node::NodeKind;
use crate::solver::message_passing::params::{self as messages, sweep_seconds};
use crate::solver::protocol::{Form, Protocol};
use crate::solver::{Extent, Instance, Method, Solver, single_flip};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Largest γ of a protocol.
const MOST_GAMMA: f64 = 20.0;

/// `[solver.edmc]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// β, inverse temperature of the local free entropy: how many coupled replicas it stands for.
    pub beta: Protocol,
    /// γ, field towards the configuration (scoping): the larger, the nearer the solutions counted.
    pub gamma: Protocol,
    /// Flips expected of a proposal.
    pub flips: f64,
    /// Proposals of an epoch, at fixed β and γ.
    pub proposals: u64,
    /// Sweeps after which messages count as unsettled.
    pub sweeps: u64,
    /// Restlessness (mean (new m − m)²)^½ at which messages count as settled.
    pub settled: f64,
    /// Treatment of sign units.
    pub node: NodeKind,
    /// Epochs after which a sample is censored.
    pub max_epochs: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            beta: Protocol::constant(10.0),
            gamma: Protocol::to(0.4, 1.4, 200, Form::Linear),
            flips: 16.0,
            proposals: 10,
            sweeps: 60,
            settled: 1e-3,
            node: NodeKind::default(),
            max_epochs: 220,
        }
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        super::TAG
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        super::columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(super::Edmc::new(instance, self))
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let fail = |key: &str, message: String| Err((key.to_owned(), message));
        if let Err(message) = messages::check(kind, activation)
            .and_then(|()| single_flip::check("edmc", kind, activation, architecture, 0))
        {
            return fail("", message);
        }
        if !(self.flips > 0.0 && self.flips.is_finite()) {
            return fail("flips", format!("{}: expected a positive number", self.flips));
        }
        if self.proposals == 0 {
            return fail("proposals", "0: expected at least one proposal".into());
        }
        if self.sweeps == 0 {
            return fail("sweeps", "0: expected at least one sweep".into());
        }
        if !(1e-5..=0.1).contains(&self.settled) {
            return fail("settled", format!("{}: expected 1e-5 to 0.1", self.settled));
        }
        if self.max_epochs == 0 {
            return fail("max_epochs", "0: expected at least one epoch".into());
        }
        Protocol::validate_all(&[("beta", self.beta), ("gamma", self.gamma)], self.max_epochs)?;
        // Monotone: the ends bound it.
        let gamma = self.gamma.at(0).max(self.gamma.at(self.max_epochs));
        if gamma > MOST_GAMMA {
            return fail("gamma", format!("{gamma}: expected at most {MOST_GAMMA}"));
        }
        Ok(())
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        let (inputs, hidden) = (architecture.inputs() as u128, architecture.hidden() as u128);
        let padded = patterns as u128 + 64;
        // Messages twice; bit columns; h and x of two machines; laws of the proposals.
        messages::bytes(architecture, patterns)
            + 4 * padded * hidden
            + inputs * padded / 8
            + 4 * (hidden + 1) * padded
            + 40 * inputs
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        // Some ten sweeps to settle, two for the value; half of the epochs before it solves.
        let evaluations = 0.5 * self.max_epochs as f64 * (self.proposals + 1) as f64;
        evaluations * 12.0 * sweep_seconds(architecture, patterns)
    }
}
