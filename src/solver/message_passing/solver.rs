//! The solvers fBP and rBP: one epoch is one sweep of messages; see the module's documentation.

use super::amp::Amp;
use super::params::Settings;
use super::polish::Polish;
use crate::model::{Weights, weights::tail_mask};
use crate::record::Value;
use crate::rng::Stream;
use crate::simd::{Isa, PatternBlock, WeightTable, preactivations};
use crate::solver::{Effort, Instance, Progress, Solver, snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Snapshot layout.
const LAYOUT: &str = "message-passing/1";

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
    best_at: u64,
    /// Proposals of the finish made; none while messages are passed.
    finishing: Option<u64>,
    polish: Vec<i8>,
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
        amp.magnetization.iter_mut().for_each(|m| *m = (1e-3 * stream.normal()) as f32);
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
            best_at: 0,
            finishing: None,
            polish: Vec::new(),
            polished: false,
            stream,
        };
        Self {
            settings,
            isa,
            amp,
            state,
            bits: vec![0; words],
            block,
            table,
            outputs,
            fields: vec![0; hidden],
            finish: None,
            instance,
        }
    }

    /// One sweep and one update of the magnetisations.
    fn sweep(&mut self) -> Progress {
        self.amp.sweep();
        let (keep, speed) = self.settings.damping.at(self.state.q);
        self.state.control += speed * self.settings.rate / self.settings.sweeps_per_step as f64;
        // The control parameter moves in whole steps: messages settle in between.
        let steps = (self.state.control / self.settings.rate).floor();
        let focus = self.settings.focus(steps * self.settings.rate);
        self.bits.fill(0);
        let n = self.instance.storage.architecture().unit_inputs();
        let (mut q, words) = (0.0, n.div_ceil(64));
        let magnetizations = self.amp.magnetization.iter_mut().zip(&mut self.state.total);
        for (i, ((m, total), &h)) in magnetizations.zip(&self.amp.field).enumerate() {
            let new = focus.magnetization(f64::from(h), total);
            let mixed = keep * f64::from(*m) + (1.0 - keep) * new;
            q += mixed * mixed;
            *m = mixed as f32;
            self.bits[i / n * words + i % n / 64] |= u64::from(new < 0.0) << (i % n % 64);
        }
        debug_assert!(
            self.bits.iter().enumerate().all(|(at, w)| w & !tail_mask(n, at % words) == 0)
        );
        self.state.q = q / self.amp.magnetization.len() as f64;
        self.state.effort.0 += 1;
        self.state.effort.1 += self.instance.patterns.count() as u64;
        let errors = self.errors();
        if errors < self.state.best_errors {
            self.state.best_errors = errors;
            self.state.best_at = self.state.effort.0;
            self.state.best.copy_from_slice(&self.bits);
        }
        // Polarised and no better for an eighth of the limit: the messages have settled elsewhere.
        let settled = self.state.q > 0.9
            && self.state.effort.0 > self.state.best_at + self.settings.max_epochs / 8;
        if errors == 0 {
            Progress::Solved
        } else if settled || self.state.effort.0 >= self.settings.max_epochs {
            self.begin_finish()
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

    fn begin_finish(&mut self) -> Progress {
        let polish = self.settings.polish;
        if self.state.best_errors > polish.max_errors || polish.proposals == 0 {
            return Progress::Exhausted;
        }
        let architecture = self.instance.storage.architecture();
        self.state.polish =
            Weights::Binary(self.state.best.clone()).signs(architecture).expect("binary weights");
        self.state.finishing = Some(0);
        Progress::Running
    }

    /// A part of the finish.
    fn finish(&mut self, made: u64) -> Progress {
        let instance = &self.instance;
        let finish = self.finish.get_or_insert_with(|| {
            let mut finish = Polish::new(&instance.storage, &instance.patterns);
            finish.load(&self.state.polish);
            finish
        });
        let params = self.settings.polish;
        let part = PROPOSALS.min(params.proposals - made);
        let beta = |done: u64| {
            let part = done as f64 / params.proposals as f64;
            params.beta_start + (params.beta_end - params.beta_start) * part
        };
        finish.anneal(part, (beta(made), beta(made + part)), &mut self.state.stream);
        self.state.polish.copy_from_slice(finish.signs());
        self.state.finishing = Some(made + part);
        if finish.errors() == 0 {
            self.state.polished = true;
            Progress::Solved
        } else if made + part >= params.proposals {
            Progress::Exhausted
        } else {
            Progress::Running
        }
    }
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
            let architecture = self.instance.storage.architecture();
            Weights::from_signs(architecture, &self.state.polish).expect("entries are ±1")
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
            && (state.finishing.is_none() || state.polish.len() == inputs);
        if !fits {
            return Err(format!("a {LAYOUT} snapshot of another instance"));
        }
        self.amp.magnetization.copy_from_slice(&state.magnetization);
        self.amp.gradient.copy_from_slice(&state.gradient);
        self.state = state;
        self.finish = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Activation, Architecture, Storage, WeightKind};
    use crate::solver::message_passing::{FbpParams, RbpParams};
    use crate::solver::{Instance, Progress, Solver, SolverSpec};
    use std::sync::Arc;

    fn instance(activation: Activation, n: usize, hidden: usize, alpha: f64) -> Arc<Instance> {
        let architecture = Architecture::tree(n, hidden).unwrap();
        let storage = Storage::new(architecture, activation, 0.0);
        let count = (alpha * n as f64).round() as usize;
        Arc::new(Instance::random(storage, WeightKind::Binary, count, 20191023, 0))
    }

    fn fast(name: &str) -> SolverSpec {
        match name {
            "fbp" => SolverSpec::Fbp(FbpParams { step: 0.004, ..FbpParams::default() }),
            _ => SolverSpec::Rbp(RbpParams { step: 0.004, ..RbpParams::default() }),
        }
    }

    fn run(solver: &mut dyn Solver) -> Progress {
        loop {
            match solver.epoch() {
                Progress::Running => {}
                ended => return ended,
            }
        }
    }

    /// Half a capacity where plain replicated SGD already fails; the independent verifier agrees.
    #[test]
    fn both_solvers_store_relu_sign_and_identity() {
        for (activation, n, hidden, alpha) in [
            (Activation::Relu, 512, 8, 0.55),
            (Activation::Sign, 495, 5, 0.55),
            (Activation::Identity, 501, 1, 0.5),
        ] {
            let instance = instance(activation, n, hidden, alpha);
            for name in ["fbp", "rbp"] {
                let mut solver = fast(name).build(Arc::clone(&instance));
                assert_eq!(run(&mut *solver), Progress::Solved, "{activation:?} {name}");
                let weights = solver.weights();
                assert_eq!(instance.storage.errors(&instance.patterns, &weights), 0);
            }
        }
    }

    /// Above what it can store it ends, censored, with its best configuration.
    #[test]
    fn hopeless_instances_are_exhausted_with_their_best_weights() {
        let instance = instance(Activation::Relu, 256, 4, 1.2);
        let mut solver = fast("fbp").build(Arc::clone(&instance));
        assert_eq!(run(&mut *solver), Progress::Exhausted);
        let errors = instance.storage.errors(&instance.patterns, &solver.weights());
        assert_eq!(solver.values()[1], crate::record::Value::Count(errors as u64));
        assert!(errors > 0 && errors < 100, "{errors}");
    }

    #[test]
    fn a_restored_solver_continues_with_the_same_bits() {
        let instance = instance(Activation::Relu, 512, 8, 0.6);
        for name in ["fbp", "rbp"] {
            let mut whole = fast(name).build(Arc::clone(&instance));
            for _ in 0..40 {
                assert_eq!(whole.epoch(), Progress::Running);
            }
            let mut second = fast(name).build(Arc::clone(&instance));
            second.restore(&whole.snapshot()).unwrap();
            assert_eq!(second.snapshot(), whole.snapshot());
            assert_eq!(run(&mut *whole), run(&mut *second));
            assert_eq!(whole.snapshot(), second.snapshot());
            assert_eq!(whole.weights(), second.weights());
            assert!(second.restore(b"nonsense").is_err());
        }
    }
}
