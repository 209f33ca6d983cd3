//! Replicated SGD for spherical weights.
//!
//! $$ \mathcal L(W) = \frac{1}{2\beta} \sum_\mu \ln\left(1 + e^{-2\beta(\sigma^\mu\Delta^\mu - \kappa)}\right),
//!    \qquad \sum_i W_{li}^2 = n $$
//!
//! y replicas W^r with Σ_i W_li² = n in every unit descend this cross-entropy of the stabilities by
//! mini-batches ([`minibatch`]), by momentum or Adam on the sphere ([`descent`]), its slope β
//! annealed to that of the error count; each is drawn to the mean of all with the elastic constant λ
//! (Zhang, Choromanska & LeCun, arXiv:1412.6651; Baldassi et al., PNAS 113, E7655 (2016)). Sign and ReLU
//! units learn in a smooth form ([`crate::model::HiddenUnit::learnt`]). The replicas share the division of
//! the patterns into mini-batches and take them in orders of their own; all move at once, from the mean
//! before the step. A run ends by
//! the rules of [`super::Stop`] and [`super::Then`]; the centre is the mean, normalised. What stores
//! every pattern in f32 is a solution once the f64 verifier has confirmed it with its guard band
//! ([`crate::model::storage::GUARD_BAND`]).
//!
//! Cost O(yPN/2) table look-ups an epoch. Deterministic: streams by replica, fixed order of all
//! sums, the same bits on every instruction set.

pub(super) mod descent;
pub(super) mod minibatch;
pub(super) mod params;
#[cfg(test)]
mod tests;

pub use params::{Optimizer, Params, Settings};

use super::stop::{Condition, Ending, Judge, Winner};
use super::{Effort, Instance, Progress, Solver, snapshot};
use crate::model::{Storage, Weights};
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::Isa;
use descent::{Normalise, Step};
use minibatch::{Deck, Pass, Verifier};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 6;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "spherical rsgd/2";

/// So many errors met in an epoch, and one in a hundred patterns, are near a solution.
const NEAR: u64 = 16;
/// Far from a solution errors are counted once in so many epochs.
const FAR_EPOCHS: u64 = 32;

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
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
        Column::new("first_solution", "epochs to the first solution", Kind::Count, Estimator::None),
    ]
}

/// One replica.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Replica {
    /// W, K × stride.
    pub weights: Vec<f32>,
    /// Velocity, or Adam's first moment.
    pub velocity: Vec<f32>,
    /// Adam's second moment, else empty.
    pub second: Vec<f32>,
    /// Order of the mini-batches.
    pub order: Vec<u32>,
    /// Initial weights, then shuffles `order`.
    pub stream: Stream,
    /// Errors met while learning, this epoch.
    pub met: u64,
}

/// Everything that changes: what a snapshot holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub epochs: u64,
    /// Mini-batches a replica so far.
    pub steps: u64,
    pub replicas: Vec<Replica>,
    /// Order in which patterns are dealt to mini-batches.
    pub members: Vec<u32>,
    /// Shuffles `members`.
    pub stream: Stream,
    /// Best configuration seen and its number of errors.
    pub best: Vec<f32>,
    pub best_errors: u64,
    pub ending: Ending,
}

/// Replicated SGD for spherical weights on one instance.
pub struct SphericalRsgd {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    /// Storage with the margin to be reached: the instance's where there is none.
    goal: Storage,
    deck: Deck,
    pass: Pass,
    pub(super) state: State,
    /// Σ_r W^r, at the end of an epoch the normalised centre.
    center: Vec<f32>,
    verifier: Verifier,
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
        let verifier = Verifier::new(&instance.storage);
        let goal = instance.storage.beyond(settings.then.map_or(0.0, |then| then.margin()));
        Self { instance, settings, isa, goal, deck, pass, state, center, verifier }
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

    /// The storage of a condition.
    fn storage(&self, condition: Condition) -> Storage {
        match condition {
            Condition::Stored => self.instance.storage,
            Condition::Goal => self.goal,
        }
    }

