//! Entropy-SGD of binary weights W = sign x, with means m = tanh(βx') and the gradient of the
//! mean-field rule ([`crate::solver::rsgd`]).
//!
//! x' ← x' + η(n/b)∂ln Z/∂m, then x' ← x' + ηγ(x − x') + √η ε Ξ, b patterns a mini-batch. Padding
//! lanes stay at +1 and padding bits at 0. Cost as that of the rule.

use super::{Approach, NOISE, ORDER, Params, Settings, TAG, draw};
use crate::model::{Storage, Weights};
use crate::record::Value;
use crate::rng::Stream;
use crate::simd::{Isa, Work};
use crate::solver::rsgd::forward;
use crate::solver::rsgd::lanes::{negative_bits, reset_padding};
use crate::solver::rsgd::machine::Machine;
use crate::solver::rsgd::mean_field::MeanField;
use crate::solver::rsgd::state::{signs, words};
use crate::solver::stop::{Condition, Ending, Judge, Winner};
use crate::solver::{Effort, Instance, Progress, Solver, snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "entropy_sgd binary/1";

/// |x| at the start: nearly unpolarised.
const START: f32 = 0.1;

/// Everything that changes: what a snapshot holds. Fields are padded lanes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub epochs: u64,
    /// Mini-batches so far.
    pub steps: u64,
    /// x.
    pub fields: Vec<f32>,
    /// x'.
    pub explorer: Vec<f32>,
    /// μ.
    pub average: Vec<f32>,
    /// sign x.
    weights: Weights,
    /// sign x'.
    explorer_weights: Weights,
    /// Order of presentation.
    pub order: Vec<u32>,
    /// Initial weights, then shuffles `order`.
    pub stream: Stream,
    /// Ξ.
    noise: Stream,
    /// Errors met while learning, this epoch.
    met: u64,
    /// Best configuration seen and its number of errors.
    best: Weights,
    best_errors: u64,
    ending: Ending,
}

/// Entropy-SGD for binary weights on one instance.
pub(super) struct BinaryEntropySgd {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    machine: Machine,
    /// Storage with the margin to be reached.
    goal: Storage,
    rule: MeanField,
    judge: forward::Judge,
    pub state: State,
    /// Ξ of one step.
    kick: Vec<f32>,
}

impl BinaryEntropySgd {
    /// Random initial weights.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let (storage, patterns) = (instance.storage, &instance.patterns);
        let settings = params.settings(instance.kind, storage.activation());
        let machine = Machine::new(&storage, patterns);
        let goal = storage.beyond(settings.then.map_or(0.0, |then| then.margin()));
        let batch = settings.batch.min(patterns.count());
        let mut stream = instance.solver_stream(TAG, ORDER);
        let weights = Weights::random_binary(storage.architecture(), &mut stream);
        let fields = signs(&weights, START);
        let count = patterns.count();
        let state = State {
            epochs: 0,
            steps: 0,
            explorer: fields.clone(),
            average: fields.clone(),
            fields,
            explorer_weights: weights.clone(),
            best: weights.clone(),
            weights,
            order: (0..count as u32).collect(),
            stream,
            noise: instance.solver_stream(TAG, NOISE),
            met: 0,
            best_errors: count as u64 + 1,
            ending: Ending::default(),
        };
        Self {
            rule: MeanField::new(&machine, patterns, &[storage, goal], batch),
            judge: forward::Judge::new(isa, &machine, patterns, 2),
            kick: vec![0.0; machine.lanes()],
            instance,
            settings,
            isa,
            machine,
            goal,
            state,
        }
    }

    /// One step of x' on the mini-batch that starts at `start`, and one of x where L are done.
    #[inline(always)]
    fn step(&mut self, start: usize, (eta, gamma, noise): (f32, f32, f32)) {
        let (isa, machine, state) = (self.isa, &self.machine, &mut self.state);
        if state.steps.is_multiple_of(self.settings.steps) {
            state.explorer.copy_from_slice(&state.fields);
            state.average.copy_from_slice(&state.fields);
        }
        state.steps += 1;
        let end = (start + self.settings.batch).min(state.order.len());
        let phase = usize::from(state.ending.condition() == Condition::Goal);
        let (batch, patterns) = (&state.order[start..end], &self.instance.patterns);
        state.met += self.rule.minibatch(isa, machine, patterns, batch, &state.explorer, phase);
        let lanes = machine.unit_lanes();
        for (unit, fields) in state.explorer.chunks_exact_mut(lanes).enumerate() {
            let (step, means, scale, decay) =
                self.rule.gradient(machine, unit, (eta, self.settings.batch));
            for ((h, step), mean) in fields.iter_mut().zip(step).zip(means) {
                *h += scale * step - decay * mean;
            }
        }
        let share = eta * gamma;
        Approach { to: &mut state.explorer, from: &state.fields, share }.run();
        if noise > 0.0 {
            draw(&mut state.noise, &mut self.kick, (machine.unit_inputs, lanes));
            let size = eta.sqrt() * noise;
            state.explorer.iter_mut().zip(&self.kick).for_each(|(h, z)| *h += size * z);
        }
        let share = self.settings.averaging as f32;
        Approach { to: &mut state.average, from: &state.explorer, share }.run();
        if state.steps.is_multiple_of(self.settings.steps) {
            let share = self.settings.outer as f32;
            Approach { to: &mut state.fields, from: &state.average, share }.run();
        }
        for fields in [&mut state.fields, &mut state.explorer, &mut state.average] {
            for unit in fields.chunks_exact_mut(lanes) {
                reset_padding(unit, machine.unit_inputs, 1.0);
            }
        }
    }

    #[cfg(test)]
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
    }

    /// Looks for a solution and decides whether the run ends.
    #[inline(always)]
    fn judge(&mut self) {
        let State { fields, explorer, weights, explorer_weights, .. } = &mut self.state;
        for (fields, weights) in [(fields, weights), (explorer, explorer_weights)] {
            let bits = words(weights).iter_mut();
            for (bits, lanes) in bits.zip(fields.chunks_exact(64)) {
                *bits = negative_bits(lanes);
            }
        }
        let (epochs, settings) = (self.state.epochs, &self.settings);
        let rule = (settings.stop, settings.then);
        let gamma = settings.gamma.at(epochs - 1);
        let mut ending = self.state.ending;
        ending.update(rule, (epochs, gamma), 1, self);
        self.state.ending = ending;
    }

    fn keep_best(&mut self, who: Winner, errors: u64) {
        let State { weights, explorer_weights, best, best_errors, .. } = &mut self.state;
        *best_errors = errors;
        let from = if who == Winner::Center { weights } else { explorer_weights };
        words(best).copy_from_slice(words(from));
    }
}

