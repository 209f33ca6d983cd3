//! Binary weights with K ReLU units at finite even K: the energetic part.
//!
//! Half of the units have readout +1, half −1. With ω_l = √q x_l, fields r_l = ω_l/√(1−q) in units of
//! σ = √(1−q), k = κ√K/σ and the groups' sums S₊, S₋ of max(0, λ_l)/σ:
//! G_E = ∫ΠDx_l ln P, P = P(S₊ − S₋ > k) = ∫f₊(k + y) F₋(y) dy, a scalar product of two rows
//! ([`super::relu_groups`]), one a group; the fields run over the lattices of [`super::relu_fields`].
//! For k < 0 the atom of S₊ counts too, P = ∫f₊(y) F₋(y + |k|) dy + A₊F₋(|k|); far below,
//! P = 1 − P(S₋ − S₊ > |k|). At κ = 0 a tie, all units off, does not count in this integral;
//! `--ties accept` adds A₊A₋. Elsewhere ties have no weight.
//!
//! J = −2 dG_E/dq from four values of G_E: the derivative of their interpolating polynomial. All terms of P
//! are positive, so that P keeps its relative accuracy however small. The replicon kernel has rows
//! with derivatives by one or two fields. Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::elementary::{ln, ln_complement};
use super::model::Ties;
use super::relu_fields::{self, LARGEST, Point, Steps};
use super::relu_groups::{Block, Grid, Kind, LANES, Lanes, Points, block};
use super::replica_symmetric::{Energy, Resolutions};
use crate::error::TheoryError;
use crate::simd::{Isa, Work};

/// Largest margin: beyond, the lattice would have to be too fine.
const LARGEST_KAPPA: f64 = 3.0;
/// Threshold k below which 1 − P is computed.
const COMPLEMENT: f64 = -6.0;
/// Field per x up to which the steps are as given.
const RATIO: f64 = 0.95;
/// P is kept above.
const LEAST: f64 = 1e-300;

/// How finely everything is resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    steps: Steps,
    /// Pairs of points of smaller weight are left out.
    cut: f64,
    /// Nodes a panel of the sums.
    nodes: usize,
}

/// The energetic part of K ReLU units.
#[derive(Clone, Debug)]
pub struct ReluEnergy {
    units: usize,
    kappa: f64,
    ties: Ties,
    resolution: Resolution,
}

/// Larger margins bring the zeros of P closer to equal fields.
fn narrowing(kappa: f64) -> f64 {
    1.0 + kappa.clamp(0.0, 1.1)
}

/// P(S₊ − S₋ > k) at one q.
struct Threshold {
    ratio: f64,
    grids: [Grid; 2],
    atom: bool,
    complement: bool,
}

impl ReluEnergy {
    /// `units` = K ∈ {2, 4, 6}.
    ///
    /// # Errors
    /// `Domain` for other K, `Unavailable` for κ > 3.
    pub fn new(units: usize, kappa: f64, ties: Ties, resolution: Resolution) -> Outcome<Self> {
        if units > 2 * LARGEST || !units.is_multiple_of(2) || units == 0 {
            return Err(TheoryError::Domain {
                argument: "hidden",
                value: units.to_string(),
                expected: "2, 4 or 6 ReLU units, or inf".into(),
            });
        }
        if kappa > LARGEST_KAPPA {
            return Err(TheoryError::Unavailable(format!(
                "ReLU at K = {units} with kappa = {kappa}: known up to kappa = {LARGEST_KAPPA}"
            )));
        }
        Ok(Self { units, kappa, ties, resolution })
    }

    /// At three resolutions.
    ///
    /// # Errors
    /// As [`ReluEnergy::new`].
    pub fn resolutions(units: usize, kappa: f64, ties: Ties) -> Outcome<Resolutions<Self>> {
        let steps = |difference: f64, mean, single| Steps {
            difference: difference / narrowing(kappa),
            mean,
            single,
        };
        let [fine, check, coarse] = match units {
            2 => [steps(1.0, 0.5, 0.5), steps(1.0, 0.57, 0.57), steps(1.0, 0.8, 0.9)],
            4 => [steps(0.8, 0.75, 1.1), steps(0.88, 0.8, 1.17), steps(1.4, 1.0, 1.5)],
            _ => [steps(0.62, 0.7, 1.12), steps(0.67, 0.75, 1.17), steps(1.0, 1.0, 1.5)],
        };
        // Where nearly every pattern is stored, rare fields decide.
        let rough = Resolution { steps: coarse, cut: 0.0, nodes: 8 };
        let scale = (-Self::new(units, kappa, ties, rough)?.ln_annealed()).min(1.0);
        let energy = |steps, cut: f64, nodes| {
            Self::new(units, kappa, ties, Resolution { steps, cut: cut * scale, nodes })
        };
        Ok(Resolutions {
            fine: energy(fine, 1e-15, 9)?,
            check: energy(check, 4e-15, 8)?,
            coarse: energy(coarse, 1e-9, 5)?,
        })
    }

