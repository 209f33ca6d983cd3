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
//! For k < 0 the atom of S₊ counts too, P = ∫f₊(y) F₋(y + |k|) dy + A₊F₋(|k|); where that is
//! close to 1, P = 1 − P(S₋ − S₊ > |k|). At κ = 0 a tie, all units off, does not count in this integral;
//! `--ties accept` adds A₊A₋. Elsewhere ties have no weight.
//!
//! J = −2 dG_E/dq from four values of G_E: the derivative of their interpolating polynomial; where nearly every
//! pattern is stored (κ < −1.5) that would be rounding, and
//!
//! $$ J = \sum_l E\left[(\partial_{\omega_l} \ln P)^2\right] $$
//!
//! has rows with derivatives by one field, the replicon kernel by one or two. All terms of P are positive, so
//! that P keeps its relative accuracy however small. G_E is good to 3e-9 up to κ = 3, the kernel to 1e-9 at
//! κ = 0 (K = 6: 1e-5), 1e-7 at κ = 1 (K = 6: 5e-5) and 1e-4 beyond (K = 6: 3e-3). Deterministic.

mod curvature;
mod derivatives;
mod mean_log;
mod products;
mod resolution;
mod response;

use super::Outcome;
use super::covariance::Overlap;
use super::model::Ties;
use super::relu_fields::{self, Fields, LARGEST};
use super::relu_groups::{self, Grid, Lanes, Layout, Orders, Rows};
use super::replica_symmetric::{Energy, Resolutions, Search};
use crate::error::TheoryError;
use crate::simd::Isa;
use curvature::Curvature;
use derivatives::{Pairs, derivatives};
use mean_log::MeanLog;
pub use resolution::Resolution;
use response::Response;

/// Largest margin: beyond, the lattice would have to be too fine.
const LARGEST_KAPPA: f64 = 3.0;
/// No derivatives.
const PLAIN: [Orders; 1] = [[0; LARGEST]];

