//! `[solver.tempering]`: typical solutions by replica exchange on the number of errors.
//!
//! Metropolis dynamics of single flips at inverse temperatures 0 = β_0 < … < β_R, each rung in
//! equilibrium with exp(−β E), E the number of patterns not stored; neighbouring rungs exchange their
//! states with probability
//!
//! $$ \min\left(1, e^{(\beta_i - \beta_j)(E_i - E_j)}\right) $$
//!
//! (K. Hukushima and K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)). Among states with E = 0 the Gibbs
//! measure is flat whatever β, so the
//! coldest rung's state, taken **at fixed times** if it has no error then, is a typical solution;
//! taking the first zero after a time would prefer solutions that are quickly found.
//!
//! With independent patterns E has mean P p and variance P p(1−p), p = 1/(1+e^β): rungs a fixed share
//! `step` of its standard deviation apart lie at β = 4 atanh tan(u/2), u equidistant, about
//! (π/2)√P/`step` of them, up to β_R = ln(P/`cold_errors`). This holds at small α alone, where the
//! method is meant to be used; the columns say whether states have travelled (round trips between
//! the coldest and the hottest rung, where they forget everything). An epoch is a sweep: N proposals
//! on each rung and one round of exchanges. Cost of a sweep: R·N proposals of O(P/32). Deterministic.

mod params;
#[cfg(test)]
mod tests;

pub use params::Params;

use super::{Effort, Instance, Progress, Solver, single_flip, snapshot};
use crate::model::Weights;
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::{Energy, FlipColumns, FlipState, Isa};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 20;

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
    let column =
        |name: &str, long_name: &str, kind| Column::new(name, long_name, kind, Estimator::Mean);
    vec![
        column("typical_solutions", "typical solutions taken", Kind::Count),
        column("round_trips", "round trips of states over all rungs", Kind::Count),
        column("exchange_least", "least acceptance of exchanges of two rungs", Kind::Real),
        column("cold_solved", "fraction of looks with no error on the coldest rung", Kind::Real),
    ]
}

/// Everything that changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    sweeps: u64,
    /// Weights of each rung's state, filled for snapshots.
    weights: Vec<Vec<u64>>,
    /// Which state is on each rung, and whether each state has been on the hottest rung since it
    /// was last on the coldest.
    walkers: Vec<u32>,
    rising: Vec<bool>,
    round_trips: u64,
    /// Exchanges accepted and tried, between each rung and the next.
    exchanges: Vec<(u64, u64)>,
    /// Looks at the coldest rung that found no error, and all of them.
    looks: (u64, u64),
    streams: Vec<Stream>,
    exchange: Stream,
    taken: Vec<Vec<u64>>,
}

/// Replica exchange on one instance.
pub struct Tempering {
    instance: Arc<Instance>,
    params: Params,
    isa: Isa,
    columns: FlipColumns,
    rungs: Vec<FlipState>,
    betas: Vec<f64>,
    /// exp(−β k) of each rung, k = 0 … P.
    acceptance: Vec<Vec<f64>>,
    state: State,
}

impl Tempering {
    /// Random states on all rungs.
    ///
    /// # Panics
    /// May panic if the parameters were not validated.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let architecture = instance.storage.architecture();
        let (columns, blank) = single_flip::machine(isa, &instance, 0);
        let count = instance.patterns.count();
        let betas = params.ladder(count);
        let mut streams: Vec<Stream> =
            (0..betas.len() as u64).map(|rung| instance.solver_stream(TAG, rung)).collect();
        let exchange = instance.solver_stream(TAG, betas.len() as u64);
        let rungs = streams
            .iter_mut()
            .map(|stream| {
                let mut rung = blank.clone();
                let Weights::Binary(bits) = Weights::random_binary(architecture, stream) else {
                    unreachable!("random_binary gives binary weights")
                };
                rung.load(isa, &columns, &bits);
                rung
            })
            .collect();
        let acceptance = betas
            .iter()
            .map(|beta| (0..=count).map(|k| libm::exp(-beta * k as f64)).collect())
            .collect();
        let state = State {
            sweeps: 0,
            weights: Vec::new(),
            walkers: (0..betas.len() as u32).collect(),
            rising: vec![false; betas.len()],
            round_trips: 0,
            exchanges: vec![(0, 0); betas.len() - 1],
            looks: (0, 0),
            streams,
            exchange,
            taken: Vec::with_capacity(params.solutions),
        };
        let params = params.clone();
        Self { instance, params, isa, columns, rungs, betas, acceptance, state }
    }

    fn sweep(&mut self) {
        let architecture = self.instance.storage.architecture();
        let (inputs, n) = (architecture.inputs() as u64, architecture.unit_inputs());
        for ((rung, stream), acceptance) in
            self.rungs.iter_mut().zip(&mut self.state.streams).zip(&self.acceptance)
        {
            for _ in 0..inputs {
                let site = stream.below(inputs) as usize;
                let (unit, input) = (site / n, site % n);
                let change = rung.propose(self.isa, &self.columns, Energy::Errors, unit, input);
                if change <= 0 || stream.uniform() < acceptance[change as usize] {
                    rung.flip(self.isa, &self.columns, unit, input);
                }
            }
        }
    }

    /// Exchanges the pairs (i, i+1) with i of the parity of the sweep.
    fn exchange(&mut self) {
        let state = &mut self.state;
        let first = (state.sweeps % 2) as usize;
        for low in (first..self.betas.len() - 1).step_by(2) {
            let gap = self.betas[low + 1] - self.betas[low];
            let errors = |rung: usize| self.rungs[rung].errors() as f64;
            // The colder rung takes the lower energy, or a higher one with this probability.
            let weight = libm::exp((gap * (errors(low + 1) - errors(low))).min(0.0));
            state.exchanges[low].1 += 1;
            if state.exchange.uniform() < weight {
                state.exchanges[low].0 += 1;
                self.rungs.swap(low, low + 1);
                state.walkers.swap(low, low + 1);
            }
        }
        let (hot, cold) = (state.walkers[0], state.walkers[self.betas.len() - 1]);
        state.rising[hot as usize] = true;
        if std::mem::take(&mut state.rising[cold as usize]) {
            state.round_trips += 1;
        }
    }
}

