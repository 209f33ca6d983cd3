//! Groups of ReLU units: density and distribution of the sum S = Σ max(0, λ_l), λ_l ~ N(r_l, 1).
//!
//! A unit is off, value 0, with probability H(r), or on with the density G(u − r), u > 0. Unit by
//! unit, with the atom A of S at 0 and its density f on u > 0,
//!
//! $$ f^\prime(u) = H(r) f(u) + A\ G(u-r) + \int_0^u G(u-v-r) f(v) dv, \qquad A^\prime = H(r) A, \qquad
//!    F(u) = A + \int_0^u f . $$
//! All terms are positive, so that small probabilities keep their relative accuracy. f lives on
//! Gauss–Legendre panels; ∫₀^u is a fixed matrix (within u's own panel the integral of the
//! interpolating polynomial). Since G(u−v−r) = e^{−r²/2} e^{r(u−c)} G(u−v) e^{−r(v−c)}, the same
//! matrix serves all fields. For derivatives by the fields each unit has an order: its H and G are
//! then replaced by their derivatives by r of that order.
//!
//! Eight rows (points of the fields) at a time, side by side. 1e-12 with 8 nodes a panel of width 1.1.
//! Deterministic, whatever the instruction set.

use super::elementary::exp;
use super::gaussian;
use super::quadrature::Legendre;
use super::relu_fields::{LARGEST, Point};
use crate::simd::{Isa, Work};

/// Rows side by side.
pub const LANES: usize = 8;
/// One number for each row.
pub type Lanes = [f64; LANES];

/// Where the sums live: panels on [0, shift], then on shift + [0, reach].
#[derive(Clone, Debug)]
pub struct Grid {
    nodes: Vec<f64>,
    weights: Vec<f64>,
    /// ∫₀^u: one row a node, of `ends` entries.
    integral: Vec<f64>,
    /// The same times G(u−v)(u−v)^order.
    kernels: Vec<Vec<f64>>,
    ends: Vec<usize>,
    /// G(u).
    densities: Vec<f64>,
    first: usize,
    reach: f64,
    /// c, where the tilt e^{r(u−c)} is 1: the middle, so that it stays in range.
    centre: f64,
}

impl Grid {
    /// With `points` nodes a panel of at most `width`, for derivatives up to `orders` − 1.
    pub fn new(points: usize, width: f64, shift: f64, reach: f64, orders: usize) -> Self {
        let panels = |length: f64| (length / width).ceil() as usize;
        let (before, after) = (panels(shift), panels(reach));
        let at = |from: f64, length: f64, i: usize, count: usize| {
            from + length * i as f64 / count as f64
        };
        let mut breaks: Vec<f64> = (0..before).map(|i| at(0.0, shift, i, before)).collect();
        breaks.extend((0..=after).map(|i| at(shift, reach, i, after)));
        let legendre = Legendre::new(points);
        let unit = legendre.panels(&[-1.0, 1.0]);
        let own = partial_integrals(unit.nodes());
        let rule = legendre.panels(&breaks);
        let nodes: Vec<f64> = rule.nodes().iter().map(|node| node.0).collect();
        let weights: Vec<f64> = rule.nodes().iter().map(|node| node.1).collect();
        let mut integral = Vec::new();
        let mut kernels = vec![Vec::new(); orders];
        let mut ends = Vec::with_capacity(nodes.len());
        for (j, &u) in nodes.iter().enumerate() {
            let (panel, row) = (j / points, j % points);
            let half = 0.5 * (breaks[panel + 1] - breaks[panel]);
            let end = (panel + 1) * points;
            for (p, &v) in nodes[..end].iter().enumerate() {
                let entry = if p < panel * points {
                    weights[p]
                } else {
                    half * own[row * points + p % points]
                };
                integral.push(entry);
                let mut value = entry * gaussian::density(u - v);
                for kernel in &mut kernels {
                    kernel.push(value);
                    value *= u - v;
                }
            }
            ends.push(end);
        }
        let densities = nodes.iter().map(|&u| gaussian::density(u)).collect();
        Self {
            nodes,
            weights,
            integral,
            kernels,
            ends,
            densities,
            first: before * points,
            reach,
            centre: 0.5 * (shift + reach),
        }
    }
}

