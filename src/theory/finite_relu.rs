//! Binary weights with K ReLU units at finite even K, κ = 0: the energetic part.
//!
//! Half of the units have readout +1, half −1. With ω_l = √q x_l, σ = √(1−q), r = ω/σ, s = σt, the
//! characteristic function of one unit's output is ψ(s) = H(r) + E₊,
//! E₊ = ½ e^{−r²/2} w((s − ir)/√2), w the Faddeeva function (crate `errorfunctions`); with
//! F = Π₊ψ Π₋ψ* and the probability P0 = ΠH(r_l) that all units are off,
//! P(Δ > 0) = ½ + (1/π)∫₀^∞ Im F ds/s − ½P0; accepting ties adds P0. With s = L tan θ, L = 3, the
//! integrand is smooth and even at both ends, where the midpoint rule beats Gauss–Legendre: 48
//! nodes leave 1e-13. G_E = ∫ΠDx_l ln P over multisets of trapezoidal nodes for each group; the
//! contour sum is a bilinear form in the two groups, antisymmetric under their exchange. The
//! derivative by q goes along with it: dψ/dr = is E₊. For the replicon kernel,
//! ∂_ω E₊ = it E₊ + G(r)/σ. The contour has an absolute error of 1e-14, so P is kept above 1e-15.
//! 1 ms (K = 2) to 0.5 s (K = 6) for each (G_E, J). Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::gaussian;
use super::model::Ties;
use super::multiset::{Multiset, multisets};
use super::quadrature::{Rule, hermite, trapezoid};
use super::replica_symmetric::{Energy, Resolutions};
use crate::error::TheoryError;
use num_complex::Complex64;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI};

/// Largest K.
const LARGEST: usize = 6;
/// Nodes of the contour, and its scale L.
const CONTOUR: usize = 48;
const SCALE: f64 = 3.0;
/// Absolute error of the contour: P is not known below.
const LEAST: f64 = 1e-15;
/// Half-width of the trapezoid.
const REACH: f64 = 8.6;
/// Pairs of multisets of smaller weight are dropped.
const NEGLIGIBLE: f64 = 1e-21;

/// The energetic part of K ReLU units.
#[derive(Clone, Debug)]
pub struct ReluEnergy {
    units: usize,
    ties: Ties,
    product: Product,
    /// A small rule for the replicon kernel, which only decides a flag.
    small: Product,
    /// (s, weight of ∫ f ds/(πs)).
    contour: Vec<(f64, f64)>,
}

/// The product rule of one group of K/2 units.
#[derive(Clone, Debug)]
struct Product {
    nodes: Vec<f64>,
    multisets: Vec<Multiset>,
}

impl Product {
    fn new(rule: &Rule, units: usize) -> Self {
        let multisets = multisets(rule, units);
        Self { nodes: rule.nodes().iter().map(|&(x, _)| x).collect(), multisets }
    }
}

impl ReluEnergy {
    /// `units` = K ∈ {2, 4, 6}, κ = 0, with a trapezoid of step `step` in each field.
    ///
    /// # Errors
    /// `Domain` for larger K, `Unavailable` for κ ≠ 0.
    pub fn new(units: usize, kappa: f64, ties: Ties, step: f64) -> Outcome<Self> {
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
        let width = FRAC_PI_2 / CONTOUR as f64;
        let contour = (0..CONTOUR)
            .map(|i| {
                let theta = (i as f64 + 0.5) * width;
                let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
                (SCALE * sine / cosine, width / (PI * sine * cosine))
            })
            .collect();
        Ok(Self {
            units,
            ties,
            product: Product::new(&trapezoid(REACH, step), group),
            small: Product::new(&hermite(small), group),
            contour,
        })
    }

