//! Entropy-SGD of spherical weights: x and x' on the sphere Σ_i W_li² = n of every unit.
//!
//! V ← T(mV + G), x' ← R(x' + ηV), x' ← R(x' + ηγ(x − x')), x' ← R(x' + √η ε T(Ξ)), with the gradient G, the
//! momentum m, the tangent projection T and the normalisation R of [`crate::solver::spherical`]; the
//! outer step is x ← R(x + ρ(μ − x)). The velocity lives on from one outer step to the next.

use super::{Approach, MEMBERS, NOISE, ORDER, Params, Settings, TAG, draw};
use crate::model::{Storage, Weights};
use crate::record::Value;
use crate::rng::Stream;
use crate::simd::{Isa, Work};
use crate::solver::spherical::descent::{Normalise, Step, dot, normalise_unit};
use crate::solver::spherical::minibatch::{Deck, Pass, Verifier};
use crate::solver::spherical::promising;
use crate::solver::stop::{Condition, Ending, Judge, Winner};
use crate::solver::{Effort, Instance, Progress, Solver, snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "entropy_sgd spherical/1";

/// Everything that changes: what a snapshot holds. Weights are K × stride.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub epochs: u64,
    /// Mini-batches so far.
    pub steps: u64,
    /// x.
    pub weights: Vec<f32>,
    /// x'.
    pub explorer: Vec<f32>,
    /// V.
    pub velocity: Vec<f32>,
    /// μ.
    pub average: Vec<f32>,
    /// Order of the mini-batches.
    pub order: Vec<u32>,
    /// Order in which patterns are dealt to mini-batches.
    pub members: Vec<u32>,
    /// Initial weights, then shuffles `order`.
    pub turns: Stream,
    /// Shuffles `members`.
    pub stream: Stream,
    /// Ξ.
    noise: Stream,
    /// Errors met while learning, this epoch.
    met: u64,
    /// Best configuration seen and its number of errors.
    best: Vec<f32>,
    best_errors: u64,
    ending: Ending,
}

/// Entropy-SGD for spherical weights on one instance.
pub(super) struct SphericalEntropySgd {
    instance: Arc<Instance>,
    pub settings: Settings,
    isa: Isa,
    /// Storage with the margin to be reached.
    goal: Storage,
    deck: Deck,
    pass: Pass,
    verifier: Verifier,
    pub state: State,
    /// Ξ of one step.
    kick: Vec<f32>,
}

impl SphericalEntropySgd {
    /// Random initial weights, uniform on the sphere.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let settings = params.settings(instance.kind, instance.storage.activation());
        let deck = Deck::new(&instance.patterns, settings.batch);
        let pass = Pass::new(isa, &instance.storage, &deck);
        let (n, stride) = (instance.storage.architecture().unit_inputs(), pass.stride());
        let mut turns = instance.solver_stream(TAG, ORDER);
        let mut weights = vec![0.0; instance.storage.architecture().hidden() * stride];
        for unit in weights.chunks_exact_mut(stride) {
            unit[..n].iter_mut().for_each(|w| *w = turns.normal() as f32);
        }
        Isa::SCALAR.run(Normalise { n, stride, weights: &mut weights });
        let count = instance.patterns.count();
        let state = State {
            epochs: 0,
            steps: 0,
            explorer: weights.clone(),
            average: weights.clone(),
            best: weights.clone(),
            velocity: vec![0.0; weights.len()],
            order: (0..deck.len() as u32).collect(),
            members: (0..count as u32).collect(),
            turns,
            stream: instance.solver_stream(TAG, MEMBERS),
            noise: instance.solver_stream(TAG, NOISE),
            met: 0,
            best_errors: count as u64 + 1,
            ending: Ending::default(),
            weights,
        };
        Self {
            goal: instance.storage.beyond(settings.then.map_or(0.0, |then| then.margin())),
            verifier: Verifier::new(&instance.storage),
            kick: vec![0.0; state.weights.len()],
            instance,
            settings,
            isa,
            deck,
            pass,
            state,
        }
    }

    #[cfg(test)]
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
        self.pass.set_isa(isa);
    }

    fn storage(&self, condition: Condition) -> Storage {
        match condition {
            Condition::Stored => self.instance.storage,
            Condition::Goal => self.goal,
        }
    }

    /// One step of x' on mini-batch `batch`, and one of x where L of them are done.
    fn step(&mut self, batch: usize, (eta, gamma, noise): (f32, f32, f32)) {
        let n = self.instance.storage.architecture().unit_inputs();
        let (stride, isa, steps) = (self.pass.stride(), self.isa, self.settings.steps);
        let state = &mut self.state;
        if state.steps.is_multiple_of(steps) {
            state.explorer.copy_from_slice(&state.weights);
            state.average.copy_from_slice(&state.weights);
        }
        state.steps += 1;
        state.met += self.pass.learn(&self.deck, batch, &state.explorer);
        let step = Step {
            n,
            stride,
            gradient: &self.pass.gradient,
            weights: &mut state.explorer,
            velocity: &mut state.velocity,
            second: &mut [],
            center: (gamma > 0.0).then_some((&state.weights[..], 1.0)),
            momentum: self.settings.momentum,
            eta,
            lambda: eta * gamma,
            count: state.steps,
        };
        step.run(isa);
        if noise > 0.0 {
            draw(&mut state.noise, &mut self.kick, (n, stride));
            let (weights, kick) = (&mut state.explorer, &self.kick);
            isa.run(Kick { n, stride, size: eta.sqrt() * noise, kick, weights });
        }
        let share = self.settings.averaging as f32;
        isa.run(Approach { to: &mut state.average, from: &state.explorer, share });
        if state.steps.is_multiple_of(steps) {
            let share = self.settings.outer as f32;
            isa.run(Approach { to: &mut state.weights, from: &state.average, share });
            isa.run(Normalise { n, stride, weights: &mut state.weights });
        }
    }

    fn keep_best(&mut self, who: Winner, errors: u64) {
        let State { weights, explorer, best, best_errors, .. } = &mut self.state;
        *best_errors = errors;
        best.copy_from_slice(if who == Winner::Center { weights } else { explorer });
    }
}

