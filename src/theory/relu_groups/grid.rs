//! The grid of a group, and what is fixed along it: the integrals up to a node, plain and with the
//! Gaussian density, and the tilts.
//!
//! The sums over y, whose integrands are as smooth as a Gaussian, have wide Gauss–Legendre panels; the integrals
//! up to a node, whose integrands are as steep as the fields are large, narrow cells, some of which make up a
//! panel.

use super::{LANES, Lanes, Layout, map};
use crate::simd::{Isa, Work};
use crate::theory::elementary::exp;
use crate::theory::gaussian;
use crate::theory::quadrature::Legendre;
use std::ops::Range;

/// Where G is 1e-49: nearer, all that counts, whatever the tilt (12: 1e-10 at κ = 3).
const FURTHEST: f64 = 15.0;

/// How finely a grid is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// Panels before the shift and beyond.
    pub panels: [usize; 2],
    /// Abscissas a panel.
    pub abscissas: usize,
    /// Cells a panel.
    pub cells: usize,
    /// Nodes a cell.
    pub nodes: usize,
    /// Whether there are abscissas before the shift as well, for what lies beyond the grid.
    pub complete: bool,
}

/// Panels on [0, shift], then on shift + [0, reach].
#[derive(Clone, Debug)]
pub struct Grid {
    /// Panels, and what they consist of.
    pub(super) division: Division,
    /// Of the sums.
    pub(super) abscissas: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// The first abscissa beyond the shift.
    pub(super) first: usize,
    /// As of [`Division::complete`], or nothing is before the shift.
    pub(super) complete: bool,
    /// Of the integrals.
    pub(super) nodes: Vec<f64>,
    pub(super) cells: Vec<Cell>,
    /// Half-widths of the cells before the shift and beyond.
    halves: [f64; 2],
    /// Of each of the cells of a panel: up to its abscissas, then up to its end.
    antiderivatives: Vec<Antiderivative>,
    /// shift + reach.
    pub(super) end: f64,
    /// c, where the tilt e^{r(u−c)} is 1: the middle, so that it stays in range.
    pub(super) centre: f64,
}

/// What the convolutions need in a cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The nodes that count: earlier ones are further than [`FURTHEST`].
    pub(super) sources: Range<usize>,
    pub(super) to_nodes: Kernels,
    pub(super) to_abscissas: Kernels,
}

/// ∫₀^u dv G(u−v)(u−v)^order of values at nodes v: one matrix an order, a row a node, a column a target u.
#[derive(Clone, Debug)]
pub(super) struct Kernels {
    pub(super) columns: usize,
    pub(super) orders: Vec<Vec<f64>>,
}

impl Grid {
    /// For the rows of `layout`, from `shift` on `reach` long.
    pub fn new(isa: Isa, division: Division, shift: f64, reach: f64, layout: Layout) -> Self {
        let Division {
            panels: [before, after], abscissas: per_panel, cells, nodes: points, ..
        } = division;
        let complete = division.complete || before == 0;
        let breaks = |parts: usize| {
            let at = |from: f64, length: f64, i: usize, count: usize| {
                from + length * i as f64 / count as f64
            };
            let [before, after] = [before, after].map(|panels| panels * parts);
            let mut breaks: Vec<f64> = (0..before).map(|i| at(0.0, shift, i, before)).collect();
            breaks.extend((0..=after).map(|i| at(shift, reach, i, after)));
            breaks
        };
        let of_cells = Legendre::new(points).panels(&breaks(cells));
        let of_panels =
            Legendre::new(per_panel).panels(&breaks(1)[if complete { 0 } else { before }..]);
        let halves = [shift / (before * cells).max(1) as f64, reach / (after * cells) as f64];
        let halves = halves.map(|width| 0.5 * width);
        let basis = Basis::new(points);
        // Where the abscissas of a panel lie in its cells.
        let in_panel = Legendre::new(per_panel).panels(&[0.0, cells as f64]);
        let places: Vec<Vec<f64>> = (0..cells)
            .map(|cell| {
                let here = in_panel.nodes().iter().map(|node| node.0 - cell as f64);
                here.filter(|x| (0.0..1.0).contains(x)).map(|x| 2.0 * x - 1.0).collect()
            })
            .collect();
        // Exact for polynomials.
        let plain =
            |ends: &[f64]| Antiderivative::new(&basis, ends, points.div_ceil(2)).weights(0.0);
        let to_nodes = plain(&basis.nodes);
        let to_abscissas: Vec<Vec<f64>> = places.iter().map(|places| plain(places)).collect();
        // Where there are convolutions: those of all units are no sources.
        let at_nodes = layout.units > if layout.integrated { 1 } else { 2 };
        let at_abscissas = layout.units > 1 && !layout.integrated;
        let nodes: Vec<f64> = of_cells.nodes().iter().map(|node| node.0).collect();
        let abscissas: Vec<f64> = of_panels.nodes().iter().map(|node| node.0).collect();
        let mut begin = 0;
        let cell = |number: usize| {
            let own = number * points..(number + 1) * points;
            let in_cell = &to_abscissas[number % cells];
            let beyond = number >= before * cells;
            let half = halves[usize::from(beyond)];
            let places = if complete || beyond { &places[number % cells][..] } else { &[] };
            let here = begin..begin + places.len();
            begin = here.end;
            let least = nodes[own.start] - FURTHEST - 2.0 * half;
            let sources = nodes.partition_point(|v| *v < least)..own.end;
            let kernels = |targets: &[f64], own_weights: &[f64]| {
                let mut plain = Vec::with_capacity(sources.len() * targets.len());
                for v in sources.clone() {
                    for u in 0..targets.len() {
                        plain.push(if v < own.start {
                            of_cells.nodes()[v].1
                        } else {
                            half * own_weights[u * points + v - own.start]
                        });
                    }
                }
                let mut orders = Vec::new();
                isa.run(Weigh {
                    nodes: &nodes[sources.clone()],
                    targets,
                    plain,
                    highest: layout.derivatives.highest(),
                    orders: &mut orders,
                });
                Kernels { columns: targets.len(), orders }
            };
            Cell {
                to_nodes: kernels(if at_nodes { &nodes[own.clone()] } else { &[] }, &to_nodes),
                to_abscissas: kernels(if at_abscissas { &abscissas[here] } else { &[] }, in_cell),
                sources,
            }
        };
        let cells: Vec<Cell> = (0..(before + after) * cells).map(cell).collect();
        let ends = |places: &Vec<f64>| {
            let ends: Vec<f64> = places.iter().copied().chain([1.0]).collect();
            Antiderivative::new(&basis, &ends, 2 * points)
        };
        Self {
            division,
            weights: of_panels.nodes().iter().map(|node| node.1).collect(),
            first: if complete { before * per_panel } else { 0 },
            complete,
            halves,
            antiderivatives: if layout.integrated {
                places.iter().map(ends).collect()
            } else {
                Vec::new()
            },
            end: shift + reach,
            centre: 0.5 * (shift + reach),
            abscissas,
            nodes,
            cells,
        }
    }

