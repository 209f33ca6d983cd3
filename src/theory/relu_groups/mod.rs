//! Groups of ReLU units: density and distribution of the sum S = Σ max(0, λ_l), λ_l ~ N(r_l, 1).
//!
//! A unit is off, value 0, with probability H(r), or on with the density G(u − r), u > 0. With
//! r_l = m + d_l the density of S on u > 0 is a sum over the sets A of units that are on,
//!
//! $$ f(u) = \sum_A \prod_{l\notin A} H(r_l)\ e^{mu} \prod_{l\in A} e^{-m^2/2 - m d_l}\ g_A(u), \qquad
//!    g_A = \mathop{*}_{l\in A} G(\cdot - d_l): $$
//! what the sums of units that are on need ([`sums`]) belongs to the deviations d alone. With the atom ΠH(r_l) at 0,
//! F is the distribution. All terms are positive, so that small probabilities keep their relative accuracy.
//! The g_A are integrals cell by cell, and so is F, of an interpolating polynomial, times e^{mu} as f grows where F is
//! tiny. Derivatives by the fields are polynomials in u times the g_A ([`expansion`]).
//!
//! Eight deviations at a time, side by side. 1e-10 with 10 nodes a cell of width 1.6 and 16 abscissas a panel of
//! width 5.6. Deterministic, whatever the instruction set.

mod derivatives;
mod expansion;
mod gaussians;
mod grid;
mod quads;
mod sums;

use super::elementary::{Exponentials, gaussian_tail};
use super::relu_fields::{Fields, LARGEST};
use crate::simd::{Isa, Work};
use derivatives::Derivative;
pub use derivatives::Derivatives;
use expansion::{Expansion, Octet};
use gaussians::normal;
use grid::apply;
pub use grid::{Division, Grid};
pub use quads::{QUAD, Quad, Quads};
use sums::{Fill, Sums};

/// Rows side by side.
pub const LANES: usize = 8;
/// One number for each row.
pub type Lanes = [f64; LANES];

/// Eight points of a group.
#[derive(Clone, Debug)]
pub struct Block {
    /// 0 where there is no point.
    pub weights: Lanes,
    /// r_l, in units of σ.
    pub fields: [Lanes; LARGEST],
    /// As of [`Layout::derivatives`].
    pub rows: Vec<Vec<Lanes>>,
}

impl Block {
    /// The weight of the heaviest point.
    #[inline(always)]
    pub fn heaviest(&self) -> f64 {
        self.weights.iter().copied().fold(0.0, f64::max)
    }

    /// How far the sum of the fields of units that are on is from the end of `grid`, in standard deviations.
    #[inline(always)]
    fn distance(&self, grid: &Grid, layout: Layout) -> Lanes {
        let deviation = (layout.units as f64).sqrt();
        map(|i| {
            let sum: f64 = self.fields[..layout.units].iter().map(|r| r[i].max(0.0)).sum();
            (grid.end - sum) / deviation
        })
    }
}

/// Which rows of a group: of the density or (`integrated`) of the distribution, with its derivatives, and
/// whether the density's atom has an entry, against the distribution at the shift.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Units of the group.
    pub units: usize,
    /// √(q/(1−q)): fields r = ratio·x.
    pub ratio: f64,
    /// By the fields.
    pub derivatives: Derivatives,
    /// Distribution instead of density.
    pub integrated: bool,
    /// Whether the atom has an entry.
    pub atom: bool,
}

/// Calls `each` with the coset and the rows of eight points at a time: one mean, eight deviations. A row starts
/// with the atom, if it has an entry. Beyond the shift of the grid then follow the density times the weights
/// of the integral, or the distribution; at last the mass beyond the grid, or the distribution at its end.
pub fn each_block(
    isa: Isa,
    grid: &Grid,
    fields: &Fields,
    layout: Layout,
    mut each: impl FnMut(usize, &Block),
) {
    let means: Vec<f64> = fields.means.iter().map(|mean| layout.ratio * mean.x).collect();
    let along = grid.along(layout);
    let tilt = |mean: f64| along.iter().map(move |u| mean * (u - grid.centre));
    let mut tilts: Vec<f64> = means.iter().copied().flat_map(tilt).collect();
    isa.run(Exponentials(&mut tilts));
    if !layout.integrated {
        // A density comes with the weights of the integral.
        for (tilt, weight) in tilts.iter_mut().zip(grid.weights.iter().cycle()) {
            *tilt *= weight;
        }
    }
    let plain = layout.integrated.then(|| grid.integrals(isa, 0.0));
    let integrals =
        |mean: &f64| (layout.integrated && *mean > 0.0).then(|| grid.integrals(isa, *mean));
    let integrals: Vec<Option<Vec<Vec<Vec<f64>>>>> = means.iter().map(integrals).collect();
    let rows = layout.derivatives.rows(layout.units);
    let mut sums = Sums::new(layout);
    let mut density = Vec::new();
    let none = [0.0; LANES];
    let mut block =
        Block { weights: none, fields: [none; LARGEST], rows: vec![Vec::new(); rows.len()] };
    for eight in fields.deviations.chunks(LANES) {
        let mut deviations = [none; LARGEST];
        for (lane, deviation) in eight.iter().enumerate() {
            for (field, x) in deviations.iter_mut().zip(deviation.fields) {
                field[lane] = layout.ratio * x;
            }
        }
        isa.run(Fill { grid, deviations: &deviations, sums: &mut sums });
        for (i, &mean) in means.iter().enumerate() {
            block.weights = map(|lane| eight.get(lane).map_or(0.0, |d| d.weights[i]));
            if block.weights == none {
                continue;
            }
            isa.run(Rows {
                grid,
                layout,
                rows: &rows,
                mean,
                deviations: &deviations,
                sums: &sums,
                tilts: &tilts[i * along.len()..(i + 1) * along.len()],
                integrals: integrals[i].as_deref().or(plain.as_deref()),
                density: &mut density,
                block: &mut block,
            });
            each(fields.means[i].coset, &block);
        }
    }
}

