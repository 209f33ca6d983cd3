//! The solvers fBP and rBP: one epoch is one sweep of messages; see the module's documentation.

use super::amp::Amp;
use super::params::{Settings, attempt_limit};
use super::polish::Polish;
use super::update::{Sums, Update};
use crate::model::Weights;
use crate::record::Value;
use crate::rng::Stream;
use crate::simd::{Isa, PatternBlock, WeightTable, preactivations};
use crate::solver::{Effort, Instance, Progress, Solver, snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Snapshot layout.
const LAYOUT: &str = "message-passing/3";

/// Proposals of the finish in one epoch.
const PROPOSALS: u64 = 500;

/// What survives a snapshot.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    effort: (u64, u64),
    /// Control parameter ρ or γ, before it is rounded down to whole steps.
    control: f64,
    q: f64,
    magnetization: Vec<f32>,
    gradient: Vec<f32>,
    /// Total fields of reinforcement.
    total: Vec<f32>,
    /// The best weights seen and their errors, packed like [`Weights::Binary`].
    best: Vec<u64>,
    best_errors: u64,
    /// Attempts begun, at which sweep the present one began, and its pace.
    attempt: u64,
    began: u64,
    rate: f64,
    /// Share k of the old magnetisations, and whether the protocol may advance.
    keep: f64,
    advance: bool,
    /// The best of this attempt, its errors, and when.
    near: Vec<u64>,
    near_errors: u64,
    near_at: u64,
    /// Proposals of the finish made; none while messages are passed.
    finishing: Option<u64>,
    polish: Vec<u64>,
    polished: bool,
    stream: Stream,
}

/// fBP or rBP on one instance.
pub struct MessagePassing {
    instance: Arc<Instance>,
    settings: Settings,
    isa: Isa,
    amp: Amp,
    state: State,
    /// sign h, packed.
    bits: Vec<u64>,
    block: PatternBlock,
    table: WeightTable,
    outputs: Vec<i16>,
    fields: Vec<i32>,
    /// None if it is turned off.
    finish: Option<Polish>,
}

impl MessagePassing {
    /// Starts from m = 10⁻³ × Gaussian.
    ///
    /// # Panics
    /// If the settings were not validated.
    pub fn new(instance: Arc<Instance>, settings: Settings) -> Self {
        let isa = Isa::selected();
        let (storage, patterns) = (&instance.storage, &instance.patterns);
        let architecture = storage.architecture();
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let mut amp = Amp::new(storage, patterns, settings.node)
            .expect("validated: the activation has a node");
        let mut stream = instance.solver_stream(settings.tag, 0);
        start(&mut amp, &mut stream);
        let mut block = PatternBlock::new(n, patterns.groups(), patterns.count());
        block.gather_all(isa, patterns.rows());
        let table = WeightTable::new(n, hidden, 1);
        let outputs = vec![0; table.len(&block)];
        let words = hidden * n.div_ceil(64);
        let state = State {
            effort: (0, 0),
            control: 0.0,
            q: 0.0,
            magnetization: amp.magnetization.clone(),
            gradient: Vec::new(),
            total: vec![0.0; architecture.inputs()],
            best: vec![0; words],
            best_errors: patterns.count() as u64 + 1,
            attempt: 1,
            began: 0,
            rate: settings.rate,
            keep: settings.damping.start,
            advance: true,
            near: vec![0; words],
            near_errors: patterns.count() as u64 + 1,
            near_at: 0,
            finishing: None,
            polish: vec![0; words],
            polished: false,
            stream,
        };
        Self {
            finish: settings.polish.is_on().then(|| Polish::new(&instance)),
            settings,
            isa,
            amp,
            state,
            bits: vec![0; words],
            block,
            table,
            outputs,
            fields: vec![0; hidden],
            instance,
        }
    }

    /// One sweep and one update of the magnetisations.
    fn sweep(&mut self) -> Progress {
        self.amp.sweep();
        let (keep, rate) = (self.state.keep, self.state.rate);
        if self.state.advance {
            self.state.control += rate / self.settings.sweeps_per_step as f64;
        }
        // The control parameter moves in whole steps: messages settle in between.
        let focus = self.settings.focus((self.state.control / rate).floor() * rate);
        let mut sums = Sums::default();
        self.isa.run(Update {
            inputs: self.instance.storage.architecture().unit_inputs(),
            focus,
            keep: keep as f32,
            magnetization: &mut self.amp.magnetization,
            field: &self.amp.field,
            total: &mut self.state.total,
            bits: &mut self.bits,
            sums: &mut sums,
        });
        let inputs = self.amp.magnetization.len() as f64;
        self.state.q = sums.norm2 / inputs;
        let rest = (sums.moved2 / inputs).sqrt();
        (self.state.keep, self.state.advance) = self.settings.damping.adapt(keep, rest);
        self.state.effort.0 += 1;
        self.state.effort.1 += self.instance.patterns.count() as u64;
        let errors = self.errors();
        let sweeps = self.state.effort.0;
        if errors < self.state.near_errors {
            self.state.near_errors = errors;
            self.state.near_at = sweeps;
            self.state.near.copy_from_slice(&self.bits);
        }
        if errors < self.state.best_errors {
            self.state.best_errors = errors;
            self.state.best.copy_from_slice(&self.bits);
        }
        // Polarised and no better for an eighth of the limit: the messages have settled elsewhere.
        let limit = attempt_limit(rate, self.settings.sweeps_per_step);
        let settled = self.state.q > 0.9 && sweeps > self.state.near_at + limit / 8;
        let over = sweeps >= self.state.began + limit || sweeps >= self.settings.max_epochs;
        // Messages that are no numbers any more never come back.
        if errors == 0 {
            Progress::Solved
        } else if settled || over || !rest.is_finite() {
            self.end_attempt()
        } else {
            Progress::Running
        }
    }