    /// At three resolutions.
    ///
    /// # Errors
    /// As [`ReluEnergy::new`].
    pub fn resolutions(units: usize, kappa: f64, ties: Ties) -> Outcome<Resolutions<Self>> {
        let [fine, check, coarse] = match units {
            2 => [0.3, 0.4, 0.6],
            4 => [0.42, 0.5, 0.75],
            _ => [0.58, 0.66, 1.0],
        };
        let energy = |step| Self::new(units, kappa, ties, step);
        Ok(Resolutions { fine: energy(fine)?, check: energy(check)?, coarse: energy(coarse)? })
    }

    /// (t, weight of ∫ f dt/(πt)) of the contour.
    fn frequencies(&self, sigma: f64) -> Vec<(f64, f64)> {
        self.contour.iter().map(|&(s, weight)| (s / sigma, weight)).collect()
    }

    /// (G_E, dG_E/dq).
    fn g_e(&self, q: Overlap) -> (f64, f64) {
        let (p, complement) = (q.value().max(0.0), q.complement());
        let ratio = (p / complement).sqrt();
        // d√(q/(1−q))/dq.
        let ratio_by_q = 0.5 / (p.sqrt() * complement * complement.sqrt());
        // Per node: H(r) and ψ, each with its derivative by q.
        let off: Vec<[f64; 2]> = self
            .product
            .nodes
            .iter()
            .map(|&x| {
                let r = ratio * x;
                [gaussian::tail(r), -gaussian::density(r) * x * ratio_by_q]
            })
            .collect();
        let unit: Vec<Vec<[Complex64; 2]>> = self
            .product
            .nodes
            .iter()
            .zip(&off)
            .map(|(&x, h)| {
                let r = ratio * x;
                let psi = |&(s, _): &(f64, f64)| {
                    let positive = positive_part(r, 1.0, s);
                    [h[0] + positive, Complex64::new(0.0, s * x * ratio_by_q) * positive]
                };
                self.contour.iter().map(psi).collect()
            })
            .collect();
        let rows: Vec<Row> = self
            .product
            .multisets
            .iter()
            .map(|multiset| Row::new(multiset, &off, &unit, &self.contour))
            .collect();
        // Strict storage leaves the ties out, half of which the principal value counts.
        let ties = if self.ties == Ties::Accept { 0.5 } else { -0.5 };
        let (mut total, mut slope) = (0.0, 0.0);
        let mut add = |weight: f64, above: f64, by_q: f64| {
            if above > LEAST {
                total += weight * libm::log(above);
                slope += weight * by_q / above;
            } else {
                total += weight * libm::log(LEAST);
            }
        };
        for (a, row) in rows.iter().enumerate() {
            for (b, other) in rows[..=a].iter().enumerate() {
                let weight = row.weight * other.weight;
                if weight < NEGLIGIBLE {
                    continue;
                }
                let skew = dot(&row.left, &other.right);
                let skew_by_q =
                    dot(&row.left_by_q, &other.right) + dot(&row.left, &other.right_by_q);
                let all_off = ties * row.off[0] * other.off[0];
                let off_by_q = ties * (row.off[1] * other.off[0] + row.off[0] * other.off[1]);
                add(weight, 0.5 + skew + all_off, skew_by_q + off_by_q);
                if a != b {
                    add(weight, 0.5 - skew + all_off, off_by_q - skew_by_q);
                }
            }
        }
        (total, slope)
    }
}

/// Products over one group of units, along the contour: F as (Re, Im) and as (W Im, −W Re), so
/// that Σ W Im(F_a F_b*) is a dot product; the derivatives by q; and the probability that all
/// units are off.
struct Row {
    weight: f64,
    right: Vec<f64>,
    right_by_q: Vec<f64>,
    left: Vec<f64>,
    left_by_q: Vec<f64>,
    off: [f64; 2],
}