#[inline(always)]
fn map(f: impl Fn(usize) -> f64) -> Lanes {
    let mut lanes = [0.0; LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = f(i);
    }
    lanes
}

/// From the densities of the sums to the rows of one mean.
struct Rows<'a> {
    grid: &'a Grid,
    layout: Layout,
    rows: &'a [Derivative],
    mean: f64,
    deviations: &'a [Lanes; LARGEST],
    sums: &'a Sums,
    /// e^{m(u−c)} where densities are combined, times the weights of the integral if there is to be one.
    tilts: &'a [f64],
    /// [`Grid::integrals`] for the mean: for rows of the distribution.
    integrals: Option<&'a [Vec<Vec<f64>>]>,
    density: &'a mut Vec<Lanes>,
    block: &'a mut Block,
}

impl Work for Rows<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, layout, rows, mean, deviations, sums, tilts, integrals, density, block } =
            self;
        let octet = Octet::new(mean, deviations, &block.weights, grid.centre, layout);
        block.fields = octet.fields;
        let distance = block.distance(grid, layout);
        for (&derivative, row) in rows.iter().zip(&mut block.rows) {
            combine(&octet.row(derivative), sums, grid.along(layout), tilts, density);
            let mass = octet.atom(derivative);
            row.clear();
            if let Some(integrals) = integrals {
                integrate(grid, layout, integrals, &mass, density, row);
                continue;
            }
            if layout.atom {
                row.push(mass);
            }
            row.extend_from_slice(&density[grid.first..]);
            // ∫f and the atom.
            let whole = if derivative == Derivative::Function { 1.0 } else { 0.0 };
            // Further from the end, what lies beyond is less than the rounding of what is left of 1.
            const RARE: f64 = 7.0;
            let beyond = if grid.complete {
                let inside = density.iter().fold(mass, |sum, density| map(|i| sum[i] + density[i]));
                map(|i| whole - inside[i])
            } else {
                // About, as of a Gaussian.
                map(|i| whole * gaussian_tail(distance[i]).0)
            };
            row.push(map(|i| if distance[i] < RARE { beyond[i] } else { 0.0 }));
        }
    }
}

/// The row of a distribution from its density at the nodes, `mass` at 0.
#[inline(always)]
fn integrate(
    grid: &Grid,
    layout: Layout,
    integrals: &[Vec<Vec<f64>>],
    mass: &Lanes,
    density: &[Lanes],
    row: &mut Vec<Lanes>,
) {
    let Division { panels, cells, nodes, .. } = grid.division;
    let first = panels[0] * cells;
    let mut before = *mass;
    for (cell, f) in density.chunks(nodes).enumerate() {
        let beyond = cell >= first;
        if layout.atom && cell == first {
            row.push(before);
        }
        let region = usize::from(beyond).min(integrals.len() - 1);
        let integrals = &integrals[region][cell % cells];
        let (to_abscissas, to_end) = integrals.split_at(integrals.len() - nodes);
        if beyond {
            for to_abscissa in to_abscissas.chunks(nodes) {
                let sum = apply(to_abscissa, f);
                row.push(map(|i| before[i] + sum[i]));
            }
        }
        let sum = apply(to_end, f);
        before = map(|i| before[i] + sum[i]);
    }
    row.push(before);
}

/// The density where densities are combined: from those of the sums, u and the tilts there.
#[inline(always)]
fn combine(
    expansion: &Expansion,
    sums: &Sums,
    along: &[f64],
    tilts: &[f64],
    density: &mut Vec<Lanes>,
) {
    density.clear();
    let (stride, sums) = (sums.sets().len(), sums.densities());
    // Two at a time, so that a factor is loaded once for both.
    let pairs = along.chunks_exact(2).zip(tilts.chunks_exact(2));
    for ((along, tilts), sums) in pairs.zip(sums.chunks_exact(2 * stride)) {
        append::<2>(expansion, sums, along, tilts, density);
    }
    if !along.len().is_multiple_of(2) {
        let last = along.len() - 1;
        append::<1>(expansion, &sums[last * stride..], &along[last..], &tilts[last..], density);
    }
}

/// [`combine`] at N places.
#[inline(always)]
fn append<const N: usize>(
    expansion: &Expansion,
    sums: &[Lanes],
    along: &[f64],
    tilts: &[f64],
    density: &mut Vec<Lanes>,
) {
    let mut total = [[0.0; LANES]; N];
    let stride = sums.len() / N;
    for factors in expansion.descending() {
        for (total, u) in total.iter_mut().zip(along) {
            *total = map(|i| total[i] * u);
        }
        for (number, factor) in factors[1..=stride].iter().enumerate() {
            for (n, total) in total.iter_mut().enumerate() {
                let g = &sums[n * stride + number];
                for i in 0..LANES {
                    total[i] = factor[i].mul_add(g[i], total[i]);
                }
            }
        }
    }
    for (total, tilt) in total.iter().zip(tilts) {
        density.push(normal(&map(|i| total[i] * tilt)));
    }
}
