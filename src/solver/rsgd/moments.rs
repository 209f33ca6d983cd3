//! Mean and variance of one unit's output g(λ), λ ~ N(ω, V), with their derivatives in ω and V.
//!
//! $$ e = \mathbb E\ g(\lambda), \quad v = \mathrm{Var}\ g(\lambda), \qquad
//!    \frac{\partial e}{\partial V} = \frac12 \frac{\partial^2 e}{\partial \omega^2}, \qquad
//!    \frac{\partial v}{\partial V} = \frac12 \frac{\partial^2 v}{\partial \omega^2} +
//!    \left(\frac{\partial e}{\partial \omega}\right)^2 $$
//!
//! by the heat equation. Two slopes, g = p x₊ + q x₋ (ReLU, leaky ReLU, |x|, identity), are
//! q x + (p − q) x₊ with Cov(x, x₊) = VΦ: sums of the ReLU's moments without cancellation. The other
//! smooth g: Gauss–Hermite quadrature in f64 with Stein's identities, so that no derivative of g is
//! needed. Deterministic (pinned `libm`; f32 in a fixed order).

use crate::model::Activation;
use crate::simd::functions::density_and_tails;
use crate::solver::message_passing::closure::{Relu, Unit};
use crate::solver::message_passing::node::Spread;
use crate::theory::quadrature::hermite;

/// Nodes of the quadrature: exact for polynomials up to degree 47.
const NODES: usize = 24;

/// e, v and their derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// e.
    pub e: f32,
    /// ∂e/∂ω.
    pub e_omega: f32,
    /// ∂e/∂V.
    pub e_v: f32,
    /// v.
    pub v: f32,
    /// ∂v/∂ω.
    pub v_omega: f32,
    /// ∂v/∂V.
    pub v_v: f32,
}

/// How the moments of an activation are found.
#[derive(Clone, Debug)]
pub enum UnitLaw {
    /// p x₊ + q x₋.
    Slopes {
        /// p.
        plus: f32,
        /// q.
        minus: f32,
    },
    /// x².
    Quadratic,
    /// Any smooth g: nodes and weights of ∫Dz.
    Quadrature(Activation, Vec<(f64, f64)>),
}

impl UnitLaw {
    /// The law of `activation`, which is not sign (its node counts votes).
    pub fn new(activation: Activation) -> Self {
        let slopes =
            |plus: f64, minus: f64| UnitLaw::Slopes { plus: plus as f32, minus: minus as f32 };
        match activation {
            Activation::Identity => slopes(1.0, 1.0),
            Activation::Relu => slopes(1.0, 0.0),
            Activation::LeakyRelu { slope } => slopes(1.0, slope),
            Activation::Abs => slopes(1.0, -1.0),
            Activation::Quadratic => UnitLaw::Quadratic,
            other => UnitLaw::Quadrature(other, hermite(NODES).nodes().to_vec()),
        }
    }

    /// The moments at ω and V.
    #[inline(always)]
    pub fn at(&self, omega: f32, spread: Spread) -> Moments {
        match self {
            UnitLaw::Slopes { plus, minus } => slopes(*plus, *minus, omega, spread),
            UnitLaw::Quadratic => {
                let v = spread.variance;
                Moments {
                    e: omega * omega + v,
                    e_omega: 2.0 * omega,
                    e_v: 1.0,
                    v: 2.0 * v * (2.0 * omega * omega + v),
                    v_omega: 8.0 * omega * v,
                    v_v: 4.0 * (omega * omega + v),
                }
            }
            UnitLaw::Quadrature(g, nodes) => quadrature(*g, nodes, omega, spread),
        }
    }
}