    /// For the replicon: 1e-4, 1e-3 at large margins.
    fn kernel_resolution(&self) -> Resolution {
        let steps = Steps { difference: 0.9 / narrowing(self.kappa), mean: 0.85, single: 1.35 };
        Resolution { steps, cut: 1e-8, nodes: 5 }
    }

    /// The replicon kernel at `resolution`.
    fn kernel_with(&self, resolution: Resolution, q: Overlap) -> f64 {
        let isa = Isa::selected();
        let energy = Self { resolution, ..self.clone() };
        let threshold = energy.threshold(q, 3);
        let kinds = derivatives(self.group());
        let mut total = 0.0;
        for shift in [0.0, 0.5] {
            let groups = energy.points(q, shift);
            let [larger, smaller] =
                [0, 1].map(|i| threshold.derivatives(isa, i, &groups[i], self.group(), &kinds));
            for a in &larger {
                let heavy =
                    |b: &Vec<Block>| b[0].weights[0] * a[0].weights[0] > energy.resolution.cut;
                for b in &smaller[..smaller.partition_point(heavy)] {
                    let complement = threshold.complement;
                    isa.run(Curvature { a, b, kinds: &kinds, complement, total: &mut total });
                }
            }
        }
        // Derivatives by ω = σ r; two cosets.
        0.5 * total / (q.complement() * q.complement())
    }

    fn group(&self) -> usize {
        self.units / 2
    }

    /// √(q/(1−q)).
    fn ratio(q: Overlap) -> f64 {
        (q.value().max(0.0) / q.complement()).sqrt()
    }

    /// The points of the two groups in a coset.
    fn points(&self, q: Overlap, shift: f64) -> [Vec<Point>; 2] {
        let factor = (RATIO / Self::ratio(q)).min(1.0);
        let Resolution { steps, cut, .. } = self.resolution;
        let steps = steps.scaled(factor);
        [
            relu_fields::larger_group(self.group(), steps, shift, cut),
            relu_fields::smaller_group(self.group(), steps, shift, cut),
        ]
    }

    /// With rows for derivatives up to `orders` − 1.
    fn threshold(&self, q: Overlap, orders: usize) -> Threshold {
        // λ_l of all fields together is N(0, 1/σ²) in units of σ: with probability e^−15 at most each
        // of the two sums lies beyond the reach.
        const WEIGHT: f64 = 30.0;
        let ratio = Self::ratio(q);
        let reach = (WEIGHT * self.group() as f64 / q.complement()).sqrt();
        // Steep where the fields are large.
        let width = 1.4 * (RATIO / ratio).min(1.0).sqrt();
        let k = self.kappa * (self.units as f64 / q.complement()).sqrt();
        let grid = |shift: f64| Grid::new(self.resolution.nodes, width, shift, reach, orders);
        let complement = k < COMPLEMENT;
        let upward = k >= 0.0 || complement;
        let shift = k.abs();
        Threshold {
            ratio,
            grids: if upward { [grid(shift), grid(0.0)] } else { [grid(0.0), grid(shift)] },
            atom: !upward || (k == 0.0 && self.ties == Ties::Accept),
            complement,
        }
    }

    /// G_E at `q` on the given points of each coset.
    fn sum(&self, cosets: &[[Vec<Point>; 2]; 2], q: Overlap) -> f64 {
        let isa = Isa::selected();
        let threshold = self.threshold(q, 1);
        let mut total = 0.0;
        for groups in cosets {
            let [larger, smaller] = threshold.blocks(isa, groups, self.group());
            for a in &larger {
                let end =
                    smaller.partition_point(|b| b.weights[0] * a.weights[0] > self.resolution.cut);
                let (smaller, complement) = (&smaller[..end], threshold.complement);
                isa.run(MeanLog { a, smaller, complement, total: &mut total });
            }
        }
        0.5 * total
    }

