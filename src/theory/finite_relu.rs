//! Binary weights with K ReLU units at finite even K: the energetic part.
//!
//! Half of the units have readout +1, half −1. With ω_l = √q x_l, r_l = ω_l/√(1−q):
//! G_E = ∫ΠDx_l ln P, P = P(Δ > κ) from the contour integral of [`super::relu_contour`], a scalar
//! product of two rows ([`super::relu_rows`]), one a group. The K variables run over the lattice
//! D_K^*: both groups over multisets of the nodes of one coset, then of the other.
//! The derivative by q goes along with it. For the replicon kernel the rows with one or two
//! derivatives by fields of the group give those of P.
//! P is known to 1e-15 of its bound E e^{η(D−k)} only, and kept above that.
//!
//! At κ = 0 a tie, all units off, counts as ½ in the principal value: strict storage takes it away,
//! `--ties accept` adds it. Elsewhere ties have no weight. At κ = 0 the form is antisymmetric under
//! exchange of the groups. 1 ms (K = 2) to 40 ms (K = 6) for each (G_E, J), several times that at
//! κ ≠ 0, where the contour has more nodes and the singularities lie closer. Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::gaussian;
use super::model::Ties;
use super::multiset::Multiset;
use super::relu_contour::{Contour, NODES, factor};
use super::relu_rows::{Coset, Fields, Forms, Machine, bound, rows};
use super::replica_symmetric::{Energy, Resolutions};
use crate::error::TheoryError;
use crate::simd::Isa;
use num_complex::Complex64;

/// Largest K.
const LARGEST: usize = 6;
/// Largest margin.
const LARGEST_KAPPA: f64 = 1.2;
/// Relative error of the contour: P is not known below this share of its bound.
const LEAST: f64 = 1e-15;

/// The energetic part of K ReLU units.
#[derive(Clone, Debug)]
pub struct ReluEnergy {
    units: usize,
    kappa: f64,
    ties: Ties,
    /// Nodes of the contour.
    contour: usize,
    /// Step of the lattice for q up to about ½, and its cut.
    step: f64,
    cut: f64,
}

impl ReluEnergy {
    /// `units` = K ∈ {2, 4, 6}, on a lattice of step `step` without pairs of weight below `cut`,
    /// with `contour` nodes of the contour where κ = 0.
    ///
    /// # Errors
    /// `Domain` for other K, `Unavailable` for κ > 1.2.
    pub fn new(
        units: usize,
        kappa: f64,
        ties: Ties,
        (step, cut, contour): (f64, f64, usize),
    ) -> Outcome<Self> {
        if units > LARGEST || !units.is_multiple_of(2) || units == 0 {
            return Err(TheoryError::Domain {
                argument: "hidden",
                value: units.to_string(),
                expected: "2, 4 or 6 ReLU units, or inf".into(),
            });
        }
        if kappa > LARGEST_KAPPA {
            return Err(TheoryError::Unavailable(format!(
                "ReLU at K = {units} with kappa = {kappa}: beyond {LARGEST_KAPPA} the small \
                 probabilities to store a pattern lose their digits"
            )));
        }
        Ok(Self { units, kappa, ties, contour, step, cut })
    }

    /// At three resolutions.
    ///
    /// # Errors
    /// As [`ReluEnergy::new`].
    pub fn resolutions(units: usize, kappa: f64, ties: Ties) -> Outcome<Resolutions<Self>> {
        let [fine, check, coarse] = match units {
            2 if kappa > 0.0 => [0.36, 0.4, 0.8],
            2 => [0.5, 0.57, 0.9],
            4 => [0.48, 0.54, 0.9],
            _ => [0.68, 0.78, 1.2],
        };
        let energy = |step, cut, nodes| Self::new(units, kappa, ties, (step, cut, nodes));
        Ok(Resolutions {
            fine: energy(fine, 1e-16, NODES)?,
            check: energy(check, 1e-15, NODES - 7)?,
            coarse: energy(coarse, 1e-10, NODES * 3 / 4)?,
        })
    }

    fn machine(&self, q: Overlap) -> Machine {
        let (p, complement) = (q.value().max(1e-30), q.complement());
        let threshold = self.kappa * (self.units as f64 / complement).sqrt();
        Machine {
            contour: Contour::new(threshold, self.units, self.contour),
            ratio: (p / complement).sqrt(),
            ratio_by_q: 0.5 / (p.sqrt() * complement * complement.sqrt()),
        }
    }

