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

use super::elementary::exp;
use super::gaussian;
use super::quadrature::Legendre;
use super::relu_fields::{Fields, LARGEST};
use crate::simd::{Isa, Work};
use std::ops::Range;

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

/// e^{x(u−c)} along the grid for eight x.
struct Tilts<'a> {
    grid: &'a Grid,
    field: &'a Lanes,
    tilts: &'a mut Vec<Lanes>,
}

impl Work for Tilts<'_> {
    #[inline(always)]
    fn run(self) {
        for u in &self.grid.nodes {
            self.tilts.push(map(|i| exp(self.field[i] * (u - self.grid.centre))));
        }
    }
}

/// g_A and its derivatives for eight deviations: entry kind·2^units + A, empty where the kind has a
/// derivative by a unit that is off.
struct Convolve<'a> {
    grid: &'a Grid,
    deviations: &'a [Lanes; LARGEST],
    layout: Layout<'a>,
    table: &'a mut Vec<Vec<Lanes>>,
}

impl Work for Convolve<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, deviations, layout, table } = self;
        let nodes = &grid.nodes;
        let mut tilts = Vec::with_capacity(layout.units * nodes.len());
        for field in &deviations[..layout.units] {
            Tilts { grid, field, tilts: &mut tilts }.run();
        }
        let sets = 1 << layout.units;
        let mut source = Vec::with_capacity(nodes.len());
        for kind in layout.kinds {
            for set in 0..sets {
                let mut g = Vec::new();
                let on = |l: usize| set >> l & 1 == 1;
                if set == 0 || (0..layout.units).any(|l| kind[l] > 0 && !on(l)) {
                    table.push(g);
                    continue;
                }
                g.reserve_exact(nodes.len());
                let last = (0..layout.units).rev().find(|&l| on(l)).unwrap_or(0);
                let (d, order) = (&deviations[last], kind[last]);
                let others = set & !(1 << last);
                if others == 0 {
                    for u in nodes {
                        g.push(derived_density(*u, d, order));
                    }
                    table.push(g);
                    continue;
                }
                let mut rest = *kind;
                rest[last] = 0;
                let f = &table[position(layout.kinds, &rest) * sets + others];
                let tilts = &tilts[last * nodes.len()..(last + 1) * nodes.len()];
                source.clear();
                for (tilt, f) in tilts.iter().zip(f) {
                    source.push(map(|i| f[i] / tilt[i]));
                }
                let size = map(|i| exp(-0.5 * d[i] * d[i]));
                let mut from = 0;
                for (tilt, &end) in tilts.iter().zip(&grid.ends) {
                    let mut moments = [[0.0; LANES]; LARGEST];
                    for (moment, kernel) in moments.iter_mut().zip(&grid.kernels).take(order + 1) {
                        *moment = apply(&kernel[from..from + end], &source[..end]);
                    }
                    let [zeroth, first, second] = &moments;
                    let mut sum = [0.0; LANES];
                    for i in 0..LANES {
                        // Derivatives of G(u−v−d) by d.
                        let value = match order {
                            0 => zeroth[i],
                            1 => first[i] - d[i] * zeroth[i],
                            _ => {
                                second[i] - 2.0 * d[i] * first[i] + (d[i] * d[i] - 1.0) * zeroth[i]
                            }
                        };
                        sum[i] = size[i] * (tilt[i] * value);
                    }
                    g.push(sum);
                    from += end;
                }
                table.push(g);
            }
        }
    }
}

/// G(u − d) and its derivatives by d.
#[inline(always)]
fn derived_density(u: f64, d: &Lanes, order: usize) -> Lanes {
    let mut values = [0.0; LANES];
    for i in 0..LANES {
        let x = u - d[i];
        let density = exp(-0.5 * x * x) * gaussian::INV_SQRT_2PI;
        values[i] = match order {
            0 => density,
            1 => density * x,
            _ => density * (x * x - 1.0),
        };
    }
    values
}

fn position(kinds: &[Orders], wanted: &Orders) -> usize {
    kinds.iter().position(|kind| kind == wanted).expect("lower derivatives are kinds")
}

