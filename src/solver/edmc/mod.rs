//! Entropy-driven Monte Carlo of binary weights, `[solver.edmc]`.
//!
//! Metropolis dynamics on the local free entropy around the current configuration w̃,
//!
//! $$ F(\tilde w, \gamma) = \ln \sum_w e^{\gamma \tilde w \cdot w} \prod_\mu
//!    \Theta\left(\sigma^\mu \Delta^\mu(w) - \kappa\right) , $$
//!
//! with weight e^{βF}: β replicas that store everything, coupled to an explicit centre, so that β
//! weighs how dense the solutions around w̃ are; γ follows its protocol (scoping). F is the Bethe free
//! entropy of [`crate::solver::message_passing::bethe`], settled anew after every move from the
//! messages before it (C. Baldassi et al., PRL 115, 128101 (2015); J. Stat. Mech. 023301 (2016)).
//!
//! The messages also say what a flip is worth: with m_i the mean of w_i,
//!
//! $$ F(\text{flip } i) - F = \ln\left[\cosh 2\gamma - \tilde w_i m_i \sinh 2\gamma\right] = \Delta_i , $$
//!
//! exact for exact m_i. A proposal flips each site with probability p_i = s/(1 + e^{−βΔ_i}), s such
//! that `flips` are expected (at most ½), and is accepted with probability
//!
//! $$ \min\left(1, e^{\beta(F^\prime - F)} \frac{q^\prime}{q}\right), \qquad
//!    q = \prod_{\text{flipped}} p_i \prod_{\text{others}} (1 - p_i) , $$
//!
//! q' the same back from the proposal: the measure is that of F alone, whatever Δ_i is worth. A
//! proposal whose messages do not settle is refused, and the first that settles is accepted while
//! the present state has no value.
//!
//! An epoch sets β and γ, settles the messages and makes `proposals` proposals. The run ends when w̃
//! or the signs of the means store all patterns. Cost of a proposal: some ten sweeps of O(PN).
//! Deterministic: AMP has the same bits everywhere; pinned `libm`. Nothing allocates in an epoch.

mod params;
mod proposal;
#[cfg(test)]
mod tests;

pub use params::Params;

use super::message_passing::bethe::Bethe;
use super::{Effort, Instance, Progress, Solver, single_flip, snapshot};
use crate::model::Weights;
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::{FlipColumns, FlipState, Isa};
use proposal::Proposal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 8;

/// Tag of a snapshot: solver and layout version.
const SNAPSHOT: &str = "edmc/1";

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
    let mean =
        |name: &str, long_name: &str| Column::new(name, long_name, Kind::Real, Estimator::Mean);
    vec![
        Column::new(
            "solved_by_means",
            "the signs of the means are the solution",
            Kind::Bool,
            Estimator::Fraction,
        ),
        Column::new("sweeps", "sweeps of the messages", Kind::Count, Estimator::Mean),
        Column::new(
            "unsettled",
            "proposals whose messages did not settle",
            Kind::Count,
            Estimator::Mean,
        ),
        mean("beta", "inverse temperature at the end"),
        mean("gamma", "distance field at the end"),
        mean("accepted", "fraction of proposals accepted"),
        mean("entropy", "local entropy a weight at the end, in nats"),
        mean("distance", "mean distance of the solutions around the configuration at the end"),
    ]
}

/// Everything that changes, apart from what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    epochs: u64,
    sweeps: u64,
    /// Proposals made, accepted, and not settled.
    made: u64,
    accepted: u64,
    unsettled: u64,
    /// w̃, filled for snapshots.
    weights: Vec<u64>,
    /// Messages (m, g) of w̃.
    magnetization: Vec<f32>,
    gradient: Vec<f32>,
    /// F of w̃, if its messages settled.
    value: Option<f64>,
    /// The best configuration seen and its errors.
    best: Vec<u64>,
    best_errors: u64,
    by_means: bool,
    stream: Stream,
}