    /// The lattice: a larger q moves the singularities of ln P closer to the real axis.
    fn fields(&self, machine: &Machine, step: f64, cut: f64) -> Fields {
        Fields::new(self.units, step / (machine.ratio / 0.95).clamp(1.0, 4.0), cut)
    }

    /// What a tie adds to the principal value.
    fn tie(&self, contour: &Contour) -> f64 {
        match (contour.balanced, self.ties) {
            (false, _) => 0.0,
            (true, Ties::Accept) => 0.5,
            (true, Ties::Strict) => -0.5,
        }
    }

    /// G_E and, with `SLOPE`, dG_E/dq.
    fn sum<const SLOPE: bool>(&self, q: Overlap) -> (f64, f64) {
        let machine = self.machine(q);
        let lattice = self.fields(&machine, self.step, self.cut);
        let contour = &machine.contour;
        let (base, sign, tie) = (contour.base, contour.sign(), self.tie(contour));
        let distance_by_q = 0.5 * contour.distance / q.complement();
        let (mut total, mut slope) = (0.0, 0.0);
        let isa = Isa::selected();
        let mut forms: Vec<[f64; 2]> = Vec::new();
        for coset in &lattice.cosets {
            let larger = rows(coset, &machine, true, distance_by_q);
            let smaller = rows(coset, &machine, false, distance_by_q);
            for (a, row) in larger.iter().enumerate() {
                let enough = lattice.cut / row.weight;
                let end = smaller.partition_point(|other| other.weight > enough);
                let end = if contour.balanced { end.min(a + 1) } else { end };
                isa.run(Forms::<SLOPE> { row, others: &smaller[..end], forms: &mut forms });
                for (b, (other, &[sum, sum_by_q])) in smaller[..end].iter().zip(&forms).enumerate()
                {
                    let weight = row.weight * other.weight;
                    let off = tie * row.off[0] * other.off[0];
                    let off_by_q = tie * (row.off[1] * other.off[0] + row.off[0] * other.off[1]);
                    let floor = LEAST * bound(contour, row, other);
                    let mut add = |p: f64, by_q: f64| {
                        if p > floor {
                            total += weight * libm::log(p);
                            slope += weight * by_q / p;
                        } else {
                            total += weight * libm::log(floor);
                        }
                    };
                    add(base + sign * sum + off, sign * sum_by_q + off_by_q);
                    if contour.balanced && a != b {
                        add(base - sum + off, off_by_q - sum_by_q);
                    }
                }
            }
        }
        (0.5 * total, 0.5 * slope)
    }
}

/// One group's multiset for the replicon kernel: along the contour and for the tie, the product
/// over its units, with one unit's derivative by its field, and with those of two (or twice one).
struct Derivatives {
    weight: f64,
    plain: (Vec<Complex64>, f64),
    single: Vec<(Vec<Complex64>, f64)>,
    /// (l, l', row), l' ≤ l.
    double: Vec<(usize, usize, (Vec<Complex64>, f64))>,
}

/// The group's rows, one for each multiset.
fn derivatives(coset: &Coset, machine: &Machine, larger: bool) -> Vec<Derivatives> {
    let contour = &machine.contour;
    let table: Vec<(Vec<[Complex64; 4]>, [f64; 3])> = coset
        .nodes
        .iter()
        .map(|&x| {
            let r = machine.ratio * x;
            let along = contour.nodes.iter().map(|&(s, _)| factor(r, if larger { s } else { -s }));
            let density = gaussian::density(r);
            (along.collect(), [gaussian::tail(r), -density, density * r])
        })
        .collect();
    let make = |multiset: &Multiset| {
        let units: Vec<_> = multiset.indices().iter().map(|&i| &table[usize::from(i)]).collect();
        let row = |order: &dyn Fn(usize) -> usize| {
            let off: f64 = units.iter().enumerate().map(|(l, unit)| unit.1[order(l)]).product();
            let along = contour.nodes.iter().enumerate().map(|(j, &(_, weight))| {
                let one = Complex64::new(1.0, 0.0);
                let f = units.iter().enumerate().fold(one, |f, (l, unit)| f * unit.0[j][order(l)]);
                match (larger, contour.base == 0.0) {
                    (true, true) => weight * (f - off),
                    (true, false) => weight * f,
                    (false, _) => f,
                }
            });
            (along.collect(), off)
        };
        let count = |l: usize, k: usize| usize::from(l == k);
        let pairs = (0..units.len()).flat_map(|l| (0..=l).map(move |k| (l, k)));
        Derivatives {
            weight: multiset.weight,
            plain: row(&|_| 0),
            single: (0..units.len()).map(|l| row(&|i| count(i, l))).collect(),
            double: pairs.map(|(l, k)| (l, k, row(&|i| count(i, l) + count(i, k)))).collect(),
        }
    };
    coset.multisets.iter().map(make).collect()
}