    /// (G_E, dG_E/dq) from four values around q.
    fn with_slope(&self, q: Overlap) -> (f64, f64) {
        let cosets = [0.0, 0.5].map(|shift| self.points(q, shift));
        let step = 2e-3 * q.complement();
        // Not below q = 0.
        let before = (q.value() / step).min(1.5);
        let offsets = [0.0, 1.0, 2.0, 3.0].map(|i| i - before);
        let values = offsets.map(|x| {
            let complement = q.complement() - x * step;
            self.sum(&cosets, Overlap::from_complement(complement))
        });
        let (value, slope) = interpolated(&offsets, &values);
        (value, slope / step)
    }
}

/// Value and derivative at 0 of the polynomial through four points.
fn interpolated(x: &[f64; 4], y: &[f64; 4]) -> (f64, f64) {
    let (mut value, mut slope) = (0.0, 0.0);
    for i in 0..4 {
        // Π(x − x_j)/(x_i − x_j) = (zeroth + first·x + …)/scale.
        let (mut zeroth, mut first, mut scale) = (1.0, 0.0, 1.0);
        for j in (0..4).filter(|&j| j != i) {
            (zeroth, first) = (-x[j] * zeroth, zeroth - x[j] * first);
            scale *= x[i] - x[j];
        }
        value += y[i] * zeroth / scale;
        slope += y[i] * first / scale;
    }
    (value, slope)
}

impl Threshold {
    /// The rows of both groups.
    fn blocks(&self, isa: Isa, groups: &[Vec<Point>; 2], units: usize) -> [Vec<Block>; 2] {
        let none = [[0; LARGEST]];
        [0, 1].map(|i| self.derivatives(isa, i, &groups[i], units, &none).concat())
    }

    /// Eight points at a time, the rows of one group, with the derivatives of `kinds`.
    fn derivatives(
        &self,
        isa: Isa,
        group: usize,
        points: &[Point],
        units: usize,
        kinds: &[[usize; LARGEST]],
    ) -> Vec<Vec<Block>> {
        let rows = |points: &[Point]| -> Vec<Block> {
            let points = Points::new(isa, &self.grids[group], units, self.ratio, points);
            let kind = |&orders| Kind { integrated: group == 1, atom: self.atom, orders };
            kinds.iter().map(|orders| block(isa, &points, kind(orders))).collect()
        };
        points.chunks(LANES).map(rows).collect()
    }
}

/// Scalar products of the rows of two blocks, four of the second.
#[inline(always)]
fn products(a: &Block, b: &Block, from: usize) -> [Lanes; 4] {
    let mut sums = [[0.0; LANES]; 4];
    for (x, y) in a.values.iter().zip(&b.values) {
        for (l, sums) in sums.iter_mut().enumerate() {
            for i in 0..LANES {
                sums[i] += x[i] * y[from + l];
            }
        }
    }
    sums
}

/// Σ weights · ln P over all pairs of a block with others.
struct MeanLog<'a> {
    a: &'a Block,
    smaller: &'a [Block],
    complement: bool,
    total: &'a mut f64,
}

impl Work for MeanLog<'_> {
    #[inline(always)]
    fn run(self) {
        let mut lanes = [0.0; LANES];
        for b in self.smaller {
            for from in [0, 4] {
                let sums = products(self.a, b, from);
                for (l, sums) in sums.iter().enumerate() {
                    for i in 0..LANES {
                        let log = if self.complement {
                            ln_complement(sums[i])
                        } else {
                            ln(if sums[i] > LEAST { sums[i] } else { LEAST })
                        };
                        lanes[i] += b.weights[from + l] * log;
                    }
                }
            }
        }
        for (lane, weight) in lanes.iter().zip(self.a.weights) {
            *self.total += weight * lane;
        }
    }
}

/// The derivatives by fields of a group that the replicon needs: none, one, two, and how often they
/// stand in Σ_{ll'}.
fn derivatives(units: usize) -> Vec<[usize; LARGEST]> {
    let by = |fields: &[usize]| {
        let mut orders = [0; LARGEST];
        fields.iter().for_each(|&l| orders[l] += 1);
        orders
    };
    let pairs = (0..units).flat_map(|l| (0..=l).map(move |k| [l, k]));
    std::iter::once(by(&[]))
        .chain((0..units).map(|l| by(&[l])))
        .chain(pairs.map(|pair| by(&pair)))
        .collect()
}

