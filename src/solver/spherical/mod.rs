//! Replicated SGD for spherical weights.
//!
//! y replicas W^r with Σ_i W_li² = n in every unit descend the cross-entropy of the stabilities by
//! mini-batches ([`minibatch`]), by momentum or Adam on the sphere ([`descent`]), its slope β
//! annealed to that of the error count; each is drawn to the mean of all with the elastic constant λ
//! (Zhang, Choromanska & LeCun, arXiv:1412.6651; Baldassi et al., PNAS 113, E7655 (2016)). Sign units
//! learn as tanh(gain·λ_l). The replicas share the division of the patterns into mini-batches and
//! take them in orders of their own; all move at once, from the mean before the step. A run ends
//! when a replica or the normalised mean stores every pattern, which the f64 verifier confirms with
//! its guard band ([`crate::model::storage::GUARD_BAND`]).
//!
//! Cost O(yPN/2) table look-ups an epoch. Deterministic: streams by replica, fixed order of all
//! sums, the same bits on every instruction set.

mod descent;
mod minibatch;
mod params;
#[cfg(test)]
mod tests;
mod units;

pub use params::{Optimizer, Params, Settings};

use super::{Effort, Instance, Progress, Solver, snapshot};
use crate::model::Weights;
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::Isa;
use descent::{Normalise, Step};
use minibatch::{Deck, Pass};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 6;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "spherical rsgd/1";

/// So many errors met in an epoch, and one in a hundred patterns, are near a solution.
const NEAR: u64 = 16;
/// Far from a solution errors are counted once in so many epochs.
const FAR_EPOCHS: u64 = 32;

/// Columns beyond the common ones.
pub fn columns() -> Vec<Column> {
    vec![
        Column::new(
            "solved_by_center",
            "the centre of the replicas is the solution",
            Kind::Bool,
            Estimator::Fraction,
        ),
        Column::new("solving_replica", "replica that solved, from 0", Kind::Count, Estimator::None),
        Column::new("lambda", "elastic constant at the end", Kind::Real, Estimator::Mean),
        Column::new("beta", "slope of the cross-entropy at the end", Kind::Real, Estimator::Mean),
        Column::new(
            "overlap_at_end",
            "mean overlap of pairs of replicas at the end",
            Kind::Real,
            Estimator::Mean,
        ),
    ]
}

/// Who stores all patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Winner {
    Center,
    Replica(u32),
}

/// One replica.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Replica {
    /// W, K × stride.
    weights: Vec<f32>,
    /// Velocity, or Adam's first moment.
    velocity: Vec<f32>,
    /// Adam's second moment, else empty.
    second: Vec<f32>,
    /// Order of the mini-batches.
    order: Vec<u32>,
    /// Initial weights, then shuffles `order`.
    stream: Stream,
    /// Errors met while learning, this epoch.
    met: u64,
}

/// Everything that changes: what a snapshot holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    epochs: u64,
    /// Mini-batches a replica so far.
    steps: u64,
    replicas: Vec<Replica>,
    /// Order in which patterns are dealt to mini-batches.
    members: Vec<u32>,
    /// Shuffles `members`.
    stream: Stream,
    /// Best configuration seen and its number of errors.
    best: Vec<f32>,
    best_errors: u64,
    winner: Option<Winner>,
}

/// Replicated SGD for spherical weights on one instance.
pub struct SphericalRsgd {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    deck: Deck,
    pass: Pass,
    state: State,
    /// Σ_r W^r, at the end of an epoch the normalised centre.
    center: Vec<f32>,
    /// A configuration as the verifier takes it.
    claimed: Weights,
}