    /// Looks for a solution and decides whether the run ends.
    fn judge(&mut self) {
        self.sum();
        let (n, stride) = (self.unit_inputs(), self.pass.stride());
        self.isa.run(Normalise { n, stride, weights: &mut self.center });
        let (epochs, settings) = (self.state.epochs, &self.settings);
        let (rule, y) = ((settings.stop, settings.then), settings.replicas);
        let lambda = settings.lambda.at(epochs - 1);
        let mut ending = self.state.ending;
        ending.update(rule, (epochs, lambda), y, self);
        self.state.ending = ending;
    }

    fn keep_best(&mut self, who: Winner, errors: u64) {
        self.state.best_errors = errors;
        match who {
            Winner::Center => self.state.best.copy_from_slice(&self.center),
            Winner::Replica(r) => {
                self.state.best.copy_from_slice(&self.state.replicas[r as usize].weights);
            }
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
}

/// Whether an epoch, the last of `epochs`, that met so many errors may have ended in a record below
/// `best` errors. Errors are met where the weights still moved, so that a full count pays before they
/// are fewer than the best; far from a solution it is made only now and then.
pub(super) fn promising(met: u64, instance: &Instance, epochs: u64, best: u64) -> bool {
    let near = met <= NEAR + instance.patterns.count() as u64 / 100;
    (near || epochs.is_multiple_of(FAR_EPOCHS)) && met <= 2 * best + 4
}

impl Judge for SphericalRsgd {
    fn solves(&mut self, who: Winner, condition: Condition) -> bool {
        let met = match who {
            // One replica is its own centre.
            Winner::Center if self.settings.replicas == 1 => return false,
            Winner::Center => {
                self.state.replicas.iter().map(|replica| replica.met).min().unwrap_or(0)
            }
            Winner::Replica(r) => self.state.replicas[r as usize].met,
        };
        if !promising(met, &self.instance, self.state.epochs, self.state.best_errors) {
            return false;
        }
        let storage = self.storage(condition);
        let limit = self.state.best_errors.max(1);
        let weights = match who {
            Winner::Center => &self.center,
            Winner::Replica(r) => &self.state.replicas[r as usize].weights,
        };
        let machine = (&mut self.pass, &self.deck);
        let errors =
            self.verifier.errors_up_to(limit, (&self.instance, &storage), machine, weights);
        if errors < limit {
            self.keep_best(who, errors);
        }
        errors == 0
    }

    fn keep(&mut self, who: Winner) {
        self.keep_best(who, 0);
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
            ending: Ending::default(),
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
        self.pass.set_kappa(self.storage(self.state.ending.condition()).kappa());
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
                let step = Step {
                    n,
                    stride,
                    gradient: &self.pass.gradient,
                    weights: &mut replica.weights,
                    velocity: &mut replica.velocity,
                    second: &mut replica.second,
                    center: coupled.then_some((&self.center, replicas)),
                    momentum: self.settings.momentum,
                    eta,
                    lambda,
                    count: self.state.steps,
                };
                step.run(isa);
            }
        }
        self.state.epochs += 1;
        self.judge();
        Progress::after(
            self.state.ending.winner.is_some(),
            self.state.epochs,
            self.settings.max_epochs,
        )
    }

    fn effort(&self) -> Effort {
        let count = (self.instance.patterns.count() * self.settings.replicas) as u64;
        Effort { epochs: self.state.epochs, presentations: self.state.epochs * count }
    }

    fn weights(&self) -> Weights {
        self.pass.unpadded(&self.state.best)
    }

    fn replicas(&self) -> Vec<Weights> {
        self.state.replicas.iter().map(|replica| self.pass.unpadded(&replica.weights)).collect()
    }

    fn center(&self) -> Option<Weights> {
        (self.settings.replicas > 1).then(|| self.pass.unpadded(&self.center))
    }

    fn values(&self) -> Vec<Value> {
        let (center, replica) = match self.state.ending.winner {
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
            self.state.ending.first.map_or(Value::Missing, Value::Count),
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