impl Energy for ReluEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        let (g_e, slope) = self.sum::<true>(q);
        (g_e, -2.0 * slope)
    }

    fn g_e(&self, q: Overlap) -> f64 {
        self.sum::<false>(q).0
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        let machine = self.machine(q);
        let contour = &machine.contour;
        let tie = self.tie(contour);
        // Coarse: the replicon only decides a flag.
        let small = self.fields(&machine, [0.7, 1.1, 1.5][self.units / 2 - 1], 1e-8);
        let form = |x: &(Vec<Complex64>, f64), y: &(Vec<Complex64>, f64)| {
            let sum: f64 = x.0.iter().zip(&y.0).map(|(a, b)| a.re * b.re - a.im * b.im).sum();
            contour.sign() * sum + tie * x.1 * y.1
        };
        let mut kernel = 0.0;
        for coset in &small.cosets {
            let larger = derivatives(coset, &machine, true);
            let smaller = derivatives(coset, &machine, false);
            for row in &larger {
                let enough = small.cut / row.weight;
                for other in smaller.iter().take_while(|other| other.weight > enough) {
                    let p = contour.base + form(&row.plain, &other.plain);
                    if p < 1e-11 {
                        continue;
                    }
                    let of_larger: Vec<f64> =
                        row.single.iter().map(|x| form(x, &other.plain) / p).collect();
                    let of_smaller: Vec<f64> =
                        other.single.iter().map(|y| form(&row.plain, y) / p).collect();
                    let mut sum = 0.0;
                    let mut add = |second: f64, product: f64, times: f64| {
                        let term = second / p - product;
                        sum += times * term * term;
                    };
                    let times = |l: usize, k: usize| if l == k { 1.0 } else { 2.0 };
                    for (l, k, x) in &row.double {
                        let product = of_larger[*l] * of_larger[*k];
                        add(form(x, &other.plain), product, times(*l, *k));
                    }
                    for (l, k, y) in &other.double {
                        let product = of_smaller[*l] * of_smaller[*k];
                        add(form(&row.plain, y), product, times(*l, *k));
                    }
                    for (x, first) in row.single.iter().zip(&of_larger) {
                        for (y, second) in other.single.iter().zip(&of_smaller) {
                            add(form(x, y), first * second, 2.0);
                        }
                    }
                    kernel += row.weight * other.weight * sum;
                }
            }
        }
        // Derivatives by ω = σ r.
        0.5 * kernel / (q.complement() * q.complement())
    }

    fn ln_annealed(&self) -> f64 {
        if self.kappa == 0.0 {
            // Δ = 0 with probability 2^−K, else either sign equally.
            let off = libm::ldexp(1.0, -(self.units as i32));
            return libm::log(0.5 + if self.ties == Ties::Accept { 0.5 * off } else { -0.5 * off });
        }
        let contour = Contour::new(self.kappa * (self.units as f64).sqrt(), self.units, NODES);
        let group = (self.units / 2) as i32;
        let sum: f64 = contour
            .nodes
            .iter()
            .map(|&(s, weight)| {
                let atom = if contour.base == 0.0 { libm::ldexp(1.0, -group) } else { 0.0 };
                let larger = factor(0.0, s)[0].powi(group) - atom;
                (weight * larger * factor(0.0, -s)[0].powi(group)).re
            })
            .sum();
        libm::log(contour.base + contour.sign() * sum)
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

    /// J against a difference of G_E, margins of both signs.
    #[test]
    fn response_is_a_derivative() {
        for (units, kappa, ties, step) in [
            (2, 0.0, Ties::Accept, 0.5),
            (4, 0.0, Ties::Strict, 0.9),
            (2, 0.6, Ties::Strict, 0.5),
            (4, -0.4, Ties::Strict, 0.9),
        ] {
            let energy = ReluEnergy::new(units, kappa, ties, (step, 1e-15, NODES)).unwrap();
            let h = 2e-3;
            let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
            let slope = (8.0 * (g(h) - g(-h)) - g(2.0 * h) + g(-2.0 * h)) / (12.0 * h);
            let response = energy.at(Overlap::new(0.4)).1;
            assert!((response + 2.0 * slope).abs() < 2e-8, "{units}: {response} {slope}");
        }
    }

    /// G_E at K = 2 by nested real integrals, which share nothing with the contour or the lattice;
    /// q = 0 is the annealed value; a large margin keeps its digits.
    #[test]
    fn two_units_by_real_integrals() {
        let q = 0.45f64;
        let sigma = (1.0 - q).sqrt();
        let outer = Legendre::new(20).gaussian(8.2, &[-3.0, -1.0, 0.0, 1.0, 3.0]);
        for kappa in [0.0, 0.3, 1.0, -0.5f64] {
            let k = kappa * 2f64.sqrt() / sigma;
            let probability = |first: f64, second: f64| {
                let breaks: Vec<f64> = (0..=7).map(|i| k.max(0.0) + 2.5 * f64::from(i)).collect();
                let on = Legendre::new(24)
                    .panels(&breaks)
                    .mean(|u| gaussian::density(u - first) * gaussian::cdf(u - k - second));
                let both = if k < 0.0 { gaussian::cdf(-k - second) } else { 0.0 };
                on + gaussian::tail(first) * both
            };
            let scale = q.sqrt() / sigma;
            let mean = outer
                .mean(|x| outer.mean(|y| libm::log(probability(scale * x, scale * y).max(1e-300))));
            let energy = ReluEnergy::new(2, kappa, Ties::Strict, (0.5, 1e-16, NODES)).unwrap();
            let found = energy.at(Overlap::new(q)).0;
            assert!((found / mean - 1.0).abs() < 1e-7, "{kappa}: {found} {mean}");
            let near_zero = energy.at(Overlap::new(1e-9)).0;
            assert!((near_zero / energy.ln_annealed() - 1.0).abs() < 1e-8, "{kappa} {near_zero}");
        }
    }

    /// The replicon kernel at K = 2 from differences of ln P.
    #[test]
    fn kernel_by_differences() {
        let q = Overlap::new(0.4);
        for (kappa, ties) in [(0.0, Ties::Strict), (0.0, Ties::Accept), (0.5, Ties::Strict)] {
            let energy = ReluEnergy::new(2, kappa, ties, (0.5, 1e-15, NODES)).unwrap();
            let machine = energy.machine(q);
            let (contour, sigma) = (&machine.contour, q.complement().sqrt());
            let ln_p = |x: f64, y: f64| {
                let sum: f64 = contour
                    .nodes
                    .iter()
                    .map(|&(s, w)| {
                        let kind = if contour.base == 0.0 { 3 } else { 0 };
                        (w * factor(x / sigma, s)[kind] * factor(y / sigma, -s)[0]).re
                    })
                    .sum();
                let off = gaussian::tail(x / sigma) * gaussian::tail(y / sigma);
                libm::log(contour.base + contour.sign() * sum + energy.tie(contour) * off)
            };
            let h = 2e-3;
            let rule = Legendre::new(16).gaussian(5.0, &[-1.5, 1.5]);
            let root = q.value().sqrt();
            let direct = rule.mean(|x| {
                rule.mean(|y| {
                    let f = |i: f64, j: f64| ln_p(root * x + i * h, root * y + j * h);
                    let middle = 2.0 * f(0.0, 0.0);
                    let first = (f(1.0, 0.0) + f(-1.0, 0.0) - middle) / (h * h);
                    let second = (f(0.0, 1.0) + f(0.0, -1.0) - middle) / (h * h);
                    let mixed =
                        (f(1.0, 1.0) + f(-1.0, -1.0) - f(1.0, -1.0) - f(-1.0, 1.0)) / (4.0 * h * h);
                    first * first + second * second + 2.0 * mixed * mixed
                })
            });
            let kernel = energy.replicon_kernel(q);
            assert!((kernel / direct - 1.0).abs() < 1e-3, "{kappa} {kernel} {direct}");
        }
    }

    #[test]
    fn refused_arguments() {
        for units in [0, 3, 8] {
            let energy = ReluEnergy::new(units, 0.0, Ties::Strict, (1.0, 1e-10, NODES));
            assert!(matches!(energy, Err(TheoryError::Domain { .. })));
        }
    }
}