/// [`BinaryEntropySgd::step`], to be compiled for an instruction set.
struct Turn<'a> {
    solver: &'a mut BinaryEntropySgd,
    start: usize,
    dynamics: (f32, f32, f32),
}

impl Work for Turn<'_> {
    #[inline(always)]
    fn run(self) {
        self.solver.step(self.start, self.dynamics);
    }
}

/// [`BinaryEntropySgd::judge`], likewise.
struct Verdict<'a>(&'a mut BinaryEntropySgd);

impl Work for Verdict<'_> {
    #[inline(always)]
    fn run(self) {
        self.0.judge();
    }
}

impl Judge for BinaryEntropySgd {
    #[inline(always)]
    fn solves(&mut self, who: Winner, condition: Condition) -> bool {
        let storage = match condition {
            Condition::Stored => self.instance.storage,
            Condition::Goal => self.goal,
        };
        let best = self.state.best_errors;
        let (index, weights) = match who {
            Winner::Center => (0, &self.state.weights),
            Winner::Replica(_) => (1, &self.state.explorer_weights),
        };
        // A full count only where the errors met on the way promise a record.
        let promises = self.state.met < best;
        let limit = if promises { best.max(1) as usize } else { 1 };
        let errors = self.judge.errors(
            self.isa,
            &self.machine,
            &storage,
            &self.instance.patterns,
            (index, weights),
            limit,
        ) as u64;
        if promises && errors < best {
            self.keep_best(who, errors);
        }
        errors == 0
    }

    fn keep(&mut self, who: Winner) {
        self.keep_best(who, 0);
    }
}

impl Solver for BinaryEntropySgd {
    fn epoch(&mut self) -> Progress {
        let (epoch, settings) = (self.state.epochs, &self.settings);
        let at = |x: crate::solver::protocol::Protocol| x.at(epoch) as f32;
        let dynamics = (at(settings.eta), at(settings.gamma), at(settings.noise));
        let batch = settings.batch;
        self.rule.set(settings.beta.at(epoch));
        self.state.stream.shuffle(&mut self.state.order);
        self.state.met = 0;
        for start in (0..self.instance.patterns.count()).step_by(batch) {
            self.isa.run(Turn { solver: self, start, dynamics });
        }
        self.state.epochs += 1;
        self.isa.run(Verdict(self));
        Progress::after(
            self.state.ending.winner.is_some(),
            self.state.epochs,
            self.settings.max_epochs,
        )
    }

    fn effort(&self) -> Effort {
        let count = self.instance.patterns.count() as u64;
        Effort { epochs: self.state.epochs, presentations: self.state.epochs * count }
    }

    fn weights(&self) -> Weights {
        self.state.best.clone()
    }

    fn replicas(&self) -> Vec<Weights> {
        vec![self.state.explorer_weights.clone()]
    }

    fn center(&self) -> Option<Weights> {
        Some(self.state.weights.clone())
    }

    fn values(&self) -> Vec<Value> {
        let State { weights, explorer_weights, ending, epochs, .. } = &self.state;
        let architecture = self.instance.storage.architecture();
        let overlap = weights.overlap(explorer_weights, architecture);
        super::values(*ending, self.settings.gamma.at(epochs.saturating_sub(1)), overlap)
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(SNAPSHOT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let state: State = snapshot::decode(SNAPSHOT, bytes)?;
        let bits = |weights: &Weights| match weights {
            Weights::Binary(bits) => bits.len(),
            Weights::Spherical(_) => usize::MAX,
        };
        let lengths = |s: &State| {
            let weights = [&s.weights, &s.explorer_weights, &s.best].map(bits);
            ([&s.fields, &s.explorer, &s.average].map(Vec::len), weights, s.order.len())
        };
        if lengths(&state) != lengths(&self.state) {
            return Err("a snapshot of another instance or other parameters".into());
        }
        if state.order.iter().any(|&mu| mu as usize >= state.order.len()) {
            return Err("a damaged snapshot: no such pattern".into());
        }
        self.state = state;
        Ok(())
    }
}