/// Σ weights · Σ_{ll'}(∂_l ∂_l' ln P)² over the pairs of two blocks, each with its derivatives.
struct Curvature<'a> {
    a: &'a [Block],
    b: &'a [Block],
    kinds: &'a [[usize; LARGEST]],
    complement: bool,
    total: &'a mut f64,
}

impl Work for Curvature<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { a, b, kinds, complement, total } = self;
        let order = |kind: &[usize; LARGEST]| kind.iter().sum::<usize>();
        // The fields of a second derivative.
        let fields = |kind: &[usize; LARGEST]| {
            let first = kind.iter().position(|&order| order > 0).unwrap_or(0);
            let last = kind.iter().rposition(|&order| order > 0).unwrap_or(0);
            (first, last)
        };
        for from in [0, 4] {
            let mut p = products(&a[0], &b[0], from);
            let mut squares = [[0.0; LANES]; 4];
            // ∂∂ ln P = P''/P − (P'/P)²; with 1 − P in place of P all derivatives change sign.
            let sign = if complement { -1.0 } else { 1.0 };
            for p in p.as_flattened_mut() {
                let value = if complement { 1.0 - *p } else { *p };
                *p = if value > 1e-150 { sign / value } else { 0.0 };
            }
            let relative = |x: &Block, y: &Block| {
                let mut sums = products(x, y, from);
                for (sum, p) in sums.as_flattened_mut().iter_mut().zip(p.as_flattened()) {
                    *sum *= p;
                }
                sums
            };
            let mut add = |second: [Lanes; 4], x: &[Lanes; 4], y: &[Lanes; 4], times: f64| {
                let products = x.as_flattened().iter().zip(y.as_flattened());
                let terms = second.as_flattened().iter().zip(products);
                for (square, (second, (x, y))) in squares.as_flattened_mut().iter_mut().zip(terms) {
                    let term = second - x * y;
                    *square += times * term * term;
                }
            };
            let units = kinds.iter().filter(|kind| order(kind) == 1).count();
            let mut of_a = [[[0.0; LANES]; 4]; LARGEST];
            let mut of_b = of_a;
            for l in 0..units {
                of_a[l] = relative(&a[1 + l], &b[0]);
                of_b[l] = relative(&a[0], &b[1 + l]);
            }
            for (i, kind) in kinds.iter().enumerate().filter(|(_, kind)| order(kind) == 2) {
                let (l, k) = fields(kind);
                let times = if l == k { 1.0 } else { 2.0 };
                add(relative(&a[i], &b[0]), &of_a[l], &of_a[k], times);
                add(relative(&a[0], &b[i]), &of_b[l], &of_b[k], times);
            }
            for l in 0..units {
                for k in 0..units {
                    add(relative(&a[1 + l], &b[1 + k]), &of_a[l], &of_b[k], 2.0);
                }
            }
            for (squares, other) in squares.iter().zip(&b[0].weights[from..]) {
                for (square, weight) in squares.iter().zip(a[0].weights) {
                    *total += weight * other * square;
                }
            }
        }
    }
}

