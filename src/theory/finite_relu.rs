//! Binary weights with K ReLU units at finite even K, κ = 0: the energetic part.
//!
//! Half of the units have readout +1, half −1. With ω_l = √q x_l, σ = √(1−q), r = ω/σ, the
//! characteristic function of one unit's output is ψ(t) = H(r) + E₊,
//! E₊ = ½ e^{−r²/2} w((σt − ir)/√2), w the Faddeeva function (crate `errorfunctions`); with
//! F = Π₊ψ Π₋ψ* and the probability P0 = ΠH(r_l) that all units are off,
//! P(Δ > 0) = ½ + (1/π)∫₀^∞ Im F dt/t − ½P0; accepting ties adds P0. t = (L/σ) tan θ, L = 1.5.
//! G_E = ∫ΠDx_l ln P over multisets of Gauss–Hermite nodes for each group; the contour sum is a
//! bilinear form in the two groups, antisymmetric under their exchange. J = −2 dG_E/dq by a
//! five-point stencil. Derivatives of P for the replicon kernel: ∂_ω E₊ = it E₊ + G(r)/σ.
//! The contour has an absolute error of 1e-14 at up to 32 nodes, so P is kept above 1e-15.
//! 1 ms (K = 2) to 0.3 s (K = 6) for each G_E. Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::gaussian;
use super::model::Ties;
use super::multiset::{Multiset, multisets};
use super::quadrature::{Legendre, Rule, hermite};
use super::replica_symmetric::Energy;
use crate::error::TheoryError;
use num_complex::Complex64;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI};

/// Largest K.
const LARGEST: usize = 6;
/// Nodes of the contour, and its scale L.
const CONTOUR: usize = 96;
const SCALE: f64 = 1.5;
/// Absolute error of the contour: P is not known below.
const LEAST: f64 = 1e-15;
/// Step of the stencil in q.
const STEP: f64 = 2e-3;

/// The energetic part of K ReLU units.
#[derive(Clone, Debug)]
pub struct ReluEnergy {
    units: usize,
    ties: Ties,
    fine: Product,
    /// A small rule for the replicon kernel, which only decides a flag.
    small: Product,
    contour: Rule,
}

/// The product rule of one group of K/2 units.
#[derive(Clone, Debug)]
struct Product {
    nodes: Vec<f64>,
    multisets: Vec<Multiset>,
}

impl Product {
    fn new(nodes: usize, units: usize) -> Self {
        let rule = hermite(nodes);
        let multisets = multisets(&rule, units);
        Self { nodes: rule.nodes().iter().map(|&(x, _)| x).collect(), multisets }
    }
}

impl ReluEnergy {
    /// `units` = K ∈ {2, 4, 6}, κ = 0, `nodes` ≤ 32 Gauss–Hermite nodes a unit.
    ///
    /// # Errors
    /// `Domain` for larger K, `Unavailable` for κ ≠ 0.
    pub fn new(units: usize, kappa: f64, ties: Ties, nodes: usize) -> Outcome<Self> {
        if units > LARGEST || !units.is_multiple_of(2) || units == 0 {
            return Err(TheoryError::Domain {
                argument: "hidden",
                value: units.to_string(),
                expected: "2, 4 or 6 ReLU units, or inf".into(),
            });
        }
        if kappa != 0.0 {
            return Err(TheoryError::Unavailable(format!(
                "ReLU at K = {units} with kappa = {kappa}; finite K needs kappa = 0"
            )));
        }
        let group = units / 2;
        let small = [20, 9, 6][group - 1];
        Ok(Self {
            units,
            ties,
            fine: Product::new(nodes, group),
            small: Product::new(small, group),
            contour: Legendre::new(CONTOUR).panels(&[0.0, FRAC_PI_2]),
        })
    }

    /// A fine and a coarse quadrature.
    ///
    /// # Errors
    /// As [`ReluEnergy::new`].
    pub fn pair(units: usize, kappa: f64, ties: Ties) -> Outcome<[Self; 2]> {
        let (fine, coarse) = match units {
            2 => (32, 28),
            4 => (28, 24),
            _ => (18, 15),
        };
        Ok([Self::new(units, kappa, ties, fine)?, Self::new(units, kappa, ties, coarse)?])
    }

    /// (t, weight of ∫ f dt/(πt)) of the contour.
    fn frequencies(&self, sigma: f64) -> Vec<(f64, f64)> {
        let point = |&(theta, weight): &(f64, f64)| {
            let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
            (SCALE / sigma * sine / cosine, weight / (PI * sine * cosine))
        };
        self.contour.nodes().iter().map(point).collect()
    }

    fn probability(&self, above: f64, off: f64) -> f64 {
        let accepted = if self.ties == Ties::Accept { off } else { 0.0 };
        (above + accepted).max(LEAST)
    }

