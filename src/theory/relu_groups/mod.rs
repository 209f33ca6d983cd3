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
//! the interpolating polynomial; for F of that times e^{mu}, as f grows where F is tiny). Since
//! G(u−v−d) = e^{−d²/2} e^{d(u−c)} G(u−v) e^{−d(v−c)}, the same matrix serves all deviations. Derivatives by
//! the fields, up to an order a unit, are those by the deviations: of H and G, and of e^{−m d}.
//!
//! Eight deviations at a time, side by side. 1e-12 with 8 nodes a panel of width 1.1. Deterministic,
//! whatever the instruction set.

mod grid;
mod units;

use super::elementary::exp;
use super::relu_fields::{Fields, LARGEST};
use crate::simd::{Isa, Work};
pub use grid::Grid;
use grid::apply;
use units::{Convolve, OnOff, normal};

/// Rows side by side.
pub const LANES: usize = 8;
/// One number for each row.
pub type Lanes = [f64; LANES];

/// The rows of the points of one group with one kind of derivatives, blocks of eight, the heaviest
/// first.
#[derive(Clone, Debug)]
pub struct Rows {
    length: usize,
    values: Vec<Lanes>,
}

impl Rows {
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

/// Calls `each` with the coset, the weights and the rows, one a kind, of eight points at a time: one mean,
/// eight deviations. A row starts with the atom, if it has an entry. Beyond the shift of the grid then follow
/// the density times the weights of the integral, or the distribution; at last the mass beyond the grid,
/// or the distribution at its end.
pub fn each_block(
    isa: Isa,
    grid: &Grid,
    fields: &Fields,
    layout: Layout<'_>,
    mut each: impl FnMut(usize, &Lanes, &[Vec<Lanes>]),
) {
    // Beyond the grid, where that is more than the rounding of what is left of 1: seven deviations.
    let limit = grid.end - 7.0 * (layout.units as f64).sqrt();
    let means: Vec<f64> = fields.means.iter().map(|mean| layout.ratio * mean.x).collect();
    let tilt = |mean: f64| grid.nodes.iter().map(move |u| exp(mean * (u - grid.centre)));
    let tilts: Vec<Vec<f64>> = means.iter().map(|&mean| tilt(mean).collect()).collect();
    let integrals = |mean: &f64| layout.integrated.then(|| grid.integrals(mean.max(0.0)));
    let integrals: Vec<Option<[Vec<f64>; 2]>> = means.iter().map(integrals).collect();
    let mut convolutions = Vec::new();
    let mut density = Vec::new();
    let mut rows = vec![Vec::new(); layout.kinds.len()];
    for eight in fields.deviations.chunks(LANES) {
        let mut deviations = [[0.0; LANES]; LARGEST];
        for (lane, deviation) in eight.iter().enumerate() {
            for (field, x) in deviations.iter_mut().zip(deviation.fields) {
                field[lane] = layout.ratio * x;
            }
        }
        convolutions.clear();
        isa.run(Convolve { grid, deviations: &deviations, layout, table: &mut convolutions });
        for (i, &mean) in means.iter().enumerate() {
            let weights = map(|lane| eight.get(lane).map_or(0.0, |d| d.weights[i]));
            if weights == [0.0; LANES] {
                continue;
            }
            let on_off = OnOff::new(mean, &deviations, &weights, grid.centre, layout);
            let distant = map(|lane| {
                let on = |d: &Lanes| (mean + d[lane]).max(0.0);
                f64::from(u8::from(deviations[..layout.units].iter().map(on).sum::<f64>() > limit))
            });
            for (orders, row) in layout.kinds.iter().zip(&mut rows) {
                isa.run(Row {
                    grid,
                    layout,
                    terms: &on_off.terms(orders, layout.kinds, &convolutions),
                    tilts: &tilts[i],
                    integrals: integrals[i].as_ref(),
                    mass: &on_off.mass(orders),
                    distant: &distant,
                    whole: if *orders == [0; LARGEST] { 1.0 } else { 0.0 },
                    density: &mut density,
                    row,
                });
            }
            each(fields.means[i].coset, &weights, &rows);
        }
    }
}

/// All rows, for each kind, and the weights of their blocks.
pub fn all_blocks(
    isa: Isa,
    grid: &Grid,
    fields: &Fields,
    layout: Layout<'_>,
) -> (Vec<Lanes>, Vec<Rows>) {
    let mut kept: Vec<Vec<Vec<Lanes>>> = Vec::new();
    let mut points = Vec::new();
    each_block(isa, grid, fields, layout, |_, weights, rows| {
        for (lane, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            points.push((weight, kept.len(), lane));
        }
        kept.push(rows.to_vec());
    });
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let blocks = points.chunks(LANES);
    let weights = blocks.clone().map(|block| map(|i| block.get(i).map_or(0.0, |point| point.0)));
    let rows = |kind: usize| {
        let length = kept.first().map_or(0, |rows| rows[kind].len());
        let mut values = Vec::with_capacity(blocks.len() * length);
        for block in blocks.clone() {
            // Where there is none, the first once more, of weight 0.
            let sources = std::array::from_fn::<_, LANES, _>(|i| block.get(i).unwrap_or(&block[0]));
            let entry = |j: usize| map(|i| kept[sources[i].1][kind][j][sources[i].2]);
            values.extend((0..length).map(entry));
        }
        Rows { length, values }
    };
    (weights.collect(), (0..layout.kinds.len()).map(rows).collect())
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
    layout: Layout<'a>,
    terms: &'a [(Lanes, &'a [Lanes])],
    tilts: &'a [f64],
    /// [`Grid::integrals`] for the mean: for a row of the distribution.
    integrals: Option<&'a [Vec<f64>; 2]>,
    mass: &'a Lanes,
    /// 1 where the mass beyond the grid counts.
    distant: &'a Lanes,
    /// ∫f and the atom.
    whole: f64,
    density: &'a mut Vec<Lanes>,
    row: &'a mut Vec<Lanes>,
}

