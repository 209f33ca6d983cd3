//! End of a replica's mini-batch: H takes the correction and is drawn to the centre.
//!
//! Traced centre, c = (1/y)Σ_r W^r, x = γ y c = γ Σ_r W^r:
//!
//! $$ H \leftarrow H + \lambda \cdot \begin{cases}
//!    \min(\max(x, -1), 1) - W & \text{hard} \cr
//!    \tanh x - W & \text{simple} \cr
//!    \tanh x - \tanh(\gamma y)\ W & \text{corrected} \cr
//!    c - W & \text{continuous} \cr
//!    \bar H - H, \quad \bar H = \frac1y \sum_r H^r & \text{elastic} \end{cases} $$
//! The sum over replicas is the one before this replica's mini-batch, W (or H) the one after it, as
//! in Baldassi et al., PNAS 113, E7655 (2016), SI eqs. (C7), (C9), and its published program.
//! Explicit centre, H^c its own hidden weights: H += λ(W^c − W)/2, H^c −= λ(W^c − W)/2 (elastic: H^c
//! and H in the place of W^c and W).
//!
//! ΣW takes y + 1 values, so the first term is tabulated an epoch. Up to y = 7 the table is a
//! register and the kernel looks lanes up ([`descend_voted`]); beyond, and for rules whose corrections
//! are not counted in bytes, the term is held lane by lane and renewed only where a weight has
//! flipped. Cost O(N) a mini-batch. Deterministic.

use super::lanes;
use super::machine::Machine;
use super::params::{Center, Formula};
use crate::simd::{Descent, Isa, MOST_VOTERS, descend, descend_voted};

/// The coupling at one epoch's γ and λ.
#[derive(Clone, Debug)]
pub struct Coupling {
    formula: Formula,
    center: Center,
    replicas: i32,
    lambda: f32,
    /// Coefficient of W.
    own: f32,
    /// The first term for ΣW = −y, −y+2, …, y.
    table: Vec<f32>,
    /// The same at (ΣW >> 1) & 7, for y ≤ 7.
    register: [f32; 8],
    /// The first term, lane by lane (traced centre, formulas on W).
    pulls: Vec<f32>,
    /// New weights of one unit.
    bits: Vec<u64>,
}

/// What a replica shares with the others.
pub struct Shared<'a> {
    /// Σ_r W^r, lane by lane (traced centre, formulas on W).
    pub votes: &'a mut [i16],
    /// Σ_r H^r of the elastic formula, or H of an explicit centre.
    pub fields: &'a mut [f32],
    /// W of an explicit centre.
    pub center: &'a mut [u64],
}

impl Coupling {
    /// For y = `replicas`; to be given its strength by [`Self::set`].
    pub fn new(formula: Formula, center: Center, replicas: usize, machine: &Machine) -> Self {
        Self {
            formula,
            center,
            replicas: replicas as i32,
            lambda: 0.0,
            own: 0.0,
            table: vec![0.0; replicas + 1],
            register: [0.0; 8],
            pulls: vec![0.0; machine.lanes()],
            bits: vec![0; machine.words],
        }
    }

    /// Whether replicas are coupled through votes Σ_r W^r.
    pub fn counts_votes(&self) -> bool {
        self.center == Center::Traced && self.formula != Formula::Elastic
    }

    /// Takes λ and γ of an epoch and the `votes` at its start.
    pub fn set(&mut self, lambda: f64, gamma: f64, votes: &[i16]) {
        let replicas = f64::from(self.replicas);
        let correction = match self.formula {
            Formula::Corrected => libm::tanh(gamma * replicas),
            _ => 1.0,
        };
        self.lambda = lambda as f32;
        self.own = (lambda * correction) as f32;
        for (index, entry) in self.table.iter_mut().enumerate() {
            let sum = 2.0 * index as f64 - replicas;
            let x = if sum == 0.0 { 0.0 } else { gamma * sum };
            let term = match self.formula {
                Formula::Hard => x.clamp(-1.0, 1.0),
                Formula::Simple | Formula::Corrected => libm::tanh(x),
                Formula::Continuous | Formula::Elastic => sum / replicas,
            };
            *entry = (lambda * term) as f32;
            let votes = 2 * index as i32 - self.replicas;
            self.register[(votes >> 1 & 7) as usize] = *entry;
        }
        if self.counts_votes() {
            for (pull, &votes) in self.pulls.iter_mut().zip(votes) {
                *pull = self.table[((i32::from(votes) + self.replicas) >> 1) as usize];
            }
        }
    }