/// The energetic part of K ReLU units.
#[derive(Clone, Debug)]
pub struct ReluEnergy {
    units: usize,
    kappa: f64,
    ties: Ties,
    resolution: Resolution,
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
        let energy = |resolution| Self::new(units, kappa, ties, resolution);
        // One point at q = 0, whatever the steps.
        let annealed = -energy(Resolution::new(units, kappa, [1.0; 3], 0.0, 8))?.ln_annealed();
        let [fine, check, coarse] = Resolution::of_energy(units, kappa, annealed);
        Ok(Resolutions { fine: energy(fine)?, check: energy(check)?, coarse: energy(coarse)? })
    }

    /// The replicon kernel at `resolution`.
    fn kernel_with(&self, resolution: Resolution, q: Overlap) -> f64 {
        let kinds = derivatives(self.group(), true);
        // A covariance of fields that range over k and some more.
        let most = 0.25 * (self.threshold_field(q).abs() + 20.0).powi(2);
        let mut total = 0.0;
        self.each_derived(resolution, q, &kinds, |isa, pairs| {
            isa.run(Curvature { pairs, kinds: &kinds, most, total: &mut total });
        });
        // Derivatives by ω = σ r.
        total / (q.complement() * q.complement())
    }

    /// J at `resolution`, from first derivatives.
    fn response_with(&self, resolution: Resolution, q: Overlap) -> f64 {
        let kinds = derivatives(self.group(), false);
        let mut total = 0.0;
        self.each_derived(resolution, q, &kinds, |isa, pairs| {
            isa.run(Response { pairs, total: &mut total });
        });
        total / q.complement()
    }

    /// Calls `each` with all pairs of points at `resolution`, with rows of `kinds`.
    fn each_derived(
        &self,
        resolution: Resolution,
        q: Overlap,
        kinds: &[Orders],
        mut each: impl FnMut(Isa, Pairs<'_>),
    ) {
        let isa = Isa::selected();
        let energy = Self { resolution, ..self.clone() };
        let points = energy.points(q);
        let orders = kinds.iter().flatten().copied().max().unwrap_or(0) + 1;
        let threshold = energy.threshold(q, q, orders);
        let (units, cut) = (points.units, points.cut);
        let (panel, complement) = (threshold.grids[0].points, threshold.complement);
        threshold.each_pair(isa, &points, kinds, |weights, larger, smaller| {
            each(isa, Pairs { units, weights, larger, smaller, panel, cut, complement });
        });
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

    /// Whether 1 − P(S₊ − S₋ > k) is small in all but the rarest fields, where S₋ − S₊ has the mean |k|.
    fn rarely_fails(&self, q: Overlap) -> bool {
        const RARE: f64 = 7.0;
        -self.threshold_field(q) > RARE * Self::ratio(q) * (self.group() as f64).sqrt()
    }

    /// The points at `q`, without negligible ones.
    fn points(&self, q: Overlap) -> Points {
        let (units, ratio) = (self.group(), Self::ratio(q));
        let steps = self.resolution.steps(ratio);
        let rings = self.resolution.rings(ratio, self.threshold_field(q).max(0.0));
        let cut = self.resolution.cut(ratio, units);
        Points {
            around: q,
            units,
            cut,
            larger: relu_fields::larger_group(units, steps, rings, cut),
            smaller: [0, 1].map(|coset| relu_fields::smaller_group(units, steps, coset, cut)),
        }
    }

    /// Where the sums end: λ_l of all fields together is N(0, 1/σ²) in units of σ, so that with
    /// probability e^−15 at most each of the two sums lies beyond.
    fn reach(&self, q: Overlap) -> f64 {
        const WEIGHT: f64 = 30.0;
        (WEIGHT * self.group() as f64 / q.complement()).sqrt()
    }

    /// With rows for derivatives up to `orders` − 1, on as many panels as `around`.
    fn threshold(&self, q: Overlap, around: Overlap, orders: usize) -> Threshold {
        let panels = |length: f64| self.resolution.panels(Self::ratio(around), length);
        let (k, reach) = (self.threshold_field(q), self.reach(q));
        let [before, after] = [self.threshold_field(around).abs(), self.reach(around)].map(panels);
        let grid = |shift: f64| {
            let panels = [if shift > 0.0 { before } else { 0 }, after];
            Grid::new(self.resolution.nodes, panels, shift, reach, orders)
        };
        let complement = self.rarely_fails(around);
        let upward = k >= 0.0 || complement;
        let shift = k.abs();
        Threshold {
            ratio: Self::ratio(q),
            grids: if upward { [grid(shift), grid(0.0)] } else { [grid(0.0), grid(shift)] },
            atom: !upward || (k == 0.0 && self.ties == Ties::Accept),
            complement,
        }
    }

    /// G_E at `q` on the given points.
    fn sum(&self, points: &Points, q: Overlap) -> f64 {
        let isa = Isa::selected();
        let threshold = self.threshold(q, points.around, 1);
        let (cut, panel) = (points.cut, threshold.grids[0].points);
        let exact = 50.0 * self.resolution.cut;
        let complement = threshold.complement;
        let mut total = 0.0;
        threshold.each_pair(isa, points, &PLAIN, |weights, larger, smaller| {
            let row = &larger[0];
            let total = &mut total;
            isa.run(MeanLog { weights, row, smaller, panel, cut, exact, complement, total });
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
    /// The overlap that they are for.
    around: Overlap,
    units: usize,
    /// Pairs of smaller weight are left out.
    cut: f64,
    larger: Fields,
    smaller: [Fields; 2],
}

impl Points {
    /// One of weight 1.
    fn single(around: Overlap, [larger, smaller]: [[f64; LARGEST]; 2], units: usize) -> Self {
        let smaller = [(); 2].map(|()| Fields::single(smaller));
        Self { around, units, cut: 0.0, larger: Fields::single(larger), smaller }
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

impl Energy for ReluEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        if self.search() == Search::SmallOverlap {
            // Differences of G_E would be rounding.
            let response = self.response_with(Resolution::of_response(self.units, self.kappa), q);
            return (self.g_e(q), response);
        }
        let (g_e, slope) = self.with_slope(q);
        (g_e, -2.0 * slope)
    }

    fn g_e(&self, q: Overlap) -> f64 {
        self.sum(&self.points(q), q)
    }

    fn g_e_nearby<const M: usize>(&self, q: [Overlap; M]) -> [f64; M] {
        let Some(&first) = q.first() else { return [0.0; M] };
        let points = self.points(first);
        q.map(|q| self.sum(&points, q))
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        self.kernel_with(Resolution::of_kernel(self.units, self.kappa), q)
    }

    fn ln_annealed(&self) -> f64 {
        let zero = Overlap::new(0.0);
        self.sum(&Points::single(zero, [[0.0; LARGEST]; 2], self.group()), zero)
    }

    fn search(&self) -> Search {
        // The load is too flat where q is small.
        if self.kappa < -1.5 { Search::SmallOverlap } else { Search::Load }
    }

    fn scan_step(&self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests;
