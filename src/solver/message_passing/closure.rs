//! Gaussian closure: the output Σ_l c_l g(λ_l) is Gaussian, ln Z = ln Φ(u), u = (yM − t)/S.
//!
//! M = Σ_l c_l e_l, S² = Σ_l v_l with the mean e_l and the variance v_l of g(λ_l),
//! λ_l ~ N(ω_l, V_l); t is the threshold on Σ c g(λ). With r = φ(u)/Φ(u), primes ∂/∂ω_l,
//!
//! $$ u^\prime = \frac{yM^\prime}{S} - \frac{u v^\prime}{2S^2}, \qquad
//!    u^{\prime\prime} = \frac{yM^{\prime\prime}}{S} - \frac{yM^\prime v^\prime}{S^3} +
//!    \frac{3 u v^{\prime 2}}{4 S^4} - \frac{u v^{\prime\prime}}{2 S^2}, \qquad
//!    g = r u^\prime, \qquad -\partial g = r(u+r)u^{\prime 2} - r u^{\prime\prime} . $$
//! ReLU, z = ω/√V: e = √V(zΦ+φ), v = V[z²Φ(1−Φ) + Φ + zφ(1−2Φ) − φ²], e' = Φ, e'' = φ/√V,
//! v' = 2e(1−Φ), v'' = 2[Φ(1−Φ) − (zΦ+φ)φ]. Sign: e = 2Φ−1, v = 1−e². Identity: e = ω, v = V.
//! Derived by hand, checked by finite differences below. O(K) a pattern; deterministic.

use super::node::{Block, LANES, Lanes, Spread, ln_phi, midpoint};
use crate::model::{Activation, Storage};
use crate::simd::functions::{density_and_tails, hazard};

/// ln Z of pattern `mu` with label `label`; row l of `omega` is unit l, `stride` values apart.
pub fn ln_z(
    closure: &Closure,
    spreads: &[Spread],
    omega: &[f32],
    (stride, mu): (usize, usize),
    label: f32,
) -> f64 {
    let (mut mean, mut variance) = (0.0, LEAST_VARIANCE);
    for (l, &spread) in spreads.iter().enumerate() {
        let omega = omega[l * stride + mu];
        let unit = match closure.activation {
            Activation::Relu => Relu::moments(omega, spread),
            Activation::Sign => Sign::moments(omega, spread),
            _ => Identity::moments(omega, spread),
        };
        mean += closure.readout[l] * unit.e;
        variance += unit.v.max(0.0);
    }
    ln_phi(f64::from((label * mean - closure.threshold) / variance.sqrt()))
}

/// Moments of one unit and their derivatives, one pattern a lane.
#[derive(Clone, Copy, Default)]
struct Moments {
    e1: Lanes,
    e2: Lanes,
    v1: Lanes,
    v2: Lanes,
}

/// The closure of one machine, with work space.
pub struct Closure {
    activation: Activation,
    /// c_l.
    readout: Vec<f32>,
    /// t.
    threshold: f32,
    moments: Vec<Moments>,
}

impl Closure {
    /// The closure for `storage`.
    pub fn new(storage: &Storage) -> Self {
        let (activation, hidden) = (storage.activation(), storage.architecture().hidden());
        let unit = match activation {
            Activation::Sign => 1.0,
            _ => (storage.architecture().unit_inputs() as f64).sqrt(),
        };
        Self {
            activation,
            readout: (0..hidden).map(|l| activation.readout(l, hidden) as f32).collect(),
            threshold: (midpoint(storage) / unit) as f32,
            moments: vec![Moments::default(); hidden],
        }
    }
}

/// Mean, variance and their derivatives of g(λ) for one unit.
pub(crate) struct UnitMoments {
    pub(crate) e: f32,
    pub(crate) e1: f32,
    pub(crate) e2: f32,
    pub(crate) v: f32,
    pub(crate) v1: f32,
    pub(crate) v2: f32,
}

/// A kind of unit; a type, since a function passed as a value is not inlined reliably.
pub(crate) trait Unit {
    fn moments(omega: f32, spread: Spread) -> UnitMoments;
}

pub(crate) struct Relu;