    fn g_e(&self, q: Overlap) -> f64 {
        let (root_q, sigma) = (q.value().max(0.0).sqrt(), q.complement().sqrt());
        let frequencies = self.frequencies(sigma);
        let off: Vec<f64> =
            self.fine.nodes.iter().map(|&x| gaussian::tail(root_q * x / sigma)).collect();
        let unit: Vec<Vec<Complex64>> = self
            .fine
            .nodes
            .iter()
            .zip(&off)
            .map(|(&x, &h)| {
                frequencies.iter().map(|&(t, _)| h + positive_part(root_q * x, sigma, t)).collect()
            })
            .collect();
        // For each multiset the products of ψ, as (Re, Im) and as (W Im, −W Re).
        let width = 2 * CONTOUR;
        let count = self.fine.multisets.len();
        let (mut left, mut right) = (vec![0.0; count * width], vec![0.0; count * width]);
        let mut all_off = Vec::with_capacity(count);
        for (row, multiset) in self.fine.multisets.iter().enumerate() {
            let indices = multiset.indices();
            all_off.push(indices.iter().map(|&i| off[usize::from(i)]).product::<f64>());
            for (j, &(_, weight)) in frequencies.iter().enumerate() {
                let product: Complex64 = indices.iter().map(|&i| unit[usize::from(i)][j]).product();
                right[row * width + 2 * j] = product.re;
                right[row * width + 2 * j + 1] = product.im;
                left[row * width + 2 * j] = weight * product.im;
                left[row * width + 2 * j + 1] = -weight * product.re;
            }
        }
        let mut total = 0.0;
        for (a, multiset) in self.fine.multisets.iter().enumerate() {
            let row = &left[a * width..(a + 1) * width];
            for (b, other) in self.fine.multisets[..=a].iter().enumerate() {
                let weight = multiset.weight * other.weight;
                let skew = dot(row, &right[b * width..(b + 1) * width]);
                let off = all_off[a] * all_off[b];
                let mut sum = libm::log(self.probability(0.5 + skew - 0.5 * off, off));
                if a != b {
                    sum += libm::log(self.probability(0.5 - skew - 0.5 * off, off));
                }
                total += weight * sum;
            }
        }
        total
    }
}

/// E₊(t) = E[e^{itλ}; λ > 0], λ ~ N(ω, σ²).
fn positive_part(omega: f64, sigma: f64, t: f64) -> Complex64 {
    let r = omega / sigma;
    let z = Complex64::new(sigma * t, -r) * FRAC_1_SQRT_2;
    0.5 * libm::exp(-0.5 * r * r) * errorfunctions::ComplexErrorFunctions::w(z)
}

/// Dot product with a fixed tree of eight partial sums.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in x.chunks_exact(8).zip(y.chunks_exact(8)) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let tail: f64 = x
        .chunks_exact(8)
        .remainder()
        .iter()
        .zip(y.chunks_exact(8).remainder())
        .map(|(a, b)| a * b)
        .sum();
    (sums[0] + sums[4]) + (sums[1] + sums[5]) + (sums[2] + sums[6]) + (sums[3] + sums[7]) + tail
}

/// One unit's factor and its two derivatives by ω, for ψ and for the off-probability.
#[derive(Clone, Copy, Debug)]
struct Factor {
    psi: [Complex64; 3],
    off: [f64; 3],
}

impl Factor {
    fn new(omega: f64, sigma: f64, t: f64) -> Self {
        let r = omega / sigma;
        let (off, density) = (gaussian::tail(r), gaussian::density(r) / sigma);
        let positive = positive_part(omega, sigma, t);
        let frequency = Complex64::new(0.0, t);
        let first = frequency * positive;
        Self {
            psi: [off + positive, first, frequency * (first + density)],
            off: [off, -density, density * r / sigma],
        }
    }
}

