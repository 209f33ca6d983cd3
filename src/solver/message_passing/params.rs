//! `[solver.fbp]` and `[solver.rbp]`: parameters, columns, resources.

use super::MessagePassing;
use super::focusing::{Focus, Protocol, Reinforce};
use super::node::NodeKind;
use crate::model::{Activation, Architecture, WeightKind};
use crate::record::{Column, Estimator, Kind};
use crate::solver::{Extent, Instance, Method, Solver, single_flip};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of fBP's streams.
pub const FBP_TAG: u64 = 3;
/// Key of rBP's streams.
pub const RBP_TAG: u64 = 4;

/// `[solver.fbp]`: focusing belief propagation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FbpParams {
    /// How focusing grows.
    pub protocol: Protocol,
    /// Growth of the control parameter (ρ, or γ with scoping) at each step.
    pub step: f64,
    /// Sweeps of one step.
    pub sweeps_per_step: u64,
    /// R of scoping; none is R = ∞.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// Treatment of sign units.
    pub node: NodeKind,
    /// Damping and divergence control.
    pub damping: Damping,
    /// The finish of near misses.
    pub polish: PolishParams,
    /// Attempts: after a miss the messages start again, at a pace drawn from step/√2 to √2·step.
    pub attempts: u64,
    /// Sweeps after which a sample is censored; by default attempts·2.4·√2·sweeps_per_step/step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<u64>,
}

/// `[solver.rbp]`: reinforced belief propagation, h_tot = h + ρ h_tot(previous).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RbpParams {
    /// Growth of ρ at each step.
    pub step: f64,
    /// Sweeps of one step.
    pub sweeps_per_step: u64,
    /// Treatment of sign units.
    pub node: NodeKind,
    /// Damping and divergence control.
    pub damping: Damping,
    /// The finish of near misses.
    pub polish: PolishParams,
    /// Attempts: after a miss the messages start again, at a pace drawn from step/√2 to √2·step.
    pub attempts: u64,
    /// Sweeps after which a sample is censored; by default attempts·2.4·√2·sweeps_per_step/step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<u64>,
}

/// m ← k·m + (1−k)·(new m), with k between `start` and `end` adapted to the restlessness
/// r = (mean (new m − m)²)^½: above `unrest` the messages oscillate, k moves an eighth of the way to
/// `end` and the protocol waits; below, k relaxes to `start`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Damping {
    /// k at rest.
    pub start: f64,
    /// The largest k.
    pub end: f64,
    /// r above which the messages count as oscillating.
    pub unrest: f64,
}

/// The finish of near misses ([`super::polish`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolishParams {
    /// Patterns not stored up to which a miss is polished; 0 turns it off.
    pub max_errors: u64,
    /// Proposals.
    pub proposals: u64,
    /// β at the start.
    pub beta_start: f64,
    /// β at the end.
    pub beta_end: f64,
}

impl Default for FbpParams {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            step: 0.001,
            sweeps_per_step: 2,
            replicas: None,
            node: NodeKind::default(),
            damping: Damping::default(),
            polish: PolishParams::default(),
            attempts: 8,
            max_epochs: None,
        }
    }
}

impl Default for RbpParams {
    fn default() -> Self {
        Self {
            step: 0.001,
            sweeps_per_step: 2,
            node: NodeKind::default(),
            damping: Damping::default(),
            polish: PolishParams::default(),
            attempts: 8,
            max_epochs: None,
        }
    }
}

impl Default for Damping {
    fn default() -> Self {
        Self { start: 0.5, end: 0.9, unrest: 0.1 }
    }
}

impl Default for PolishParams {
    fn default() -> Self {
        Self { max_errors: 6, proposals: 100_000, beta_start: 4.0, beta_end: 8.0 }
    }
}

impl PolishParams {
    /// Whether near misses are polished.
    pub fn is_on(&self) -> bool {
        self.max_errors > 0 && self.proposals > 0
    }
}

impl Damping {
    /// The next k after k = `keep` at restlessness `rest`, and whether the protocol may advance.
    pub fn adapt(&self, keep: f64, rest: f64) -> (f64, bool) {
        if rest > self.unrest {
            (keep + (self.end - keep) / 8.0, false)
        } else {
            (keep - (keep - self.start) / 32.0, true)
        }
    }
}