impl SphericalRsgd {
    /// Random initial weights, uniform on the sphere.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let settings = params.settings(instance.storage.activation());
        let deck = Deck::new(&instance.patterns, settings.batch);
        let pass = Pass::new(isa, &instance.storage, &deck);
        let n = instance.storage.architecture().unit_inputs();
        let state = State::new(&instance, &settings, deck.len(), (n, pass.stride()));
        let center = state.best.clone();
        let claimed = Weights::Spherical(vec![0.0; instance.storage.architecture().inputs()]);
        Self { instance, settings, isa, deck, pass, state, center, claimed }
    }

    /// n.
    fn unit_inputs(&self) -> usize {
        self.instance.storage.architecture().unit_inputs()
    }

    /// The mean of the replicas times y.
    fn sum(&mut self) {
        let (first, others) = self.state.replicas.split_first().expect("at least one replica");
        self.center.copy_from_slice(&first.weights);
        for replica in others {
            self.center.iter_mut().zip(&replica.weights).for_each(|(sum, w)| *sum += w);
        }
    }

    /// Looks for a solution among centre and replicas and keeps the best configuration.
    fn judge(&mut self) {
        self.sum();
        let (n, stride) = (self.unit_inputs(), self.pass.stride());
        self.isa.run(Normalise { n, stride, weights: &mut self.center });
        let least = self.state.replicas.iter().map(|replica| replica.met).min().unwrap_or(0);
        if self.state.replicas.len() > 1 && self.promising(least) {
            self.consider(Winner::Center);
        }
        for r in 0..self.state.replicas.len() {
            if self.state.winner.is_none() && self.promising(self.state.replicas[r].met) {
                self.consider(Winner::Replica(r as u32));
            }
        }
    }

    /// Whether an epoch that met so many errors may have ended in a record. Errors are met where the
    /// weights still moved, so that a full count pays before they are fewer than the best; far from a
    /// solution it is made only now and then.
    fn promising(&self, met: u64) -> bool {
        let near = met <= NEAR + self.instance.patterns.count() as u64 / 100;
        (near || self.state.epochs.is_multiple_of(FAR_EPOCHS))
            && met <= 2 * self.state.best_errors + 4
    }

    /// Counts the errors of a configuration as far as they may be a record.
    fn consider(&mut self, who: Winner) {
        let weights = match who {
            Winner::Center => &self.center,
            Winner::Replica(r) => &self.state.replicas[r as usize].weights,
        };
        let limit = self.state.best_errors;
        let mut errors = self.pass.errors_up_to(limit, &self.deck, weights);
        if errors == 0 {
            let n = self.instance.storage.architecture().unit_inputs();
            if let Weights::Spherical(values) = &mut self.claimed {
                unpad(weights, self.pass.stride(), n, values);
            }
            let (storage, patterns) = (&self.instance.storage, &self.instance.patterns);
            let stored = |mu| storage.is_stored(patterns, &self.claimed, mu);
            if (0..patterns.count()).all(stored) {
                self.state.winner = Some(who);
            } else {
                // Within the guard band: as good as one error.
                errors = 1;
            }
        }
        if errors < limit {
            self.state.best_errors = errors;
            self.state.best.copy_from_slice(weights);
        }
    }

    /// Mean over pairs of replicas of (1/N)W^r·W^s; `None` for one replica.
    fn overlap(&self) -> Option<f64> {
        let replicas = &self.state.replicas;
        let mut total = 0.0;
        for (r, first) in replicas.iter().enumerate() {
            for second in &replicas[..r] {
                let products = first.weights.iter().zip(&second.weights);
                total += products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            }
        }
        let pairs = replicas.len() * (replicas.len() - 1) / 2;
        let inputs = self.instance.storage.architecture().inputs();
        (pairs > 0).then(|| total / (pairs * inputs) as f64)
    }

    /// Weights without padding.
    fn unpadded(&self, weights: &[f32]) -> Weights {
        let mut values = vec![0.0; self.instance.storage.architecture().inputs()];
        unpad(weights, self.pass.stride(), self.unit_inputs(), &mut values);
        Weights::Spherical(values)
    }
}

/// Copies K × stride to K × n.
fn unpad(weights: &[f32], stride: usize, n: usize, values: &mut [f32]) {
    for (from, to) in weights.chunks_exact(stride).zip(values.chunks_exact_mut(n)) {
        to.copy_from_slice(&from[..n]);
    }
}

impl State {
    fn new(
        instance: &Instance,
        settings: &Settings,
        batches: usize,
        (n, stride): (usize, usize),
    ) -> Self {
        let hidden = instance.storage.architecture().hidden();
        let replicas: Vec<Replica> = (0..settings.replicas)
            .map(|r| {
                let mut stream = instance.solver_stream(TAG, r as u64 + 1);
                let mut weights = vec![0.0; hidden * stride];
                for unit in weights.chunks_exact_mut(stride) {
                    unit[..n].iter_mut().for_each(|w| *w = stream.normal() as f32);
                }
                Isa::SCALAR.run(Normalise { n, stride, weights: &mut weights });
                let second = match settings.optimizer {
                    Optimizer::Momentum => Vec::new(),
                    Optimizer::Adam => vec![0.0; weights.len()],
                };
                let velocity = vec![0.0; weights.len()];
                let order = (0..batches as u32).collect();
                Replica { weights, velocity, second, order, stream, met: 0 }
            })
            .collect();
        let count = instance.patterns.count();
        Self {
            epochs: 0,
            steps: 0,
            best: replicas[0].weights.clone(),
            replicas,
            members: (0..count as u32).collect(),
            stream: instance.solver_stream(TAG, 0),
            best_errors: count as u64 + 1,
            winner: None,
        }
    }