impl Row {
    fn new(
        multiset: &Multiset,
        off: &[[f64; 2]],
        unit: &[Vec<[Complex64; 2]>],
        contour: &[(f64, f64)],
    ) -> Self {
        let indices = multiset.indices();
        let all_off = indices.iter().fold([1.0, 0.0], |[h, by_q], &i| {
            let [own, own_by_q] = off[usize::from(i)];
            [h * own, by_q * own + h * own_by_q]
        });
        let width = 2 * contour.len();
        let vector = || Vec::with_capacity(width);
        let mut row = Self {
            weight: multiset.weight,
            right: vector(),
            right_by_q: vector(),
            left: vector(),
            left_by_q: vector(),
            off: all_off,
        };
        let start = [Complex64::new(1.0, 0.0), Complex64::new(0.0, 0.0)];
        for (j, &(_, weight)) in contour.iter().enumerate() {
            let [f, by_q] = indices.iter().fold(start, |[f, by_q], &i| {
                let [psi, psi_by_q] = unit[usize::from(i)][j];
                [f * psi, by_q * psi + f * psi_by_q]
            });
            row.right.extend([f.re, f.im]);
            row.right_by_q.extend([by_q.re, by_q.im]);
            row.left.extend([weight * f.im, -weight * f.re]);
            row.left_by_q.extend([weight * by_q.im, -weight * by_q.re]);
        }
        row
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
        let (g_e, slope) = self.g_e(q);
        (g_e, -2.0 * slope)
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
    use crate::theory::quadrature::Legendre;
    use crate::theory::symmetric_capacity::binary_from;

    #[test]
    fn documented_two_units() {
        for (ties, g_e, alpha, q, q_hat) in [
            (Ties::Strict, -1.4432402097, 0.575051024, 0.587457, 2.96419),
            (Ties::Accept, -0.6387965787, 1.308860522, 0.477915, 1.58171),
        ] {
            let resolutions = ReluEnergy::resolutions(2, 0.0, ties).unwrap();
            let value = resolutions.fine.at(Overlap::new(0.5)).0;
            assert!((value - g_e).abs() < 6e-11, "{value}");
            let capacity = binary_from(resolutions).unwrap();
            assert!((capacity.alpha - alpha).abs() < 6e-10, "{capacity:?}");
            assert!(capacity.error < 1e-9, "{capacity:?}");
            assert!((capacity.order_parameters[0].1 - q).abs() < 1e-6);
            assert!((capacity.order_parameters[1].1 - q_hat).abs() < 1e-5);
        }
    }

    #[test]
    fn documented_four_units() {
        let capacity = binary_from(ReluEnergy::resolutions(4, 0.0, Ties::Strict).unwrap()).unwrap();
        assert!((capacity.alpha - 0.813619).abs() < 6e-7, "{capacity:?}");
        assert!(capacity.error < 2e-9, "{capacity:?}");
    }

    /// J against a difference of G_E.
    #[test]
    fn response_is_a_derivative() {
        for (units, ties, step) in [(2, Ties::Accept, 0.4), (4, Ties::Strict, 0.7)] {
            let energy = ReluEnergy::new(units, 0.0, ties, step).unwrap();
            let h = 2e-3;
            let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
            let slope = (8.0 * (g(h) - g(-h)) - g(2.0 * h) + g(-2.0 * h)) / (12.0 * h);
            let response = energy.at(Overlap::new(0.4)).1;
            assert!((response + 2.0 * slope).abs() < 1e-8, "{units}: {response} {slope}");
        }
    }

    /// P(Δ > 0) at K = 2 against the direct integral over the positive unit.
    #[test]
    fn contour_against_a_real_integral() {
        let energy = ReluEnergy::new(2, 0.0, Ties::Strict, 0.6).unwrap();
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
            ReluEnergy::new(8, 0.0, Ties::Strict, 1.0),
            Err(TheoryError::Domain { .. })
        ));
        assert!(matches!(
            ReluEnergy::new(2, 0.1, Ties::Strict, 1.0),
            Err(TheoryError::Unavailable(_))
        ));
    }
}