/// What both solvers share, resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Stream key.
    pub tag: u64,
    /// Focusing protocol, or reinforcement.
    pub protocol: Option<Protocol>,
    /// R of scoping.
    pub replicas: f64,
    /// Growth of the control parameter a sweep.
    pub rate: f64,
    /// Sweeps of one step.
    pub sweeps_per_step: u64,
    /// Treatment of sign units.
    pub node: NodeKind,
    /// Damping.
    pub damping: Damping,
    /// Finish.
    pub polish: PolishParams,
    /// Attempts.
    pub attempts: u64,
    /// Limit of sweeps.
    pub max_epochs: u64,
}

impl Settings {
    /// The focus at control parameter `x`.
    pub fn focus(&self, x: f64) -> Focus {
        match self.protocol {
            Some(protocol) => protocol.focus(x, self.replicas),
            None => Focus::Reinforce(Reinforce { rho: x.min(1.0) as f32 }),
        }
    }
}

impl From<&FbpParams> for Settings {
    fn from(p: &FbpParams) -> Self {
        Self {
            tag: FBP_TAG,
            protocol: Some(p.protocol),
            replicas: p.replicas.map_or(f64::INFINITY, |r| r as f64),
            rate: p.step,
            sweeps_per_step: p.sweeps_per_step,
            node: p.node,
            damping: p.damping,
            polish: p.polish,
            attempts: p.attempts,
            max_epochs: p.max_epochs.unwrap_or_else(|| {
                let attempt = attempt_limit(p.step, p.sweeps_per_step) as f64;
                (p.attempts as f64 * std::f64::consts::SQRT_2 * attempt).ceil() as u64
            }),
        }
    }
}

impl From<&RbpParams> for Settings {
    fn from(p: &RbpParams) -> Self {
        Self {
            tag: RBP_TAG,
            protocol: None,
            replicas: f64::INFINITY,
            rate: p.step,
            sweeps_per_step: p.sweeps_per_step,
            node: p.node,
            damping: p.damping,
            polish: p.polish,
            attempts: p.attempts,
            max_epochs: p.max_epochs.unwrap_or_else(|| {
                let attempt = attempt_limit(p.step, p.sweeps_per_step) as f64;
                (p.attempts as f64 * std::f64::consts::SQRT_2 * attempt).ceil() as u64
            }),
        }
    }
}

/// Sweeps of one attempt at pace `rate`.
pub fn attempt_limit(rate: f64, sweeps_per_step: u64) -> u64 {
    (2.4 * sweeps_per_step as f64 / rate).ceil() as u64
}

impl Method for FbpParams {
    fn tag(&self) -> u64 {
        FBP_TAG
    }

    fn resolved(&self, _kind: WeightKind, _activation: Activation) -> Self {
        Self { max_epochs: Some(Settings::from(self).max_epochs), ..self.clone() }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(MessagePassing::new(instance, self.into()))
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        bytes(architecture, patterns)
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        expected_seconds(&self.into(), architecture, patterns)
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        if self.protocol != Protocol::Scoping && self.replicas.is_some() {
            let message = "belongs to protocol = \"scoping\"; the others set R themselves";
            return Err(("replicas".into(), message.into()));
        }
        if self.replicas.is_some_and(|r| r < 2) {
            return Err(("replicas".into(), "expected at least two replicas".into()));
        }
        validate(&Settings::from(self), kind, activation, architecture)
    }
}

impl Method for RbpParams {
    fn tag(&self) -> u64 {
        RBP_TAG
    }

    fn resolved(&self, _kind: WeightKind, _activation: Activation) -> Self {
        Self { max_epochs: Some(Settings::from(self).max_epochs), ..self.clone() }
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        columns()
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(MessagePassing::new(instance, self.into()))
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        bytes(architecture, patterns)
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        expected_seconds(&self.into(), architecture, patterns)
    }

    fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        validate(&Settings::from(self), kind, activation, architecture)
    }
}