/// Entropy-driven Monte Carlo on one instance.
pub struct Edmc {
    instance: Arc<Instance>,
    params: Params,
    isa: Isa,
    bethe: Bethe,
    columns: FlipColumns,
    /// w̃, packed with its stabilities and as signs.
    center: FlipState,
    signs: Vec<i8>,
    /// sign m.
    means: FlipState,
    /// From w̃, and back from what is proposed.
    forward: Proposal,
    backward: Proposal,
    flipped: Vec<u32>,
    state: State,
}

impl Edmc {
    /// Uniformly random w̃, m = 0.
    ///
    /// # Panics
    /// If the parameters were not validated.
    pub fn new(instance: Arc<Instance>, params: &Params) -> Self {
        let isa = Isa::selected();
        let architecture = instance.storage.architecture();
        let inputs = architecture.inputs();
        let bethe = Bethe::new(&instance.storage, &instance.patterns, params.node, params.sweeps)
            .expect("validated: the activation has a node")
            .settled_at(params.settled);
        let (columns, blank) = single_flip::machine(isa, &instance, 0);
        let mut stream = instance.solver_stream(TAG, 0);
        let Weights::Binary(bits) = Weights::random_binary(architecture, &mut stream) else {
            unreachable!("random_binary gives binary weights")
        };
        let mut center = blank.clone();
        center.load(isa, &columns, &bits);
        let (m, g) = bethe.messages();
        let state = State {
            epochs: 0,
            sweeps: 0,
            made: 0,
            accepted: 0,
            unsettled: 0,
            weights: Vec::new(),
            magnetization: m.to_vec(),
            gradient: g.to_vec(),
            value: None,
            best: center.weights().to_vec(),
            best_errors: center.errors() as u64,
            by_means: false,
            stream,
        };
        let mut solver = Self {
            instance,
            params: params.clone(),
            isa,
            bethe,
            columns,
            center,
            signs: vec![1; inputs],
            means: blank,
            forward: Proposal::new(inputs),
            backward: Proposal::new(inputs),
            flipped: Vec::with_capacity(inputs),
            state,
        };
        solver.load_signs();
        solver
    }

    fn load_signs(&mut self) {
        let n = self.columns.inputs();
        for (site, sign) in self.signs.iter_mut().enumerate() {
            *sign = if self.center.is_negative(site / n, site % n) { -1 } else { 1 };
        }
    }

    /// The messages of `signs` become those of the present state, with value `value`.
    fn keep(&mut self, value: Option<f64>) {
        let (m, g) = self.bethe.messages();
        self.state.magnetization.copy_from_slice(m);
        self.state.gradient.copy_from_slice(g);
        self.state.value = value;
    }

    /// F of `signs` from the present messages, and whether the signs of the means solve.
    fn evaluate(&mut self, gamma: f64) -> (Option<f64>, bool) {
        let before = self.bethe.sweeps_made();
        let value = self.bethe.at_field(&self.signs, gamma);
        self.state.sweeps += self.bethe.sweeps_made() - before;
        let n = self.columns.inputs();
        for (site, &m) in self.bethe.magnetizations().iter().enumerate() {
            let (unit, input) = (site / n, site % n);
            if (m < 0.0) != self.means.is_negative(unit, input) {
                self.means.flip(self.isa, &self.columns, unit, input);
            }
        }
        let errors = self.means.errors() as u64;
        if errors < self.state.best_errors {
            self.state.best_errors = errors;
            self.state.best.copy_from_slice(self.means.weights());
        }
        self.state.by_means = errors == 0;
        (value, errors == 0)
    }

