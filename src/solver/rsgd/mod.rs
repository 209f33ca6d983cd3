//! Replicated stochastic gradient descent for binary weights.
//!
//! y replicas with hidden real weights H^r, W^r = sign H^r, minimise the number of errors (or a
//! cross-entropy) by mini-batches and are drawn to their centre c = (1/y)Σ_r W^r with a coupling γ
//! that grows from epoch to epoch: the flat, dense regions of solutions attract them
//! (Baldassi et al., PNAS 113, E7655 (2016)). An epoch presents every pattern once to every
//! replica, in each replica's own random order; the replicas take turns, mini-batch by mini-batch,
//! in random order. The run ends when a replica or the binarised centre stores every pattern.
//!
//! Cost O(yPN/64) an epoch for the forward pass. Deterministic: streams by replica, fixed evaluation
//! order.

mod coupling;
mod lanes;
mod least_action;
mod machine;
mod params;
mod straight_through;
#[cfg(test)]
mod tests;

pub use params::{Center, Formula, Params, Rule, Settings};

use super::{Effort, Instance, Progress, Solver, snapshot};
use crate::model::Weights;
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::{Isa, Work};
use coupling::Coupling;
use machine::Machine;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use straight_through::Loss;

/// Key of this solver's streams.
pub const TAG: u64 = 1;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "rsgd/1";

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
        Column::new("gamma", "coupling at the end", Kind::Real, Estimator::Mean),
        Column::new(
            "replica_overlap",
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
    /// H, padded lanes.
    fields: Vec<f32>,
    /// W = sign H.
    weights: Weights,
    /// Order of presentation.
    order: Vec<u32>,
    /// Shuffles `order`.
    stream: Stream,
    /// Errors met while learning, this epoch.
    met: u64,
}

/// Everything that changes: what a snapshot holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    epochs: u64,
    presentations: u64,
    replicas: Vec<Replica>,
    /// Σ_r W^r, lane by lane (traced centre).
    sums: Vec<f32>,
    /// H of an explicit centre, else empty.
    center_fields: Vec<f32>,
    /// The binarised centre.
    center: Weights,
    /// Order in which the replicas take turns.
    turns: Vec<u32>,
    /// Shuffles `turns`.
    stream: Stream,
    /// Best configuration seen and its number of errors.
    best: Weights,
    best_errors: u64,
    winner: Option<Winner>,
}

/// Replicated SGD on one instance.
pub struct Rsgd {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    machine: Machine,
    coupling: Coupling,
    loss: Loss,
    state: State,
    preactivations: Vec<i32>,
    differing: Vec<u32>,
}