    /// One unit of a replica, counted corrections: H += η·count and the pull; renews `bits`.
    #[inline(always)]
    pub fn unit_counted(
        &mut self,
        isa: Isa,
        machine: &Machine,
        unit: usize,
        (eta, counts): (f32, &[i8]),
        (fields, bits): (&mut [f32], &mut [u64]),
        shared: &mut Shared,
    ) {
        if !self.counts_votes() {
            self.unit(machine, unit, (fields, bits), shared, |lane, h| {
                h + eta * f32::from(counts[lane])
            });
            return;
        }
        let from = unit * machine.unit_lanes();
        let descent = Descent { eta, own: self.own };
        if self.replicas as usize <= MOST_VOTERS {
            let n = machine.unit_inputs;
            let votes = &mut shared.votes[from..from + machine.unit_lanes()];
            let voted = (&self.register, &mut *votes);
            descend_voted(isa, descent, n, counts, voted, fields, bits);
            lanes::reset_padding(fields, n, 1.0);
            votes[n..].fill(self.replicas as i16);
            return;
        }
        let pulls = &self.pulls[from..from + machine.unit_lanes()];
        descend(isa, descent, machine.unit_inputs, counts, pulls, fields, &mut self.bits);
        lanes::reset_padding(fields, machine.unit_inputs, 1.0);
        for (word, bits) in bits.iter_mut().enumerate() {
            let new = self.bits[word];
            self.renew(from + 64 * word, *bits ^ new, new, shared);
            *bits = new;
        }
    }

    /// One unit of a replica: `learn`(lane, H) is H with the correction; moves `fields` and renews
    /// `bits`.
    #[inline(always)]
    pub fn unit(
        &mut self,
        machine: &Machine,
        unit: usize,
        (fields, bits): (&mut [f32], &mut [u64]),
        shared: &mut Shared,
        learn: impl Fn(usize, f32) -> f32,
    ) {
        let (from, n) = (unit * machine.unit_lanes(), machine.unit_inputs);
        let here = from..from + machine.unit_lanes();
        let elastic = self.formula == Formula::Elastic;
        let (lambda, own) = (self.lambda, self.own);
        let lane_fields = fields.iter_mut().enumerate();
        match (self.center, elastic) {
            (Center::Traced, false) => {
                for ((lane, field), pull) in lane_fields.zip(&self.pulls[here]) {
                    let h = learn(lane, *field);
                    *field = h + (pull - own.copysign(h));
                }
            }
            (Center::Traced, true) => {
                let share = 1.0 / self.replicas as f32;
                for ((lane, field), sum) in lane_fields.zip(&mut shared.fields[here]) {
                    let mut h = learn(lane, *field);
                    h += lambda * (share * *sum - h);
                    *sum += h - *field;
                    *field = h;
                }
            }
            (Center::Explicit, _) => {
                let center_fields = &mut shared.fields[here];
                for ((lane, field), c) in lane_fields.zip(center_fields.iter_mut()) {
                    let h = learn(lane, *field);
                    let apart = if elastic { *c - h } else { 1f32.copysign(*c) - 1f32.copysign(h) };
                    let pull = 0.5 * lambda * apart;
                    *field = h + pull;
                    *c -= pull;
                }
                lanes::reset_padding(center_fields, n, 1.0);
                let center = &mut shared.center[unit * machine.words..][..machine.words];
                for (bits, lanes) in center.iter_mut().zip(center_fields.chunks_exact(64)) {
                    *bits = lanes::negative_bits(lanes);
                }
            }
        }
        lanes::reset_padding(fields, n, 1.0);
        for (word, lanes) in fields.chunks_exact(64).enumerate() {
            let new = lanes::negative_bits(lanes);
            if self.counts_votes() {
                self.renew(from + 64 * word, bits[word] ^ new, new, shared);
            }
            bits[word] = new;
        }
    }

    /// Votes and pulls where weights have flipped: lanes from `at` on, `new` their bits.
    #[inline(always)]
    fn renew(&mut self, at: usize, mut flipped: u64, new: u64, shared: &mut Shared) {
        if flipped == 0 {
            return;
        }
        let votes = lanes::word_mut(&mut shared.votes[at..]);
        let pulls = lanes::word_mut(&mut self.pulls[at..]);
        while flipped != 0 {
            let b = flipped.trailing_zeros() as usize & 63;
            flipped &= flipped - 1;
            votes[b] += 2 - 4 * (new >> b & 1) as i16;
            pulls[b] = self.table[((i32::from(votes[b]) + self.replicas) >> 1) as usize];
        }
    }
}