    /// One proposal; whether it, or the means around it, solve.
    fn propose(&mut self, beta: f64, gamma: f64) -> bool {
        let flips = self.params.flips;
        self.state.made += 1;
        self.forward.draw(&mut self.state.stream, &mut self.flipped);
        if self.flipped.is_empty() {
            self.state.accepted += 1;
            return false;
        }
        let flip = |signs: &mut [i8], sites: &[u32]| {
            sites.iter().for_each(|&site| signs[site as usize] *= -1);
        };
        flip(&mut self.signs, &self.flipped);
        let (value, solved) = self.evaluate(gamma);
        self.state.unsettled += u64::from(value.is_none());
        let accepted = value.is_some_and(|after| {
            self.backward.set(self.bethe.magnetizations(), &self.signs, beta, gamma, flips);
            let bias = self.backward.ln(&self.flipped) - self.forward.ln(&self.flipped);
            self.state.value.is_none_or(|before| {
                let exponent = beta * (after - before) + bias;
                exponent >= 0.0 || self.state.stream.uniform() < libm::exp(exponent)
            })
        });
        if !accepted {
            flip(&mut self.signs, &self.flipped);
            self.bethe.set_messages((&self.state.magnetization, &self.state.gradient));
            return solved;
        }
        self.state.accepted += 1;
        self.keep(value);
        std::mem::swap(&mut self.forward, &mut self.backward);
        let n = self.columns.inputs();
        for &site in &self.flipped {
            self.center.flip(self.isa, &self.columns, site as usize / n, site as usize % n);
        }
        let errors = self.center.errors() as u64;
        if errors < self.state.best_errors {
            self.state.best_errors = errors;
            self.state.best.copy_from_slice(self.center.weights());
        }
        solved || errors == 0
    }

    /// One epoch; whether the run is over.
    fn step(&mut self) -> bool {
        let epoch = self.state.epochs;
        let (beta, gamma) = (self.params.beta.at(epoch), self.params.gamma.at(epoch));
        if self.center.errors() == 0 {
            return true;
        }
        let (value, solved) = self.evaluate(gamma);
        self.keep(value);
        if solved {
            return true;
        }
        self.forward.set(&self.state.magnetization, &self.signs, beta, gamma, self.params.flips);
        (0..self.params.proposals).any(|_| self.propose(beta, gamma))
    }

    /// (1/N) w̃·m at the present state.
    fn overlap(&self) -> f64 {
        let pairs = self.signs.iter().zip(&self.state.magnetization);
        let sum: f64 = pairs.map(|(&sign, &m)| f64::from(sign) * f64::from(m)).sum();
        sum / self.signs.len() as f64
    }
}

impl Solver for Edmc {
    fn epoch(&mut self) -> Progress {
        let solved = self.step();
        self.state.epochs += 1;
        Progress::after(solved, self.state.epochs, self.params.max_epochs)
    }

    fn effort(&self) -> Effort {
        let count = self.instance.patterns.count() as u64;
        let presentations = self.state.sweeps.saturating_mul(count);
        Effort { epochs: self.state.epochs, presentations }
    }

    fn weights(&self) -> Weights {
        Weights::Binary(self.state.best.clone())
    }

    fn replicas(&self) -> Vec<Weights> {
        vec![Weights::Binary(self.center.weights().to_vec())]
    }

    fn center(&self) -> Option<Weights> {
        None
    }

    fn values(&self) -> Vec<Value> {
        let state = &self.state;
        let last = state.epochs.saturating_sub(1);
        let gamma = self.params.gamma.at(last);
        let overlap = self.overlap();
        let inputs = self.signs.len() as f64;
        let real = |x: Option<f64>| x.map_or(Value::Missing, Value::Real);
        vec![
            Value::Bool(state.by_means),
            Value::Count(state.sweeps),
            Value::Count(state.unsettled),
            Value::Real(self.params.beta.at(last)),
            Value::Real(gamma),
            real((state.made > 0).then(|| state.accepted as f64 / state.made as f64)),
            real(state.value.map(|value| value / inputs - gamma * overlap)),
            Value::Real(0.5 * (1.0 - overlap)),
        ]
    }

    fn snapshot(&self) -> Vec<u8> {
        let weights = self.center.weights().to_vec();
        snapshot::encode(SNAPSHOT, &State { weights, ..self.state.clone() })
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut state: State = snapshot::decode(SNAPSHOT, bytes)?;
        let words = self.center.weights().len();
        let fits = state.weights.len() == words
            && state.best.len() == words
            && state.magnetization.len() == self.state.magnetization.len()
            && state.gradient.len() == self.state.gradient.len();
        if !fits {
            return Err("an edmc snapshot of another instance".into());
        }
        self.center.load(self.isa, &self.columns, &state.weights);
        self.bethe.set_messages((&state.magnetization, &state.gradient));
        state.weights.clear();
        self.state = state;
        self.load_signs();
        Ok(())
    }
}
