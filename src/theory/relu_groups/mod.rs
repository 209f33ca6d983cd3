//! Groups of ReLU units: density and distribution of the sum S = Σ max(0, λ_l), λ_l ~ N(r_l, 1).
//!
//! A unit is off, value 0, with probability H(r), or on with the density G(u − r), u > 0. With
//! r_l = m + d_l the density of S on u > 0 is a sum over the sets A of units that are on,
//!
//! $$ f(u) = \sum_A \prod_{l\notin A} H(r_l)\ e^{mu} \prod_{l\in A} e^{-m^2/2 - m d_l}\ g_A(u), \qquad
//!    g_A = \mathop{*}_{l\in A} G(\cdot - d_l): $$
//! the convolutions belong to the deviations d alone. With the atom ΠH(r_l) at 0, F is the
//! distribution. All terms are positive, so that small probabilities keep their relative accuracy.
//! g_A lives on Gauss–Legendre panels; ∫₀^u is a fixed matrix (within u's own panel the integral of
//! the interpolating polynomial). Since G(u−v−d) = e^{−d²/2} e^{d(u−c)} G(u−v) e^{−d(v−c)}, the same
//! matrix serves all deviations. Derivatives by the fields, up to an order a unit, are those by
//! the deviations: of H and G, and of e^{−m d}.
//!
//! Eight deviations, then eight means, at a time, side by side. 1e-12 with 8 nodes a panel of width
//! 1.1. Deterministic, whatever the instruction set.

mod grid;
mod units;

use super::relu_fields::{Fields, LARGEST};
use crate::simd::{Isa, Work};
pub use grid::Grid;
use grid::{Tilts, apply};
use units::{Convolve, Density, OnOff};

/// Rows side by side.
pub const LANES: usize = 8;
/// One number for each row.
pub type Lanes = [f64; LANES];

/// Rows of points, for scalar products of densities with distributions: blocks of eight.
#[derive(Clone, Debug)]
pub struct Rows {
    length: usize,
    values: Vec<Lanes>,
    /// Weights of the points, block by block; 0 where there is none.
    pub weights: Vec<Lanes>,
}

impl Rows {
    fn new(length: usize, weights: Vec<Lanes>) -> Self {
        Self { length, values: vec![[0.0; LANES]; length * weights.len()], weights }
    }

    /// The rows of block `i` along the grid.
    #[inline(always)]
    pub fn block(&self, i: usize) -> &[Lanes] {
        &self.values[i * self.length..(i + 1) * self.length]
    }
}

/// Orders of the derivatives by the fields of a group.
pub type Orders = [usize; LARGEST];

/// Which rows of a group: with the derivatives `kinds`, of the density or (`integrated`) of the
/// distribution, and whether the density's atom has an entry, against the distribution at the shift.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Units of the group.
    pub units: usize,
    /// √(q/(1−q)): fields r = ratio·x.
    pub ratio: f64,
    /// All orders below those of a kind are kinds, too.
    pub kinds: &'a [Orders],
    /// Distribution instead of density.
    pub integrated: bool,
    /// Whether the atom has an entry.
    pub atom: bool,
}

