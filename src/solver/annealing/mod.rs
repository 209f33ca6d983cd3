//! Replicated simulated annealing of binary weights, `[solver.rsa]`.
//!
//! Metropolis dynamics of single flips on y replicas in one of two ensembles (C. Baldassi et al.,
//! PNAS 113, E7655 (2016)), with Boltzmann weight e^{−βH}: traced centre (robust ensemble) or explicit
//! centre (local entropy),
//!
//! $$ \mathcal H = \sum_{a=1}^y E(w^a) - \frac1\beta \sum_{i=1}^N \ln 2\cosh\left(\gamma \sum_a w_i^a\right)
//!    \qquad\text{or}\qquad
//!    \mathcal H = \sum_{a=1}^y E(w^a) - \frac\gamma\beta \sum_{a, i} w_i^c w_i^a , $$
//!
//! y = 1 with a traced centre being plain simulated annealing. The energy of a replica counts errors, or is
//! a hinge,
//!
//! $$ E = \sum_\mu \Theta(\kappa - \sigma^\mu\Delta^\mu) \qquad\text{or}\qquad
//!    E = \frac1s \sum_\mu \max(0, b - x^\mu) , $$
//!
//! with integer stabilities x = s·σΔ and b the first of them that stores at the margin κ + `margin`
//! (s = √N, sign units √K, x² units n√K/4). β and γ follow their protocols, one value a sweep. A
//! sweep (epoch) is N attempts on each replica at uniformly random sites, then a draw of the
//! explicit centre from its conditional law. The run ends at the first flip that leaves some replica
//! without errors, or after a sweep with a centre (the majority of the replicas, ties +1, or the
//! explicit centre) without errors.
//!
//! Cost of an attempt O(P/32), of an accepted flip O(P/16), see [`crate::simd::FlipState`]; the
//! centre follows by flips. A replica that accepts fewer than `rejection_free` flips a sweep
//! draws the waiting times of its attempts instead of making them ([`waiting`]): the same law
//! at N proposals a flip, which pays below the break-even that `benches/rsa.rs` measures.
//! Deterministic: integers, pinned `libm`, streams by replica.

mod boltzmann;
mod params;
mod sweep;
#[cfg(test)]
mod tests;
mod waiting;

pub use params::{Params, Settings};

use super::rsgd::Center;
use super::{Effort, Instance, Progress, Solver, single_flip, snapshot};
use crate::model::{Storage, Weights};
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::{Energy, FlipColumns, FlipState, Isa};
use boltzmann::Boltzmann;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use waiting::Waiting;

/// Key of this solver's streams.
pub const TAG: u64 = 5;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "rsa/2";

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
    let mean =
        |name: &str, long_name: &str| Column::new(name, long_name, Kind::Real, Estimator::Mean);
    vec![
        Column::new(
            "solved_by_center",
            "the centre of the replicas is the solution",
            Kind::Bool,
            Estimator::Fraction,
        ),
        Column::new("solving_replica", "replica that solved, from 0", Kind::Count, Estimator::None),
        mean("beta", "inverse temperature at the end"),
        mean("gamma", "coupling at the end"),
        mean("energy", "energy a replica and weight at the end"),
        mean("accepted", "fraction of attempted flips accepted in the whole run"),
        mean("accepted_last", "fraction of attempted flips accepted in the last sweep"),
        mean("rejection_free", "fraction of sweeps of replicas made without rejections"),
        mean("replica_overlap", "mean overlap of pairs of replicas at the end"),
    ]
}

/// Who stores all patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Winner {
    Center,
    Replica(u32),
}

/// Attempted and accepted flips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Attempts {
    made: u64,
    accepted: u64,
}

impl Attempts {
    fn share(self) -> Value {
        match self.made {
            0 => Value::Missing,
            made => Value::Real(self.accepted as f64 / made as f64),
        }
    }
}

/// Everything that changes, apart from what follows from the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    epochs: u64,
    /// Of the whole run and of the last sweep.
    attempts: Attempts,
    last: Attempts,
    /// Flips accepted a sweep by each replica, running mean, and sweeps made without rejections.
    pace: Vec<f64>,
    rejection_free: u64,
    /// Weights of each replica and of the centre, filled for snapshots.
    weights: Vec<Vec<u64>>,
    /// Draws sites and decisions of each replica.
    streams: Vec<Stream>,
    /// Draws the explicit centre.
    center_stream: Stream,
    /// Best configuration seen and its number of errors.
    best: Vec<u64>,
    best_errors: u64,
    winner: Option<Winner>,
}

