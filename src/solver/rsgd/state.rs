//! Everything that changes during a run: what a snapshot holds.

use super::machine::Machine;
use super::params::{Center, Formula, Learning, Settings};
use super::{TAG, lanes};
use crate::model::Weights;
use crate::model::weights::tail_mask;
use crate::rng::Stream;
use crate::solver::Instance;
use crate::solver::stop::{Ending, Winner};
use serde::{Deserialize, Serialize};

/// One replica.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replica {
    /// H, padded lanes.
    pub fields: Vec<f32>,
    /// W = sign H.
    pub weights: Weights,
    /// Order of presentation.
    pub order: Vec<u32>,
    /// Shuffles `order`.
    pub stream: Stream,
    /// Errors met while learning, this epoch.
    pub met: u64,
}

/// The state of a run between epochs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub epochs: u64,
    pub presentations: u64,
    pub replicas: Vec<Replica>,
    /// Σ_r W^r, lane by lane.
    pub votes: Vec<i16>,
    /// H of an explicit centre, or Σ_r H^r for the elastic formula, else empty.
    pub shared: Vec<f32>,
    /// The binarised centre.
    pub center: Weights,
    /// Order in which the replicas take turns.
    pub turns: Vec<u32>,
    /// Shuffles `turns`.
    pub stream: Stream,
    /// Best configuration seen and its number of errors.
    pub best: Weights,
    pub best_errors: u64,
    /// How far it has come.
    pub ending: Ending,
}

impl State {
    /// H = ±1 at random; mean-field: H = ±0.1, nearly unpolarised.
    pub fn new(instance: &Instance, settings: &Settings, machine: &Machine) -> Self {
        let mut stream = instance.solver_stream(TAG, 0);
        let architecture = instance.storage.architecture();
        let common = Weights::random_binary(architecture, &mut stream);
        let count = instance.patterns.count();
        let start = match settings.learning {
            Learning::MeanField => 0.1,
            Learning::LeastAction | Learning::StraightThrough => 1.0,
        };
        let replicas: Vec<Replica> = (0..settings.replicas)
            .map(|r| {
                let mut stream = instance.solver_stream(TAG, r as u64 + 1);
                let weights = if settings.equal_start {
                    common.clone()
                } else {
                    Weights::random_binary(architecture, &mut stream)
                };
                let order = (0..count as u32).collect();
                Replica { fields: signs(&weights, start), weights, order, stream, met: 0 }
            })
            .collect();
        let shared = match (settings.center, settings.formula) {
            (Center::Explicit, _) => signs(&common, start),
            (Center::Traced, Formula::Elastic) => vec![0.0; machine.lanes()],
            _ => Vec::new(),
        };
        let mut state = Self {
            epochs: 0,
            presentations: 0,
            best: common.clone(),
            center: common,
            replicas,
            votes: vec![0; machine.lanes()],
            shared,
            turns: (0..settings.replicas as u32).collect(),
            stream,
            best_errors: count as u64 + 1,
            ending: Ending::default(),
        };
        for replica in &state.replicas {
            for (votes, &h) in state.votes.iter_mut().zip(&replica.fields) {
                *votes += if h < 0.0 { -1 } else { 1 };
            }
        }
        state
    }

    /// Σ_r H^r, afresh.
    pub fn sum_fields(&mut self) {
        self.shared.fill(0.0);
        for replica in &self.replicas {
            self.shared.iter_mut().zip(&replica.fields).for_each(|(sum, &h)| *sum += h);
        }
    }

    /// Binarises the traced centre: the sign of the votes or of the sum of fields, + where it is 0.
    #[inline(always)]
    pub fn trace_center(&mut self, by_votes: bool, machine: &Machine) {
        let n = machine.unit_inputs;
        for (index, bits) in words(&mut self.center).iter_mut().enumerate() {
            let here = 64 * index..64 * (index + 1);
            let mut new = 0;
            if by_votes {
                for (b, votes) in self.votes[here].iter().enumerate() {
                    new |= u64::from(*votes < 0) << b;
                }
            } else {
                for (b, h) in self.shared[here].iter().enumerate() {
                    new |= u64::from(*h < 0.0) << b;
                }
            }
            *bits = new & tail_mask(n, index % machine.words);
        }
    }

    /// Whether all lengths agree.
    pub fn same_shape(&self, other: &Self) -> bool {
        let shape = |state: &Self| {
            let bits = |weights: &Weights| match weights {
                Weights::Binary(bits) => bits.len(),
                Weights::Spherical(_) => usize::MAX,
            };
            let of_replica = |r: &Replica| (r.fields.len(), bits(&r.weights), r.order.len());
            let replicas: Vec<_> = state.replicas.iter().map(of_replica).collect();
            let whole = (state.votes.len(), state.shared.len(), state.turns.len());
            (replicas, whole, bits(&state.center), bits(&state.best))
        };
        shape(self) == shape(other)
    }

    /// Mean over pairs of replicas of (1/N)W^r·W^s; `None` for one replica.
    pub fn overlap(&self, inputs: usize) -> Option<f64> {
        let pairs = self.replicas.len() * (self.replicas.len() - 1) / 2;
        let mut differing = 0u64;
        for (r, first) in self.replicas.iter().enumerate() {
            for second in &self.replicas[..r] {
                if let (Weights::Binary(a), Weights::Binary(b)) = (&first.weights, &second.weights)
                {
                    differing +=
                        a.iter().zip(b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum::<u64>();
                }
            }
        }
        (pairs > 0).then(|| 1.0 - 2.0 * differing as f64 / (pairs * inputs) as f64)
    }

    /// The weights of `winner`.
    pub fn of(&self, winner: Winner) -> &Weights {
        match winner {
            Winner::Center => &self.center,
            Winner::Replica(r) => &self.replicas[r as usize].weights,
        }
    }
}

/// The packed words of binary weights.
pub fn words(weights: &mut Weights) -> &mut [u64] {
    match weights {
        Weights::Binary(bits) => bits,
        Weights::Spherical(_) => unreachable!("rsgd works on binary weights"),
    }
}

/// Copies without allocating.
pub fn copy_bits(to: &mut Weights, from: &Weights) {
    if let Weights::Binary(from) = from {
        words(to).copy_from_slice(from);
    }
}

/// H = `scale`·W, padded lanes.
pub fn signs(weights: &Weights, scale: f32) -> Vec<f32> {
    let Weights::Binary(bits) = weights else { unreachable!("rsgd works on binary weights") };
    let mut fields = vec![0.0; 64 * bits.len()];
    let mut signs = [0.0; 64];
    for (&word, to) in bits.iter().zip(fields.chunks_exact_mut(64)) {
        lanes::expand(word, &mut signs);
        to.iter_mut().zip(&signs).for_each(|(h, w)| *h = scale * w);
    }
    fields
}