impl Energy for ReluEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        let step = STEP.min(0.2 * q.value()).min(0.2 * q.complement());
        let g = |shift: f64| self.g_e(Overlap::new(q.value() + shift));
        let slope = (8.0 * (g(step) - g(-step)) - g(2.0 * step) + g(-2.0 * step)) / (12.0 * step);
        (g(0.0), -2.0 * slope)
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        let (root_q, sigma) = (q.value().max(0.0).sqrt(), q.complement().sqrt());
        let frequencies = self.frequencies(sigma);
        let group = self.units / 2;
        let tables: Vec<Vec<Factor>> = self
            .small
            .nodes
            .iter()
            .map(|&x| frequencies.iter().map(|&(t, _)| Factor::new(root_q * x, sigma, t)).collect())
            .collect();
        let mut kernel = 0.0;
        for plus in &self.small.multisets {
            for minus in &self.small.multisets {
                let weight = plus.weight * minus.weight;
                if weight < 1e-9 {
                    continue;
                }
                let rows: Vec<&Vec<Factor>> = plus
                    .indices()
                    .iter()
                    .chain(minus.indices())
                    .map(|&i| &tables[usize::from(i)])
                    .collect();
                // P with `order[l]` derivatives by ω_l.
                let derivative = |order: &[usize]| {
                    let off: f64 = order.iter().zip(&rows).map(|(&d, row)| row[0].off[d]).product();
                    let integral: f64 = frequencies
                        .iter()
                        .enumerate()
                        .map(|(j, &(_, w))| {
                            let product: Complex64 = order
                                .iter()
                                .zip(&rows)
                                .enumerate()
                                .map(|(l, (&d, row))| {
                                    let psi = row[j].psi[d];
                                    if l < group { psi } else { psi.conj() }
                                })
                                .product();
                            w * product.im
                        })
                        .sum();
                    let ties = if self.ties == Ties::Accept { 0.5 } else { -0.5 };
                    integral + ties * off
                };
                let none = vec![0; self.units];
                let p = (0.5 + derivative(&none)).max(LEAST);
                let with = |l: usize, k: usize| {
                    let mut order = none.clone();
                    order[l] += 1;
                    order[k] += 1;
                    derivative(&order) / p
                };
                let first: Vec<f64> = (0..self.units)
                    .map(|l| {
                        let mut order = none.clone();
                        order[l] = 1;
                        derivative(&order) / p
                    })
                    .collect();
                for l in 0..self.units {
                    for k in 0..=l {
                        let term = with(l, k) - first[l] * first[k];
                        kernel += weight * term * term * if k == l { 1.0 } else { 2.0 };
                    }
                }
            }
        }
        kernel
    }

    fn ln_annealed(&self) -> f64 {
        // Δ = 0 with probability 2^−K, else either sign equally.
        let off = libm::ldexp(1.0, -(self.units as i32));
        libm::log(0.5 + if self.ties == Ties::Accept { 0.5 * off } else { -0.5 * off })
    }

    fn scan_step(&self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::symmetric_capacity::binary_from;

    #[test]
    fn documented_two_units() {
        for (ties, g_e, alpha, q, q_hat) in [
            (Ties::Strict, -1.4432402097, 0.575051024, 0.587457, 2.96419),
            (Ties::Accept, -0.6387965787, 1.308860522, 0.477915, 1.58171),
        ] {
            let [fine, coarse] = ReluEnergy::pair(2, 0.0, ties).unwrap();
            let value = fine.g_e(Overlap::new(0.5));
            assert!((value - g_e).abs() < 2e-10, "{value}");
            let capacity = binary_from(fine, coarse).unwrap();
            assert!((capacity.alpha - alpha).abs() < 2e-9, "{capacity:?}");
            assert!((capacity.order_parameters[0].1 - q).abs() < 1e-6);
            assert!((capacity.order_parameters[1].1 - q_hat).abs() < 1e-5);
        }
    }

    #[test]
    fn documented_four_units() {
        let [fine, coarse] = ReluEnergy::pair(4, 0.0, Ties::Strict).unwrap();
        let capacity = binary_from(fine, coarse).unwrap();
        assert!((capacity.alpha - 0.813619).abs() < 1e-6, "{capacity:?}");
    }

    /// P(Δ > 0) at K = 2 against the direct integral over the positive unit.
    #[test]
    fn contour_against_a_real_integral() {
        let energy = ReluEnergy::new(2, 0.0, Ties::Strict, 20).unwrap();
        let sigma = 0.7;
        for (first, second) in [(0.3, -0.4), (-1.5, 0.8), (2.0, 1.0)] {
            let direct = Legendre::new(60).panels(&[0.0, 1.0, 3.0, 9.0]).mean(|u| {
                gaussian::density((u - first) / sigma) / sigma * gaussian::cdf((u - second) / sigma)
            });
            let off = gaussian::tail(first / sigma) * gaussian::tail(second / sigma);
            let integral: f64 = energy
                .frequencies(sigma)
                .iter()
                .map(|&(t, w)| {
                    let plus = Factor::new(first, sigma, t).psi[0];
                    let minus = Factor::new(second, sigma, t).psi[0];
                    w * (plus * minus.conj()).im
                })
                .sum();
            assert!((0.5 + integral - 0.5 * off - direct).abs() < 1e-13);
        }
    }

    /// The replicon kernel from analytic derivatives against differences of ln P at K = 2.
    #[test]
    fn derivatives_of_the_factor() {
        let (sigma, t, omega, h) = (0.6, 1.3, 0.25, 1e-4);
        let at = |shift: f64| Factor::new(omega + shift, sigma, t);
        for d in 0..2 {
            let psi = (at(h).psi[d] - at(-h).psi[d]) / (2.0 * h) - at(0.0).psi[d + 1];
            let off = (at(h).off[d] - at(-h).off[d]) / (2.0 * h) - at(0.0).off[d + 1];
            assert!(psi.norm() < 1e-7 && off.abs() < 1e-7, "{psi} {off}");
        }
    }

    #[test]
    fn refused_arguments() {
        assert!(matches!(
            ReluEnergy::new(8, 0.0, Ties::Strict, 8),
            Err(TheoryError::Domain { .. })
        ));
        assert!(matches!(
            ReluEnergy::new(2, 0.1, Ties::Strict, 8),
            Err(TheoryError::Unavailable(_))
        ));
    }
}
