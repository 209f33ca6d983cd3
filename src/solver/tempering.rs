//! `[solver.tempering]`: typical solutions by replica exchange on the number of errors.
//!
//! Metropolis dynamics of single flips at inverse temperatures 0 = β_0 < … < β_R, each rung in
//! equilibrium with exp(−β E), E the number of patterns not stored; neighbouring rungs exchange their
//! states with probability min(1, exp[(β_i − β_j)(E_i − E_j)]) (K. Hukushima and K. Nemoto, J. Phys.
//! Soc. Jpn. 65, 1604 (1996)). Among states with E = 0 the Gibbs measure is flat whatever β, so the
//! coldest rung's state, taken **at fixed times** if it has no error then, is a typical solution;
//! taking the first zero after a time would prefer solutions that are quickly found.
//!
//! With independent patterns E has mean P p and variance P p(1−p), p = 1/(1+e^β): rungs a fixed share
//! `step` of its standard deviation apart lie at β = 4 atanh tan(u/2), u equidistant, about
//! (π/2)√P/`step` of them, up to β_R = ln(P/`cold_errors`). This holds at small α alone, where the
//! method is meant to be used; the columns say whether states have travelled (round trips between
//! the coldest and the hottest rung, where they forget everything). An epoch is a sweep: N proposals
//! on each rung and one round of exchanges. Cost of a sweep: R·N proposals of O(P/32). Deterministic.

use super::{Effort, Extent, Instance, Progress, Solver, single_flip, snapshot};
use crate::model::{Activation, Architecture, WeightKind, Weights};
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::{Energy, FlipColumns, FlipState, Isa};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 20;

/// `[solver.tempering]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Typical solutions wanted: observables are measured on the first, overlaps between all.
    pub solutions: usize,
    /// Sweeps before the first is taken.
    pub burn_in: u64,
    /// Sweeps between the times at which one may be taken.
    pub spacing: u64,
    /// Distance of neighbouring rungs, in standard deviations of E.
    pub step: f64,
    /// Errors expected on the coldest rung if patterns were independent.
    pub cold_errors: f64,
    /// Sweeps after which it ends: solved with the solutions taken by then, if any.
    pub max_epochs: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            solutions: 2,
            burn_in: 2000,
            spacing: 500,
            step: 1.0,
            cold_errors: 0.5,
            max_epochs: 20_000,
        }
    }
}

impl Params {
    /// See [`super::SolverSpec::validate`].
    ///
    /// # Errors
    /// (key, message).
    pub fn validate(
        &self,
        kind: WeightKind,
        activation: Activation,
        architecture: Architecture,
    ) -> Result<(), (String, String)> {
        let problem = |key: &str, message: String| Err((key.to_owned(), message));
        if let Err(message) = single_flip::check("tempering", kind, activation, architecture, 0) {
            return problem("solutions", message);
        }
        if !(1..=100_000).contains(&self.solutions) {
            return problem("solutions", format!("{}: expected 1 to 100000", self.solutions));
        }
        if self.spacing == 0 {
            return problem("spacing", "0: expected at least one sweep".into());
        }
        if !(0.05..=10.0).contains(&self.step) {
            return problem("step", format!("{}: expected 0.05 to 10", self.step));
        }
        if !(self.cold_errors > 1e-6 && self.cold_errors.is_finite()) {
            return problem("cold_errors", format!("{}: expected above 1e-6", self.cold_errors));
        }
        if self.max_epochs < self.burn_in {
            let message =
                format!("{}: expected at least burn_in = {}", self.max_epochs, self.burn_in);
            return problem("max_epochs", message);
        }
        Ok(())
    }

    /// β of the rungs, 0 first.
    pub fn ladder(&self, patterns: usize) -> Vec<f64> {
        // The coldest rung: at least one standard deviation from the hottest.
        let cold = libm::log((patterns as f64 / self.cold_errors).max(2.0));
        let reach = 2.0 * libm::atan(libm::tanh(cold / 4.0));
        let rungs = ((patterns as f64).sqrt() * reach / self.step).ceil().max(1.0);
        let beta = |rung: f64| 4.0 * libm::atanh(libm::tan(0.5 * reach * rung / rungs));
        (0..=rungs as usize).map(|rung| beta(rung as f64)).collect()
    }