#[inline(always)]
fn slopes(plus: f32, minus: f32, omega: f32, spread: Spread) -> Moments {
    let relu = Relu::moments(omega, spread);
    let (density, below, _) = density_and_tails(omega * spread.inverse);
    let step = plus - minus;
    let (square, cross) = (step * step, 2.0 * minus * step);
    let e_omega = minus + step * relu.e1;
    // v'' of the cross term is −cross·zφ, of the ReLU's own v2.
    let v2 = square * relu.v2 - cross * omega * spread.inverse * density;
    Moments {
        e: minus * omega + step * relu.e,
        e_omega,
        e_v: 0.5 * step * relu.e2,
        v: spread.variance * (minus * minus + cross * below) + square * relu.v,
        v_omega: cross * spread.deviation * density + square * relu.v1,
        v_v: 0.5 * v2 + e_omega * e_omega,
    }
}

/// Sums over the nodes: with c = g − e, e_ω = E(gz)/√V, e_V = E[g(z²−1)]/2V, v_ω = E(c²z)/√V,
/// v_V = E[c²(z²−1)]/2V.
fn quadrature(g: Activation, nodes: &[(f64, f64)], omega: f32, spread: Spread) -> Moments {
    let (omega, deviation) = (f64::from(omega), f64::from(spread.deviation));
    let mut values = [0.0; NODES];
    let mut e = 0.0;
    for (value, &(z, weight)) in values.iter_mut().zip(nodes) {
        *value = g.value(omega + deviation * z);
        e += weight * *value;
    }
    let (mut first, mut second, mut v, mut v_first, mut v_second) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (value, &(z, weight)) in values.iter().zip(nodes) {
        let c = value - e;
        let (linear, square) = (weight * c, weight * c * c);
        first += linear * z;
        second += linear * (z * z - 1.0);
        v += square;
        v_first += square * z;
        v_second += square * (z * z - 1.0);
    }
    let twice = 2.0 * deviation * deviation;
    Moments {
        e: e as f32,
        e_omega: (first / deviation) as f32,
        e_v: (second / twice) as f32,
        v: v as f32,
        v_omega: (v_first / deviation) as f32,
        v_v: (v_second / twice) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E g and Var g by a fine trapezoid, in f64.
    fn plain(activation: Activation, omega: f64, v: f64) -> (f64, f64) {
        let (mut norm, mut first, mut second) = (0.0, 0.0, 0.0);
        let step = 1e-3;
        for k in -9000..=9000 {
            let z = f64::from(k) * step;
            let weight = libm::exp(-0.5 * z * z);
            let g = activation.value(omega + v.sqrt() * z);
            norm += weight;
            first += weight * g;
            second += weight * g * g;
        }
        (first / norm, second / norm - (first / norm) * (first / norm))
    }

    #[test]
    fn moments_and_derivatives_match_plain_integrals() {
        for activation in [
            Activation::Identity,
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.2 },
            Activation::LeakyRelu { slope: -0.3 },
            Activation::Abs,
            Activation::Quadratic,
            Activation::Tanh,
            Activation::Erf { scale: 0.8 },
            Activation::Gelu,
        ] {
            let law = UnitLaw::new(activation);
            for omega in [-1.3, -0.2, 0.0, 0.7, 2.1] {
                for v in [0.15, 0.6, 1.0] {
                    let m = law.at(omega as f32, Spread::new(v));
                    let h = 1e-3;
                    let at = |x: f64, v: f64| plain(activation, x, v);
                    let slope = |low: (f64, f64), high: (f64, f64)| {
                        ((high.0 - low.0) / (2.0 * h), (high.1 - low.1) / (2.0 * h))
                    };
                    let (e, var) = at(omega, v);
                    let by_omega = slope(at(omega - h, v), at(omega + h, v));
                    let by_v = slope(at(omega, v - h), at(omega, v + h));
                    for (name, found, expected) in [
                        ("e", m.e, e),
                        ("v", m.v, var),
                        ("e_omega", m.e_omega, by_omega.0),
                        ("e_v", m.e_v, by_v.0),
                        ("v_omega", m.v_omega, by_omega.1),
                        ("v_v", m.v_v, by_v.1),
                    ] {
                        // Kinks cost the trapezoid step², third derivatives the differences h².
                        assert!(
                            (f64::from(found) - expected).abs() < 2e-4 * (1.0 + expected.abs()),
                            "{activation:?} {omega} {v} {name}: {found} against {expected}"
                        );
                    }
                }
            }
        }
    }
}