impl Solver for Tempering {
    fn epoch(&mut self) -> Progress {
        self.sweep();
        self.exchange();
        self.state.sweeps += 1;
        let (state, params) = (&mut self.state, &self.params);
        let since = state.sweeps.checked_sub(params.burn_in);
        if since.is_some_and(|since| since.is_multiple_of(params.spacing)) {
            let cold = self.rungs.last().expect("there are two rungs at least");
            state.looks.1 += 1;
            if cold.errors() == 0 {
                state.looks.0 += 1;
                state.taken.push(cold.weights().to_vec());
            }
        }
        if state.taken.len() >= params.solutions {
            return Progress::Solved;
        }
        match (state.sweeps >= params.max_epochs, state.taken.is_empty()) {
            (false, _) => Progress::Running,
            (true, false) => Progress::Solved,
            (true, true) => Progress::Exhausted,
        }
    }

    fn effort(&self) -> Effort {
        let presentations = self.betas.len() as u64
            * self.instance.storage.architecture().inputs() as u64
            * self.instance.patterns.count() as u64;
        let epochs = self.state.sweeps;
        Effort { epochs, presentations: epochs.saturating_mul(presentations) }
    }

    fn weights(&self) -> Weights {
        let cold = self.rungs.last().expect("there are two rungs at least").weights();
        Weights::Binary(self.state.taken.first().map_or(cold, Vec::as_slice).to_vec())
    }

    fn replicas(&self) -> Vec<Weights> {
        self.state.taken.iter().cloned().map(Weights::Binary).collect()
    }

    fn center(&self) -> Option<Weights> {
        None
    }

    fn values(&self) -> Vec<Value> {
        let state = &self.state;
        let share = |(part, all): (u64, u64)| (all > 0).then(|| part as f64 / all as f64);
        let real = |x: Option<f64>| x.map_or(Value::Missing, Value::Real);
        let least = state.exchanges.iter().copied().filter_map(share).reduce(f64::min);
        vec![
            Value::Count(state.taken.len() as u64),
            Value::Count(state.round_trips),
            real(least),
            real(share(state.looks)),
        ]
    }

    fn snapshot(&self) -> Vec<u8> {
        let weights = self.rungs.iter().map(|rung| rung.weights().to_vec()).collect();
        snapshot::encode("tempering/2", &State { weights, ..self.state.clone() })
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut state: State = snapshot::decode("tempering/2", bytes)?;
        let (rungs, words) = (self.rungs.len(), self.rungs[0].weights().len());
        let fits = state.weights.len() == rungs
            && state.streams.len() == rungs
            && state.walkers.len() == rungs
            && state.rising.len() == rungs
            && state.exchanges.len() == rungs - 1
            && state.walkers.iter().all(|&walker| (walker as usize) < rungs)
            && state.weights.iter().chain(&state.taken).all(|weights| weights.len() == words);
        if !fits {
            return Err("not a state of this instance".to_owned());
        }
        for (rung, weights) in self.rungs.iter_mut().zip(&state.weights) {
            rung.load(self.isa, &self.columns, weights);
        }
        state.weights.clear();
        self.state = state;
        Ok(())
    }
}