/// ∫_{−1}^{x_i} ℓ_p for the Lagrange polynomials of a Gauss–Legendre rule on [−1, 1]:
/// w_p Σ_n (n + ½) P_n(x_p) ∫_{−1}^{x_i} P_n.
fn partial_integrals(nodes: &[(f64, f64)]) -> Vec<f64> {
    let points = nodes.len();
    let legendre = |x: f64| {
        let mut values = vec![1.0, x];
        for n in 1..points {
            let n_plus = (n + 1) as f64;
            values.push(((2 * n + 1) as f64 * x * values[n] - n as f64 * values[n - 1]) / n_plus);
        }
        values
    };
    let mut matrix = Vec::with_capacity(points * points);
    for &(x, _) in nodes {
        let upper = legendre(x);
        for &(y, weight) in nodes {
            let here = legendre(y);
            // (n + ½)∫P_n = ½(P_{n+1} − P_{n−1}).
            let sum: f64 = (1..points).map(|n| 0.5 * here[n] * (upper[n + 1] - upper[n - 1])).sum();
            matrix.push(weight * (0.5 * (x + 1.0) + sum));
        }
    }
    matrix
}

/// Eight rows, for the scalar product of a density with a distribution.
#[derive(Clone, Debug)]
pub struct Block {
    /// Along the grid.
    pub values: Vec<Lanes>,
    /// Weights of the points; 0 where there is none.
    pub weights: Lanes,
}

/// Eight points on a grid: fields r = ratio·x unit by unit, weights, and the tilts e^{r(u−c)}.
#[derive(Clone, Debug)]
pub struct Points<'a> {
    grid: &'a Grid,
    units: usize,
    fields: [Lanes; LARGEST],
    weights: Lanes,
    /// Unit by unit.
    tilts: Vec<Lanes>,
}

impl<'a> Points<'a> {
    /// At most eight `points` of `units` units each.
    pub fn new(isa: Isa, grid: &'a Grid, units: usize, ratio: f64, points: &[Point]) -> Self {
        let (mut fields, mut weights) = ([[0.0; LANES]; LARGEST], [0.0; LANES]);
        for (lane, point) in points.iter().enumerate() {
            weights[lane] = point.weight;
            for (field, x) in fields.iter_mut().zip(point.fields) {
                field[lane] = ratio * x;
            }
        }
        let mut tilts = Vec::with_capacity(units * grid.nodes.len());
        isa.run(Tilts { grid, fields: &fields[..units], tilts: &mut tilts });
        Self { grid, units, fields, weights, tilts }
    }
}

struct Tilts<'a> {
    grid: &'a Grid,
    fields: &'a [Lanes],
    tilts: &'a mut Vec<Lanes>,
}

impl Work for Tilts<'_> {
    #[inline(always)]
    fn run(self) {
        for r in self.fields {
            for u in &self.grid.nodes {
                self.tilts.push(map(|i| exp(r[i] * (u - self.grid.centre))));
            }
        }
    }
}

/// Which rows.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Those of the distribution, or of the density.
    pub integrated: bool,
    /// Whether the density's atom has an entry, against the distribution at the shift.
    pub atom: bool,
    /// Order of the derivative by each field.
    pub orders: [usize; LARGEST],
}

/// The rows of eight points: of the density, times the weights of the integral over the part of the
/// grid beyond its shift, or of the distribution there. Then the mass beyond the grid against the
/// distribution at its end, and the atom.
pub fn block(isa: Isa, points: &Points<'_>, kind: Kind) -> Block {
    let mut values = Vec::with_capacity(points.grid.nodes.len() + 2);
    isa.run(Rows { points, kind, rows: &mut values });
    Block { values, weights: points.weights }
}

struct Rows<'a> {
    points: &'a Points<'a>,
    kind: Kind,
    rows: &'a mut Vec<Lanes>,
}

