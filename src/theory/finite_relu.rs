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
//! with derivatives by one or two fields. G_E is good to 1e-9 up to κ = 3, the kernel to 1e-9 at κ = 0 (K = 6:
//! 1e-5), 1e-5 at κ = 1 and 1e-3 at κ = 3. Deterministic.

mod curvature;
mod mean_log;

use super::Outcome;
use super::covariance::Overlap;
use super::model::Ties;
use super::relu_fields::{self, Fields, LARGEST, Steps};
use super::relu_groups::{self, Grid, LANES, Lanes, Layout, Orders, Rows};
use super::replica_symmetric::{Energy, Resolutions};
use crate::error::TheoryError;
use crate::simd::Isa;
use curvature::{Curvature, derivatives};
use mean_log::MeanLog;

/// Largest margin: beyond, the lattice would have to be too fine.
const LARGEST_KAPPA: f64 = 3.0;
/// Threshold k below which 1 − P is computed.
const COMPLEMENT: f64 = -6.0;
/// Field per x up to which the steps are as given.
const RATIO: f64 = 1.5;
/// No derivatives.
const PLAIN: [Orders; 1] = [[0; LARGEST]];

/// How finely everything is resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    steps: Steps,
    /// Pairs of points of smaller weight by the volume of their cell are left out.
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