/// Replicated simulated annealing on one instance.
pub struct Rsa {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    /// β of one unit of the integer energy is β divided by this.
    scale: f64,
    columns: FlipColumns,
    replicas: Vec<FlipState>,
    /// The centre; unused with one replica of a traced centre.
    center: FlipState,
    /// Replicas with w_i = −1, site after site.
    negatives: Vec<u16>,
    boltzmann: Boltzmann,
    /// ΔE of all flips of each replica that selects without rejections.
    waiting: Vec<Waiting>,
    state: State,
}

impl Rsa {
    /// Uniformly random weights in every replica, independently.
    ///
    /// # Panics
    /// May panic if the parameters were not validated.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let storage = &instance.storage;
        let (activation, architecture) = (storage.activation(), storage.architecture());
        let settings = params.settings(activation);
        let demanding = Storage::new(architecture, activation, storage.kappa() + settings.margin);
        let hinge = single_flip::threshold(&demanding) + 1;
        let (columns, blank) = single_flip::machine(isa, &instance, hinge);
        let count = instance.patterns.count();
        let (scale, most) = match settings.energy {
            Energy::Errors => (1.0, count),
            Energy::Hinge => (
                single_flip::scale(activation, architecture),
                count * single_flip::largest_step(activation, architecture),
            ),
        };
        let mut streams: Vec<Stream> = (0..settings.replicas as u64)
            .map(|replica| instance.solver_stream(TAG, replica + 1))
            .collect();
        let random = |stream: &mut Stream| {
            let Weights::Binary(bits) = Weights::random_binary(architecture, stream) else {
                unreachable!("random_binary gives binary weights")
            };
            let mut state = blank.clone();
            state.load(isa, &columns, &bits);
            state
        };
        let replicas: Vec<FlipState> = streams.iter_mut().map(random).collect();
        let mut center_stream = instance.solver_stream(TAG, 0);
        let center = random(&mut center_stream);
        let state = State {
            epochs: 0,
            attempts: Attempts::default(),
            last: Attempts::default(),
            pace: vec![architecture.inputs() as f64; settings.replicas],
            rejection_free: 0,
            weights: Vec::new(),
            streams,
            center_stream,
            best: replicas[0].weights().to_vec(),
            best_errors: replicas[0].errors() as u64,
            winner: None,
        };
        let boltzmann = Boltzmann::new(settings.center, settings.replicas, most);
        let negatives = vec![0; architecture.inputs()];
        let waiting = vec![Waiting::new(architecture.inputs()); settings.replicas];
        let mut solver = Self {
            instance,
            settings,
            isa,
            scale,
            columns,
            replicas,
            center,
            negatives,
            boltzmann,
            waiting,
            state,
        };
        solver.count_negatives();
        solver
    }

    fn count_negatives(&mut self) {
        let n = self.columns.inputs();
        for (site, negatives) in self.negatives.iter_mut().enumerate() {
            let negative = |replica: &&FlipState| replica.is_negative(site / n, site % n);
            *negatives = self.replicas.iter().filter(negative).count() as u16;
        }
    }

    /// Draws the explicit centre, or moves the traced one to the majority.
    fn renew_center(&mut self) {
        let n = self.columns.inputs();
        let half = self.settings.replicas as u16;
        for (site, &negatives) in self.negatives.iter().enumerate() {
            let negative = match self.settings.center {
                Center::Traced => 2 * negatives > half,
                Center::Explicit => {
                    self.boltzmann.draw_center(negatives, &mut self.state.center_stream)
                }
            };
            let (unit, input) = (site / n, site % n);
            if negative != self.center.is_negative(unit, input) {
                self.center.flip(self.isa, &self.columns, unit, input);
            }
        }
    }

    /// Whether there is a centre apart from the replica.
    fn has_center(&self) -> bool {
        self.settings.replicas > 1 || self.settings.center == Center::Explicit
    }

    /// (1/N)wᵃ·wᵇ, mean over the pairs: Σ_i (S_i² − y) / (N y(y−1)).
    fn overlap(&self) -> Value {
        let replicas = self.settings.replicas as i64;
        if replicas < 2 {
            return Value::Missing;
        }
        let pairs: i64 = self
            .negatives
            .iter()
            .map(|&negatives| (replicas - 2 * i64::from(negatives)).pow(2) - replicas)
            .sum();
        let all = self.negatives.len() as f64 * (replicas * (replicas - 1)) as f64;
        Value::Real(pairs as f64 / all)
    }
}

