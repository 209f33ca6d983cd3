//! Groups of ReLU units: density and distribution of the sum S = Σ max(0, λ_l), λ_l ~ N(r_l, 1).
//!
//! A unit is off, value 0, with probability H(r), or on with the density G(u − r), u > 0. With
//! r_l = m + d_l the density of S on u > 0 is a sum over the sets A of units that are on,
//!
//! $$ f(u) = \sum_A \prod_{l\notin A} H(r_l)\ e^{mu} \prod_{l\in A} e^{-m^2/2 - m d_l}\ g_A(u), \qquad
//!    g_A = \mathop{*}_{l\in A} G(\cdot - d_l): $$
//! the convolutions belong to the deviations d alone. With the atom ΠH(r_l) at 0, F is the
//! distribution. All terms are positive, so that small probabilities keep their relative accuracy.
//! g_A lives on the nodes of narrow cells; ∫₀^u is a fixed matrix (within u's own cell the integral of
//! the interpolating polynomial; for F of that times e^{mu}, as f grows where F is tiny), to the nodes and to the
//! fewer abscissas of the rows. Since
//! G(u−v−d) = e^{−d²/2} e^{d(u−c)} G(u−v) e^{−d(v−c)}, the same matrix serves all deviations. Derivatives by
//! the fields are those by the deviations: of H and G, and of e^{−m d}.
//!
//! Eight deviations at a time, side by side. 1e-10 with 10 nodes a cell of width 1.6 and 10 abscissas a panel of
//! width 2.8. Deterministic, whatever the instruction set.

mod derivatives;
mod grid;
mod units;

use super::elementary::exp;
use super::gaussian;
use super::relu_fields::{Fields, LARGEST};
use crate::simd::{Isa, Work};
pub use derivatives::Derivatives;
use derivatives::Orders;
use grid::apply;
pub use grid::{Division, Grid};
use units::{Convolutions, Convolve, OnOff, normal};

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
    fn distance(&self, grid: &Grid, layout: Layout) -> Lanes {
        let deviation = (layout.units as f64).sqrt();
        map(|i| {
            let sum: f64 = self.fields[..layout.units].iter().map(|r| r[i].max(0.0)).sum();
            (grid.end - sum) / deviation
        })
    }
}

/// All points of a group, blocks of eight, the heaviest first.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// Of the blocks.
    pub weights: Vec<Lanes>,
    /// Of the blocks, r_l in units of σ.
    pub fields: Vec<[Lanes; LARGEST]>,
    rows: Vec<Vec<Lanes>>,
    /// Of a row.
    length: usize,
}

impl Blocks {
    /// Row number `row` of block `block` along the grid.
    #[inline(always)]
    pub fn row(&self, row: usize, block: usize) -> &[Lanes] {
        &self.rows[row][block * self.length..(block + 1) * self.length]
    }

    /// How many blocks have a pair above `cut` with a point of weight `other`.
    #[inline(always)]
    pub fn within(&self, other: f64, cut: f64) -> usize {
        self.weights.partition_point(|weights| weights[0] * other > cut)
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
    let along = if layout.integrated { &grid.nodes } else { &grid.abscissas };
    let tilt = |mean: f64| along.iter().map(move |u| exp(mean * (u - grid.centre)));
    let tilts: Vec<Vec<f64>> = means.iter().map(|&mean| tilt(mean).collect()).collect();
    let plain = layout.integrated.then(|| grid.integrals(0.0));
    let integrals = |mean: &f64| (layout.integrated && *mean > 0.0).then(|| grid.integrals(*mean));
    let integrals: Vec<Option<[Vec<Vec<f64>>; 2]>> = means.iter().map(integrals).collect();
    let rows = layout.derivatives.rows(layout.units);
    let mut convolutions = Convolutions::new(layout);
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
        isa.run(Convolve { grid, deviations: &deviations, table: &mut convolutions });
        for (i, &mean) in means.iter().enumerate() {
            block.weights = map(|lane| eight.get(lane).map_or(0.0, |d| d.weights[i]));
            if block.weights == none {
                continue;
            }
            for (field, d) in block.fields.iter_mut().zip(&deviations).take(layout.units) {
                *field = map(|lane| mean + d[lane]);
            }
            let on_off = OnOff::new(mean, &deviations, &block.weights, grid.centre, layout);
            let distance = block.distance(grid, layout);
            for (row, into) in rows.iter().zip(&mut block.rows) {
                isa.run(Row {
                    grid,
                    layout,
                    terms: &on_off.terms(row, &convolutions),
                    tilts: &tilts[i],
                    integrals: integrals[i].as_ref().or(plain.as_ref()),
                    mass: &on_off.mass(row),
                    distance: &distance,
                    whole: if row[0] == [0; LARGEST] { 1.0 } else { 0.0 },
                    density: &mut density,
                    row: into,
                });
            }
            each(fields.means[i].coset, &block);
        }
    }
}

