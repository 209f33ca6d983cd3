//! The grid of the sums, and what is fixed along it: the integrals up to a node, plain and with the
//! Gaussian density, and the tilts.

use super::{LANES, Lanes, map};
use crate::simd::Work;
use crate::theory::elementary::exp;
use crate::theory::gaussian;
use crate::theory::quadrature::Legendre;

/// Where G is 1e-108: below every P that counts, whatever the tilt.
const FURTHEST: f64 = 22.0;

/// Where the sums live: panels on [0, shift], then on shift + [0, reach].
#[derive(Clone, Debug)]
pub struct Grid {
    pub(super) nodes: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// Nodes a panel.
    pub points: usize,
    /// Half-widths of the panels before the shift and beyond.
    halves: [f64; 2],
    polynomials: Polynomials,
    /// ∫₀^u times G(u−v)(u−v)^order: one row a node, from its start up to the end of its panel.
    pub(super) kernels: Vec<Vec<f64>>,
    /// Before, v is further than [`FURTHEST`] from u.
    pub(super) starts: Vec<usize>,
    /// The first node beyond the shift.
    pub(super) first: usize,
    /// shift + reach.
    pub(super) end: f64,
    /// c, where the tilt e^{r(u−c)} is 1: the middle, so that it stays in range.
    pub(super) centre: f64,
}

impl Grid {
    /// `panels` before the shift and beyond, each with `points` nodes, for derivatives up to `orders` − 1.
    pub fn new(
        points: usize,
        [before, after]: [usize; 2],
        shift: f64,
        reach: f64,
        orders: usize,
    ) -> Self {
        let at = |from: f64, length: f64, i: usize, count: usize| {
            from + length * i as f64 / count as f64
        };
        let mut breaks: Vec<f64> = (0..before).map(|i| at(0.0, shift, i, before)).collect();
        breaks.extend((0..=after).map(|i| at(shift, reach, i, after)));
        let legendre = Legendre::new(points);
        let unit = legendre.panels(&[-1.0, 1.0]);
        let polynomials = Polynomials::new(unit.nodes());
        let own = polynomials.integrals(0.0);
        let rule = legendre.panels(&breaks);
        let nodes: Vec<f64> = rule.nodes().iter().map(|node| node.0).collect();
        let weights: Vec<f64> = rule.nodes().iter().map(|node| node.1).collect();
        let mut kernels = vec![Vec::new(); orders];
        let mut starts = Vec::with_capacity(nodes.len());
        for (j, &u) in nodes.iter().enumerate() {
            let (panel, row) = (j / points, j % points);
            let half = 0.5 * (breaks[panel + 1] - breaks[panel]);
            let own = own[row * points..(row + 1) * points].iter().map(|entry| half * entry);
            let entries = weights[..panel * points].iter().copied().chain(own);
            // Whole pairs, as they are summed.
            let distant = nodes.partition_point(|v| u - v > FURTHEST) & !1;
            starts.push(distant);
            for (entry, &v) in entries.zip(&nodes).skip(distant) {
                let mut value = entry * gaussian::INV_SQRT_2PI * exp(-0.5 * (u - v) * (u - v));
                for kernel in &mut kernels {
                    kernel.push(value);
                    value *= u - v;
                }
            }
        }
        Self {
            nodes,
            weights,
            points,
            halves: [shift / before.max(1) as f64, reach / after as f64].map(|width| 0.5 * width),
            polynomials,
            kernels,
            starts,
            first: before * points,
            end: shift + reach,
            centre: 0.5 * (shift + reach),
        }
    }
}

/// The Lagrange polynomials ℓ_p of a Gauss–Legendre rule on [−1, 1].
#[derive(Clone, Debug)]
struct Polynomials {
    nodes: Vec<f64>,
    /// Rules on [−1, x_i], then on [−1, 1]: nodes, weights and all ℓ_p there.
    rules: Vec<Vec<(f64, f64, Vec<f64>)>>,
}

impl Polynomials {
    fn new(nodes: &[(f64, f64)]) -> Self {
        let nodes: Vec<f64> = nodes.iter().map(|node| node.0).collect();
        let legendre = Legendre::new(2 * nodes.len());
        let value = |p: usize, x: f64| -> f64 {
            let others = nodes.iter().enumerate().filter(|(i, _)| *i != p);
            others.map(|(_, node)| (x - node) / (nodes[p] - node)).product()
        };
        let rule = |end: f64| {
            let at = |&(x, weight): &(f64, f64)| {
                (x, weight, (0..nodes.len()).map(|p| value(p, x)).collect())
            };
            legendre.panels(&[-1.0, end]).nodes().iter().map(at).collect()
        };
        let rules = nodes.iter().copied().chain([1.0]).map(rule).collect();
        Self { nodes, rules }
    }

    /// ∫_{−1}^{x_i} ℓ_p(x) e^{rate (x − x_p)} dx, then those up to 1: for a polynomial times e^{rate x}.
    fn integrals(&self, rate: f64) -> Vec<f64> {
        let mut matrix = Vec::with_capacity(self.rules.len() * self.nodes.len());
        for rule in &self.rules {
            let growth: Vec<f64> =
                rule.iter().map(|node| node.1 * libm::exp(rate * node.0)).collect();
            for (p, node) in self.nodes.iter().enumerate() {
                let sum: f64 = rule.iter().zip(&growth).map(|(at, growth)| at.2[p] * growth).sum();
                matrix.push(sum * libm::exp(-rate * node));
            }
        }
        matrix
    }
}

impl Grid {
    /// For f(v) e^{−rate v} a polynomial in each panel: the weights of ∫f from the begin of a panel to
    /// each node, then over all of it; for panels before the shift and beyond.
    pub(super) fn integrals(&self, rate: f64) -> [Vec<f64>; 2] {
        self.halves.map(|half| {
            let mut matrix = self.polynomials.integrals(rate * half);
            matrix.iter_mut().for_each(|entry| *entry *= half);
            matrix
        })
    }
}

/// e^{x(u−c)} along the grid for eight x.
pub(super) struct Tilts<'a> {
    pub(super) grid: &'a Grid,
    pub(super) field: &'a Lanes,
    pub(super) tilts: &'a mut Vec<Lanes>,
}

impl Work for Tilts<'_> {
    #[inline(always)]
    fn run(self) {
        for u in &self.grid.nodes {
            self.tilts.push(map(|i| exp(self.field[i] * (u - self.grid.centre))));
        }
    }
}

/// Σ_p matrix_p source_p for each lane, in two interleaved sums.
#[inline(always)]
pub(super) fn apply(matrix: &[f64], source: &[Lanes]) -> Lanes {
    let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
    let (pairs, rest) = matrix.as_chunks::<2>();
    let (sources, last) = source[..matrix.len()].as_chunks::<2>();
    for (entries, values) in pairs.iter().zip(sources) {
        for i in 0..LANES {
            even[i] += entries[0] * values[0][i];
            odd[i] += entries[1] * values[1][i];
        }
    }
    for (entry, values) in rest.iter().zip(last) {
        for i in 0..LANES {
            even[i] += entry * values[i];
        }
    }
    map(|i| even[i] + odd[i])
}
