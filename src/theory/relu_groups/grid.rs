//! The grid of a group, and what is fixed along it: the integrals up to a node or abscissa.
//!
//! The sums over y, whose integrands are as smooth as a Gaussian, have wide Gauss–Legendre panels; the integrals
//! up to a node, whose integrands are as steep as the fields are large, narrow cells, some of which make up a
//! panel.

use super::{LANES, Lanes, Layout, map};
use crate::simd::Isa;
use crate::theory::elementary::Exponentials;
use crate::theory::quadrature::Legendre;

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
    /// Before the shift, if there is one, and beyond.
    pub(super) regions: Vec<Region>,
    /// Of each of the cells of a panel: up to its abscissas, then up to its end.
    antiderivatives: Vec<Antiderivative>,
    /// shift + reach.
    pub(super) end: f64,
    /// c, where the tilt e^{r(u−c)} is 1: the middle, so that it stays in range.
    pub(super) centre: f64,
}

/// Equal panels.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) panels: usize,
    /// Half-width of a cell.
    pub(super) half: f64,
    /// Nodes of the first cell.
    pub(super) nodes: Vec<f64>,
    /// Abscissas of the first panel, if it has any.
    pub(super) abscissas: Vec<f64>,
    /// Of a panel.
    pub(super) cells: Vec<Cell>,
}

/// Integrals of an interpolating polynomial on [−1, 1].
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) nodes: usize,
    pub(super) abscissas: usize,
    /// A row a node, a column an end: nodes, then abscissas, then 1.
    matrix: Vec<f64>,
}

impl Cell {
    fn new(basis: &Basis, abscissas: &[f64]) -> Self {
        let nodes = basis.nodes.len();
        let ends: Vec<f64> =
            basis.nodes.iter().chain(abscissas).copied().chain(std::iter::once(1.0)).collect();
        // Exact for polynomials.
        let weights =
            Antiderivative::new(basis, &ends, nodes.div_ceil(2)).weights(Isa::SCALAR, 0.0);
        let entry = |node: usize| weights.iter().skip(node).step_by(nodes).copied();
        Self { nodes, abscissas: abscissas.len(), matrix: (0..nodes).flat_map(entry).collect() }
    }

    /// Integrals of `slopes`, values at the nodes, from `begin` on: to the ends from number `from` on into `to`, the
    /// last of which is the next `begin`.
    #[inline(always)]
    pub(super) fn integrate(
        &self,
        from: usize,
        slopes: &[Lanes],
        begin: &mut Lanes,
        to: &mut Vec<Lanes>,
    ) {
        to.clear();
        let columns = self.nodes + self.abscissas + 1;
        let mut at = from;
        while at + 4 <= columns {
            self.append::<4>(columns, at, slopes, begin, to);
            at += 4;
        }
        if at + 2 <= columns {
            self.append::<2>(columns, at, slopes, begin, to);
            at += 2;
        }
        if at < columns {
            self.append::<1>(columns, at, slopes, begin, to);
        }
        if let Some(last) = to.last() {
            *begin = *last;
        }
    }

    /// To N ends from number `at` on.
    #[inline(always)]
    fn append<const N: usize>(
        &self,
        columns: usize,
        at: usize,
        slopes: &[Lanes],
        begin: &Lanes,
        to: &mut Vec<Lanes>,
    ) {
        let mut sums = [*begin; N];
        for (row, slopes) in self.matrix.chunks_exact(columns).zip(slopes) {
            for (sums, entry) in sums.iter_mut().zip(&row[at..at + N]) {
                for i in 0..LANES {
                    sums[i] = slopes[i].mul_add(*entry, sums[i]);
                }
            }
        }
        to.extend_from_slice(&sums);
    }
}

