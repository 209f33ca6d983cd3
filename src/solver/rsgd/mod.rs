//! Replicated stochastic gradient descent for binary weights.
//!
//! $$ W^r = \operatorname{sign} H^r, \qquad H^r \leftarrow H^r + \eta\ \delta H(\text{mini-batch}) +
//!    \lambda\ f(\gamma, c, W^r), \qquad c = \frac1y \sum_{r=1}^y W^r $$
//!
//! y replicas with hidden real weights H^r, W^r = sign H^r, minimise the number of errors
//! ([`least_action`]) or follow a gradient ([`straight_through`], [`mean_field`]) by mini-batches and
//! are drawn to their centre c = (1/y)Σ_r W^r ([`coupling`]) more and more strongly: the flat, dense
//! regions of solutions attract them (Baldassi et al., PNAS 113, E7655 (2016)). An epoch presents
//! every pattern once to every replica, in each replica's own random order; the replicas take turns,
//! mini-batch by mini-batch, in random order. When the run ends: [`super::Stop`], [`super::Then`].
//! `[solver.sgd]` and `[solver.lal]` are presets with one replica ([`preset`]).
//!
//! Cost O(yPN) an epoch; binary rules N/64 word operations a presentation. Deterministic: streams by
//! replica, fixed evaluation order. No allocation in an epoch.

mod coupling;
pub(in crate::solver) mod forward;
pub(in crate::solver) mod lanes;
mod least_action;
pub(in crate::solver) mod machine;
pub(in crate::solver) mod mean_field;
mod moments;
pub mod params;
pub mod preset;
pub(in crate::solver) mod state;
mod straight_through;
#[cfg(test)]
mod tests;

pub use params::{Center, Formula, Gradient, Learning, Params, Rule, Settings};
pub use preset::{Lal, Sgd};

use super::stop::{Condition, Winner};
use super::{Effort, Instance, Progress, Solver, snapshot, stop};
use crate::model::{Storage, Weights};
use crate::record::{Column, Estimator, Kind, Value};
use crate::simd::{Isa, PatternBlock, Work};
use coupling::{Coupling, Shared};
use forward::{Forward, Judge};
use least_action::LeastAction;
use machine::Machine;
use mean_field::MeanField;
use state::{State, copy_bits, words};
use std::sync::Arc;
use straight_through::StraightThrough;

/// Key of this solver's streams.
pub const TAG: u64 = 1;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "rsgd/2";

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
    let none = Estimator::None;
    vec![
        Column::new(
            "solved_by_center",
            "the centre of the replicas is the solution",
            Kind::Bool,
            Estimator::Fraction,
        ),
        Column::new("solving_replica", "replica that solved, from 0", Kind::Count, none),
        Column::new("gamma", "coupling at the end", Kind::Real, Estimator::Mean),
        Column::new(
            "replica_overlap",
            "mean overlap of pairs of replicas at the end",
            Kind::Real,
            Estimator::Mean,
        ),
        Column::new("first_solution", "epochs to the first solution", Kind::Count, none),
    ]
}

/// The learning rule with its work space.
enum Learner {
    LeastAction(LeastAction),
    StraightThrough(StraightThrough),
    MeanField(Box<MeanField>),
}

/// Replicated SGD on one instance.
pub struct Rsgd {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    machine: Machine,
    /// Storage with the margin to be reached: the instance's where there is none.
    goal: Storage,
    coupling: Coupling,
    learner: Learner,
    /// The mini-batch in the kernels' layout (binary rules).
    block: PatternBlock,
    forward: Forward,
    judge: Judge,
    pub(super) state: State,
}