    /// Whether all lengths agree.
    fn same_shape(&self, other: &Self) -> bool {
        let shape = |state: &Self| {
            let of_replica =
                |r: &Replica| [r.weights.len(), r.velocity.len(), r.second.len(), r.order.len()];
            let replicas: Vec<_> = state.replicas.iter().map(of_replica).collect();
            (replicas, state.members.len(), state.best.len())
        };
        shape(self) == shape(other)
    }
}

impl Solver for SphericalRsgd {
    fn epoch(&mut self) -> Progress {
        let epoch = self.state.epochs;
        let (n, stride, isa) = (self.unit_inputs(), self.pass.stride(), self.isa);
        if epoch.is_multiple_of(self.settings.regroup) {
            self.state.stream.shuffle(&mut self.state.members);
            self.deck.deal(&self.instance.patterns, &self.state.members);
        }
        self.pass.set(self.settings.beta.at(epoch), self.settings.gain.at(epoch));
        let eta = self.settings.eta.at(epoch) as f32;
        let lambda = self.settings.lambda.at(epoch) as f32;
        for replica in &mut self.state.replicas {
            replica.stream.shuffle(&mut replica.order);
            replica.met = 0;
        }
        let coupled = self.settings.replicas > 1 && lambda > 0.0;
        for turn in 0..self.deck.len() {
            if coupled {
                self.sum();
            }
            self.state.steps += 1;
            let replicas = self.settings.replicas as f32;
            for replica in &mut self.state.replicas {
                let batch = replica.order[turn] as usize;
                replica.met += self.pass.learn(&self.deck, batch, &replica.weights);
                isa.run(Step {
                    n,
                    stride,
                    gradient: &mut self.pass.gradient,
                    weights: &mut replica.weights,
                    velocity: &mut replica.velocity,
                    second: &mut replica.second,
                    center: coupled.then_some((&self.center, replicas)),
                    momentum: self.settings.momentum,
                    eta,
                    lambda,
                    count: self.state.steps,
                });
            }
        }
        self.state.epochs += 1;
        self.judge();
        if self.state.winner.is_some() {
            Progress::Solved
        } else if self.state.epochs >= self.settings.max_epochs {
            Progress::Exhausted
        } else {
            Progress::Running
        }
    }

    fn effort(&self) -> Effort {
        let count = (self.instance.patterns.count() * self.settings.replicas) as u64;
        Effort { epochs: self.state.epochs, presentations: self.state.epochs * count }
    }

    fn weights(&self) -> Weights {
        self.unpadded(&self.state.best)
    }

    fn replicas(&self) -> Vec<Weights> {
        self.state.replicas.iter().map(|replica| self.unpadded(&replica.weights)).collect()
    }

    fn center(&self) -> Option<Weights> {
        (self.settings.replicas > 1).then(|| self.unpadded(&self.center))
    }

    fn values(&self) -> Vec<Value> {
        let (center, replica) = match self.state.winner {
            Some(Winner::Center) => (Value::Bool(true), Value::Missing),
            Some(Winner::Replica(r)) => (Value::Bool(false), Value::Count(u64::from(r))),
            None => (Value::Missing, Value::Missing),
        };
        let last = self.state.epochs.saturating_sub(1);
        vec![
            center,
            replica,
            Value::Real(self.settings.lambda.at(last)),
            Value::Real(self.settings.beta.at(last)),
            self.overlap().map_or(Value::Missing, Value::Real),
        ]
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(SNAPSHOT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let state: State = snapshot::decode(SNAPSHOT, bytes)?;
        if !state.same_shape(&self.state) {
            return Err("a snapshot of another instance or other parameters".into());
        }
        let count = state.members.len() as u32;
        if state.members.iter().any(|&mu| mu >= count) {
            return Err("a damaged snapshot: no such pattern".into());
        }
        self.state = state;
        self.deck.deal(&self.instance.patterns, &self.state.members);
        self.sum();
        let (n, stride) = (self.unit_inputs(), self.pass.stride());
        self.isa.run(Normalise { n, stride, weights: &mut self.center });
        Ok(())
    }
}