impl Grid {
    /// For the rows of `layout`, from `shift` on `reach` long.
    pub fn new(division: Division, shift: f64, reach: f64, layout: Layout) -> Self {
        let Division { panels, abscissas: per_panel, cells, nodes: points, .. } = division;
        let [before, after] = panels;
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
        let basis = Basis::new(points);
        // Where the abscissas of a panel lie in its cells.
        let in_panel = Legendre::new(per_panel).panels(&[0.0, cells as f64]);
        let places: Vec<Vec<f64>> = (0..cells)
            .map(|cell| {
                let here = in_panel.nodes().iter().map(|node| node.0 - cell as f64);
                here.filter(|x| (0.0..1.0).contains(x)).map(|x| 2.0 * x - 1.0).collect()
            })
            .collect();
        let nodes: Vec<f64> = of_cells.nodes().iter().map(|node| node.0).collect();
        let abscissas: Vec<f64> = of_panels.nodes().iter().map(|node| node.0).collect();
        let first = if complete { before * per_panel } else { 0 };
        let with_abscissas: Vec<Cell> =
            places.iter().map(|places| Cell::new(&basis, places)).collect();
        let without = vec![Cell::new(&basis, &[]); cells];
        let region = |number: usize| {
            let (from, length) = [(0.0, shift), (shift, reach)][number];
            let panels = panels[number];
            let combined = !layout.integrated && (number == 1 || complete);
            let first_node = if from > 0.0 { before * cells * points } else { 0 };
            let first_abscissa = if number == 0 { 0 } else { first };
            Region {
                panels,
                half: 0.5 * length / (panels * cells) as f64,
                nodes: nodes[first_node..first_node + points].to_vec(),
                abscissas: if combined {
                    abscissas[first_abscissa..first_abscissa + per_panel].to_vec()
                } else {
                    Vec::new()
                },
                cells: if combined { with_abscissas.clone() } else { without.clone() },
            }
        };
        let regions = [0, 1].into_iter().filter(|&number| panels[number] > 0).map(region).collect();
        let ends = |places: &Vec<f64>| {
            let ends: Vec<f64> = places.iter().copied().chain([1.0]).collect();
            Antiderivative::new(&basis, &ends, 2 * points)
        };
        Self {
            division,
            weights: of_panels.nodes().iter().map(|node| node.1).collect(),
            first,
            complete,
            antiderivatives: if layout.integrated {
                places.iter().map(ends).collect()
            } else {
                Vec::new()
            },
            regions,
            end: shift + reach,
            centre: 0.5 * (shift + reach),
            abscissas,
            nodes,
        }
    }

    /// Where densities are combined.
    #[inline(always)]
    pub(super) fn along(&self, layout: Layout) -> &[f64] {
        if layout.integrated { &self.nodes } else { &self.abscissas }
    }

    /// For f(v) e^{−rate v} a polynomial in each cell: the weights of ∫f from the begin of a cell to each of
    /// its abscissas, then over all of it; region by region, for the cells of a panel.
    pub(super) fn integrals(&self, isa: Isa, rate: f64) -> Vec<Vec<Vec<f64>>> {
        let of = |half: f64| {
            let of_cell = |to: &Antiderivative| {
                let mut matrix = to.weights(isa, rate * half);
                matrix.iter_mut().for_each(|entry| *entry *= half);
                matrix
            };
            self.antiderivatives.iter().map(of_cell).collect()
        };
        self.regions.iter().map(|region| of(region.half)).collect()
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
    fn weights(&self, isa: Isa, rate: f64) -> Vec<f64> {
        let count = self.nodes.len();
        let of_rules = self.rules.iter().flat_map(|rule| &rule.nodes).map(|&(x, _)| rate * x);
        let mut growths: Vec<f64> =
            self.nodes.iter().map(|node| -rate * node).chain(of_rules).collect();
        isa.run(Exponentials(&mut growths));
        let (scales, growths) = growths.split_at(count);
        let mut growths = growths.iter();
        let mut matrix = vec![0.0; self.rules.len() * count];
        for (Sampled { nodes, values }, row) in self.rules.iter().zip(matrix.chunks_mut(count)) {
            for ((&(_, weight), values), growth) in
                nodes.iter().zip(values.chunks(count)).zip(&mut growths)
            {
                for (sum, value) in row.iter_mut().zip(values) {
                    *sum += weight * growth * value;
                }
            }
            for (sum, scale) in row.iter_mut().zip(scales) {
                *sum *= scale;
            }
        }
        matrix
    }
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

    /// Every abscissa belongs to one cell, also one on the border of two, and the integrals of a polynomial there are
    /// its.
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
            let grid = Grid::new(division, 2.5, 5.0, layout);
            let (mut targets, mut nodes) = (grid.abscissas.iter(), grid.nodes.chunks(9));
            let mut begin = [0.0; LANES];
            for region in &grid.regions {
                for cell in (0..region.panels).flat_map(|_| &region.cells) {
                    let of = |v: &f64| [8.0 * region.half * v.powi(7); LANES];
                    let slopes: Vec<Lanes> = nodes.next().unwrap().iter().map(of).collect();
                    let mut to = Vec::new();
                    cell.integrate(9, &slopes, &mut begin, &mut to);
                    for (sum, u) in to[..cell.abscissas].iter().zip(targets.by_ref()) {
                        assert!(
                            (sum[0] - u.powi(8)).abs() < 1e-12 * (1.0 + u.powi(8)),
                            "{u} {sum:?}"
                        );
                    }
                }
            }
            assert_eq!((targets.len(), nodes.len()), (0, 0), "{cells} {abscissas}");
            assert!((begin[7] / grid.end.powi(8) - 1.0).abs() < 1e-12, "{begin:?}");
        }
    }
}