impl Rsgd {
    /// Random initial weights.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let settings = params.settings(instance.storage.activation());
        let (storage, patterns) = (instance.storage, &instance.patterns);
        let machine = Machine::new(&storage, patterns);
        let batch = settings.batch.min(patterns.count());
        let goal = storage.beyond(settings.then.map_or(0.0, |then| then.margin()));
        let learner = match settings.learning {
            Learning::LeastAction => Learner::LeastAction(LeastAction::new(&machine, batch)),
            Learning::StraightThrough => Learner::StraightThrough(StraightThrough::new(&machine)),
            Learning::MeanField => {
                let rule = MeanField::new(&machine, patterns, &[storage, goal], batch);
                Learner::MeanField(Box::new(rule))
            }
        };
        let block = forward::block(&machine, batch);
        Self {
            isa,
            coupling: Coupling::new(settings.formula, settings.center, settings.replicas, &machine),
            learner,
            forward: Forward::new(&machine, &block),
            block,
            judge: Judge::new(isa, &machine, patterns, settings.replicas + 1),
            state: State::new(&instance, &settings, &machine),
            goal,
            machine,
            settings,
            instance,
        }
    }

    /// A condition's storage and its index in the learning rule.
    fn storage(&self, condition: Condition) -> (Storage, usize) {
        match condition {
            Condition::Stored => (self.instance.storage, 0),
            Condition::Goal => (self.goal, 1),
        }
    }

    /// Replica `r` learns the mini-batch that starts at `start` and is drawn to the centre.
    #[inline(always)]
    fn turn(&mut self, r: usize, start: usize, eta: f32) {
        let (storage, phase) = self.storage(self.state.ending.condition());
        let (isa, machine, patterns) = (self.isa, &self.machine, &self.instance.patterns);
        let State { replicas, votes, shared: shared_fields, center, .. } = &mut self.state;
        let replica = &mut replicas[r];
        let end = (start + self.settings.batch).min(replica.order.len());
        let batch = &replica.order[start..end];
        let bits = words(&mut replica.weights);
        let fields = &mut replica.fields;
        if !matches!(self.learner, Learner::MeanField(_)) {
            self.block.gather(isa, patterns.rows(), batch);
            self.forward.take(machine, bits);
        }
        let (block, forward) = (&self.block, &mut self.forward);
        let met = match &mut self.learner {
            Learner::LeastAction(rule) => {
                let threshold = storage.threshold();
                rule.minibatch(isa, machine, patterns, threshold, (batch, block), forward)
            }
            Learner::StraightThrough(rule) => {
                let strength = (eta, storage.kappa());
                rule.minibatch(isa, machine, patterns, strength, (batch, block), forward)
            }
            Learner::MeanField(rule) => {
                rule.minibatch(isa, machine, patterns, batch, fields, phase)
            }
        };
        replica.met += met;
        let mut shared = Shared { votes, fields: shared_fields, center: words(center) };
        let units = fields.chunks_exact_mut(machine.unit_lanes());
        for (unit, own) in units.zip(bits.chunks_exact_mut(machine.words)).enumerate() {
            let coupling = &mut self.coupling;
            match &self.learner {
                Learner::LeastAction(rule) => match rule.counts(machine, unit) {
                    Some(counts) => {
                        coupling.unit_counted(isa, machine, unit, (eta, counts), own, &mut shared);
                    }
                    None => {
                        let from = unit * machine.unit_lanes();
                        coupling.unit(machine, unit, own, &mut shared, |lane, h| {
                            h + eta * rule.count(from + lane) as f32
                        });
                    }
                },
                Learner::StraightThrough(rule) => {
                    let step = rule.corrections(machine, unit);
                    coupling.unit(machine, unit, own, &mut shared, |lane, h| {
                        (h + step[lane]).clamp(-1.0, 1.0)
                    });
                }
                Learner::MeanField(rule) => {
                    let strength = (eta, self.settings.batch);
                    let (step, means, scale, decay) = rule.gradient(machine, unit, strength);
                    coupling.unit(machine, unit, own, &mut shared, |lane, h| {
                        h + (scale * step[lane] - decay * means[lane])
                    });
                }
            }
        }
    }

    /// Looks for a solution, keeps the best configuration, and decides whether the run ends.
    #[inline(always)]
    fn judge(&mut self) {
        if self.settings.center == Center::Traced {
            self.state.trace_center(self.coupling.counts_votes(), &self.machine);
        }
        let Settings { stop, then, replicas, .. } = self.settings;
        let epochs = self.state.epochs;
        let mut ending = self.state.ending;
        ending.update((stop, then), (epochs, self.settings.gamma.at(epochs - 1)), replicas, self);
        self.state.ending = ending;
    }

    fn keep_best(&mut self, whose: Winner, errors: u64) {
        let State { replicas, center, best, best_errors, .. } = &mut self.state;
        *best_errors = errors;
        match whose {
            Winner::Center => copy_bits(best, center),
            Winner::Replica(r) => copy_bits(best, &replicas[r as usize].weights),
        }
    }
}

impl stop::Judge for Rsgd {
    #[inline(always)]
    fn solves(&mut self, whose: Winner, condition: Condition) -> bool {
        let (storage, _) = self.storage(condition);
        let best = self.state.best_errors;
        // A full count only where the errors met on the way promise a record.
        let (index, promises) = match whose {
            Winner::Center => (self.settings.replicas, false),
            Winner::Replica(r) => (r as usize, self.state.replicas[r as usize].met < best),
        };
        let limit = if promises { best.max(1) as usize } else { 1 };
        let errors = self.judge.errors(
            self.isa,
            &self.machine,
            &storage,
            &self.instance.patterns,
            (index, self.state.of(whose)),
            limit,
        );
        if promises && (errors as u64) < best {
            self.keep_best(whose, errors as u64);
        }
        errors == 0
    }

    fn keep(&mut self, whose: Winner) {
        self.keep_best(whose, 0);
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

/// [`Rsgd::judge`], likewise.
struct Verdict<'a>(&'a mut Rsgd);

impl Work for Verdict<'_> {
    #[inline(always)]
    fn run(self) {
        self.0.judge();
    }
}

impl Solver for Rsgd {
    fn epoch(&mut self) -> Progress {
        let epoch = self.state.epochs;
        let eta = self.settings.eta.at(epoch) as f32;
        if self.settings.center == Center::Traced && self.settings.formula == Formula::Elastic {
            // Sums of real numbers would drift.
            self.state.sum_fields();
        }
        let (lambda, gamma) = (self.settings.lambda.at(epoch), self.settings.gamma.at(epoch));
        self.coupling.set(lambda, gamma, &self.state.votes);
        let beta = self.settings.beta.at(epoch);
        match &mut self.learner {
            Learner::LeastAction(_) => {}
            Learner::StraightThrough(rule) => rule.set(&self.machine, beta),
            Learner::MeanField(rule) => rule.set(beta),
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
        self.isa.run(Verdict(self));
        Progress::after(
            self.state.ending.winner.is_some(),
            self.state.epochs,
            self.settings.max_epochs,
        )
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
        let (center, replica) = match self.state.ending.winner {
            Some(Winner::Center) => (Value::Bool(true), Value::Missing),
            Some(Winner::Replica(r)) => (Value::Bool(false), Value::Count(u64::from(r))),
            None => (Value::Missing, Value::Missing),
        };
        let last = self.state.epochs.saturating_sub(1);
        let inputs = self.instance.storage.architecture().inputs();
        let overlap = self.state.overlap(inputs).map_or(Value::Missing, Value::Real);
        let first = self.state.ending.first.map_or(Value::Missing, Value::Count);
        vec![center, replica, Value::Real(self.settings.gamma.at(last)), overlap, first]
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