    /// See [`super::SolverSpec::bytes`].
    pub fn bytes(&self, architecture: Architecture, patterns: usize) -> u128 {
        let (inputs, hidden) = (architecture.inputs() as u128, architecture.hidden() as u128);
        let padded = patterns as u128 + 64;
        let rungs = self.ladder(patterns).len() as u128;
        // Bit columns twice; h and x of each rung and a table of acceptances; solutions.
        inputs * padded / 4
            + rungs * ((hidden + 1) * 2 + 8) * padded
            + self.solutions as u128 * (inputs / 8 + 64 * hidden)
    }

    /// See [`super::SolverSpec::expected_seconds`].
    pub fn expected_seconds(&self, architecture: Architecture, patterns: usize) -> f64 {
        let sweeps = self.burn_in + 2 * self.spacing * self.solutions as u64;
        let proposals = sweeps.min(self.max_epochs) as f64
            * (self.ladder(patterns).len() * architecture.inputs()) as f64;
        proposals * (2e-8 + 4e-11 * patterns as f64)
    }
}

/// Columns beyond the common ones.
pub fn columns(_extent: &Extent) -> Vec<Column> {
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
    /// Looks at the coldest rung, and those without an error.
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
            state.looks.0 += 1;
            if cold.errors() == 0 {
                state.looks.1 += 1;
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
        snapshot::encode("tempering/1", &State { weights, ..self.state.clone() })
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut state: State = snapshot::decode("tempering/1", bytes)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Enumeration;
    use crate::model::Storage;

    fn instance(
        inputs: usize,
        hidden: usize,
        activation: Activation,
        count: usize,
        sample: u64,
    ) -> Arc<Instance> {
        let architecture = Architecture::tree(inputs, hidden).unwrap();
        let storage = Storage::new(architecture, activation, 0.0);
        Arc::new(Instance::random(storage, WeightKind::Binary, count, 5, sample))
    }

    fn run(solver: &mut Tempering) -> Progress {
        loop {
            match solver.epoch() {
                Progress::Running => {}
                ended => return ended,
            }
        }
    }

    /// chi² per degree of freedom of `drawn` against the flat measure over the solutions of
    /// `instance`, as enumeration lists them, and its five standard deviations.
    fn unevenness(instance: &Instance, drawn: &[Weights]) -> (f64, f64) {
        let mut enumeration = Enumeration::new(&instance.storage, &instance.patterns).unwrap();
        let total = *enumeration.complete().last().unwrap();
        assert!((20..1000).contains(&total), "{total} solutions");
        let mut counts = std::collections::BTreeMap::new();
        enumeration.for_each_solution(|machine| assert!(counts.insert(machine, 0u32).is_none()));
        for weights in drawn {
            let machine = enumeration.space().machine(weights).unwrap();
            *counts.get_mut(&machine).expect("what is drawn is a solution") += 1;
        }
        let (mean, freedom) = (drawn.len() as f64 / total as f64, (total - 1) as f64);
        let chi2: f64 = counts.values().map(|&c| (f64::from(c) - mean).powi(2) / mean).sum();
        (chi2 / freedom, 5.0 * (2.0 / freedom).sqrt())
    }

    /// Solutions taken are uniform over all of them. Draws eight sweeps apart are nearly
    /// independent: what correlation is left may widen the counts by a fifth.
    #[test]
    fn solutions_are_uniform() {
        use Activation::*;
        for (activation, inputs, hidden) in
            [(Sign, 15, 3), (Relu, 18, 2), (Quadratic, 18, 2), (Abs, 16, 4)]
        {
            // As many patterns as leave some hundred solutions.
            let whole = instance(inputs, hidden, activation, 20, 1);
            let mut all = Enumeration::new(&whole.storage, &whole.patterns).unwrap();
            let count = all.complete().iter().position(|&z| z < 800).unwrap();
            let instance = instance(inputs, hidden, activation, count, 1);
            let limits =
                Params { burn_in: 200, spacing: 8, max_epochs: u64::MAX, ..Params::default() };
            let params = Params { solutions: 10_000, ..limits };
            let mut solver = Tempering::new(Arc::clone(&instance), &params);
            assert_eq!(run(&mut solver), Progress::Solved);
            let (chi2, allowed) = unevenness(&instance, &solver.replicas());
            assert!(chi2 < 1.2 + allowed, "{activation:?}: {chi2} {allowed}");
            assert!(chi2 > 1.0 - allowed, "{activation:?}: too even, {chi2} {allowed}");
        }
    }

    /// The test above has power: the first solution that a run meets is not a typical one.
    #[test]
    fn first_hits_are_not_uniform() {
        let instance = instance(15, 3, Activation::Sign, 8, 1);
        let params = Params { solutions: 1, burn_in: 0, spacing: 1, ..Params::default() };
        let first = |trial| {
            let instance = Arc::new(Instance { trial, ..(*instance).clone() });
            let mut solver = Tempering::new(instance, &params);
            assert_eq!(run(&mut solver), Progress::Solved);
            solver.weights()
        };
        // χ² a degree of freedom of a wrong law grows with the draws: 1.6 at 8000.
        let drawn: Vec<Weights> = (0..20_000).map(first).collect();
        let (chi2, allowed) = unevenness(&instance, &drawn);
        assert!(chi2 > 1.2 + 2.0 * allowed, "{chi2} {allowed}");
    }

    /// The ladder starts at 0, ends where `cold_errors` are expected, and exchanges are accepted.
    #[test]
    fn ladder_and_exchanges() {
        let params = Params::default();
        let ladder = params.ladder(100);
        assert!(ladder[0] == 0.0 && (ladder[ladder.len() - 1] - libm::log(200.0)).abs() < 1e-9);
        assert!(ladder.windows(2).all(|pair| pair[0] < pair[1]) && ladder.len() < 20);
        assert!(params.ladder(1).len() >= 2);
        let mut solver = Tempering::new(instance(101 * 3, 3, Activation::Sign, 60, 0), &params);
        assert_eq!(run(&mut solver), Progress::Solved);
        let values = solver.values();
        assert_eq!(values[0], Value::Count(2));
        let Value::Count(trips) = values[1] else { panic!("{values:?}") };
        let Value::Real(least) = values[2] else { panic!("{values:?}") };
        assert!(trips > 50 && least > 0.3, "{values:?}");
        for weights in solver.replicas() {
            assert_eq!(solver.instance.storage.errors(&solver.instance.patterns, &weights), 0);
        }
    }

    #[test]
    fn restored_equals_uninterrupted() {
        let instance = instance(60, 4, Activation::Relu, 12, 3);
        let params = Params { burn_in: 40, spacing: 5, solutions: 6, ..Params::default() };
        let new = || Tempering::new(Arc::clone(&instance), &params);
        let mut whole = new();
        let ended = run(&mut whole);
        for stop in [1, 39, 47] {
            let mut first = new();
            (0..stop).for_each(|_| assert_eq!(first.epoch(), Progress::Running));
            let mut second = new();
            assert!(second.restore(b"nonsense").is_err());
            second.restore(&first.snapshot()).unwrap();
            assert_eq!(run(&mut second), ended);
            assert_eq!(second.values(), whole.values());
            assert_eq!((second.replicas(), second.effort()), (whole.replicas(), whole.effort()));
        }
    }

    #[test]
    fn beyond_capacity_it_ends_unsolved() {
        let params = Params { burn_in: 10, spacing: 1, max_epochs: 30, ..Params::default() };
        let mut solver = Tempering::new(instance(21, 3, Activation::Sign, 60, 0), &params);
        assert_eq!(run(&mut solver), Progress::Exhausted);
        assert_eq!(solver.effort().epochs, 30);
        let tree = Architecture::tree(20, 2).unwrap();
        let refuses =
            |params: Params, kind, activation| params.validate(kind, activation, tree).is_err();
        assert!(!refuses(Params::default(), WeightKind::Binary, Activation::Relu));
        assert!(refuses(Params::default(), WeightKind::Spherical, Activation::Relu));
        assert!(refuses(Params::default(), WeightKind::Binary, Activation::Tanh));
        assert!(refuses(
            Params { spacing: 0, ..Params::default() },
            WeightKind::Binary,
            Activation::Relu
        ));
        assert!(refuses(
            Params { max_epochs: 1, ..Params::default() },
            WeightKind::Binary,
            Activation::Relu
        ));
    }
}