/// What the units of a group contribute when on or off, for eight means.
struct OnOff {
    units: usize,
    means: Lanes,
    /// e^{mc}, the tilts' value at 0.
    whole: Lanes,
    /// e^{−m²/2 − m d_l}.
    on: [Lanes; LARGEST],
    /// H(m + d_l) and its derivatives.
    off: [[Lanes; LARGEST]; LARGEST],
}

impl OnOff {
    /// For the means `filled`; the others are without meaning.
    fn new(
        means: &Lanes,
        filled: Range<usize>,
        d: &[f64; LARGEST],
        centre: f64,
        layout: Layout<'_>,
    ) -> Self {
        let most = layout.kinds.iter().flatten().copied().max().unwrap_or(0);
        let mut off = [[[0.0; LANES]; LARGEST]; LARGEST];
        for l in 0..layout.units {
            for (order, off) in off[l].iter_mut().enumerate().take(most + 1) {
                for i in filled.clone() {
                    off[i] = derived_tail(means[i] + d[l], order);
                }
            }
        }
        Self {
            units: layout.units,
            means: *means,
            whole: exponentials(means, |m| m * centre),
            on: d.map(|d| exponentials(means, |m| -m * (0.5 * m + d))),
            off,
        }
    }

    /// Π H(r_l), differentiated.
    fn mass(&self, orders: &Orders) -> Lanes {
        let mut product = [1.0; LANES];
        for l in 0..self.units {
            product = map(|i| product[i] * self.off[l][orders[l]][i]);
        }
        product
    }

    /// The terms of f/e^{m(u−c)}: factors and g_A.
    fn terms<'a>(
        &self,
        orders: &Orders,
        kinds: &[Orders],
        table: &'a [Vec<Lanes>],
    ) -> Vec<(Lanes, &'a [Lanes])> {
        let sets = 1 << self.units;
        let mut terms = Vec::new();
        for set in 1..sets {
            let on = |l: usize| set >> l & 1 == 1;
            for (k, kind) in kinds.iter().enumerate() {
                if (0..self.units).any(|l| kind[l] > if on(l) { orders[l] } else { 0 }) {
                    continue;
                }
                let mut factor = self.whole;
                for l in 0..self.units {
                    let own: Lanes = if on(l) {
                        // ∂ⁿ(e^{−md} g) = e^{−md} Σ_j (n over j)(−m)^{n−j} ∂ʲg.
                        let left = (orders[l] - kind[l]) as i32;
                        let times = if orders[l] == 2 && kind[l] == 1 { 2.0 } else { 1.0 };
                        map(|i| self.on[l][i] * times * (-self.means[i]).powi(left))
                    } else {
                        self.off[l][orders[l]]
                    };
                    factor = map(|i| factor[i] * own[i]);
                }
                terms.push((factor, &table[k * sets + set][..]));
            }
        }
        terms
    }
}

/// e^{f(m)}.
#[inline(always)]
fn exponentials(means: &Lanes, f: impl Fn(f64) -> f64) -> Lanes {
    let mut values = [0.0; LANES];
    for (value, m) in values.iter_mut().zip(means) {
        *value = exp(f(*m));
    }
    values
}

/// Derivatives of H(r) by r.
fn derived_tail(r: f64, order: usize) -> f64 {
    match order {
        0 => gaussian::tail(r),
        1 => -gaussian::density(r),
        _ => r * gaussian::density(r),
    }
}

/// Σ terms, tilted: the density of one deviation for eight means.
struct Density<'a> {
    terms: &'a [(Lanes, &'a [Lanes])],
    lane: usize,
    tilts: &'a [Lanes],
    values: &'a mut Vec<Lanes>,
}

impl Work for Density<'_> {
    #[inline(always)]
    fn run(self) {
        for (j, tilt) in self.tilts.iter().enumerate() {
            let mut sums = [0.0; LANES];
            for (factor, g) in self.terms {
                let g = g[j][self.lane];
                for i in 0..LANES {
                    sums[i] += factor[i] * g;
                }
            }
            self.values.push(map(|i| sums[i] * tilt[i]));
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

/// Σ_p matrix_p source_p for each lane, in two interleaved sums.
#[inline(always)]
fn apply(matrix: &[f64], source: &[Lanes]) -> Lanes {
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