impl Rsgd {
    /// Random initial weights H = ±1.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let settings = params.settings(instance.storage.activation());
        let machine = Machine::new(&instance.storage);
        let coupling = Coupling::new(settings.formula, settings.replicas);
        let loss = Loss::new(&machine, instance.storage.kappa());
        let state = State::new(&instance, &settings, &machine);
        let preactivations = vec![0; machine.hidden];
        let differing = vec![0; machine.hidden];
        Self {
            isa: Isa::selected(),
            instance,
            settings,
            machine,
            coupling,
            loss,
            state,
            preactivations,
            differing,
        }
    }

    /// Replica `r` learns the mini-batch that starts at `start` and is drawn to the centre.
    #[inline(always)]
    fn turn(&mut self, r: usize, start: usize, eta: f32) {
        let State { replicas, sums, center_fields, center, .. } = &mut self.state;
        let replica = &mut replicas[r];
        let end = (start + self.settings.batch).min(replica.order.len());
        let batch = &replica.order[start..end];
        let bits = words(&mut replica.weights);
        let fields = &mut replica.fields;
        replica.met += match self.settings.rule {
            Rule::LeastAction => least_action::minibatch(
                &self.machine,
                &self.instance.patterns,
                batch,
                eta,
                bits,
                fields,
                &mut self.preactivations,
            ),
            Rule::StraightThrough => {
                let errors = straight_through::minibatch(
                    &self.machine,
                    &self.loss,
                    &self.instance.patterns,
                    batch,
                    eta,
                    bits,
                    fields,
                    &mut self.differing,
                );
                fields.iter_mut().for_each(|h| *h = h.clamp(-1.0, 1.0));
                errors
            }
        };
        let center = words(center);
        for (index, (bits, lanes)) in bits.iter_mut().zip(fields.chunks_exact_mut(64)).enumerate() {
            let mask = self.machine.mask(index);
            lanes::reset_padding(lanes, mask, 1.0);
            let at = 64 * index..64 * index + 64;
            match self.settings.center {
                Center::Traced => {
                    *bits = self.coupling.kick(lanes, &mut sums[at], *bits, mask);
                }
                Center::Explicit => {
                    let center_lanes = &mut center_fields[at];
                    (*bits, center[index]) = self.coupling.kick_explicit(lanes, center_lanes, mask);
                }
            }
        }
    }

    /// Looks for a solution among centre and replicas and keeps the best configuration.
    fn judge(&mut self) {
        let State { replicas, sums, center, best, best_errors, winner, .. } = &mut self.state;
        let (storage, patterns) = (&self.instance.storage, &self.instance.patterns);
        if self.settings.center == Center::Traced {
            let bits = words(center);
            for (index, (bits, lanes)) in bits.iter_mut().zip(sums.chunks_exact(64)).enumerate() {
                *bits = lanes::negative_bits(lanes, self.machine.mask(index));
            }
        }
        let mut count = |weights: &Weights, limit: usize| {
            let fields = &mut self.preactivations;
            self.machine.errors_up_to(limit, storage, patterns, weights, fields) as u64
        };
        if count(center, 1) == 0 {
            *winner = Some(Winner::Center);
            *best_errors = 0;
            copy_bits(best, center);
            return;
        }
        for (index, replica) in replicas.iter().enumerate() {
            // A full count only where the errors met on the way promise a record.
            let limit = if replica.met < *best_errors { *best_errors as usize } else { 1 };
            let errors = count(&replica.weights, limit);
            if errors < *best_errors && (errors == 0 || limit > 1) {
                *best_errors = errors;
                copy_bits(best, &replica.weights);
            }
            if errors == 0 {
                *winner = Some(Winner::Replica(index as u32));
                return;
            }
        }
    }
}

impl Rsgd {
    /// Mean over pairs of replicas of (1/N)W^r·W^s; `None` for one replica.
    fn overlap(&self) -> Option<f64> {
        let replicas = &self.state.replicas;
        let pairs = replicas.len() * (replicas.len() - 1) / 2;
        let mut differing = 0u64;
        for (r, first) in replicas.iter().enumerate() {
            for second in &replicas[..r] {
                if let (Weights::Binary(a), Weights::Binary(b)) = (&first.weights, &second.weights)
                {
                    differing +=
                        a.iter().zip(b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum::<u64>();
                }
            }
        }
        let inputs = self.instance.storage.architecture().inputs();
        (pairs > 0).then(|| 1.0 - 2.0 * differing as f64 / (pairs * inputs) as f64)
    }
}

/// [`Rsgd::turn`], to be compiled for an instruction set.
struct Turn<'a> {
    solver: &'a mut Rsgd,
    replica: usize,
    start: usize,
    eta: f32,
}

impl Work for Turn<'_> {
    #[inline(always)]
    fn run(self) {
        self.solver.turn(self.replica, self.start, self.eta);
    }
}

impl State {
    /// Whether all lengths agree.
    fn same_shape(&self, other: &Self) -> bool {
        let shape = |state: &Self| {
            let bits = |weights: &Weights| match weights {
                Weights::Binary(bits) => bits.len(),
                Weights::Spherical(_) => usize::MAX,
            };
            let of_replica = |r: &Replica| (r.fields.len(), bits(&r.weights), r.order.len());
            let replicas: Vec<_> = state.replicas.iter().map(of_replica).collect();
            let whole = (state.sums.len(), state.center_fields.len(), state.turns.len());
            (replicas, whole, bits(&state.center), bits(&state.best))
        };
        shape(self) == shape(other)
    }

