//! `[solver.exact]`: enumeration of all 2^N binary machines of a unit.
//!
//! $$ Z(P) = \sum_{W \in \lbrace \pm 1 \rbrace^N} \prod_{\mu=1}^{P}
//!    \Theta\left(\sigma^\mu \Delta^\mu(W) - \kappa\right), \qquad P_c = \max \lbrace P : Z(P) > 0 \rbrace $$
//!
//! The unit's patterns are added one at a time until none of the machines is left or all
//! P = round(alpha·N) are stored: **alpha is the cap on P**. One large alpha (2 is beyond reach for
//! κ ≥ 0, where E Z(P) ≤ 2^{N−P}) therefore gives the exact storage P_c and the whole curve
//! ln Z(P) of a sample at once, which is what finite-size scaling to the capacity uses; at a smaller
//! alpha the unit is solved when Z(P) > 0, and its solution is *typical*: drawn uniformly from all of
//! them, as are its replicas. Equations, cost and memory: [`crate::exact::Enumeration`]. An epoch is
//! a chunk of 2^28 machines, some 10 ms.

use super::{Effort, Extent, Instance, Method, Progress, Solver, snapshot};
use crate::exact::{Counts, Enumeration};
use crate::model::{Activation, Architecture, WeightKind, Weights};
use crate::record::{Axis, Column, Estimator, Kind, Value};
use crate::rng::Purpose;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 2;

/// Largest N of a job: 2^40 machines are an hour's work of one core at the very worst.
const MAX_INPUTS: usize = 40;

/// `[solver.exact]`: alpha in `[grid]` is the cap on P; see the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Solutions drawn independently and uniformly when all P patterns can be stored: observables
    /// are measured on the first, overlaps between all.
    pub solutions: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { solutions: 2 }
    }
}

impl Method for Params {
    fn tag(&self) -> u64 {
        TAG
    }

    fn columns(&self, extent: &Extent) -> Vec<Column> {
        columns(extent)
    }

    fn build(&self, instance: Arc<Instance>) -> Box<dyn Solver> {
        Box::new(Exact::new(instance, self))
    }

    fn validate(
        &self,
        kind: WeightKind,
        _activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let problem = |key: &str, message: String| Err((key.to_owned(), message));
        if kind != WeightKind::Binary {
            return problem("", "exact enumeration needs weights = \"binary\"".into());
        }
        if architecture.inputs() > MAX_INPUTS {
            let inputs = architecture.inputs();
            let message = format!(
                "N = {inputs}: exact enumeration takes N up to {MAX_INPUTS}, and N <= 33 comfortably"
            );
            return problem("", message);
        }
        if !(1..=1000).contains(&self.solutions) {
            return problem("solutions", format!("{}: expected 1 to 1000", self.solutions));
        }
        Ok(())
    }

    fn bytes(&self, _kind: WeightKind, architecture: Architecture, patterns: usize) -> u128 {
        // Masks and 1 KiB of middle classes a pattern; a block of whole units (n < 8) is larger and
        // has more distinct subsets. Then a count a chunk of 2^28 machines.
        let kibibytes = if architecture.unit_inputs() < 8 { 81 } else { 13 };
        let chunks = 1u128 << architecture.inputs().saturating_sub(28);
        patterns as u128 * kibibytes * 1024 + 8 * chunks + 64 * self.solutions as u128
    }

    fn expected_seconds(
        &self,
        _kind: WeightKind,
        architecture: Architecture,
        patterns: usize,
    ) -> f64 {
        let machines = (1u64 << architecture.inputs().min(MAX_INPUTS)) as f64;
        5e-5 * patterns as f64 + 6e-11 * machines
    }
}

/// Columns beyond the common ones.
fn columns(extent: &Extent) -> Vec<Column> {
    let axis = || {
        Kind::Vector(Axis {
            name: "patterns".into(),
            units: "1".into(),
            values: (0..=extent.max_patterns).map(|p| p as f64).collect(),
        })
    };
    vec![
        Column::new(
            "storage",
            "most patterns that some machine stores, P_c",
            Kind::Count,
            Estimator::Mean,
        ),
        Column::new(
            "storage_censored",
            "solutions remain at the last pattern: P_c is at least the storage",
            Kind::Bool,
            Estimator::Fraction,
        ),
        Column::new(
            "solutions",
            "machines Z(P) that store the first P patterns",
            axis(),
            Estimator::Mean,
        ),
        Column::new(
            "log_solutions",
            "ln Z(P), for P up to the sample's storage",
            axis(),
            Estimator::Mean,
        ),
    ]
}

/// Enumeration of one instance.
pub struct Exact {
    instance: Arc<Instance>,
    enumeration: Enumeration,
    draws: usize,
    drawn: Vec<Weights>,
}

impl Exact {
    /// Prepares the enumeration.
    ///
    /// # Panics
    /// If N is beyond reach ([`Params::validate`] refuses it).
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let enumeration = Enumeration::new(&instance.storage, &instance.patterns)
            .expect("parameters were validated against N");
        Self { instance, enumeration, draws: params.solutions, drawn: Vec::new() }
    }

    fn solved(&self) -> bool {
        self.enumeration.storage() == self.instance.patterns.count()
    }
}