impl Solver for Rsa {
    fn epoch(&mut self) -> Progress {
        let epoch = self.state.epochs;
        let beta = self.settings.beta.at(epoch) / self.scale;
        self.boltzmann.set(beta, self.settings.gamma.at(epoch));
        self.state.last = Attempts::default();
        for r in 0..self.settings.replicas {
            if self.sweep(r) {
                self.state.winner = Some(Winner::Replica(r as u32));
                break;
            }
        }
        if self.state.winner.is_none() && self.has_center() {
            self.renew_center();
            let errors = self.center.errors() as u64;
            if errors < self.state.best_errors {
                self.state.best_errors = errors;
                self.state.best.copy_from_slice(self.center.weights());
            }
            if errors == 0 {
                self.state.winner = Some(Winner::Center);
            }
        }
        let state = &mut self.state;
        state.epochs += 1;
        state.attempts.made += state.last.made;
        state.attempts.accepted += state.last.accepted;
        Progress::after(state.winner.is_some(), state.epochs, self.settings.max_epochs)
    }

    fn effort(&self) -> Effort {
        let count = self.instance.patterns.count() as u64;
        let presentations = self.state.attempts.made.saturating_mul(count);
        Effort { epochs: self.state.epochs, presentations }
    }

    fn weights(&self) -> Weights {
        let weights = match self.state.winner {
            Some(Winner::Center) => self.center.weights(),
            Some(Winner::Replica(r)) => self.replicas[r as usize].weights(),
            None => &self.state.best,
        };
        Weights::Binary(weights.to_vec())
    }

    fn replicas(&self) -> Vec<Weights> {
        self.replicas.iter().map(|replica| Weights::Binary(replica.weights().to_vec())).collect()
    }

    fn center(&self) -> Option<Weights> {
        self.has_center().then(|| Weights::Binary(self.center.weights().to_vec()))
    }

    fn values(&self) -> Vec<Value> {
        let (center, replica) = match self.state.winner {
            Some(Winner::Center) => (Value::Bool(true), Value::Missing),
            Some(Winner::Replica(r)) => (Value::Bool(false), Value::Count(u64::from(r))),
            None => (Value::Missing, Value::Missing),
        };
        let last = self.state.epochs.saturating_sub(1);
        let energy: i64 = self.replicas.iter().map(|r| r.energy(self.settings.energy)).sum();
        let weights = (self.replicas.len() * self.negatives.len()) as f64;
        let sweeps = self.state.epochs.max(1).saturating_mul(self.replicas.len() as u64);
        vec![
            center,
            replica,
            Value::Real(self.settings.beta.at(last)),
            Value::Real(self.settings.gamma.at(last)),
            Value::Real(energy as f64 / (self.scale * weights)),
            self.state.attempts.share(),
            self.state.last.share(),
            Value::Real(self.state.rejection_free as f64 / sweeps as f64),
            self.overlap(),
        ]
    }

    fn snapshot(&self) -> Vec<u8> {
        let states = self.replicas.iter().chain([&self.center]);
        let weights = states.map(|state| state.weights().to_vec()).collect();
        snapshot::encode(SNAPSHOT, &State { weights, ..self.state.clone() })
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut state: State = snapshot::decode(SNAPSHOT, bytes)?;
        let (replicas, words) = (self.replicas.len(), self.center.weights().len());
        let fits = state.weights.len() == replicas + 1
            && state.streams.len() == replicas
            && state.pace.len() == replicas
            && state.weights.iter().chain([&state.best]).all(|weights| weights.len() == words)
            && !matches!(state.winner, Some(Winner::Replica(r)) if r as usize >= replicas);
        if !fits {
            return Err("an rsa snapshot of another instance or other parameters".into());
        }
        let states = self.replicas.iter_mut().chain([&mut self.center]);
        for (replica, weights) in states.zip(&state.weights) {
            replica.load(self.isa, &self.columns, weights);
        }
        self.waiting.iter_mut().for_each(Waiting::forget);
        state.weights.clear();
        self.state = state;
        self.count_negatives();
        Ok(())
    }
}
