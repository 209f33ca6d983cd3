//! The grid of the sums, and what is fixed along it: the integrals up to a node, plain and with the
//! Gaussian density, and the tilts.

use super::{LANES, Lanes, map};
use crate::simd::Work;
use crate::theory::elementary::exp;
use crate::theory::gaussian;
use crate::theory::quadrature::Legendre;

/// Where the sums live: panels on [0, shift], then on shift + [0, reach].
#[derive(Clone, Debug)]
pub struct Grid {
    pub(super) nodes: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// ∫₀^u: one row a node, of `ends` entries.
    pub(super) integral: Vec<f64>,
    /// The same times G(u−v)(u−v)^order.
    pub(super) kernels: Vec<Vec<f64>>,
    pub(super) ends: Vec<usize>,
    pub(super) first: usize,
    pub(super) reach: f64,
    /// c, where the tilt e^{r(u−c)} is 1: the middle, so that it stays in range.
    pub(super) centre: f64,
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
        Self {
            nodes,
            weights,
            integral,
            kernels,
            ends,
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