impl Work for Row<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, layout, terms, tilts, integrals, mass, distant, whole, density: f, row } =
            self;
        // Below the shift a density is needed for its integral alone.
        let needed = integrals.is_some() || distant.contains(&1.0);
        let from = if needed { 0 } else { grid.first };
        f.clear();
        for (j, tilt) in tilts.iter().enumerate().skip(from) {
            let mut sums = [0.0; LANES];
            for (factor, g) in terms {
                for i in 0..LANES {
                    sums[i] += factor[i] * g[j][i];
                }
            }
            f.push(normal(&map(|i| sums[i] * tilt)));
        }
        row.clear();
        if let Some(integrals) = integrals {
            let mut before = *mass;
            for (panel, f) in f.chunks(grid.points).enumerate() {
                let beyond = panel * grid.points >= grid.first;
                if layout.atom && panel * grid.points == grid.first {
                    row.push(before);
                }
                let mut integrals = integrals[usize::from(beyond)].chunks(grid.points);
                for to_node in integrals.by_ref().take(grid.points) {
                    if beyond {
                        let sum = apply(to_node, f);
                        row.push(map(|i| before[i] + sum[i]));
                    }
                }
                for to_end in integrals {
                    let sum = apply(to_end, f);
                    before = map(|i| before[i] + sum[i]);
                }
            }
            row.push(before);
            return;
        }
        if layout.atom {
            row.push(*mass);
        }
        for (f, weight) in f[grid.first - from..].iter().zip(&grid.weights[grid.first..]) {
            row.push(map(|i| f[i] * weight));
        }
        let mut rest = [0.0; LANES];
        if needed {
            let all = apply(&grid.weights, f);
            rest = map(|i| distant[i] * (whole - mass[i] - all[i]));
        }
        row.push(rest);
    }
}
