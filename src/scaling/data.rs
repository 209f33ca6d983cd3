//! What finite-size scaling needs of a result file: plain data, grouped by size.

use super::extrapolation::Approach;
use serde::Serialize;

/// Two kinds of threshold, never to be confused.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ThresholdKind {
    /// Where a solver succeeds half the time: depends on solver and limit, is not the capacity.
    Algorithmic {
        /// Name of the solver.
        solver: String,
        /// Its limit of epochs, if it has one.
        max_epochs: Option<u64>,
    },
    /// Where half of the instances have a solution, by exact enumeration: tends to the capacity.
    Exact,
}

/// Everything that an extrapolation starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Seed of the bootstrap: the job's.
    pub seed: u64,
    /// Kind of threshold.
    pub kind: ThresholdKind,
    /// Whether weights are binary: fields then are whole numbers of the parity of n = N/K, and even
    /// and odd n, with and without ties, approach the limit on different curves.
    pub binary: bool,
    /// What is known of the approach to infinite N.
    pub approach: Approach,
    /// One entry for each (N, K), any order.
    pub sizes: Vec<Size>,
}

/// The samples of one (N, K).
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    /// N.
    pub inputs: u64,
    /// K.
    pub hidden: u64,
    /// Results.
    pub data: Data,
}

/// Results of one (N, K).
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Solved or not, for each sample and alpha.
    Solved {
        /// Realised P/N, ascending.
        alphas: Vec<f64>,
        /// One row a sample.
        rows: Vec<Row>,
    },
    /// Largest P that can be stored, and numbers of solutions, for each sample.
    Exact(Vec<Stored>),
}

/// One disorder sample at every alpha.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Disorder sample.
    pub sample: u64,
    /// Whether it was solved, for each alpha; `None` where it was not tried.
    pub solved: Vec<Option<bool>>,
}

/// The exact results of one disorder sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Disorder sample.
    pub sample: u64,
    /// P_c: the largest P whose first P patterns some weights store.
    pub patterns: u64,
    /// The job's cap on P is `patterns`, and solutions remain there: P_c may be larger.
    pub short: bool,
    /// ln Z(P) for P = 0 … P_c, Z the number of weights that store the first P patterns; empty where it
    /// was not kept.
    pub log_solutions: Vec<f64>,
}

impl Stored {
    /// ln Z(P) − ln Z(P−1), where both are known.
    pub fn growth(&self, patterns: usize) -> Option<f64> {
        Some(self.log_solutions.get(patterns)? - self.log_solutions[patterns - 1])
    }
}

impl Size {
    /// Ids of the samples that have any result, ascending.
    pub fn samples(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = match &self.data {
            Data::Solved { rows, .. } => rows
                .iter()
                .filter(|row| row.solved.iter().any(Option::is_some))
                .map(|row| row.sample)
                .collect(),
            Data::Exact(stored) => stored.iter().map(|s| s.sample).collect(),
        };
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// n = N/K modulo 2: with binary weights the two parities approach the limit apart.
    pub fn parity(&self) -> u64 {
        (self.inputs / self.hidden) % 2
    }
}
