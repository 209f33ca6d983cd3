//! Several runs of one solver on one instance: independent solutions of the same patterns.
//!
//! Run 0 is the unit's own; run t > 0 differs from it in its streams alone
//! ([`Instance::trial`]), and is made only if run 0 ended with a solution. Everything a unit reports
//! is of run 0; of the others their solutions are kept, whose mutual distances tell whether a
//! solver finds the same region each time. With one run this is the solver itself, snapshots
//! included. Cost: that of the runs. Deterministic.

use super::{Effort, Instance, Method, Progress, Solver, snapshot};
use crate::model::Weights;
use crate::record::Value;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a run has left when it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Whether it ended with a solution.
    pub solved: bool,
    /// Whether a limit of the solver ended it before that: unsolved, and not known to have no
    /// solution.
    pub censored: bool,
    /// Work done.
    pub effort: Effort,
    /// [`Solver::weights`].
    pub weights: Weights,
    /// [`Solver::replicas`].
    pub replicas: Vec<Weights>,
    /// [`Solver::center`].
    pub center: Option<Weights>,
    /// [`Solver::values`].
    pub values: Vec<Value>,
    /// Solutions of the further runs, in order; runs without a solution leave none.
    pub independent: Vec<Weights>,
}

/// A solver and its repetitions.
pub struct Repeated<'a> {
    method: &'a dyn Method,
    instance: Arc<Instance>,
    runs: u64,
    /// Run 0 once it has ended, with the solutions of those since.
    first: Option<Finished>,
    /// The run that `current` makes.
    trial: u64,
    current: Box<dyn Solver>,
}

/// Layout of the snapshot of a further run.
const TAG: &str = "repeated/2";

impl<'a> Repeated<'a> {
    /// `runs` ≥ 1 runs of the solver of `method` on `instance`.
    ///
    /// # Panics
    /// As [`Method::build`].
    pub fn new(method: &'a dyn Method, instance: Arc<Instance>, runs: u64) -> Self {
        let current = method.build(Arc::clone(&instance));
        Self { method, instance, runs, first: None, trial: 0, current }
    }

    /// Runs one epoch; the result once all runs have ended.
    ///
    /// # Panics
    /// If a solver claims a solution that the verifier refuses: a bug that must not become data.
    pub fn epoch(&mut self) -> Option<Finished> {
        let progress = self.current.epoch();
        if progress == Progress::Running {
            return None;
        }
        let solved = progress == Progress::Solved;
        let weights = self.current.weights();
        let errors = self.instance.storage.errors(&self.instance.patterns, &weights);
        assert!(
            !solved || errors == 0,
            "the solver claims a solution in run {}, but {errors} patterns are not stored: {:?}",
            self.trial,
            self.method
        );
        let first = match &mut self.first {
            Some(first) => {
                if solved {
                    first.independent.push(weights);
                }
                first
            }
            slot => slot.insert(Finished {
                solved,
                censored: progress == Progress::Exhausted,
                effort: self.current.effort(),
                weights,
                replicas: self.current.replicas(),
                center: self.current.center(),
                values: self.current.values(),
                independent: Vec::new(),
            }),
        };
        if !first.solved || self.trial + 1 >= self.runs {
            return self.first.take();
        }
        self.begin(self.trial + 1);
        None
    }

    fn begin(&mut self, trial: u64) {
        self.trial = trial;
        let instance = Instance { trial, ..(*self.instance).clone() };
        self.current = self.method.build(Arc::new(instance));
    }

    /// The whole state.
    pub fn snapshot(&self) -> Vec<u8> {
        let current = self.current.snapshot();
        match &self.first {
            None => current,
            Some(first) => snapshot::encode(TAG, &(self.trial, first, current)),
        }
    }

    /// Goes on from a snapshot of the same runs.
    ///
    /// # Errors
    /// A message if the bytes are not such a snapshot; start afresh then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        type State = (u64, Finished, Vec<u8>);
        let Ok((trial, first, current)) = snapshot::decode::<State>(TAG, bytes) else {
            return self.current.restore(bytes);
        };
        if trial >= self.runs {
            return Err(format!("run {trial} of {}", self.runs));
        }
        self.begin(trial);
        self.first = Some(first);
        self.current.restore(&current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Activation, Architecture, Storage, WeightKind};
    use crate::solver::rsgd;
    use std::sync::LazyLock;

    static METHOD: LazyLock<rsgd::Params> =
        LazyLock::new(|| rsgd::Params::default().resolved(WeightKind::Binary, Activation::Sign));

    fn repeated(runs: u64) -> Repeated<'static> {
        let architecture = Architecture::tree(105, 3).unwrap();
        let storage = Storage::new(architecture, Activation::Sign, 0.0);
        let instance = Instance::random(storage, WeightKind::Binary, 30, 5, 2);
        Repeated::new(&*METHOD, Arc::new(instance), runs)
    }

    fn finish(mut solver: Repeated<'_>) -> Finished {
        loop {
            if let Some(finished) = solver.epoch() {
                return finished;
            }
        }
    }

    /// More runs change nothing of the first, and give other solutions of the same patterns.
    #[test]
    fn runs_are_independent_and_the_first_is_the_units_own() {
        let single = finish(repeated(1));
        assert!(single.solved && single.independent.is_empty());
        let several = finish(repeated(4));
        assert_eq!(Finished { independent: Vec::new(), ..several.clone() }, single);
        assert_eq!(several.independent.len(), 3);
        let instance = repeated(1).instance;
        let all = [&[single.weights][..], &several.independent].concat();
        for (i, a) in all.iter().enumerate() {
            assert_eq!(instance.storage.errors(&instance.patterns, a), 0);
            assert!(all[..i].iter().all(|b| a != b), "the same solution twice");
        }
    }

    #[test]
    fn interrupted_at_any_epoch_equals_uninterrupted() {
        let whole = finish(repeated(3));
        let mut epochs = 0;
        let mut solver = repeated(3);
        while solver.epoch().is_none() {
            epochs += 1;
        }
        for stop in 0..=epochs {
            let mut first = repeated(3);
            (0..stop).for_each(|_| assert!(first.epoch().is_none()));
            let mut second = repeated(3);
            second.restore(&first.snapshot()).unwrap();
            assert_eq!(finish(second), whole, "stopped after {stop} epochs");
        }
        assert!(repeated(3).restore(b"nonsense").is_err());
    }
}