    /// Patterns that sign h does not store, by integer arithmetic.
    fn errors(&mut self) -> u64 {
        self.table.set(0, &self.bits);
        preactivations(self.isa, &self.block, &self.table, &mut self.outputs);
        let (storage, patterns) = (&self.instance.storage, &self.instance.patterns);
        let (stride, hidden) = (self.block.stride(), self.fields.len());
        let mut errors = 0;
        for mu in 0..patterns.count() {
            for l in 0..hidden {
                self.fields[l] = i32::from(self.outputs[l * stride + mu]);
            }
            let output = i64::from(patterns.label(mu)) * storage.integer_total(&self.fields);
            errors += u64::from(output <= storage.threshold());
        }
        errors
    }

    /// After the messages of an attempt: the finish if it is near, else the next attempt.
    fn end_attempt(&mut self) -> Progress {
        let polish = self.settings.polish;
        if self.state.near_errors > polish.max_errors || !polish.is_on() {
            return self.next_attempt();
        }
        self.state.polish.copy_from_slice(&self.state.near);
        self.load_finish();
        self.state.finishing = Some(0);
        Progress::Running
    }

    /// Starts the messages again, at another pace.
    fn next_attempt(&mut self) -> Progress {
        let state = &mut self.state;
        state.finishing = None;
        if state.attempt >= self.settings.attempts || state.effort.0 >= self.settings.max_epochs {
            return Progress::Exhausted;
        }
        state.attempt += 1;
        state.began = state.effort.0;
        state.rate = self.settings.rate * libm::exp2(state.stream.uniform() - 0.5);
        (state.control, state.q) = (0.0, 0.0);
        (state.keep, state.advance) = (self.settings.damping.start, true);
        state.near_errors = self.instance.patterns.count() as u64 + 1;
        state.near_at = state.began;
        state.total.fill(0.0);
        start(&mut self.amp, &mut state.stream);
        Progress::Running
    }

    /// Brings the finish to its stored configuration.
    fn load_finish(&mut self) {
        if let Some(finish) = &mut self.finish {
            finish.load(&self.state.polish);
        }
    }

    /// A part of the finish.
    fn finish(&mut self, made: u64) -> Progress {
        let finish = self.finish.as_mut().expect("validated: a finish needs its kernels");
        let params = self.settings.polish;
        let part = PROPOSALS.min(params.proposals - made);
        let beta = |done: u64| {
            let part = done as f64 / params.proposals as f64;
            params.beta_start + (params.beta_end - params.beta_start) * part
        };
        finish.anneal(part, (beta(made), beta(made + part)), &mut self.state.stream);
        self.state.polish.copy_from_slice(finish.weights());
        self.state.finishing = Some(made + part);
        if finish.errors() == 0 {
            self.state.polished = true;
            Progress::Solved
        } else if made + part >= params.proposals {
            self.next_attempt()
        } else {
            Progress::Running
        }
    }
}

/// m = 10⁻³ × Gaussian, g = 0.
fn start(amp: &mut Amp, stream: &mut Stream) {
    amp.magnetization.iter_mut().for_each(|m| *m = (1e-3 * stream.normal()) as f32);
    amp.gradient.fill(0.0);
}

impl Solver for MessagePassing {
    fn epoch(&mut self) -> Progress {
        match self.state.finishing {
            None => self.sweep(),
            Some(made) => self.finish(made),
        }
    }

    fn effort(&self) -> Effort {
        Effort { epochs: self.state.effort.0, presentations: self.state.effort.1 }
    }

    fn weights(&self) -> Weights {
        if self.state.polished {
            Weights::Binary(self.state.polish.clone())
        } else {
            Weights::Binary(self.state.best.clone())
        }
    }

    fn replicas(&self) -> Vec<Weights> {
        Vec::new()
    }

    fn center(&self) -> Option<Weights> {
        None
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::Bool(self.state.polished),
            Value::Count(self.state.best_errors),
            Value::Count(self.state.attempt),
            Value::Real(self.state.control),
            Value::Real(self.state.q),
        ]
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut state = self.state.clone();
        state.magnetization.clone_from(&self.amp.magnetization);
        state.gradient.clone_from(&self.amp.gradient);
        snapshot::encode(LAYOUT, &state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let state: State = snapshot::decode(LAYOUT, bytes)?;
        let inputs = self.amp.magnetization.len();
        let fits = state.magnetization.len() == inputs
            && state.gradient.len() == self.amp.gradient.len()
            && state.total.len() == inputs
            && state.best.len() == self.bits.len()
            && state.near.len() == self.bits.len()
            && state.polish.len() == self.bits.len();
        if !fits {
            return Err(format!("a {LAYOUT} snapshot of another instance"));
        }
        self.amp.magnetization.copy_from_slice(&state.magnetization);
        self.amp.gradient.copy_from_slice(&state.gradient);
        self.state = state;
        self.load_finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