impl Solver for Exact {
    fn epoch(&mut self) -> Progress {
        if !self.enumeration.is_complete() {
            self.enumeration.advance();
        }
        if !self.enumeration.is_complete() {
            return Progress::Running;
        }
        if !self.solved() {
            // All machines were tested: no limit stopped it.
            return Progress::Unsatisfiable;
        }
        let mut stream = self.instance.stream(Purpose::TypicalSolution, TAG, 0);
        let drawn = self.enumeration.sample(self.draws, &mut stream);
        self.drawn = drawn.into_iter().map(|w| self.enumeration.space().weights(w)).collect();
        Progress::Solved
    }

    fn effort(&self) -> Effort {
        let counts = self.enumeration.counts();
        Effort { epochs: counts.chunk_solutions.len() as u64, presentations: counts.evaluations() }
    }

    fn weights(&self) -> Weights {
        match self.drawn.first() {
            Some(weights) => weights.clone(),
            // Stores the first P_c patterns.
            None => self.enumeration.space().weights(self.enumeration.deepest()),
        }
    }

    fn replicas(&self) -> Vec<Weights> {
        self.drawn.clone()
    }

    fn center(&self) -> Option<Weights> {
        None
    }

    fn values(&self) -> Vec<Value> {
        let solutions = &self.enumeration.counts().solutions;
        let logs = solutions.iter().take_while(|&&z| z > 0).map(|&z| libm::log(z as f64));
        vec![
            Value::Count(self.enumeration.storage() as u64),
            Value::Bool(self.solved()),
            Value::Vector(solutions.iter().map(|&z| z as f64).collect()),
            Value::Vector(logs.collect()),
        ]
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::encode("exact/2", self.enumeration.counts())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let counts: Counts = snapshot::decode("exact/2", bytes)?;
        self.enumeration.resume(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Patterns, Storage};

    fn instance(inputs: usize, count: usize) -> Arc<Instance> {
        let architecture = Architecture::tree(inputs, 3).unwrap();
        let storage = Storage::new(architecture, Activation::Sign, 0.0);
        Arc::new(Instance::random(storage, WeightKind::Binary, count, 5, 2))
    }

    fn run(solver: &mut Exact) -> Progress {
        loop {
            match solver.epoch() {
                Progress::Running => {}
                ended => return ended,
            }
        }
    }

    #[test]
    fn alpha_caps_the_patterns_and_solutions_are_verified() {
        let whole = instance(15, 40);
        let mut exact = Exact::new(Arc::clone(&whole), &Params::default());
        assert_eq!(run(&mut exact), Progress::Unsatisfiable);
        let storage = exact.enumeration.storage();
        assert!(storage < 25 && exact.values()[1] == Value::Bool(false));
        let first = Patterns::random(whole.storage.architecture(), storage, 5, 2);
        assert_eq!(whole.storage.errors(&first, &exact.weights()), 0);
        // At the storage itself the sample is solved; one pattern on it is not.
        for (count, expected) in
            [(storage, Progress::Solved), (storage + 1, Progress::Unsatisfiable)]
        {
            let capped = instance(15, count);
            let mut exact = Exact::new(Arc::clone(&capped), &Params { solutions: 3 });
            assert_eq!(run(&mut exact), expected);
            assert_eq!(exact.values()[0], Value::Count(storage as u64));
            assert_eq!(exact.values()[1], Value::Bool(expected == Progress::Solved));
            for weights in exact.replicas() {
                assert_eq!(capped.storage.errors(&capped.patterns, &weights), 0);
            }
        }
        let extent = Extent { kind: WeightKind::Binary, max_inputs: 15, max_patterns: 40 };
        for (value, column) in exact.values().iter().zip(columns(&extent)) {
            assert!(value.fits(&column.kind), "{}", column.name);
        }
    }

    #[test]
    fn restored_equals_uninterrupted() {
        let instance = instance(30, 3);
        let mut whole = Exact::new(Arc::clone(&instance), &Params::default());
        let ended = run(&mut whole);
        let mut first = Exact::new(Arc::clone(&instance), &Params::default());
        assert_eq!(first.epoch(), Progress::Running);
        let mut second = Exact::new(Arc::clone(&instance), &Params::default());
        assert!(second.restore(b"nonsense").is_err());
        second.restore(&first.snapshot()).unwrap();
        assert_eq!(run(&mut second), ended);
        assert_eq!(second.values(), whole.values());
        assert_eq!((second.weights(), second.effort()), (whole.weights(), whole.effort()));
    }

    #[test]
    fn what_cannot_be_enumerated_is_refused() {
        let tree = |inputs| Architecture::tree(inputs, 3).unwrap();
        let refuses = |params: Params, kind, inputs| {
            params.validate(kind, Activation::Sign, tree(inputs)).is_err()
        };
        assert!(!refuses(Params::default(), WeightKind::Binary, 39));
        assert!(refuses(Params::default(), WeightKind::Binary, 42));
        assert!(refuses(Params::default(), WeightKind::Spherical, 9));
        assert!(refuses(Params { solutions: 0 }, WeightKind::Binary, 9));
    }
}