    /// For f(v) e^{−rate v} a polynomial in each cell: the weights of ∫f from the begin of a cell to each of
    /// its abscissas, then over all of it; for the cells of a panel before the shift, and beyond.
    pub(super) fn integrals(&self, rate: f64) -> [Vec<Vec<f64>>; 2] {
        let of = |half: f64| {
            let of_cell = |to: &Antiderivative| {
                let mut matrix = to.weights(rate * half);
                matrix.iter_mut().for_each(|entry| *entry *= half);
                matrix
            };
            self.antiderivatives.iter().map(of_cell).collect()
        };
        let [before, beyond] = self.halves;
        [if before > 0.0 { of(before) } else { Vec::new() }, of(beyond)]
    }
}

/// The Lagrange polynomials ℓ_p of a Gauss–Legendre rule on [−1, 1].
struct Basis {
    nodes: Vec<f64>,
}

impl Basis {
    fn new(points: usize) -> Self {
        let rule = Legendre::new(points).panels(&[-1.0, 1.0]);
        Self { nodes: rule.nodes().iter().map(|node| node.0).collect() }
    }

    fn at(&self, x: f64) -> Vec<f64> {
        let value = |p: usize| -> f64 {
            let others = self.nodes.iter().enumerate().filter(|(i, _)| *i != p);
            others.map(|(_, node)| (x - node) / (self.nodes[p] - node)).product()
        };
        (0..self.nodes.len()).map(value).collect()
    }
}

/// Integrals of polynomials times exponentials from −1 up to some ends.
#[derive(Clone, Debug)]
struct Antiderivative {
    nodes: Vec<f64>,
    rules: Vec<Sampled>,
}

/// A rule on [−1, end].
#[derive(Clone, Debug)]
struct Sampled {
    /// With weights.
    nodes: Vec<(f64, f64)>,
    /// All ℓ_p at each node.
    values: Vec<f64>,
}

impl Antiderivative {
    /// With `points` nodes up to each of the `ends`.
    fn new(basis: &Basis, ends: &[f64], points: usize) -> Self {
        let legendre = Legendre::new(points);
        let rule = |end: &f64| {
            let nodes = legendre.panels(&[-1.0, *end]).nodes().to_vec();
            let values = nodes.iter().flat_map(|node| basis.at(node.0)).collect();
            Sampled { nodes, values }
        };
        Self { nodes: basis.nodes.clone(), rules: ends.iter().map(rule).collect() }
    }

    /// ∫_{−1}^{end} ℓ_p(x) e^{rate (x − x_p)} dx, end by end.
    fn weights(&self, rate: f64) -> Vec<f64> {
        let scales: Vec<f64> = self.nodes.iter().map(|node| exp(-rate * node)).collect();
        let mut matrix = Vec::with_capacity(self.rules.len() * self.nodes.len());
        for Sampled { nodes, values } in &self.rules {
            let from = matrix.len();
            matrix.resize(from + self.nodes.len(), 0.0);
            for (&(x, weight), values) in nodes.iter().zip(values.chunks(self.nodes.len())) {
                let growth = weight * exp(rate * x);
                for (sum, value) in matrix[from..].iter_mut().zip(values) {
                    *sum += growth * value;
                }
            }
            for (sum, scale) in matrix[from..].iter_mut().zip(&scales) {
                *sum *= scale;
            }
        }
        matrix
    }
}

