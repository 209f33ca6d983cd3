//! What the units of a group contribute: convolutions of those that are on, tails of those that are off.

use super::grid::{Grid, Tilts, apply};
use super::{LANES, Lanes, Layout, Orders, map};
use crate::simd::Work;
use crate::theory::elementary::exp;
use crate::theory::gaussian;
use crate::theory::relu_fields::LARGEST;

/// g_A and its derivatives for eight deviations: entry kind·2^units + A, empty where the kind has a
/// derivative by a unit that is off.
pub(super) struct Convolve<'a> {
    pub(super) grid: &'a Grid,
    pub(super) deviations: &'a [Lanes; LARGEST],
    pub(super) layout: Layout<'a>,
    pub(super) table: &'a mut Vec<Vec<Lanes>>,
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
                    source.push(normal(&map(|i| f[i] / tilt[i])));
                }
                let size = map(|i| exp(-0.5 * d[i] * d[i]));
                let mut from = 0;
                for ((j, tilt), &start) in tilts.iter().enumerate().zip(&grid.starts) {
                    let end = (j / grid.points + 1) * grid.points;
                    let length = end - start;
                    let mut moments = [[0.0; LANES]; LARGEST];
                    for (moment, kernel) in moments.iter_mut().zip(&grid.kernels).take(order + 1) {
                        *moment = apply(&kernel[from..from + length], &source[start..end]);
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
                    g.push(normal(&sum));
                    from += length;
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
    normal(&values)
}

/// Without numbers so small that products of them would be subnormal, which are slow, or 0.
#[inline(always)]
pub(super) fn normal(values: &Lanes) -> Lanes {
    const LEAST: f64 = 1e-290;
    map(|i| if values[i].abs() > LEAST { values[i] } else { 0.0 })
}

fn position(kinds: &[Orders], wanted: &Orders) -> usize {
    kinds.iter().position(|kind| kind == wanted).expect("lower derivatives are kinds")
}

/// What the units of a group contribute when on or off, at one mean for eight deviations.
pub(super) struct OnOff {
    units: usize,
    mean: f64,
    /// e^{mc}, the tilts' value at 0.
    whole: f64,
    /// e^{−m²/2 − m d_l}.
    on: [Lanes; LARGEST],
    /// H(m + d_l) and its derivatives.
    off: [[Lanes; LARGEST]; LARGEST],
}

impl OnOff {
    /// Where `weights` are 0 nothing is off.
    pub(super) fn new(
        mean: f64,
        deviations: &[Lanes; LARGEST],
        weights: &Lanes,
        centre: f64,
        layout: Layout<'_>,
    ) -> Self {
        let most = layout.kinds.iter().flatten().copied().max().unwrap_or(0);
        let mut on = [[0.0; LANES]; LARGEST];
        let mut off = [[[0.0; LANES]; LARGEST]; LARGEST];
        for (l, d) in deviations.iter().enumerate().take(layout.units) {
            on[l] = map(|i| exp(-mean * (0.5 * mean + d[i])));
            for (order, off) in off[l].iter_mut().enumerate().take(most + 1) {
                for i in (0..LANES).filter(|&i| weights[i] > 0.0) {
                    off[i] = derived_tail(mean + d[i], order);
                }
            }
        }
        Self { units: layout.units, mean, whole: exp(mean * centre), on, off }
    }

    /// Π H(r_l), differentiated.
    pub(super) fn mass(&self, orders: &Orders) -> Lanes {
        let mut product = [1.0; LANES];
        for (off, &order) in self.off.iter().zip(orders).take(self.units) {
            product = map(|i| product[i] * off[order][i]);
        }
        product
    }

    /// The terms of f/e^{m(u−c)}: factors and g_A.
    pub(super) fn terms<'a>(
        &self,
        orders: &Orders,
        kinds: &[Orders],
        table: &'a [Vec<Lanes>],
    ) -> Vec<(Lanes, &'a [Lanes])> {
        let sets = 1 << self.units;
        let mut terms = Vec::with_capacity(kinds.len() * sets);
        for set in 1..sets {
            let on = |l: usize| set >> l & 1 == 1;
            for (k, kind) in kinds.iter().enumerate() {
                if (0..self.units).any(|l| kind[l] > if on(l) { orders[l] } else { 0 }) {
                    continue;
                }
                let mut factor = [self.whole; LANES];
                for l in 0..self.units {
                    let own = if on(l) {
                        // ∂ⁿ(e^{−md} g) = e^{−md} Σ_j (n over j)(−m)^{n−j} ∂ʲg.
                        let left = (orders[l] - kind[l]) as i32;
                        let times = if orders[l] == 2 && kind[l] == 1 { 2.0 } else { 1.0 };
                        let scale = times * (-self.mean).powi(left);
                        map(|i| scale * self.on[l][i])
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

/// Derivatives of H(r) by r.
fn derived_tail(r: f64, order: usize) -> f64 {
    match order {
        0 => gaussian::tail(r),
        1 => -gaussian::density(r),
        _ => r * gaussian::density(r),
    }
}