/// x' ← R(x' + `size`·T(Ξ)).
pub(super) struct Kick<'a> {
    /// n.
    pub n: usize,
    /// From unit to unit.
    pub stride: usize,
    /// √η ε.
    pub size: f32,
    /// Ξ, K × stride with zero padding.
    pub kick: &'a [f32],
    /// x', likewise.
    pub weights: &'a mut [f32],
}

impl Work for Kick<'_> {
    #[inline(always)]
    fn run(self) {
        let units = self.weights.chunks_exact_mut(self.stride);
        for (w, z) in units.zip(self.kick.chunks_exact(self.stride)) {
            let along = dot(z, w) * (1.0 / self.n as f64) as f32;
            w.iter_mut().zip(z).for_each(|(w, z)| *w += self.size * (z - along * *w));
            normalise_unit(w, self.n);
        }
    }
}

impl Judge for SphericalEntropySgd {
    fn solves(&mut self, who: Winner, condition: Condition) -> bool {
        let State { met, epochs, best_errors, .. } = self.state;
        if !promising(met, &self.instance, epochs, best_errors) {
            return false;
        }
        let (storage, limit) = (self.storage(condition), best_errors.max(1));
        let weights =
            if who == Winner::Center { &self.state.weights } else { &self.state.explorer };
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

impl Solver for SphericalEntropySgd {
    fn epoch(&mut self) -> Progress {
        let epoch = self.state.epochs;
        if epoch.is_multiple_of(self.settings.regroup) {
            self.state.stream.shuffle(&mut self.state.members);
            self.deck.deal(&self.instance.patterns, &self.state.members);
        }
        let settings = &self.settings;
        self.pass.set(settings.beta.at(epoch), settings.gain.at(epoch));
        self.pass.set_kappa(self.storage(self.state.ending.condition()).kappa());
        let (eta, gamma) = (settings.eta.at(epoch), settings.gamma.at(epoch));
        let dynamics = (eta as f32, gamma as f32, settings.noise.at(epoch) as f32);
        let rule = (settings.stop, settings.then);
        self.state.turns.shuffle(&mut self.state.order);
        self.state.met = 0;
        for turn in 0..self.deck.len() {
            self.step(self.state.order[turn] as usize, dynamics);
        }
        self.state.epochs += 1;
        let mut ending = self.state.ending;
        ending.update(rule, (self.state.epochs, gamma), 1, self);
        self.state.ending = ending;
        Progress::after(ending.winner.is_some(), self.state.epochs, self.settings.max_epochs)
    }

    fn effort(&self) -> Effort {
        let count = self.instance.patterns.count() as u64;
        Effort { epochs: self.state.epochs, presentations: self.state.epochs * count }
    }

    fn weights(&self) -> Weights {
        self.pass.unpadded(&self.state.best)
    }

    fn replicas(&self) -> Vec<Weights> {
        vec![self.pass.unpadded(&self.state.explorer)]
    }

    fn center(&self) -> Option<Weights> {
        Some(self.pass.unpadded(&self.state.weights))
    }

    fn values(&self) -> Vec<Value> {
        let (x, explorer) = (&self.state.weights, &self.state.explorer);
        let architecture = self.instance.storage.architecture();
        let overlap = self.pass.unpadded(x).overlap(&self.pass.unpadded(explorer), architecture);
        let gamma = self.settings.gamma.at(self.state.epochs.saturating_sub(1));
        super::values(self.state.ending, gamma, overlap)
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(SNAPSHOT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let state: State = snapshot::decode(SNAPSHOT, bytes)?;
        let lengths = |s: &State| {
            let vectors = [&s.weights, &s.explorer, &s.velocity, &s.average, &s.best];
            (vectors.map(Vec::len), s.order.len(), s.members.len())
        };
        if lengths(&state) != lengths(&self.state) {
            return Err("a snapshot of another instance or other parameters".into());
        }
        let outside = |entries: &[u32]| entries.iter().any(|&i| i as usize >= entries.len());
        if outside(&state.order) || outside(&state.members) {
            return Err("a damaged snapshot: no such pattern or mini-batch".into());
        }
        self.state = state;
        self.deck.deal(&self.instance.patterns, &self.state.members);
        Ok(())
    }
}
