//! P(Δ > κ) of K ReLU units as a contour integral.
//!
//! In units of σ = √(1−q) the fields are N(r_l, 1), the threshold is k = κ√K/σ, and
//! D = S₊ − S₋ is the difference of the two groups' sums of max(0, λ_l). The characteristic function
//! of one unit is ψ(s) = H(r) + E₊, E₊ = ½ e^{−r²/2} w((s − ir)/√2), w the Faddeeva function (crate
//! `errorfunctions`); dψ/dr = is E₊, d²ψ/dr² = is(is E₊ + G(r)). With F₊ = Π₊ψ(s), F₋ = Π₋ψ(−s):
//! - k = 0: P(D > 0) = ½ + (1/π)∫₀^∞ Im(F₊F₋) ds/s − ½P0, P0 = ΠH(r_l) the probability of a tie.
//!   With s = L tan θ, L = 3, the integrand is smooth and even at both ends: midpoint rule.
//! - k > 0: P(D > k) = (1/2πi)∫F₊F₋ e^{−isk} ds/s below the pole at 0, on the hyperbola
//!   s = a sinh(τ − iπ/8), where e^{−isk} decays twice exponentially and e^{−s²/2} still does; its
//!   vertex lies near the saddle point, and the atom of F₊ at S₊ = 0, which exceeds no k, is left
//!   out, so that small probabilities keep their relative accuracy.
//! - k < 0: 1 − P(−D > −k).
//!
//! All three are P = base ± Re Σ_j W_j F_a(s_j)F_b(−s_j) + ties, with a the group whose sum must be
//! the larger. Weideman, Trefethen, Math. Comp. 76, 1341 (2007). Deterministic.

use super::gaussian;
use num_complex::Complex64;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_8, PI};

/// The scale L.
const SCALE: f64 = 3.0;
/// Spacing of τ on the hyperbola with the default number of nodes.
const SPACING: f64 = 0.04;
/// Nodes of the midpoint rule that leave 1e-13; [`SPACING`] leaves about as much.
pub const NODES: usize = 48;

/// The rule for one threshold.
#[derive(Clone, Debug)]
pub struct Contour {
    /// (s_j, W_j).
    pub nodes: Vec<(Complex64, Complex64)>,
    /// P of F = 0.
    pub base: f64,
    /// Whether the group of readout +1 must be the larger: k ≥ 0.
    pub upward: bool,
    /// k = 0.
    pub balanced: bool,
    /// |k|.
    pub distance: f64,
    /// |e^{−isk}| at the first node.
    pub envelope: f64,
}

impl Contour {
    /// For the threshold k of `units` = K units, with `nodes` nodes where k = 0 and as much care
    /// elsewhere.
    pub fn new(threshold: f64, units: usize, nodes: usize) -> Self {
        if threshold == 0.0 {
            let width = FRAC_PI_2 / nodes as f64;
            let nodes = (0..nodes).map(|j| {
                let theta = (j as f64 + 0.5) * width;
                let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
                let weight = Complex64::new(0.0, -width / (PI * sine * cosine));
                (Complex64::new(SCALE * sine / cosine, 0.0), weight)
            });
            return Self {
                nodes: nodes.collect(),
                base: 0.5,
                upward: true,
                balanced: true,
                distance: 0.0,
                envelope: 1.0,
            };
        }
        let distance = threshold.abs();
        let (sine, cosine) = (libm::sin(FRAC_PI_8), libm::cos(FRAC_PI_8));
        // Half of the units are on: the saddle point of a sum of their variance.
        let vertex = (2.0 * distance / units as f64).max(0.4);
        let a = vertex / sine;
        let last = libm::acosh((40.0 / (distance * vertex)).max(1.0)).max(libm::asinh(14.0 / a));
        let width = SPACING * NODES as f64 / nodes as f64;
        let count = (last / width).ceil() as usize + 1;
        let nodes = (0..count).map(|j| {
            let tau = (j as f64 + 0.5) * width;
            let (sinh, cosh) = (libm::sinh(tau), libm::cosh(tau));
            let s = a * Complex64::new(sinh * cosine, -cosh * sine);
            let slope = a * Complex64::new(cosh * cosine, -sinh * sine);
            // e^{−isk}/(iπs) ds/dτ.
            let phase = Complex64::new(0.0, -distance) * s;
            let factor =
                libm::exp(phase.re) * Complex64::new(libm::cos(phase.im), libm::sin(phase.im));
            (s, width * factor * slope / (Complex64::new(0.0, PI) * s))
        });
        Self {
            nodes: nodes.collect(),
            base: if threshold > 0.0 { 0.0 } else { 1.0 },
            upward: threshold > 0.0,
            balanced: false,
            distance,
            envelope: libm::exp(-distance * vertex),
        }
    }