    fn new(instance: &Instance, settings: &Settings, machine: &Machine) -> Self {
        let mut stream = instance.solver_stream(TAG, 0);
        let architecture = instance.storage.architecture();
        let common = Weights::random_binary(architecture, &mut stream);
        let count = instance.patterns.count();
        let replicas: Vec<Replica> = (0..settings.replicas)
            .map(|r| {
                let mut stream = instance.solver_stream(TAG, r as u64 + 1);
                let weights = if settings.equal_start {
                    common.clone()
                } else {
                    Weights::random_binary(architecture, &mut stream)
                };
                let order = (0..count as u32).collect();
                Replica { fields: signs(&weights), weights, order, stream, met: 0 }
            })
            .collect();
        let mut sums = vec![0.0; machine.lanes()];
        for replica in &replicas {
            sums.iter_mut().zip(&replica.fields).for_each(|(s, w)| *s += w);
        }
        let center_fields = match settings.center {
            Center::Traced => Vec::new(),
            Center::Explicit => signs(&common),
        };
        Self {
            epochs: 0,
            presentations: 0,
            best: common.clone(),
            center: common,
            replicas,
            sums,
            center_fields,
            turns: (0..settings.replicas as u32).collect(),
            stream,
            best_errors: count as u64 + 1,
            winner: None,
        }
    }
}

/// The packed words of binary weights.
fn words(weights: &mut Weights) -> &mut [u64] {
    match weights {
        Weights::Binary(bits) => bits,
        Weights::Spherical(_) => unreachable!("rsgd works on binary weights"),
    }
}

/// Copies without allocating.
fn copy_bits(to: &mut Weights, from: &Weights) {
    if let Weights::Binary(from) = from {
        words(to).copy_from_slice(from);
    }
}

/// H = W, padded lanes.
fn signs(weights: &Weights) -> Vec<f32> {
    let Weights::Binary(bits) = weights else { unreachable!("rsgd works on binary weights") };
    let mut fields = vec![0.0; 64 * bits.len()];
    let mut lanes = [0.0; 64];
    for (&word, to) in bits.iter().zip(fields.chunks_exact_mut(64)) {
        lanes::expand(word, &mut lanes);
        to.copy_from_slice(&lanes);
    }
    fields
}

impl Solver for Rsgd {
    fn epoch(&mut self) -> Progress {
        let epoch = self.state.epochs;
        let eta = self.settings.eta.at(epoch) as f32;
        self.coupling.set(self.settings.lambda.at(epoch), self.settings.gamma.at(epoch));
        if self.settings.rule == Rule::StraightThrough {
            self.loss.set(&self.machine, self.settings.beta.at(epoch));
        }
        for replica in &mut self.state.replicas {
            replica.stream.shuffle(&mut replica.order);
            replica.met = 0;
        }
        let count = self.instance.patterns.count();
        for start in (0..count).step_by(self.settings.batch) {
            self.state.stream.shuffle(&mut self.state.turns);
            for turn in 0..self.settings.replicas {
                let replica = self.state.turns[turn] as usize;
                self.isa.run(Turn { solver: self, replica, start, eta });
            }
        }
        self.state.epochs += 1;
        self.state.presentations += (count * self.settings.replicas) as u64;
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
        Effort { epochs: self.state.epochs, presentations: self.state.presentations }
    }

    fn weights(&self) -> Weights {
        self.state.best.clone()
    }

    fn replicas(&self) -> Vec<Weights> {
        self.state.replicas.iter().map(|replica| replica.weights.clone()).collect()
    }

    fn center(&self) -> Option<Weights> {
        Some(self.state.center.clone())
    }

    fn values(&self) -> Vec<Value> {
        let (center, replica) = match self.state.winner {
            Some(Winner::Center) => (Value::Bool(true), Value::Missing),
            Some(Winner::Replica(r)) => (Value::Bool(false), Value::Count(u64::from(r))),
            None => (Value::Missing, Value::Missing),
        };
        let last = self.state.epochs.saturating_sub(1);
        let overlap = self.overlap().map_or(Value::Missing, Value::Real);
        vec![center, replica, Value::Real(self.settings.gamma.at(last)), overlap]
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(SNAPSHOT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let state: State = snapshot::decode(SNAPSHOT, bytes)?;
        if !state.same_shape(&self.state) {
            return Err("an rsgd snapshot of another instance or other parameters".into());
        }
        self.state = state;
        Ok(())
    }
}
