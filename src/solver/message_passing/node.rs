//! Pattern nodes: ln Z(ω, V), its gradient g_l = ∂ln Z/∂ω_l and −∂g_l/∂ω_l.
//!
//! A node holds the probability Z that pattern μ is stored when unit l's preactivation is Gaussian
//! with mean ω_l and variance V_l (in units of λ). Two forms: the Gaussian closure of the output
//! ([`super::closure`]; ReLU, identity, sign as an option) and the exact law of the number of right
//! votes ([`super::votes`]; sign). Preactivations of binary weights live on a lattice, so "output
//! above the threshold" is asked at the midpoint of the last failing and the first storing value.
//!
//! Patterns are processed [`LANES`] at a time; every loop over lanes is branch-free. f32, fixed
//! order, the same bits everywhere. Cost a pattern: O(K) closure, O(K²) votes.

use super::closure::{self, Closure};
use super::votes::{self, Votes};
use crate::model::{Activation, Storage};
use serde::{Deserialize, Serialize};

/// Patterns of one block.
pub const LANES: usize = 16;

/// One value a pattern of a block.
pub type Lanes = [f32; LANES];

/// How the output of sign units is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// The exact law of the number of right votes for sign; the closure for the others.
    #[default]
    Exact,
    /// Gaussian closure of the output, for every activation: exact as K→∞.
    Gaussian,
}

/// A node with its work space.
pub enum Node {
    /// Gaussian closure of the output.
    Closure(Closure),
    /// Exact law of the votes of sign units.
    Votes(Votes),
}

/// What a node reads and writes for one block of patterns: row l of `omega` and `g` is unit l,
/// `stride` values apart; the block begins at pattern `at`.
pub struct Block<'a> {
    /// ω, K × stride.
    pub omega: &'a [f32],
    /// g, K × stride.
    pub g: &'a mut [f32],
    /// Σ over the lane's patterns so far of −∂g_l/∂ω_l, K of them.
    pub curvature: &'a mut [Lanes],
    /// Patterns of a row, padded.
    pub stride: usize,
    /// First pattern.
    pub at: usize,
    /// Labels, 0 for padding.
    pub label: &'a Lanes,
}

/// V_l with its root and inverse root, in f32.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    /// V_l.
    pub variance: f32,
    /// √V_l.
    pub deviation: f32,
    /// 1/√V_l.
    pub inverse: f32,
}

impl Spread {
    /// The spread of variance `variance`.
    pub fn new(variance: f64) -> Self {
        let deviation = variance.sqrt();
        Self {
            variance: variance as f32,
            deviation: deviation as f32,
            inverse: (1.0 / deviation) as f32,
        }
    }
}

impl Node {
    /// The node of `storage`: `None` if the activation has none.
    pub fn new(storage: &Storage, kind: NodeKind) -> Option<Self> {
        match (storage.activation(), kind) {
            (Activation::Sign, NodeKind::Exact) => Some(Node::Votes(Votes::new(storage))),
            (Activation::Relu | Activation::Identity | Activation::Sign, _) => {
                Some(Node::Closure(Closure::new(storage)))
            }
            _ => None,
        }
    }

    /// ln Z of one pattern: row l of `omega` is unit l, (stride, pattern) where it lies.
    pub fn ln_z(
        &mut self,
        spreads: &[Spread],
        omega: &[f32],
        at: (usize, usize),
        label: f32,
    ) -> f64 {
        match self {
            Node::Closure(closure) => closure::ln_z(closure, spreads, omega, at, label),
            Node::Votes(votes) => votes::ln_z(votes, spreads, omega, at, label),
        }
    }

    /// g and −∂g of one block.
    #[inline(always)]
    pub fn block(&mut self, spreads: &[Spread], block: Block) {
        match self {
            Node::Closure(closure) => closure::block(closure, spreads, block),
            Node::Votes(votes) => votes::block(votes, spreads, block),
        }
    }
}

/// ln Φ(u) in f64, for the entropies: not in the loop of the messages.
pub fn ln_phi(u: f64) -> f64 {
    if u > -30.0 {
        libm::log(0.5 * libm::erfc(-u / std::f64::consts::SQRT_2))
    } else {
        // Mills' ratio 1/|u|·(1 − 1/u² + 3/u⁴), relative error 15/u⁶.
        let inverse = 1.0 / (u * u);
        let ratio = (1.0 - inverse * (1.0 - 3.0 * inverse)) / -u;
        -0.5 * u * u + libm::log(ratio / (2.0 * std::f64::consts::PI).sqrt())
    }
}