/// The rows of all points.
pub fn all_blocks(isa: Isa, grid: &Grid, fields: &Fields, layout: Layout) -> Blocks {
    let mut kept: Vec<Block> = Vec::new();
    let mut points = Vec::new();
    each_block(isa, grid, fields, layout, |_, block| {
        for (lane, &weight) in block.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0)
        {
            points.push((weight, kept.len(), lane));
        }
        kept.push(block.clone());
    });
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let blocks: Vec<&[(f64, usize, usize)]> = points.chunks(LANES).collect();
    let length = kept.first().map_or(0, |block| block.rows[0].len());
    let mut all = Blocks {
        weights: Vec::with_capacity(blocks.len()),
        fields: Vec::with_capacity(blocks.len()),
        rows: Vec::new(),
        length,
    };
    let count = kept.first().map_or(0, |block| block.rows.len());
    all.rows.resize_with(count, || Vec::with_capacity(blocks.len() * length));
    for block in blocks {
        all.weights.push(map(|i| block.get(i).map_or(0.0, |point| point.0)));
        // Where there is none, the first once more, of weight 0.
        let sources = std::array::from_fn::<_, LANES, _>(|i| block.get(i).unwrap_or(&block[0]));
        let of = |i: usize| (&kept[sources[i].1], sources[i].2);
        all.fields.push(std::array::from_fn(|l| {
            map(|i| {
                let (block, lane) = of(i);
                block.fields[l][lane]
            })
        }));
        for (k, row) in all.rows.iter_mut().enumerate() {
            let sources = std::array::from_fn::<_, LANES, _>(|i| {
                let (block, lane) = of(i);
                (&block.rows[k][..length], lane)
            });
            row.extend((0..length).map(|j| map(|i| sources[i].0[j][sources[i].1])));
        }
    }
    all
}

#[inline(always)]
fn map(f: impl Fn(usize) -> f64) -> Lanes {
    let mut lanes = [0.0; LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = f(i);
    }
    lanes
}

/// From the terms of the density to the row.
struct Row<'a> {
    grid: &'a Grid,
    layout: Layout,
    terms: &'a [(Lanes, &'a [Lanes])],
    tilts: &'a [f64],
    /// [`Grid::integrals`] for the mean: for a row of the distribution.
    integrals: Option<&'a [Vec<Vec<f64>>; 2]>,
    mass: &'a Lanes,
    /// [`Block::distance`].
    distance: &'a Lanes,
    /// ∫f and the atom.
    whole: f64,
    density: &'a mut Vec<Lanes>,
    row: &'a mut Vec<Lanes>,
}

impl Work for Row<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, layout, terms, tilts, integrals, mass, distance, whole, density: f, row } =
            self;
        f.clear();
        let mut at = 0;
        // Two nodes at a time, so that a factor is loaded once for both.
        while at + 2 <= tilts.len() {
            combined::<2>(terms, tilts, at, f);
            at += 2;
        }
        if at < tilts.len() {
            combined::<1>(terms, tilts, at, f);
        }
        row.clear();
        if let Some(integrals) = integrals {
            let Division { panels, cells, nodes, .. } = grid.division;
            let first = panels[0] * cells;
            let mut before = *mass;
            for (cell, f) in f.chunks(nodes).enumerate() {
                let beyond = cell >= first;
                if layout.atom && cell == first {
                    row.push(before);
                }
                let integrals = &integrals[usize::from(beyond)][cell % cells];
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
            return;
        }
        if layout.atom {
            row.push(*mass);
        }
        for (f, weight) in f.iter().zip(&grid.weights).skip(grid.first) {
            row.push(map(|i| f[i] * weight));
        }
        // Further from the end, what lies beyond is less than the rounding of what is left of 1.
        const RARE: f64 = 7.0;
        if grid.complete {
            let inside = apply(&grid.weights, f);
            row.push(map(|i| if distance[i] < RARE { whole - mass[i] - inside[i] } else { 0.0 }));
        } else {
            // About, as of a Gaussian.
            let mut beyond = [0.0; LANES];
            for i in 0..LANES {
                if distance[i] < RARE {
                    beyond[i] = whole * gaussian::tail(distance[i]);
                }
            }
            row.push(beyond);
        }
    }
}

/// Appends the density at N nodes from `at` on.
#[inline(always)]
fn combined<const N: usize>(
    terms: &[(Lanes, &[Lanes])],
    tilts: &[f64],
    at: usize,
    density: &mut Vec<Lanes>,
) {
    let mut sums = [[0.0; LANES]; N];
    for (factor, g) in terms {
        for (sums, g) in sums.iter_mut().zip(&g[at..at + N]) {
            for i in 0..LANES {
                sums[i] = factor[i].mul_add(g[i], sums[i]);
            }
        }
    }
    for (sums, tilt) in sums.iter().zip(&tilts[at..]) {
        density.push(normal(&map(|i| sums[i] * tilt)));
    }
}