impl Unit for Relu {
    #[inline(always)]
    fn moments(omega: f32, spread: Spread) -> UnitMoments {
        let z = omega * spread.inverse;
        let (density, below, above) = density_and_tails(z);
        let mean = z * below + density;
        let both = below * above;
        let spread2 = z * z * both + below + z * density * (above - below) - density * density;
        UnitMoments {
            e: spread.deviation * mean,
            e1: below,
            e2: density * spread.inverse,
            v: spread.variance * spread2,
            v1: 2.0 * spread.deviation * mean * above,
            v2: 2.0 * (both - mean * density),
        }
    }
}

struct Sign;

impl Unit for Sign {
    #[inline(always)]
    fn moments(omega: f32, spread: Spread) -> UnitMoments {
        let z = omega * spread.inverse;
        let (density, below, above) = density_and_tails(z);
        let e = below - above;
        let e1 = 2.0 * density * spread.inverse;
        let e2 = -z * spread.inverse * e1;
        UnitMoments {
            e,
            e1,
            e2,
            v: 4.0 * below * above,
            v1: -2.0 * e * e1,
            v2: -2.0 * (e1 * e1 + e * e2),
        }
    }
}

struct Identity;

impl Unit for Identity {
    #[inline(always)]
    fn moments(omega: f32, spread: Spread) -> UnitMoments {
        UnitMoments { e: omega, e1: 1.0, e2: 0.0, v: spread.variance, v1: 0.0, v2: 0.0 }
    }
}

/// g and −∂g of one block.
#[inline(always)]
pub fn block(closure: &mut Closure, spreads: &[Spread], block: Block) {
    match closure.activation {
        Activation::Relu => block_of::<Relu>(closure, spreads, block),
        Activation::Sign => block_of::<Sign>(closure, spreads, block),
        _ => block_of::<Identity>(closure, spreads, block),
    }
}

/// Least variance of the output: all units frozen.
const LEAST_VARIANCE: f32 = 1e-9;

/// u below which the output is beyond hope; keeps r(u+r) = 1 + O(u^-2) free of rounding.
const LEAST_U: f32 = -60.0;

#[inline(always)]
fn block_of<U: Unit>(closure: &mut Closure, spreads: &[Spread], block: Block) {
    let (mut mean, mut variance) = ([0.0f32; LANES], [LEAST_VARIANCE; LANES]);
    for (l, moments) in closure.moments.iter_mut().enumerate() {
        let (c, spread) = (closure.readout[l], spreads[l]);
        let omega: &Lanes = lanes(block.omega, l * block.stride + block.at);
        for j in 0..LANES {
            let unit = U::moments(omega[j], spread);
            mean[j] += c * unit.e;
            variance[j] += unit.v.max(0.0);
            moments.e1[j] = c * unit.e1;
            moments.e2[j] = c * unit.e2;
            moments.v1[j] = unit.v1;
            moments.v2[j] = unit.v2;
        }
    }
    let (mut inverse, mut u, mut r, mut weight) =
        ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
    for j in 0..LANES {
        let y = block.label[j];
        inverse[j] = 1.0 / variance[j].sqrt();
        u[j] = ((y * mean[j] - closure.threshold) * inverse[j]).max(LEAST_U);
        // Padding has label 0 and must not act.
        r[j] = hazard(-u[j]) * (y * y);
        weight[j] = r[j] * (u[j] + r[j]);
    }
    for (l, moments) in closure.moments.iter().enumerate() {
        let at = l * block.stride + block.at;
        let g: &mut Lanes =
            (&mut block.g[at..at + LANES]).try_into().expect("a block has LANES patterns");
        let curvature = &mut block.curvature[l];
        for j in 0..LANES {
            let inv2 = inverse[j] * inverse[j];
            let (m1, m2) = (block.label[j] * moments.e1[j], block.label[j] * moments.e2[j]);
            let (v1, v2) = (moments.v1[j] * inv2, moments.v2[j] * inv2);
            let u1 = m1 * inverse[j] - 0.5 * u[j] * v1;
            let u2 = (m2 - m1 * v1) * inverse[j] + u[j] * (0.75 * v1 * v1 - 0.5 * v2);
            g[j] = r[j] * u1;
            curvature[j] += weight[j] * u1 * u1 - r[j] * u2;
        }
    }
}

/// The block of a row at `at`.
#[inline(always)]
pub fn lanes(row: &[f32], at: usize) -> &Lanes {
    row[at..at + LANES].try_into().expect("a block has LANES patterns")
}