/// The output at which storage begins, as the midpoint of two lattice values, in integer units:
/// σ·total ≥ [`first_storing`] stores.
pub fn midpoint(storage: &Storage) -> f64 {
    first_storing(storage) as f64 - 0.5 * lattice_step(storage) as f64
}

/// The least total that stores: above T = ⌊κ√N⌋ (sign: ⌊κ√K⌋) and on the lattice.
pub fn first_storing(storage: &Storage) -> i64 {
    let next = storage.threshold() + 1;
    let architecture = storage.architecture();
    let parity = match storage.activation() {
        // Every term has the parity of n, so the total has that of N; ReLU units may be off.
        Activation::Identity => architecture.inputs(),
        Activation::Relu => 0,
        // Units with even n can vote 0: every total occurs.
        Activation::Sign if architecture.unit_inputs().is_multiple_of(2) => return next,
        _ => architecture.hidden(),
    } as i64;
    if lattice_step(storage) == 2 { next + (next - parity).rem_euclid(2) } else { next }
}

/// Spacing of the totals.
fn lattice_step(storage: &Storage) -> i64 {
    let even = storage.architecture().unit_inputs().is_multiple_of(2);
    match storage.activation() {
        Activation::Identity => 2,
        Activation::Relu => 1 + i64::from(even),
        _ => 2 - i64::from(even),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;
    use crate::rng::{Purpose, Stream};

    /// Φ in f64.
    fn cdf(x: f64) -> f64 {
        0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
    }

    /// ln Z in f64, by formulas that share nothing with the nodes: moments of g(λ) by quadrature
    /// (closure), the law of the votes by listing all 2^K of them (exact).
    fn log_z(storage: &Storage, kind: NodeKind, y: f64, omega: &[f64], v: &[f64]) -> f64 {
        let hidden = omega.len();
        let activation = storage.activation();
        if (activation, kind) == (Activation::Sign, NodeKind::Exact) {
            let right: Vec<f64> = (0..hidden).map(|l| cdf(y * omega[l] / v[l].sqrt())).collect();
            let z: f64 = (0..1u32 << hidden)
                .filter(|votes| {
                    2 * i64::from(votes.count_ones()) - hidden as i64 > storage.threshold()
                })
                .map(|votes| {
                    (0..hidden)
                        .map(|l| if votes >> l & 1 == 1 { right[l] } else { 1.0 - right[l] })
                        .product::<f64>()
                })
                .sum();
            return libm::log(z);
        }
        let unit = match activation {
            Activation::Sign => 1.0,
            _ => (storage.architecture().unit_inputs() as f64).sqrt(),
        };
        let (mut mean, mut variance) = (0.0, 0.0);
        for l in 0..hidden {
            let c = f64::from(activation.readout(l, hidden));
            let (mut first, mut second, mut norm) = (0.0, 0.0, 0.0);
            let z = omega[l] / v[l].sqrt();
            // Midpoint rule on both sides of the kink.
            for (from, to) in [(-10.0, -z.clamp(-10.0, 10.0)), (-z.clamp(-10.0, 10.0), 10.0)] {
                let step = (to - from) / 20_000.0;
                for k in 0..20_000 {
                    let x = from + (f64::from(k) + 0.5) * step;
                    let weight = libm::exp(-0.5 * x * x) * step;
                    let value = activation.value(v[l].sqrt() * (x + z));
                    norm += weight;
                    first += weight * value;
                    second += weight * value * value;
                }
            }
            mean += c * first / norm;
            variance += second / norm - (first / norm) * (first / norm);
        }
        libm::log(cdf((y * mean - midpoint(storage) / unit) / variance.sqrt()))
    }

    /// g and −∂g are the derivatives of ln Z; padding does nothing.
    #[test]
    fn gradients_match_finite_differences() {
        for (activation, kind, hidden, kappa) in [
            (Activation::Relu, NodeKind::Exact, 4, 0.0),
            (Activation::Relu, NodeKind::Exact, 6, 0.3),
            (Activation::Identity, NodeKind::Exact, 3, 0.2),
            (Activation::Sign, NodeKind::Gaussian, 5, 0.0),
            (Activation::Sign, NodeKind::Exact, 5, 0.0),
            (Activation::Sign, NodeKind::Exact, 7, 0.5),
            (Activation::Sign, NodeKind::Exact, 1, 0.0),
        ] {
            let architecture = Architecture::tree(hidden * 33, hidden).unwrap();
            let storage = Storage::new(architecture, activation, kappa);
            let mut node = Node::new(&storage, kind).unwrap();
            let mut stream = Stream::new(3, Purpose::Test, &[hidden as u64]);
            let v: Vec<f64> = (0..hidden).map(|_| 0.2 + 0.8 * stream.uniform()).collect();
            let spreads: Vec<Spread> = v.iter().map(|&v| Spread::new(v)).collect();
            let omega: Vec<f32> =
                (0..hidden * LANES).map(|_| (1.2 * stream.normal()) as f32).collect();
            let mut label = [0.0; LANES];
            label.iter_mut().take(3).enumerate().for_each(|(j, y)| *y = 1.0 - 2.0 * (j % 2) as f32);
            for active in 0..3 {
                let mut only = [0.0; LANES];
                only[active] = label[active];
                let mut g = vec![0.0f32; hidden * LANES];
                let mut curvature = vec![[0.0; LANES]; hidden];
                node.block(
                    &spreads,
                    Block {
                        omega: &omega,
                        g: &mut g,
                        curvature: &mut curvature,
                        stride: LANES,
                        at: 0,
                        label: &only,
                    },
                );
                let y = f64::from(label[active]);
                let lane = |l: usize| f64::from(omega[l * LANES + active]);
                let centre: Vec<f64> = (0..hidden).map(lane).collect();
                let got = node.ln_z(&spreads, &omega, (LANES, active), label[active]);
                let exact = log_z(&storage, kind, y, &centre, &v);
                assert!((got - exact).abs() < 2e-6 * (1.0 + exact.abs()), "{got} {exact}");
                let at = |l: usize| l * LANES + active;
                let mut point: Vec<f64> = (0..hidden).map(|l| f64::from(omega[at(l)])).collect();
                for l in 0..hidden {
                    let step = 1e-3;
                    let centre = point[l];
                    let mut value = |x: f64| {
                        point[l] = x;
                        log_z(&storage, kind, y, &point, &v)
                    };
                    let (low, mid, high) =
                        (value(centre - step), value(centre), value(centre + step));
                    point[l] = centre;
                    let (first, second) =
                        ((high - low) / (2.0 * step), (high - 2.0 * mid + low) / (step * step));
                    let got = (f64::from(g[at(l)]), f64::from(curvature[l][active]));
                    // Third derivatives times step² ≈ 1e-5, rounding of f32 ≈ 1e-6 of the terms.
                    assert!(
                        (got.0 - first).abs() < 3e-5 * (1.0 + first.abs()),
                        "{activation:?} {kind:?} g {got:?} {first}"
                    );
                    assert!(
                        (got.1 + second).abs() < 3e-4 * (1.0 + second.abs()),
                        "{activation:?} {kind:?} -dg {got:?} {second}"
                    );
                    for idle in (0..LANES).filter(|&j| j != active) {
                        assert!(g[l * LANES + idle] == 0.0 && curvature[l][idle] == 0.0);
                    }
                }
            }
        }
    }

    #[test]
    fn thresholds_sit_between_lattice_values() {
        let at = |activation, hidden, n, kappa| {
            let architecture = Architecture::tree(hidden * n, hidden).unwrap();
            let storage = Storage::new(architecture, activation, kappa);
            (first_storing(&storage), midpoint(&storage))
        };
        assert_eq!(at(Activation::Relu, 4, 64, 0.0), (2, 1.0));
        assert_eq!(at(Activation::Relu, 4, 65, 0.0), (1, 0.5));
        assert_eq!(at(Activation::Sign, 5, 65, 0.0), (1, 0.0));
        assert_eq!(at(Activation::Sign, 5, 65, 0.5), (3, 2.0));
        assert_eq!(at(Activation::Identity, 1, 64, 0.0), (2, 1.0));
        assert_eq!(at(Activation::Identity, 1, 65, 0.0), (1, 0.0));
    }
}
