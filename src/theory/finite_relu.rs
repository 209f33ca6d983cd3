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
//! J = −2 dG_E/dq from four values of G_E: the derivative of their interpolating polynomial; at negative
//! margins (κ < −0.5), where that loses digits the more patterns are stored,
//!
//! $$ J = \sum_l E\left[(\partial_{\omega_l} \ln P)^2\right] $$
//!
//! has rows with derivatives by one field; the replicon kernel ([`curvature`]) those and Laplacians. All terms of
//! P are positive, so that P keeps its relative accuracy however small. G_E is good to 1e-9 (K = 6: 3e-9; 5e-9
//! beyond κ = 1) from κ = −10 to 3, the kernel to 1e-9 at κ = 0 (K = 6: 1e-5), to 1e-7 at κ = 1 (1e-4), beyond to 1e-4
//! (1e-3) up to κ = 2 and 1e-3 (1e-2) up to 3. Deterministic.

mod curvature;
mod ln_p;
mod pairs;
mod products;
mod resolution;
mod response;

use super::Outcome;
use super::covariance::Overlap;
use super::energy::{Energy, Resolutions, Search};
use super::model::Ties;
use super::relu_fields::{self, Fields, LARGEST};
use super::relu_groups::{self, Derivatives, Grid, Layout, Quads};
use crate::error::TheoryError;
use crate::simd::Isa;
use curvature::{Curvature, Slope};
use ln_p::LnP;
use pairs::{Integrand, Mean};
pub use resolution::Resolution;
use response::Response;

/// Margins: beyond the largest the lattice would have to be too fine, below the smallest 1 − P would underflow in
/// J.
const SMALLEST_KAPPA: f64 = -10.0;
const LARGEST_KAPPA: f64 = 3.0;
/// The least overlap of the kernel, which is that of q = 0 below.
const LEAST_OVERLAP: f64 = 1e-8;

/// The energetic part of K ReLU units.
#[derive(Clone, Debug)]
pub struct ReluEnergy {
    units: usize,
    kappa: f64,
    ties: Ties,
    resolution: Resolution,
    /// Of J at negative margins.
    response: Resolution,
}

/// P(S₊ − S₋ > k) at one q.
struct Threshold {
    /// Of the larger group and of the smaller one.
    layouts: [Layout; 2],
    grids: [Grid; 2],
    complement: bool,
}

impl ReluEnergy {
    /// `units` = K ∈ {2, 4, 6}; the resolutions of G_E and, at negative margins, of J.
    ///
    /// # Errors
    /// `Domain` for other K, `Unavailable` for κ < −10 or κ > 3.
    pub fn new(
        units: usize,
        kappa: f64,
        ties: Ties,
        [resolution, response]: [Resolution; 2],
    ) -> Outcome<Self> {
        if units > 2 * LARGEST || !units.is_multiple_of(2) || units == 0 {
            return Err(TheoryError::Domain {
                argument: "hidden",
                value: units.to_string(),
                expected: "2, 4 or 6 ReLU units, or inf".into(),
            });
        }
        if !(SMALLEST_KAPPA..=LARGEST_KAPPA).contains(&kappa) {
            return Err(TheoryError::Unavailable(format!(
                "ReLU at K = {units} with kappa = {kappa}: known from kappa = {SMALLEST_KAPPA} to \
                 {LARGEST_KAPPA}"
            )));
        }
        Ok(Self { units, kappa, ties, resolution, response })
    }

    /// At three resolutions.
    ///
    /// # Errors
    /// As [`ReluEnergy::new`].
    pub fn resolutions(units: usize, kappa: f64, ties: Ties) -> Outcome<Resolutions<Self>> {
        let energy = |resolution| Self::new(units, kappa, ties, resolution);
        let point = Resolution::of_point(units, kappa);
        let annealed = -energy([point; 2])?.ln_annealed();
        let [fine, check, coarse] = Resolution::of_energy(units, kappa, annealed);
        let response = Resolution::of_response(units, kappa);
        Ok(Resolutions {
            fine: energy([fine, response])?,
            check: energy([check, response])?,
            coarse: energy([coarse; 2])?,
        })
    }

    /// The replicon kernel at `resolution`.
    fn kernel_with(&self, resolution: Resolution, q: Overlap) -> f64 {
        let energy = Self { resolution, ..self.clone() };
        let q = if q.value() < LEAST_OVERLAP { Overlap::new(LEAST_OVERLAP) } else { q };
        // Two second derivatives for every unit, each at most the covariance of fields that range over k and some
        // more.
        let most = 0.5 * self.group() as f64 * (self.threshold_field(q).abs() + 20.0).powi(2);
        let curvature = Curvature {
            units: self.group(),
            variance: q.value() / q.complement(),
            origin: energy.slopes_at_origin(q),
            most,
        };
        let total = energy.mean(&energy.points(q), q, Derivatives::Laplacian, &curvature);
        // Derivatives by ω = σ r.
        total / (q.complement() * q.complement())
    }

    /// ∂ ln P by a field of each group where all fields are 0.
    fn slopes_at_origin(&self, q: Overlap) -> [f64; 2] {
        let origin = Points::single(q, [[0.0; LARGEST]; 2]);
        let threshold = self.threshold(q, q, Derivatives::Gradient);
        [false, true].map(|of_smaller| threshold.mean(&origin, &Slope { of_smaller }))
    }

    /// J at `resolution`, from first derivatives.
    fn response_with(&self, resolution: Resolution, q: Overlap) -> f64 {
        let energy = Self { resolution, ..self.clone() };
        let response = Response { units: self.group() };
        let total = energy.mean(&energy.points(q), q, Derivatives::Gradient, &response);
        total / q.complement()
    }

