//! `[solver.descent]`: single flips that lose no pattern, Metropolis at zero temperature.
//!
//! A weight drawn at random is flipped, and flipped back if more patterns are then not stored:
//!
//! $$ W_i \to -W_i \quad\text{accepted iff}\quad \Delta E \le 0, \qquad
//!    E(W) = \sum_{\mu=1}^{P} \Theta\left(\kappa - \sigma^\mu \Delta^\mu\right) . $$
//!
//! An epoch is N proposals. Cost O(N²P) an epoch, with the plain verifier: an example, not a tool.
//! Deterministic: one stream.

use reluscape::model::{Activation, Architecture, WeightKind, Weights};
use reluscape::record::{Column, Estimator, Kind, Value};
use reluscape::rng::Stream;
use reluscape::solver::{Effort, Extent, Instance, Method, Progress, Solver, snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `[solver.descent]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Epochs after which a sample is censored.
    pub max_epochs: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self { max_epochs: 200 }
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        1000
    }

    fn validate(
        &self,
        kind: WeightKind,
        _activation: Activation,
        _architecture: Architecture,
    ) -> Result<(), (String, String)> {
        if kind != WeightKind::Binary {
            return Err((String::new(), "descent flips binary weights".into()));
        }
        if self.max_epochs == 0 {
            return Err(("max_epochs".into(), "0: expected at least one epoch".into()));
        }
        Ok(())
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let long_name = "fraction of the proposals that were accepted";
        vec![Column::new("acceptance", long_name, Kind::Real, Estimator::Mean)]
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        let mut stream = instance.solver_stream(self.tag(), 0);
        let weights = Weights::random_binary(instance.storage.architecture(), &mut stream);
        let errors = instance.storage.errors(&instance.patterns, &weights);
        let state = State { weights, errors, stream, effort: Effort::default(), accepted: 0 };
        Box::new(Descent { instance, max_epochs: self.max_epochs, state })
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        (architecture.pattern_len() * patterns / 8 + architecture.inputs() / 8) as u128
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        let inputs = architecture.inputs() as f64;
        let pattern = 2e-8 * architecture.hidden() as f64 + 1e-10 * inputs;
        0.5 * self.max_epochs as f64 * inputs * patterns as f64 * pattern
    }
}

/// All that changes: a snapshot holds this.
#[derive(Serialize, Deserialize)]
struct State {
    weights: Weights,
    errors: usize,
    stream: Stream,
    effort: Effort,
    accepted: u64,
}

struct Descent {
    instance: Arc<Instance>,
    max_epochs: u64,
    state: State,
}

/// Layout of a snapshot.
const LAYOUT: &str = "descent/1";

impl Solver for Descent {
    fn epoch(&mut self) -> Progress {
        let (storage, patterns) = (&self.instance.storage, &self.instance.patterns);
        let architecture = storage.architecture();
        let (inputs, state) = (architecture.inputs(), &mut self.state);
        for _ in 0..inputs {
            if state.errors == 0 {
                break;
            }
            let site = state.stream.below(inputs as u64) as usize;
            state.weights.flip(architecture, site);
            let errors = storage.errors(patterns, &state.weights);
            if errors <= state.errors {
                state.errors = errors;
                state.accepted += 1;
            } else {
                state.weights.flip(architecture, site);
            }
            state.effort.presentations += patterns.count() as u64;
        }
        state.effort.epochs += 1;
        Progress::after(state.errors == 0, state.effort.epochs, self.max_epochs)
    }

    fn effort(&self) -> Effort {
        self.state.effort
    }

    fn weights(&self) -> Weights {
        self.state.weights.clone()
    }

    fn replicas(&self) -> Vec<Weights> {
        vec![self.state.weights.clone()]
    }

    fn center(&self) -> Option<Weights> {
        None
    }

    fn values(&self) -> Vec<Value> {
        let proposals = self.state.effort.presentations / self.instance.patterns.count() as u64;
        vec![match proposals {
            0 => Value::Missing,
            _ => Value::Real(self.state.accepted as f64 / proposals as f64),
        }]
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(LAYOUT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let state: State = snapshot::decode(LAYOUT, bytes)?;
        let same_size = match (&state.weights, &self.state.weights) {
            (Weights::Binary(new), Weights::Binary(old)) => new.len() == old.len(),
            _ => false,
        };
        if !same_size {
            return Err("a snapshot of other weights".into());
        }
        self.state = state;
        Ok(())
    }
}
