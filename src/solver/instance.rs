//! One random instance: disorder, model, and the streams that belong to them.

use crate::model::{Patterns, Storage, WeightKind};
use crate::rng::{Purpose, Stream};

/// The problem a solver gets: patterns to store, by which machine, under which seed.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Storage condition: architecture, activation, κ.
    pub storage: Storage,
    /// Binary or spherical weights.
    pub kind: WeightKind,
    /// The patterns, rows packed for the architecture.
    pub patterns: Patterns,
    /// Seed of all streams.
    pub seed: u64,
    /// Disorder sample.
    pub sample: u64,
    /// Which of the independent solutions of this sample is sought: 0 is the unit's own, further
    /// ones have other streams and the same patterns.
    pub trial: u64,
}

impl Instance {
    /// A random instance with `count` = P patterns.
    pub fn random(
        storage: Storage,
        kind: WeightKind,
        count: usize,
        seed: u64,
        sample: u64,
    ) -> Self {
        let patterns = Patterns::random(storage.architecture(), count, seed, sample);
        Self { storage, kind, patterns, seed, sample, trial: 0 }
    }

    /// The stream of `solver` (its stable tag) for `replica`:
    /// ids (weights, activation and parameter, N, K, connectivity, P, κ bits, solver, sample,
    /// replica).
    pub fn solver_stream(&self, solver: u64, replica: u64) -> Stream {
        self.stream(Purpose::Solver, solver, replica)
    }

    /// A stream of `purpose` for `object` (a solver's stable tag, an observable's …) and `index`,
    /// keyed by everything that names this instance (the trial only where it is not 0).
    pub fn stream(&self, purpose: Purpose, object: u64, index: u64) -> Stream {
        let architecture = self.storage.architecture();
        let (activation, parameter) = self.storage.activation().key();
        let ids = [
            self.kind as u64,
            activation,
            parameter.to_bits(),
            architecture.inputs() as u64,
            architecture.hidden() as u64,
            architecture.connectivity() as u64,
            self.patterns.count() as u64,
            self.storage.kappa().to_bits(),
            object,
            self.sample,
            index,
            self.trial,
        ];
        let named = if self.trial == 0 { ids.len() - 1 } else { ids.len() };
        Stream::new(self.seed, purpose, &ids[..named])
    }
}