impl Resolution {
    /// Larger margins bring the zeros of P closer to equal fields, so that the differences, and with them
    /// the mean, want smaller steps. The powers are measured: errors of 3e-10 at any margin.
    fn new(kappa: f64, [difference, mean, single]: [f64; 3], cut: f64, nodes: usize) -> Self {
        let margin = 1.0 + kappa.max(0.0);
        let steps = Steps {
            difference: difference / libm::pow(margin, 1.3),
            mean: mean / margin.sqrt(),
            single,
        };
        Self { steps, cut, nodes }
    }
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
        let resolution = |steps, cut, nodes| Resolution::new(kappa, steps, cut, nodes);
        let [fine, check, coarse] = match units {
            2 => [
                resolution([1.0, 0.4, 0.4], 1e-15, 12),
                resolution([1.0, 0.45, 0.45], 3e-15, 11),
                resolution([1.0, 0.8, 0.9], 1e-8, 5),
            ],
            4 => [
                resolution([0.55, 0.7, 0.95], 5e-14, 10),
                resolution([0.58, 0.73, 1.0], 1e-13, 9),
                resolution([1.4, 1.1, 1.6], 1e-8, 5),
            ],
            _ => [
                resolution([0.56, 0.7, 1.05], 5e-14, 8),
                resolution([0.58, 0.73, 1.08], 1e-13, 7),
                resolution([1.25, 1.1, 1.6], 1e-8, 5),
            ],
        };
        // Where nearly every pattern is stored, rare fields decide: errors of the lattices, e^(−const/step)
        // and some thousand cuts, must be as much smaller.
        let rough = Resolution { cut: 0.0, nodes: 8, ..coarse };
        let scale = (-Self::new(units, kappa, ties, rough)?.ln_annealed()).min(1.0);
        let energy = |resolution: Resolution| {
            let digits = -libm::log(3e3 * resolution.cut);
            let steps = resolution.steps.scaled(1.0 / (1.0 - libm::log(scale) / digits));
            let cut = scale * resolution.cut;
            Self::new(units, kappa, ties, Resolution { steps, cut, ..resolution })
        };
        Ok(Resolutions { fine: energy(fine)?, check: energy(check)?, coarse: energy(coarse)? })
    }

    /// For the replicon.
    fn kernel_resolution(&self) -> Resolution {
        match self.units {
            2 | 4 => Resolution::new(self.kappa, [0.5, 0.6, 0.9], 1e-11, 8),
            _ => Resolution::new(self.kappa, [0.65, 0.8, 1.3], 1e-8, 5),
        }
    }

    /// The replicon kernel at `resolution`.
    fn kernel_with(&self, resolution: Resolution, q: Overlap) -> f64 {
        let isa = Isa::selected();
        let energy = Self { resolution, ..self.clone() };
        let threshold = energy.threshold(q, 3);
        let kinds = derivatives(self.group());
        let mut total = 0.0;
        let complement = threshold.complement;
        // A covariance of fields that range over k and some more.
        let most = 0.25 * (self.threshold_field(q).abs() + 20.0).powi(2);
        let cut = energy.cut(q);
        threshold.each_pair(isa, &energy.points(q), &kinds, |weights, larger, smaller| {
            for block in 0..smaller.within(weights, cut) {
                let (kinds, total) = (&kinds, &mut total);
                isa.run(Curvature {
                    weights,
                    larger,
                    smaller,
                    block,
                    kinds,
                    complement,
                    most,
                    total,
                });
            }
        });
        // Derivatives by ω = σ r.
        total / (q.complement() * q.complement())
    }

    fn group(&self) -> usize {
        self.units / 2
    }

    /// √(q/(1−q)).
    fn ratio(q: Overlap) -> f64 {
        (q.value().max(0.0) / q.complement()).sqrt()
    }

    /// k = κ√K/σ.
    fn threshold_field(&self, q: Overlap) -> f64 {
        self.kappa * (self.units as f64 / q.complement()).sqrt()
    }

    /// The points at `q`, without negligible ones.
    fn points(&self, q: Overlap) -> Points {
        let (steps, cut) = (self.steps(q), self.cut(q));
        Points {
            units: self.group(),
            larger: relu_fields::larger_group(self.group(), steps, cut),
            smaller: [0, 1]
                .map(|coset| relu_fields::smaller_group(self.group(), steps, coset, cut)),
        }
    }

    /// The steps at `q`: smaller where the fields are large.
    fn steps(&self, q: Overlap) -> Steps {
        self.resolution.steps.scaled((RATIO / Self::ratio(q)).min(1.0).sqrt())
    }

    /// Least weight of a pair of points at `q`.
    fn cut(&self, q: Overlap) -> f64 {
        self.resolution.cut * self.steps(q).cell(self.group())
    }

    /// With rows for derivatives up to `orders` − 1.
    fn threshold(&self, q: Overlap, orders: usize) -> Threshold {
        // λ_l of all fields together is N(0, 1/σ²) in units of σ: with probability e^−15 at most each
        // of the two sums lies beyond the reach.
        const WEIGHT: f64 = 30.0;
        let ratio = Self::ratio(q);
        let reach = (WEIGHT * self.group() as f64 / q.complement()).sqrt();
        // Steep where the fields are large.
        let width = 1.4 * libm::pow((0.95 / ratio).min(1.0), 0.75);
        let k = self.threshold_field(q);
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

    /// G_E at `q` on the given points.
    fn sum(&self, points: &Points, q: Overlap) -> f64 {
        let isa = Isa::selected();
        let threshold = self.threshold(q, 1);
        let cut = self.cut(q);
        let panel = threshold.grids[0].points;
        let complement = threshold.complement;
        let mut total = 0.0;
        threshold.each_pair(isa, points, &PLAIN, |weights, larger, smaller| {
            let row = &larger[0];
            isa.run(MeanLog { weights, row, smaller, panel, cut, complement, total: &mut total });
        });
        total
    }

    /// (G_E, dG_E/dq) from four values around q.
    fn with_slope(&self, q: Overlap) -> (f64, f64) {
        let points = self.points(q);
        let step = 2e-3 * q.complement();
        // Not below q = 0.
        let before = (q.value() / step).min(1.5);
        let offsets = [0.0, 1.0, 2.0, 3.0].map(|i| i - before);
        let values = offsets.map(|x| {
            let complement = q.complement() - x * step;
            self.sum(&points, Overlap::from_complement(complement))
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

/// The points of the two groups, the smaller in each coset.
struct Points {
    units: usize,
    larger: Fields,
    smaller: [Fields; 2],
}

impl Points {
    /// One of weight 1.
    fn single([larger, smaller]: [[f64; LARGEST]; 2], units: usize) -> Self {
        let smaller = [(); 2].map(|()| Fields::single(smaller));
        Self { units, larger: Fields::single(larger), smaller }
    }
}

/// The rows of all points of the smaller group in a coset, of each kind.
struct Group {
    /// Of the blocks.
    weights: Vec<Lanes>,
    rows: Vec<Rows>,
}

impl Group {
    /// How many blocks have a pair with `weights` above `cut`.
    fn within(&self, weights: &Lanes, cut: f64) -> usize {
        let heaviest = largest(weights);
        self.weights.partition_point(|block| block[0] * heaviest > cut)
    }
}

#[inline(always)]
fn largest(lanes: &Lanes) -> f64 {
    lanes.iter().copied().fold(0.0, f64::max)
}

impl Threshold {
    /// Calls `each` with the weights and rows of eight points of the larger group, and all rows of the
    /// smaller one in their coset.
    fn each_pair(
        &self,
        isa: Isa,
        points: &Points,
        kinds: &[Orders],
        mut each: impl FnMut(&Lanes, &[Vec<Lanes>], &Group),
    ) {
        let layout = |integrated| Layout {
            units: points.units,
            ratio: self.ratio,
            kinds,
            integrated,
            atom: self.atom,
        };
        let [larger, smaller] = &self.grids;
        let groups = points.smaller.each_ref().map(|fields| {
            let (weights, rows) = relu_groups::all_blocks(isa, smaller, fields, layout(true));
            Group { weights, rows }
        });
        let of_larger = |coset: usize, weights: &Lanes, rows: &[Vec<Lanes>]| {
            each(weights, rows, &groups[coset]);
        };
        relu_groups::each_block(isa, larger, &points.larger, layout(false), of_larger);
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

impl Energy for ReluEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        let (g_e, slope) = self.with_slope(q);
        (g_e, -2.0 * slope)
    }

    fn g_e(&self, q: Overlap) -> f64 {
        self.sum(&self.points(q), q)
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        self.kernel_with(self.kernel_resolution(), q)
    }

    fn ln_annealed(&self) -> f64 {
        self.sum(&Points::single([[0.0; LARGEST]; 2], self.group()), Overlap::new(0.0))
    }

    fn has_sharp_entropy(&self) -> bool {
        // Below, q is small at capacity.
        self.kappa < -1.5
    }

    fn scan_step(&self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests;