    /// ±1: the sign of the sum.
    pub fn sign(&self) -> f64 {
        if self.upward { 1.0 } else { -1.0 }
    }
}

/// One unit at reduced field r and one frequency: ψ and its first two derivatives by r, and E₊.
pub fn factor(r: f64, s: Complex64) -> [Complex64; 4] {
    let z = (s - Complex64::new(0.0, r)) * FRAC_1_SQRT_2;
    let positive = 0.5 * libm::exp(-0.5 * r * r) * errorfunctions::ComplexErrorFunctions::w(z);
    let frequency = Complex64::new(-s.im, s.re);
    let first = frequency * positive;
    [gaussian::tail(r) + positive, first, frequency * (first + gaussian::density(r)), positive]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::quadrature::Legendre;

    /// P(Δ > κ) at K = 2 against the direct integral over the positive unit, thresholds of all
    /// sizes; small probabilities to relative accuracy.
    #[test]
    fn against_a_real_integral() {
        for threshold in [0.0, 0.02, 0.3, 1.5, 6.0, -0.02, -0.7, -4.0f64] {
            for (first, second) in [(0.3, -0.4), (-1.5, 0.8), (2.0, 1.0), (4.0, -3.0), (0.5, 5.0)] {
                let contour = Contour::new(threshold, 2, NODES);
                // D > k: the positive unit at u > 0 with (λ₂)₊ < u − k, or off with −(λ₂)₊ > k.
                let breaks: Vec<f64> = (0..=16)
                    .map(f64::from)
                    .chain([threshold.abs()])
                    .filter(|u| *u >= threshold.max(0.0))
                    .collect();
                let on = Legendre::new(40)
                    .panels(&breaks)
                    .mean(|u| gaussian::density(u - first) * gaussian::cdf(u - threshold - second));
                let off = if threshold < 0.0 {
                    gaussian::tail(first) * gaussian::cdf(-threshold - second)
                } else {
                    0.0
                };
                let sum: f64 = contour
                    .nodes
                    .iter()
                    .map(|&(s, w)| {
                        let (a, b) = if contour.upward { (first, second) } else { (second, first) };
                        let kind = if contour.base == 0.0 { 3 } else { 0 };
                        (w * factor(a, s)[kind] * factor(b, -s)[0]).re
                    })
                    .sum();
                let mut found = contour.base + contour.sign() * sum;
                if contour.balanced {
                    found -= 0.5 * gaussian::tail(first) * gaussian::tail(second);
                }
                let exact = on + off;
                let tolerance = match threshold {
                    k if k > 0.0 => 5e-11 * exact,
                    k if k > -1.0 => 3e-12,
                    _ => 5e-11,
                };
                assert!(
                    (found - exact).abs() < tolerance,
                    "{threshold} {first} {second}: {found:e} {exact:e}"
                );
            }
        }
    }

    #[test]
    fn derivatives_of_the_factor() {
        let h = 1e-4;
        for s in [Complex64::new(1.3, 0.0), Complex64::new(0.8, -0.6)] {
            let at = |shift: f64| factor(0.25 + shift, s);
            for d in 0..2 {
                let slope = (at(h)[d] - at(-h)[d]) / (2.0 * h) - at(0.0)[d + 1];
                assert!(slope.norm() < 1e-7, "{slope}");
            }
        }
    }
}