    /// The mean of `integrand` at `q` over `points`.
    fn mean<F: Integrand>(
        &self,
        points: &Points,
        q: Overlap,
        derivatives: Derivatives,
        integrand: &F,
    ) -> f64 {
        self.threshold(q, points.around, derivatives).mean(points, integrand)
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
            cut,
            larger: relu_fields::larger_group(units, steps, rings, cut),
            smaller: [0, 1].map(|coset| relu_fields::smaller_group(units, steps, coset, cut)),
        }
    }

    /// Where the sums end, beyond k if k > 0: λ_l of all fields together is N(0, 1/σ²) in units of σ, so that
    /// S₊ ≥ k + y and S₋ ≥ y have the weight e^{−(k/2 + y)²σ²/(K/2)} among those of S₊ − S₋ = k.
    fn reach(&self, q: Overlap) -> f64 {
        let most = (self.resolution.weight * self.group() as f64 / q.complement()).sqrt();
        most - 0.5 * self.threshold_field(q).max(0.0)
    }

    /// With rows of `derivatives`, on as many panels as `around`.
    fn threshold(&self, q: Overlap, around: Overlap, derivatives: Derivatives) -> Threshold {
        let (k, reach) = (self.threshold_field(q), self.reach(q));
        let [before, after] = [self.threshold_field(around).abs(), self.reach(around)];
        let complement = self.rarely_fails(around);
        let upward = k >= 0.0 || complement;
        let layout = |integrated| Layout {
            units: self.group(),
            ratio: Self::ratio(q),
            derivatives,
            integrated,
            atom: !upward || (k == 0.0 && self.ties == Ties::Accept),
        };
        let grid = |layout: Layout| {
            // The row that is shifted; not by the smallest of numbers, which cannot be divided.
            let shifted = layout.integrated != upward && k.abs() > 1e-300;
            let (shift, before) = if shifted { (k.abs(), before) } else { (0.0, 0.0) };
            // The weight of what lies beyond the end is e^−most.
            let most = (before + after).powi(2) * around.complement() / self.units as f64;
            let complete = most < 20.0;
            let division = self.resolution.division(Self::ratio(around), [before, after], complete);
            Grid::new(division, shift, reach, layout)
        };
        let layouts = [false, true].map(layout);
        Threshold { layouts, grids: layouts.map(grid), complement }
    }

    /// G_E at `q` on the given points.
    fn sum(&self, points: &Points, q: Overlap, for_differences: bool) -> f64 {
        let ln_p = LnP { precision: 50.0 * self.resolution.cut, for_differences };
        self.mean(points, q, Derivatives::None, &ln_p)
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
            self.sum(&points, Overlap::from_complement(complement), true)
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
    /// Pairs of smaller weight are left out.
    cut: f64,
    larger: Fields,
    smaller: [Fields; 2],
}

impl Points {
    /// One of weight 1.
    fn single(around: Overlap, [larger, smaller]: [[f64; LARGEST]; 2]) -> Self {
        let smaller = [(); 2].map(|()| Fields::single(smaller));
        Self { around, cut: 0.0, larger: Fields::single(larger), smaller }
    }
}

impl Threshold {
    /// The mean of `integrand` over `points`.
    fn mean<F: Integrand>(&self, points: &Points, integrand: &F) -> f64 {
        let isa = Isa::selected();
        let ([larger, smaller], [of_larger, of_smaller]) = (&self.grids, self.layouts);
        let groups =
            points.smaller.each_ref().map(|fields| Quads::new(isa, smaller, fields, of_smaller));
        let mut total = 0.0;
        relu_groups::each_block(isa, larger, &points.larger, of_larger, |coset, block| {
            isa.run(Mean {
                integrand,
                larger: block,
                smaller: &groups[coset],
                cut: points.cut,
                complement: self.complement,
                total: &mut total,
            });
        });
        total
    }
}

impl Energy for ReluEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        if self.search() == Search::SmallOverlap {
            // Differences of G_E would lose digits.
            return (self.g_e(q), self.response_with(self.response, q));
        }
        let (g_e, slope) = self.with_slope(q);
        (g_e, -2.0 * slope)
    }

    fn g_e(&self, q: Overlap) -> f64 {
        self.sum(&self.points(q), q, false)
    }

    fn g_e_nearby<const M: usize>(&self, q: [Overlap; M]) -> [f64; M] {
        let Some(&first) = q.first() else { return [0.0; M] };
        let points = self.points(first);
        q.map(|q| self.sum(&points, q, false))
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        self.kernel_with(Resolution::of_kernel(self.units, self.kappa), q)
    }

    fn ln_annealed(&self) -> f64 {
        let zero = Overlap::new(0.0);
        let resolution = Resolution::of_point(self.units, self.kappa);
        let point = Points::single(zero, [[0.0; LARGEST]; 2]);
        Self { resolution, ..self.clone() }.sum(&point, zero, true)
    }

    fn search(&self) -> Search {
        // The load is too flat where q is small.
        if self.kappa < -0.5 { Search::SmallOverlap } else { Search::Load }
    }

    fn start(&self) -> f64 {
        // Where the load is least, to 0.04 for 0 ≤ κ ≤ 3, to 0.1 below (K = 2 and ties accepted: to 0.7).
        let (zeroth, first, second) = match self.units {
            2 => (1.087, 1.10, 0.051),
            4 => (0.406, 1.42, 0.099),
            _ => (0.311, 1.37, 0.0975),
        };
        zeroth + self.kappa * (first - second * self.kappa)
    }

    fn common_error(&self) -> f64 {
        match self.units {
            6 if self.kappa > 1.0 => 4e-9,
            6 => 2e-9,
            _ => 5e-10,
        }
    }

    fn scan_step(&self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests;