/// Whether messages can be passed.
///
/// # Errors
/// Why not.
pub fn check(kind: WeightKind, activation: Activation) -> Result<(), String> {
    if kind != WeightKind::Binary {
        return Err("message passing works on binary weights".into());
    }
    if !matches!(activation, Activation::Relu | Activation::Sign | Activation::Identity) {
        let name = activation.name();
        return Err(format!("no message passing for {name}: expected relu, sign or identity"));
    }
    Ok(())
}

fn validate(
    settings: &Settings,
    kind: WeightKind,
    activation: Activation,
    architecture: Architecture,
) -> Result<(), (String, String)> {
    let bad = |key: &str, message: String| Err((key.to_owned(), message));
    check(kind, activation).map_err(|message| (String::new(), message))?;
    if !(settings.rate > 0.0 && settings.rate <= 1.0) {
        return bad("step", format!("{}: expected a number in (0, 1]", settings.rate));
    }
    if settings.sweeps_per_step == 0 {
        return bad("sweeps_per_step", "0: expected at least one sweep".into());
    }
    if settings.max_epochs == 0 {
        return bad("max_epochs", "0: expected at least one sweep".into());
    }
    let damping = settings.damping;
    for (key, k) in [("damping.start", damping.start), ("damping.end", damping.end)] {
        if !(0.0..1.0).contains(&k) {
            return bad(key, format!("{k}: expected a number in [0, 1)"));
        }
    }
    if damping.end < damping.start {
        return bad("damping.end", format!("{}: expected at least damping.start", damping.end));
    }
    if !(damping.unrest > 0.0 && damping.unrest.is_finite()) {
        return bad("damping.unrest", format!("{}: expected a positive number", damping.unrest));
    }
    if settings.attempts == 0 {
        return bad("attempts", "0: expected at least one attempt".into());
    }
    let polish = settings.polish;
    for (key, beta) in
        [("polish.beta_start", polish.beta_start), ("polish.beta_end", polish.beta_end)]
    {
        if !(beta >= 0.0 && beta.is_finite()) {
            return bad(key, format!("{beta}: expected a finite number ≥ 0"));
        }
    }
    if polish.is_on()
        && let Err(message) = single_flip::check("the finish", kind, activation, architecture, 0)
    {
        return bad("polish.max_errors", format!("{message}: expected 0, which turns it off"));
    }
    Ok(())
}

/// Bytes of solver and instance.
pub fn bytes(architecture: Architecture, patterns: usize) -> u128 {
    let (inputs, hidden) = (architecture.inputs() as u128, architecture.hidden() as u128);
    let patterns = patterns as u128;
    // Five copies of the pattern bits; f32 ω, g and products, i16 preactivations of both counts of
    // errors; look-up tables of 8 bytes an entry of m and g; fields and weights.
    5 * inputs * patterns / 8 + patterns * hidden * 24 + 70 * inputs + 200_000
}

/// Rough seconds of a run. An attempt ends near control parameter 0.6, and near the threshold half
/// of the attempts are needed.
fn expected_seconds(settings: &Settings, architecture: Architecture, patterns: usize) -> f64 {
    let attempts = 0.5 * (1 + settings.attempts) as f64;
    let sweeps = (attempts * 0.6 * settings.sweeps_per_step as f64 / settings.rate)
        .min(settings.max_epochs as f64);
    sweeps * sweep_seconds(architecture, patterns)
}

/// Rough seconds of a sweep: 0.05 ns a message, 9 ns (5 for ReLU, 12 for 15 sign units) a node and
/// unit, and 10 ns a weight.
pub fn sweep_seconds(architecture: Architecture, patterns: usize) -> f64 {
    let (n, k, p) = (architecture.inputs() as f64, architecture.hidden() as f64, patterns as f64);
    5e-11 * p * n + 9e-9 * p * k + 1e-8 * n
}

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("polished", "solved by the finish", Kind::Bool, Estimator::Fraction),
        column(
            "errors_unpolished",
            "fewest patterns not stored by messages alone",
            Kind::Count,
            Estimator::Mean,
        ),
        column("attempts", "attempts made", Kind::Count, Estimator::Mean),
        column("control", "control parameter at the end", Kind::Real, Estimator::Mean),
        column("q_messages", "mean squared magnetisation at the end", Kind::Real, Estimator::Mean),
    ]
}
