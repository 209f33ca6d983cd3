//! Mean-field gradient: the weights are random, W_i = ±1 with mean m_i = tanh(βH_i), and H follows the
//! gradient of the log-probability that the patterns are stored.
//!
//! λ_l ~ N(ω_l, V_l), ω_l = s Σ_i ξ_i m_i, V_l = 1 − |m_l|²/n (at least 1e-4), s = 1/√n. Node:
//! ln Z = ln Φ(u), u = (σM − t)/S with M = Σ_l c_l e_l, S² = Σ_l v_l ([`super::moments`]); sign units:
//! the exact law of the number of right votes. After a mini-batch of b patterns
//!
//! $$ H_i \leftarrow H_i + \frac{\eta n}{b} \sum_\mu \frac{\partial \ln Z_\mu}{\partial m_i}, \qquad
//!    \frac{\partial \ln Z_\mu}{\partial m_i} = s\ \xi_i^\mu \frac{\partial \ln Z_\mu}{\partial \omega_l} -
//!    \frac{2 m_i}{n} \frac{\partial \ln Z_\mu}{\partial V_l} , $$
//!
//! the gradient in m rather than in H, which keeps polarised weights mobile. ∂_V ln Z: closure
//! r(σ c e_V/S − u v_V/(2S²)), r = φ(u)/Φ(u); votes −ω g/(2V) (heat equation).
//! Cost: a sign-matrix product and N additions a presentation. Deterministic.

use super::lanes;
use super::machine::Machine;
use super::moments::{Moments, UnitLaw};
use crate::model::{Activation, Patterns, Storage};
use crate::simd::functions::{hazard, tanh};
use crate::simd::{Isa, SignMatrix, SumTable, sign_product};
use crate::solver::message_passing::closure::lanes as closure_lanes;
use crate::solver::message_passing::node::{Block, LANES, Lanes, Spread, midpoint};
use crate::solver::message_passing::votes::{self, Votes};

/// Least variance of a preactivation.
const LEAST_VARIANCE: f64 = 1e-4;

/// Least variance of the output: all units frozen.
const LEAST_OUTPUT_VARIANCE: f32 = 1e-9;

/// u below which the output is beyond hope.
const LEAST_U: f32 = -60.0;

/// The pattern node at one margin.
enum Node {
    Closure { law: UnitLaw, threshold: f32 },
    Votes(Votes),
}

/// The rule with its work space.
pub struct MeanField {
    /// One a storage condition: κ, and κ with the margin to be reached.
    nodes: Vec<Node>,
    readout: Vec<f32>,
    beta: f32,
    matrix: SignMatrix,
    table: SumTable,
    /// m, padded lanes.
    means: Vec<f32>,
    spreads: Vec<Spread>,
    /// ω, then g, `[unit][slot]`.
    omega: Vec<f32>,
    gradient: Vec<f32>,
    moments: Vec<[Moments; LANES]>,
    curvature: Vec<Lanes>,
    /// Σ_μ ∂_V ln Z of each unit.
    by_variance: Vec<f32>,
    /// Σ_μ ξ_i ∂_ω ln Z, padded lanes.
    sums: Vec<f32>,
}

impl MeanField {
    /// For mini-batches of at most `batch` patterns; `storages` are the conditions that
    /// [`Self::minibatch`] can choose from.
    pub fn new(machine: &Machine, patterns: &Patterns, storages: &[Storage], batch: usize) -> Self {
        let (n, hidden) = (machine.unit_inputs, machine.hidden);
        let matrix = SignMatrix::new(patterns.groups(), batch.next_multiple_of(LANES), n);
        let table = SumTable::new(n, hidden, 1);
        let slots = table.len(&matrix);
        Self {
            nodes: storages.iter().map(Node::new).collect(),
            readout: machine.readout.iter().map(|&c| c as f32).collect(),
            beta: 1.0,
            matrix,
            table,
            means: vec![0.0; machine.lanes()],
            spreads: vec![Spread::default(); hidden],
            omega: vec![0.0; slots],
            gradient: vec![0.0; slots],
            moments: vec![[Moments::default(); LANES]; hidden],
            curvature: vec![[0.0; LANES]; hidden],
            by_variance: vec![0.0; hidden],
            sums: vec![0.0; machine.lanes()],
        }
    }

    /// Takes β of an epoch.
    pub fn set(&mut self, beta: f64) {
        self.beta = beta as f32;
    }

    /// Presents the patterns of `batch` to the hidden weights `fields`; leaves the gradient for
    /// [`Self::gradient`]. Returns the number of patterns whose most probable output is wrong.
    #[inline(always)]
    pub fn minibatch(
        &mut self,
        isa: Isa,
        machine: &Machine,
        patterns: &Patterns,
        batch: &[u32],
        fields: &[f32],
        storage: usize,
    ) -> u64 {
        let (n, unit_lanes) = (machine.unit_inputs, machine.unit_lanes());
        for (m, &h) in self.means.iter_mut().zip(fields) {
            *m = tanh(self.beta * h);
        }
        for (unit, means) in self.means.chunks_exact(unit_lanes).enumerate() {
            let means = &means[..n];
            let variance = 1.0 - f64::from(square_sum(means)) / n as f64;
            self.spreads[unit] = Spread::new(variance.max(LEAST_VARIANCE));
            self.table.set(isa, 0, unit, means);
        }
        self.matrix.gather(patterns.rows(), batch);
        sign_product(isa, &self.matrix, &self.table, &mut self.omega);
        let scale = (1.0 / (n as f64).sqrt()) as f32;
        self.omega.iter_mut().for_each(|omega| *omega *= scale);
        self.by_variance.fill(0.0);
        let mut errors = 0;
        for (at, chunk) in batch.chunks(LANES).enumerate() {
            let mut label = [0.0; LANES];
            for (label, &mu) in label.iter_mut().zip(chunk) {
                *label = machine.labels[mu as usize] as f32;
            }
            errors += self.node(storage, at * LANES, &label);
        }
        self.sums.fill(0.0);
        let stride = self.matrix.stride();
        for (slot, &mu) in batch.iter().enumerate() {
            let row = machine.row(patterns, mu);
            for (unit, sums) in self.sums.chunks_exact_mut(unit_lanes).enumerate() {
                let g = self.gradient[unit * stride + slot];
                lanes::add_signed(sums, machine.unit_row(row, unit), g);
            }
        }
        errors
    }