/// From the weights of ∫₀^u to [`Kernels`].
struct Weigh<'a> {
    /// v.
    nodes: &'a [f64],
    /// u.
    targets: &'a [f64],
    plain: Vec<f64>,
    highest: usize,
    orders: &'a mut Vec<Vec<f64>>,
}

impl Work for Weigh<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { nodes, targets, mut plain, highest, orders } = self;
        if targets.is_empty() {
            orders.resize(highest + 1, Vec::new());
            return;
        }
        for (row, v) in plain.chunks_exact_mut(targets.len()).zip(nodes) {
            for (entry, u) in row.iter_mut().zip(targets) {
                *entry *= gaussian::INV_SQRT_2PI * exp(-0.5 * (u - v) * (u - v));
            }
        }
        orders.push(plain);
        for order in 0..highest {
            let mut next = orders[order].clone();
            for (row, v) in next.chunks_exact_mut(targets.len()).zip(nodes) {
                for (entry, u) in row.iter_mut().zip(targets) {
                    *entry *= u - v;
                }
            }
            orders.push(next);
        }
    }
}

/// e^{x(u−c)} along `at` for eight x.
pub(super) struct Tilts<'a> {
    pub(super) at: &'a [f64],
    pub(super) centre: f64,
    pub(super) field: &'a Lanes,
    pub(super) tilts: &'a mut Vec<Lanes>,
}

impl Work for Tilts<'_> {
    #[inline(always)]
    fn run(self) {
        for u in self.at {
            self.tilts.push(map(|i| exp(self.field[i] * (u - self.centre))));
        }
    }
}

/// Σ_v matrix_vu source_v for N targets u from `column` on, of `columns`.
#[inline(always)]
pub(super) fn apply_columns<const N: usize>(
    matrix: &[f64],
    columns: usize,
    column: usize,
    source: &[Lanes],
) -> [Lanes; N] {
    let mut sums = [[0.0; LANES]; N];
    for (row, values) in matrix.chunks_exact(columns).zip(source) {
        for (sums, entry) in sums.iter_mut().zip(&row[column..column + N]) {
            for i in 0..LANES {
                sums[i] = values[i].mul_add(*entry, sums[i]);
            }
        }
    }
    sums
}

/// Σ_p weights_p source_p for each lane, in two interleaved sums.
#[inline(always)]
pub(super) fn apply(weights: &[f64], source: &[Lanes]) -> Lanes {
    let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
    let (pairs, rest) = weights.as_chunks::<2>();
    let (sources, last) = source[..weights.len()].as_chunks::<2>();
    for (entries, values) in pairs.iter().zip(sources) {
        for i in 0..LANES {
            even[i] = entries[0].mul_add(values[0][i], even[i]);
            odd[i] = entries[1].mul_add(values[1][i], odd[i]);
        }
    }
    for (entry, values) in rest.iter().zip(last) {
        for i in 0..LANES {
            even[i] = entry.mul_add(values[i], even[i]);
        }
    }
    map(|i| even[i] + odd[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::relu_groups::Derivatives;

    /// Every abscissa belongs to one cell, also one on the border of two, and the convolution of a polynomial with
    /// the kernels there is the integral.
    #[test]
    fn abscissas_of_cells() {
        let layout = Layout {
            units: 2,
            ratio: 1.0,
            derivatives: Derivatives::None,
            integrated: false,
            atom: false,
        };
        for (cells, abscissas) in (2..=6).flat_map(|cells| [5, 8, 13].map(|n| (cells, n))) {
            let division = Division { panels: [1, 2], abscissas, cells, nodes: 9, complete: true };
            let grid = Grid::new(Isa::SCALAR, division, 2.5, 5.0, layout);
            let columns = grid.cells.iter().map(|cell| cell.to_abscissas.columns);
            assert_eq!(columns.sum::<usize>(), grid.abscissas.len(), "{cells} {abscissas}");
            let mut targets = grid.abscissas.iter();
            for cell in &grid.cells {
                let Kernels { columns, orders } = &cell.to_abscissas;
                let source: Vec<Lanes> =
                    grid.nodes[cell.sources.clone()].iter().map(|v| [v * v; LANES]).collect();
                for (column, u) in targets.by_ref().take(*columns).enumerate() {
                    let [sum] = apply_columns::<1>(&orders[0], *columns, column, &source);
                    let rule = Legendre::new(60).panels(&[0.0, *u]);
                    let exact = rule.mean(|v| v * v * gaussian::density(u - v));
                    assert!((sum[0] - exact).abs() < 2e-6, "{u} {sum:?} {exact}");
                }
            }
        }
    }
}