/// The rows of the points of `fields` in their order, for each kind. A row of the density is times
/// the weights of the integral over the part of the grid beyond its shift, one of the distribution
/// lives there. Then the mass beyond the grid against the distribution at its end, and the atom.
pub fn rows(isa: Isa, grid: &Grid, fields: &Fields, layout: Layout<'_>) -> Vec<Rows> {
    let size = grid.nodes.len();
    let count = fields.points.len().div_ceil(LANES);
    let mut weights = vec![[0.0; LANES]; count];
    // Where the points of a deviation stand in the order.
    let mut members: Vec<Vec<(usize, usize)>> = vec![Vec::new(); fields.deviations.len()];
    for (place, point) in fields.points.iter().enumerate() {
        weights[place / LANES][place % LANES] = point.weight;
        members[point.deviation].push((point.mean, place));
    }
    let kinds = layout.kinds.len();
    let mut densities = vec![Rows::new(size, weights); kinds];
    // Atoms of all kinds, and where the mass beyond the grid counts.
    let mut masses = vec![vec![[0.0; LANES]; count]; kinds];
    let mut distant = vec![[false; LANES]; count];
    // Beyond the grid, where that is more than the rounding of what is left of 1: seven deviations.
    let end = grid.weights[..grid.first].iter().sum::<f64>() + grid.reach;
    let limit = end - 7.0 * (layout.units as f64).sqrt();
    let scaled: Vec<f64> = fields.means.iter().map(|x| layout.ratio * x).collect();
    let (means, _) = scaled.as_chunks::<LANES>();
    let mut means = means.to_vec();
    let mut last = [0.0; LANES];
    let rest = &scaled[means.len() * LANES..];
    last[..rest.len()].copy_from_slice(rest);
    means.push(last);
    let mut tilts = Vec::with_capacity(means.len() * size);
    for field in &means {
        isa.run(Tilts { grid, field, tilts: &mut tilts });
    }
    let used: Vec<usize> = (0..members.len()).filter(|&i| !members[i].is_empty()).collect();
    let mut values = Vec::with_capacity(size);
    let mut convolutions = Vec::new();
    for eight in used.chunks(LANES) {
        let mut deviations = [[0.0; LANES]; LARGEST];
        for (lane, &i) in eight.iter().enumerate() {
            for (field, x) in deviations.iter_mut().zip(fields.deviations[i]) {
                field[lane] = layout.ratio * x;
            }
        }
        convolutions.clear();
        isa.run(Convolve { grid, deviations: &deviations, layout, table: &mut convolutions });
        for (lane, &i) in eight.iter().enumerate() {
            let d = [0, 1, 2].map(|l| deviations[l][lane]);
            members[i].sort_unstable();
            for of_means in members[i].chunk_by(|x, y| x.0 / LANES == y.0 / LANES) {
                let chunk = of_means[0].0 / LANES;
                let (first, after) = (of_means[0].0, of_means[of_means.len() - 1].0 + 1);
                let filled = first - chunk * LANES..after - chunk * LANES;
                let tilts = &tilts[chunk * size..(chunk + 1) * size];
                let on_off = OnOff::new(&means[chunk], filled, &d, grid.centre, layout);
                for (k, orders) in layout.kinds.iter().enumerate() {
                    values.clear();
                    let terms = on_off.terms(orders, layout.kinds, &convolutions);
                    isa.run(Density { terms: &terms, lane, tilts, values: &mut values });
                    let mass = on_off.mass(orders);
                    for &(mean, place) in of_means {
                        let (block, to, of) = (place / LANES, place % LANES, mean % LANES);
                        let row = &mut densities[k].values[block * size..(block + 1) * size];
                        for (target, value) in row.iter_mut().zip(&values) {
                            target[to] = value[of];
                        }
                        masses[k][block][to] = mass[of];
                        let sum: f64 =
                            d[..layout.units].iter().map(|d| (scaled[mean] + d).max(0.0)).sum();
                        distant[block][to] = sum > limit;
                    }
                }
            }
        }
    }
    let length = size - grid.first + 1 + usize::from(layout.atom);
    let finished = |(k, density): (usize, &Rows)| {
        let mut rows = Rows::new(length, density.weights.clone());
        rows.values.clear();
        let whole = if layout.kinds[k] == [0; LARGEST] { 1.0 } else { 0.0 };
        for block in 0..count {
            isa.run(Finish {
                grid,
                layout,
                whole,
                mass: &masses[k][block],
                distant: &distant[block],
                density: density.block(block),
                rows: &mut rows.values,
            });
        }
        rows
    };
    densities.iter().enumerate().map(finished).collect()
}

#[inline(always)]
fn map(f: impl Fn(usize) -> f64) -> Lanes {
    let mut lanes = [0.0; LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = f(i);
    }
    lanes
}

/// From density and atom to the rows.
struct Finish<'a> {
    grid: &'a Grid,
    layout: Layout<'a>,
    whole: f64,
    mass: &'a Lanes,
    distant: &'a [bool; LANES],
    density: &'a [Lanes],
    rows: &'a mut Vec<Lanes>,
}

impl Work for Finish<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, layout, whole, mass, distant, density: f, rows } = self;
        let all = apply(&grid.weights, f);
        if layout.integrated {
            let mut from = 0;
            for (j, &end) in grid.ends.iter().enumerate() {
                if j >= grid.first {
                    let sum = apply(&grid.integral[from..from + end], &f[..end]);
                    rows.push(map(|i| mass[i] + sum[i]));
                }
                from += end;
            }
            rows.push(map(|i| mass[i] + all[i]));
            if layout.atom {
                let before = apply(&grid.weights[..grid.first], f);
                rows.push(map(|i| mass[i] + before[i]));
            }
            return;
        }
        for (f, weight) in f[grid.first..].iter().zip(&grid.weights[grid.first..]) {
            rows.push(map(|i| f[i] * weight));
        }
        rows.push(map(|i| if distant[i] { whole - mass[i] - all[i] } else { 0.0 }));
        if layout.atom {
            rows.push(*mass);
        }
    }
}