    /// The step of the lanes of `unit` for η and b: Σ_μ ξ ∂_ω ln Z, m, and their coefficients
    /// (η n/b)s and (η n/b)(2/n)Σ_μ ∂_V ln Z; the second term is subtracted.
    #[inline(always)]
    pub fn gradient(
        &self,
        machine: &Machine,
        unit: usize,
        (eta, batch): (f32, usize),
    ) -> (&[f32], &[f32], f32, f32) {
        let here = unit * machine.unit_lanes()..(unit + 1) * machine.unit_lanes();
        let n = machine.unit_inputs as f32;
        let rate = eta * n / batch as f32;
        let (scale, decay) = (rate / n.sqrt(), 2.0 * rate / n * self.by_variance[unit]);
        (&self.sums[here.clone()], &self.means[here], scale, decay)
    }

    /// ∂_ω ln Z and Σ ∂_V ln Z of the 16 patterns at `at`; returns the number of errors.
    #[inline(always)]
    fn node(&mut self, storage: usize, at: usize, label: &Lanes) -> u64 {
        let stride = self.matrix.stride();
        match &mut self.nodes[storage] {
            Node::Votes(node) => {
                let (omega, g, curvature) = (&self.omega, &mut self.gradient, &mut self.curvature);
                let block = Block { omega, g, curvature, stride, at, label };
                votes::block(node, &self.spreads, block);
                let mut votes = [0.0f32; LANES];
                for (unit, spread) in self.spreads.iter().enumerate() {
                    let omega = closure_lanes(&self.omega, unit * stride + at);
                    let g = closure_lanes(&self.gradient, unit * stride + at);
                    let mut sum = 0.0;
                    for j in 0..LANES {
                        sum -= omega[j] * g[j];
                        votes[j] += 1f32.copysign(omega[j]) * label[j];
                    }
                    self.by_variance[unit] += 0.5 * sum / spread.variance;
                }
                votes.iter().zip(label).filter(|(v, y)| **y != 0.0 && **v <= 0.0).count() as u64
            }
            Node::Closure { law, threshold } => {
                let (mut mean, mut variance) = ([0.0; LANES], [LEAST_OUTPUT_VARIANCE; LANES]);
                for (unit, moments) in self.moments.iter_mut().enumerate() {
                    let (c, spread) = (self.readout[unit], self.spreads[unit]);
                    let omega = closure_lanes(&self.omega, unit * stride + at);
                    for j in 0..LANES {
                        moments[j] = law.at(omega[j], spread);
                        mean[j] += c * moments[j].e;
                        variance[j] += moments[j].v.max(0.0);
                    }
                }
                let (mut inverse, mut r, mut u) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
                let mut errors = 0;
                for j in 0..LANES {
                    let y = label[j];
                    inverse[j] = 1.0 / f32::sqrt(variance[j]);
                    u[j] = ((y * mean[j] - *threshold) * inverse[j]).max(LEAST_U);
                    // Padding has label 0 and must not act.
                    r[j] = hazard(-u[j]) * (y * y);
                    errors += u64::from(y != 0.0 && u[j] <= 0.0);
                }
                for (unit, moments) in self.moments.iter().enumerate() {
                    let c = self.readout[unit];
                    let g = &mut self.gradient[unit * stride + at..][..LANES];
                    let mut by_variance = 0.0;
                    for j in 0..LANES {
                        let (y, half) = (c * label[j], 0.5 * u[j] * inverse[j]);
                        let scale = r[j] * inverse[j];
                        g[j] = scale * (y * moments[j].e_omega - half * moments[j].v_omega);
                        by_variance += scale * (y * moments[j].e_v - half * moments[j].v_v);
                    }
                    self.by_variance[unit] += by_variance;
                }
                errors
            }
        }
    }
}

impl Node {
    fn new(storage: &Storage) -> Self {
        let activation = storage.activation();
        if activation == Activation::Sign {
            return Node::Votes(Votes::new(storage));
        }
        let architecture = storage.architecture();
        let integer_unit = match activation {
            Activation::Relu | Activation::Identity => (architecture.unit_inputs() as f64).sqrt(),
            _ => 0.0,
        };
        // Between the last failing and the first storing value where outputs lie on a lattice.
        let threshold = if integer_unit > 0.0 {
            midpoint(storage) / integer_unit
        } else {
            storage.kappa() * (architecture.hidden() as f64).sqrt()
        };
        Node::Closure { law: UnitLaw::new(activation), threshold: threshold as f32 }
    }
}

/// Σ x², over 16 lanes, then in order.
#[inline(always)]
fn square_sum(x: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|x| x * x).sum();
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x * x;
        }
    }
    sums.iter().sum::<f32>() + rest
}