/// Derivatives of H(r) by r.
fn off(r: f64, order: usize) -> f64 {
    match order {
        0 => gaussian::tail(r),
        1 => -gaussian::density(r),
        _ => r * gaussian::density(r),
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

/// Σ_p matrix_p source_p for each lane.
#[inline(always)]
fn apply(matrix: &[f64], source: &[Lanes]) -> Lanes {
    let mut sums = [0.0; LANES];
    for (entry, values) in matrix.iter().zip(source) {
        for i in 0..LANES {
            sums[i] += entry * values[i];
        }
    }
    sums
}

impl Work for Rows<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { points, kind, rows: f } = self;
        let grid = points.grid;
        let nodes = &grid.nodes;
        let mut source = Vec::with_capacity(nodes.len());
        let mut mass = [1.0; LANES];
        for unit in 0..points.units {
            let (r, order) = (&points.fields[unit], kind.orders[unit]);
            let tilts = &points.tilts[unit * nodes.len()..(unit + 1) * nodes.len()];
            let mut own = [0.0; LANES];
            for i in 0..LANES {
                own[i] = off(r[i], order);
            }
            // G(u−r) = G(u) e^{r(u−c)} e^{r(c−r/2)}, times Hermite polynomials.
            let size = map(|i| exp(r[i] * (grid.centre - 0.5 * r[i])));
            let density = |j: usize| {
                map(|i| {
                    let d = nodes[j] - r[i];
                    let g = (grid.densities[j] * tilts[j][i]) * size[i];
                    match order {
                        0 => g,
                        1 => g * d,
                        _ => g * (d * d - 1.0),
                    }
                })
            };
            if unit == 0 {
                for j in 0..nodes.len() {
                    f.push(density(j));
                }
                mass = own;
                continue;
            }
            source.clear();
            for (tilt, f) in tilts.iter().zip(f.iter()) {
                source.push(map(|i| f[i] / tilt[i]));
            }
            let size = map(|i| exp(-0.5 * r[i] * r[i]));
            let mut from = 0;
            for (j, &end) in grid.ends.iter().enumerate() {
                let moment = |k: usize| apply(&grid.kernels[k][from..from + end], &source[..end]);
                // Derivatives of G(u−v−r) by r.
                let sum = match order {
                    0 => moment(0),
                    1 => {
                        let [zeroth, first] = [moment(0), moment(1)];
                        map(|i| first[i] - r[i] * zeroth[i])
                    }
                    _ => {
                        let [zeroth, first, second] = [moment(0), moment(1), moment(2)];
                        map(|i| second[i] - 2.0 * r[i] * first[i] + (r[i] * r[i] - 1.0) * zeroth[i])
                    }
                };
                let (alone, old) = (density(j), f[j]);
                f[j] = map(|i| {
                    own[i] * old[i] + mass[i] * alone[i] + size[i] * (tilts[j][i] * sum[i])
                });
                from += end;
            }
            mass = map(|i| mass[i] * own[i]);
        }
        finish(points, kind, mass, f);
    }
}

/// From density and atom to the rows.
#[inline(always)]
fn finish(points: &Points<'_>, kind: Kind, mass: Lanes, f: &mut Vec<Lanes>) {
    let grid = points.grid;
    let all = apply(&grid.weights, f);
    let before = apply(&grid.weights[..grid.first], f);
    if kind.integrated {
        let mut from = 0;
        let mut distribution = Vec::with_capacity(f.len() + 2);
        for (j, &end) in grid.ends.iter().enumerate() {
            if j >= grid.first {
                let sum = apply(&grid.integral[from..from + end], &f[..end]);
                distribution.push(map(|i| mass[i] + sum[i]));
            }
            from += end;
        }
        *f = distribution;
        f.push(map(|i| mass[i] + all[i]));
        if kind.atom {
            f.push(map(|i| mass[i] + before[i]));
        }
        return;
    }
    for (f, weight) in f.iter_mut().zip(&grid.weights) {
        *f = map(|i| f[i] * weight);
    }
    f.drain(..grid.first);
    // Beyond the grid, where that is more than the rounding of what is left of 1: seven deviations.
    let end = grid.weights[..grid.first].iter().sum::<f64>() + grid.reach;
    let distant = end - 7.0 * (points.units as f64).sqrt();
    let whole = if kind.orders == [0; LARGEST] { 1.0 } else { 0.0 };
    f.push(map(|i| {
        let sum: f64 = points.fields.iter().map(|r| r[i].max(0.0)).sum();
        if sum > distant { whole - mass[i] - all[i] } else { 0.0 }
    }));
    if kind.atom {
        f.push(mass);
    }
}