impl Energy for ReluEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        let (g_e, slope) = self.with_slope(q);
        (g_e, -2.0 * slope)
    }

    fn g_e(&self, q: Overlap) -> f64 {
        self.sum(&[0.0, 0.5].map(|shift| self.points(q, shift)), q)
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        self.kernel_with(self.kernel_resolution(), q)
    }

    fn ln_annealed(&self) -> f64 {
        let alone = Point { fields: [0.0; LARGEST], weight: 1.0 };
        let cosets = [(); 2].map(|()| [(); 2].map(|()| vec![alone]));
        self.sum(&cosets, Overlap::new(0.0))
    }

    fn scan_step(&self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::gaussian;
    use crate::theory::quadrature::Legendre;
    use crate::theory::symmetric_capacity::binary_from;

    fn fine(units: usize, kappa: f64, ties: Ties) -> ReluEnergy {
        ReluEnergy::resolutions(units, kappa, ties).unwrap().fine
    }

    #[test]
    fn documented_values() {
        for (units, ties, alpha, q, q_hat, digits) in [
            (2, Ties::Strict, 0.575051024, 0.587457, 2.96419, 6e-10),
            (2, Ties::Accept, 1.308860522, 0.477915, 1.58171, 6e-10),
            (4, Ties::Strict, 0.813619, f64::NAN, f64::NAN, 6e-7),
        ] {
            let resolutions = ReluEnergy::resolutions(units, 0.0, ties).unwrap();
            let capacity = binary_from(resolutions).unwrap();
            assert!((capacity.alpha - alpha).abs() < digits, "{capacity:?}");
            assert!(capacity.error < 1e-9, "{capacity:?}");
            if !q.is_nan() {
                assert!((capacity.order_parameters[0].1 - q).abs() < 6e-7);
                assert!((capacity.order_parameters[1].1 - q_hat).abs() < 6e-6);
            }
        }
        for (ties, g_e) in [(Ties::Strict, -1.4432402097), (Ties::Accept, -0.6387965787)] {
            let value = fine(2, 0.0, ties).at(Overlap::new(0.5)).0;
            assert!((value - g_e).abs() < 6e-11, "{value}");
        }
    }

    /// G_E and J at K = 2 by nested real integrals, which share nothing with the rows or the
    /// lattices; margins of both signs, one beyond each end of the direct form. q → 0 is the
    /// annealed value.
    #[test]
    fn two_units_by_real_integrals() {
        for (kappa, q) in
            [(0.0, 0.45), (0.3, 0.5), (1.0, 0.7), (2.0, 0.8), (-0.5, 0.3), (-2.0, 0.2)]
        {
            let by_integrals = |q: f64| {
                let sigma = (1.0 - q).sqrt();
                let k = kappa * 2f64.sqrt() / sigma;
                let inner = Legendre::new(24);
                // P(D > k), or P(D ≤ k) for k < 0.
                let probability = |first: f64, second: f64| {
                    let (from, a, b) =
                        if k < 0.0 { (-k, second, first) } else { (k, first, second) };
                    let top = (a + 9.0).max(from + 9.0);
                    let breaks: Vec<f64> =
                        (0..=8).map(|i| from + (top - from) * f64::from(i) / 8.0).collect();
                    inner
                        .panels(&breaks)
                        .mean(|u| gaussian::density(u - a) * gaussian::cdf(u - from - b))
                };
                let outer =
                    Legendre::new(20).gaussian(8.2, &[-5.0, -3.0, -1.0, 0.0, 1.0, 3.0, 5.0]);
                let scale = q.sqrt() / sigma;
                outer.mean(|x| {
                    outer.mean(|y| {
                        let p = probability(scale * x, scale * y);
                        if k < 0.0 { libm::log1p(-p) } else { libm::log(p.max(1e-300)) }
                    })
                })
            };
            let energy = fine(2, kappa, Ties::Strict);
            let (found, response) = energy.at(Overlap::new(q));
            let exact = by_integrals(q);
            assert!((found / exact - 1.0).abs() < 1e-9, "{kappa}: {found} {exact}");
            let h = 2e-3 * (1.0 - q);
            let g = |i: f64| by_integrals(q + i * h);
            let slope = (8.0 * (g(1.0) - g(-1.0)) - g(2.0) + g(-2.0)) / (12.0 * h);
            assert!((response / (-2.0 * slope) - 1.0).abs() < 3e-8, "{kappa}: {response} {slope}");
            let near_zero = energy.at(Overlap::new(1e-9)).0;
            assert!((near_zero / energy.ln_annealed() - 1.0).abs() < 1e-7, "{kappa} {near_zero}");
        }
    }

    /// P at K = 4 and 6 from a sum of independent variables on a fine grid: the density of each
    /// unit convolved by the trapezoid, with the ends weighted by Euler–Maclaurin.
    #[test]
    fn probabilities_by_convolution() {
        // Fields r of the two groups; q only sets k.
        let q = Overlap::new(0.6);
        for (units, kappa, fields) in [
            (4, 0.4, [[0.5, -0.3, 0.0], [0.8, 0.2, 0.0]]),
            (4, 1.5, [[-1.0, 1.4, 0.0], [1.0, -2.0, 0.0]]),
            (6, 0.4, [[0.5, -0.3, 0.9], [0.8, 0.2, -1.0]]),
            (6, -0.4, [[0.5, -0.3, -1.2], [0.8, 1.2, 1.0]]),
            (6, 1.5, [[-1.0, 0.4, 2.0], [1.0, -2.0, 0.5]]),
        ] {
            let energy = fine(units, kappa, Ties::Strict);
            let threshold = energy.threshold(q, 1);
            let points = |i: usize| vec![Point { fields: fields[i], weight: 1.0 }];
            let groups = [points(0), points(1)];
            let single = Threshold { ratio: 1.0, ..threshold };
            let blocks = single.blocks(Isa::selected(), &groups, units / 2);
            let found = products(&blocks[0][0], &blocks[1][0], 0)[0][0];
            // S₊ ≥ u given by nested integrals over all units but one.
            let k = kappa * (units as f64 / q.complement()).sqrt();
            let exact = exceeds(&fields[0][..units / 2], &fields[1][..units / 2], k);
            assert!((found / exact - 1.0).abs() < 1e-9, "{units} {kappa}: {found:e} {exact:e}");
        }
    }

    /// P(ΣS₊ − ΣS₋ > k), unit by unit: H(r)·rest + ∫G(u−r) rest du; the last one is closed.
    fn exceeds(larger: &[f64], smaller: &[f64], k: f64) -> f64 {
        let nested = |r: f64, rest: &dyn Fn(f64) -> f64, kink: f64| {
            let top = r.max(0.0) + 7.5;
            let mut breaks = vec![0.0, top];
            breaks.extend([kink, 0.5 * top].into_iter().filter(|x| *x > 0.0 && *x < top));
            let on = Legendre::new(12).panels(&breaks).mean(|u| gaussian::density(u - r) * rest(u));
            gaussian::tail(r) * rest(0.0) + on
        };
        match (larger, smaller) {
            ([r], []) => {
                if k >= 0.0 {
                    gaussian::tail(k - r)
                } else {
                    1.0
                }
            }
            ([r, others @ ..], []) => nested(*r, &|u| exceeds(others, &[], k - u), k),
            (_, [r, others @ ..]) => nested(*r, &|u| exceeds(larger, others, k + u), -k),
            ([], []) => f64::from(u8::from(k < 0.0)),
        }
    }

    /// Finer lattices of quite different proportions move the capacity by less than its error.
    #[test]
    fn errors_cover_refinement() {
        for (units, kappa, ties) in [
            (2, 0.0, Ties::Strict),
            (2, 1.2, Ties::Strict),
            (2, 2.0, Ties::Strict),
            (4, 0.0, Ties::Strict),
            (4, 0.0, Ties::Accept),
            (4, 0.5, Ties::Strict),
            (4, 1.2, Ties::Strict),
            (4, -0.5, Ties::Strict),
            (6, 0.0, Ties::Strict),
        ] {
            let resolutions = ReluEnergy::resolutions(units, kappa, ties).unwrap();
            let capacity = binary_from(resolutions.clone()).unwrap();
            assert!(capacity.error < 1e-8 * capacity.alpha, "{units} {kappa} {capacity:?}");
            let Resolution { steps, .. } = resolutions.fine.resolution;
            let steps = Steps {
                difference: 0.7 * steps.difference,
                mean: 0.8 * steps.mean,
                single: 0.85 * steps.single,
            };
            let resolution = Resolution { steps, cut: 1e-16, nodes: 11 };
            let finer = ReluEnergy { resolution, ..resolutions.fine.clone() };
            let finer = binary_from(Resolutions { fine: finer, ..resolutions }).unwrap();
            let change = finer.alpha - capacity.alpha;
            assert!(
                change.abs() < capacity.error + 1e-12,
                "{units} {kappa} {change:e} {capacity:?}"
            );
        }
    }

    /// J against a difference of G_E over another step.
    #[test]
    fn response_is_a_derivative() {
        for (units, kappa, ties) in [
            (2, 0.0, Ties::Accept),
            (4, 0.0, Ties::Strict),
            (2, 0.6, Ties::Strict),
            (4, -0.4, Ties::Strict),
        ] {
            let energy = fine(units, kappa, ties);
            let h = 2e-3;
            let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
            let slope = (8.0 * (g(h) - g(-h)) - g(2.0 * h) + g(-2.0 * h)) / (12.0 * h);
            let response = energy.at(Overlap::new(0.4)).1;
            assert!((response + 2.0 * slope).abs() < 5e-8, "{units}: {response} {slope}");
        }
    }

    /// The replicon kernel at K = 2 from differences of ln P; at K = 4 on a finer lattice.
    #[test]
    fn kernel_by_differences() {
        let q = Overlap::new(0.4);
        for (kappa, ties) in [(0.0, Ties::Strict), (0.0, Ties::Accept), (0.5, Ties::Strict)] {
            let energy = fine(2, kappa, ties);
            let threshold = energy.threshold(q, 1);
            let isa = Isa::selected();
            let ln_p = |x: f64, y: f64| {
                let point = |x| vec![Point { fields: [x, 0.0, 0.0], weight: 1.0 }];
                let blocks = threshold.blocks(isa, &[point(x), point(y)], 1);
                libm::log(products(&blocks[0][0], &blocks[1][0], 0)[0][0])
            };
            let h = 5e-3;
            let rule = Legendre::new(16).gaussian(5.0, &[-1.5, 1.5]);
            let direct = rule.mean(|x| {
                rule.mean(|y| {
                    let f = |i: f64, j: f64| ln_p(x + i * h, y + j * h);
                    let middle = 2.0 * f(0.0, 0.0);
                    let first = (f(1.0, 0.0) + f(-1.0, 0.0) - middle) / (h * h);
                    let second = (f(0.0, 1.0) + f(0.0, -1.0) - middle) / (h * h);
                    let mixed =
                        (f(1.0, 1.0) + f(-1.0, -1.0) - f(1.0, -1.0) - f(-1.0, 1.0)) / (4.0 * h * h);
                    first * first + second * second + 2.0 * mixed * mixed
                })
            });
            // Derivatives by x = ω/√q.
            let direct = direct / (q.value() * q.value());
            let kernel = energy.replicon_kernel(q);
            assert!((kernel / direct - 1.0).abs() < 2e-4, "{kappa} {kernel} {direct}");
        }
        for (kappa, tolerance) in [(0.0, 1e-4), (1.0, 3e-3)] {
            let energy = fine(4, kappa, Ties::Strict);
            let kernel = energy.replicon_kernel(q);
            let steps = Steps { difference: 0.5 / narrowing(kappa), mean: 0.6, single: 1.0 };
            let finer = energy.kernel_with(Resolution { steps, cut: 1e-11, nodes: 8 }, q);
            assert!((kernel / finer - 1.0).abs() < tolerance, "{kappa} {kernel} {finer}");
        }
    }

    /// Random weights at κ = 0 tie with probability 2^−K, else either sign is equally likely.
    #[test]
    fn annealed_values() {
        for units in [2, 4, 6] {
            for (ties, sign) in [(Ties::Strict, -1.0), (Ties::Accept, 1.0)] {
                let resolutions = ReluEnergy::resolutions(units, 0.0, ties).unwrap();
                let tie = libm::ldexp(1.0, -(units as i32));
                let exact = libm::log(0.5 + 0.5 * sign * tie);
                let energy = resolutions.fine;
                let near = energy.at(Overlap::new(1e-9));
                assert!((energy.ln_annealed() - exact).abs() < 1e-10, "{units}");
                assert!((near.0 - exact).abs() < 3e-9 && near.1 > 0.0, "{units} {near:?}");
                // J at q = 0 is the same at any resolution.
                let coarse = resolutions.coarse.at(Overlap::new(1e-12)).1;
                assert!((coarse / near.1 - 1.0).abs() < 1e-3, "{units} {coarse} {near:?}");
            }
        }
    }

    /// Far below, 1 − P is computed instead of P: the two agree where they meet, and G_E is −E(1−P)
    /// to first order, whose mean over the fields is the annealed value.
    #[test]
    fn very_negative_margins() {
        let q = Overlap::new(0.1);
        let kappa = |k: f64| k * (q.complement() / 2.0).sqrt();
        let at = |k: f64| fine(2, kappa(k), Ties::Strict).g_e(q);
        let (below, above) = (at(COMPLEMENT - 1e-6), at(COMPLEMENT + 1e-6));
        assert!((below / above - 1.0).abs() < 3e-5, "{below:e} {above:e}");
        for units in [2, 4] {
            let energy = fine(units, -4.0, Ties::Strict);
            let ratio = energy.g_e(Overlap::new(0.05)) / energy.ln_annealed();
            assert!((ratio - 1.0).abs() < 1e-4, "{ratio}");
        }
    }

    #[test]
    fn refused_arguments() {
        for units in [0, 3, 8] {
            let energy = ReluEnergy::resolutions(units, 0.0, Ties::Strict);
            assert!(matches!(energy, Err(TheoryError::Domain { .. })));
        }
        let far = ReluEnergy::resolutions(4, 3.5, Ties::Strict);
        assert!(matches!(far, Err(TheoryError::Unavailable(_))));
    }
}
