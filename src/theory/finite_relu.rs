//! Binary weights with K ReLU units at finite even K: the energetic part.
//!
//! Half of the units have readout +1, half −1. With ω_l = √q x_l, fields r_l = ω_l/√(1−q) in units of
//! σ = √(1−q), k = κ√K/σ and the groups' sums S₊, S₋ of max(0, λ_l)/σ,
//!
//! $$ \mathcal G_E = \int \prod_{l=1}^K Dx_l\ \ln P, \qquad
//!    P = \mathrm{Prob}(S_+ - S_- > k) = \int f_+(k + y) F_-(y) dy , $$
//!
//! a scalar product of two rows ([`super::relu_groups`]), one a group; the fields run over the lattices of
//! [`super::relu_fields`].
//! For k < 0 the atom of S₊ counts too, P = ∫f₊(y) F₋(y + |k|) dy + A₊F₋(|k|); far below,
//! P = 1 − P(S₋ − S₊ > |k|). At κ = 0 a tie, all units off, does not count in this integral;
//! `--ties accept` adds A₊A₋. Elsewhere ties have no weight.
//!
//! J = −2 dG_E/dq from four values of G_E: the derivative of their interpolating polynomial. All terms of P
//! are positive, so that P keeps its relative accuracy however small. The replicon kernel has rows
//! with derivatives by one or two fields. Deterministic.

mod curvature;

use super::Outcome;
use super::covariance::Overlap;
use super::elementary::{ln, ln_complement};
use super::model::Ties;
use super::relu_fields::{self, Fields, LARGEST, Steps};
use super::relu_groups::{self, Grid, LANES, Lanes, Layout, Orders, Rows};
use super::replica_symmetric::{Energy, Resolutions};
use crate::error::TheoryError;
use crate::simd::{Isa, Work};
use curvature::{Curvature, derivatives};

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

    /// For the replicon: relative error 1e-9, 1e-5 at K = 6.
    fn kernel_resolution(&self) -> Resolution {
        let resolution = |difference, mean, single, cut, nodes| Resolution {
            steps: Steps { difference: difference / narrowing(self.kappa), mean, single },
            cut,
            nodes,
        };
        match self.units {
            2 | 4 => resolution(0.5, 0.6, 0.9, 1e-13, 8),
            _ => resolution(0.65, 0.85, 1.35, 1e-10, 5),
        }
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
                [0, 1].map(|i| threshold.rows(isa, i, &groups[i], self.group(), &kinds));
            for (i, weights) in larger[0].weights.iter().enumerate() {
                let end =
                    smaller[0].weights.partition_point(|w| w[0] * weights[0] > resolution.cut);
                for j in 0..end {
                    let (a, b) = ((&larger[..], i), (&smaller[..], j));
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
    fn points(&self, q: Overlap, shift: f64) -> [Fields; 2] {
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
    fn sum(&self, cosets: &[[Fields; 2]; 2], q: Overlap) -> f64 {
        let isa = Isa::selected();
        let threshold = self.threshold(q, 1);
        let mut total = 0.0;
        for groups in cosets {
            let [larger, smaller] = &threshold.plain_rows(isa, groups, self.group());
            for (i, weights) in larger.weights.iter().enumerate() {
                let cut = self.resolution.cut;
                let end = smaller.weights.partition_point(|w| w[0] * weights[0] > cut);
                let complement = threshold.complement;
                let rows = larger.block(i);
                isa.run(MeanLog { rows, weights, smaller, end, complement, total: &mut total });
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
    fn plain_rows(&self, isa: Isa, groups: &[Fields; 2], units: usize) -> [Rows; 2] {
        let none = [[0; LARGEST]];
        [0, 1].map(|i| self.rows(isa, i, &groups[i], units, &none).swap_remove(0))
    }

    /// The rows of one group with the derivatives of `kinds`.
    fn rows(
        &self,
        isa: Isa,
        group: usize,
        fields: &Fields,
        units: usize,
        kinds: &[Orders],
    ) -> Vec<Rows> {
        let layout =
            Layout { units, ratio: self.ratio, kinds, integrated: group == 1, atom: self.atom };
        relu_groups::rows(isa, &self.grids[group], fields, layout)
    }
}

/// Scalar products of the rows of two blocks, four of the second.
#[inline(always)]
fn products(a: &[Lanes], b: &[Lanes], from: usize) -> [Lanes; 4] {
    let mut sums = [[0.0; LANES]; 4];
    for (x, y) in a.iter().zip(b) {
        for (l, sums) in sums.iter_mut().enumerate() {
            for i in 0..LANES {
                sums[i] += x[i] * y[from + l];
            }
        }
    }
    sums
}

/// Σ weights · ln P over all pairs of a block with the first of the smaller group.
struct MeanLog<'a> {
    rows: &'a [Lanes],
    weights: &'a Lanes,
    smaller: &'a Rows,
    end: usize,
    complement: bool,
    total: &'a mut f64,
}

impl Work for MeanLog<'_> {
    #[inline(always)]
    fn run(self) {
        let mut lanes = [0.0; LANES];
        for (block, weights) in self.smaller.weights[..self.end].iter().enumerate() {
            for from in [0, 4] {
                let sums = products(self.rows, self.smaller.block(block), from);
                for (l, sums) in sums.iter().enumerate() {
                    for i in 0..LANES {
                        let log = if self.complement {
                            ln_complement(sums[i])
                        } else {
                            ln(if sums[i] > LEAST { sums[i] } else { LEAST })
                        };
                        lanes[i] += weights[from + l] * log;
                    }
                }
            }
        }
        for (lane, weight) in lanes.iter().zip(self.weights) {
            *self.total += weight * lane;
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
        let cosets = [(); 2].map(|()| [(); 2].map(|()| Fields::single([0.0; LARGEST])));
        self.sum(&cosets, Overlap::new(0.0))
    }

    fn has_exact_response(&self) -> bool {
        false
    }

    fn scan_step(&self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests;
