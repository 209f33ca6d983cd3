//! What the units of a group contribute: convolutions of those that are on, tails of those that are off.

use super::grid::{Grid, Kernels, Tilts, apply_columns};
use super::{LANES, Lanes, Layout, Orders, map};
use crate::simd::Work;
use crate::theory::elementary::exp;
use crate::theory::gaussian;
use crate::theory::relu_fields::LARGEST;

/// g_A and its derivatives for eight deviations.
pub(super) struct Convolutions {
    layout: Layout,
    /// Of all derivatives that have an entry; lower ones come first.
    orders: Vec<Orders>,
    /// Entry number·2^units + A, empty where the derivative is by a unit that is off.
    entries: Vec<Entry>,
    /// Of all units but the first, one after the other, e^{d(u−c)} at the nodes and at the abscissas.
    tilts: [Vec<Lanes>; 2],
    source: Vec<Lanes>,
}

/// One g_A: at the nodes where it is integrated, at the abscissas where it is a term of a density.
#[derive(Clone, Default)]
struct Entry {
    nodes: Vec<Lanes>,
    abscissas: Vec<Lanes>,
}

impl Convolutions {
    /// None yet.
    pub(super) fn new(layout: Layout) -> Self {
        let orders = layout.derivatives.orders(layout.units);
        let entries = vec![Entry::default(); orders.len() << layout.units];
        Self { layout, orders, entries, tilts: Default::default(), source: Vec::new() }
    }

    /// The place of the entries `set` that have the derivatives number `rest` and that of `order` by unit `last`.
    fn place(&self, rest: usize, last: usize, order: usize, set: usize) -> usize {
        let highest = self.layout.derivatives.highest();
        let number = if order == 0 { rest } else { last * highest + order };
        (number << self.layout.units) + set
    }
}

/// Fills [`Convolutions`] for eight deviations.
pub(super) struct Convolve<'a> {
    pub(super) grid: &'a Grid,
    pub(super) deviations: &'a [Lanes; LARGEST],
    pub(super) table: &'a mut Convolutions,
}

impl Work for Convolve<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, deviations, table } = self;
        let Layout { units, integrated, .. } = table.layout;
        let along: &[f64] = if integrated { &[] } else { &grid.abscissas };
        for (tilts, at) in table.tilts.iter_mut().zip([&grid.nodes[..], along]) {
            tilts.clear();
            for field in &deviations[1..units.max(1)] {
                Tilts { at, centre: grid.centre, field, tilts }.run();
            }
        }
        let highest = table.layout.derivatives.highest();
        for set in 1..1 << units {
            let last = (0..units).rev().find(|&l| set >> l & 1 == 1).unwrap_or(0);
            let others = set & !(1 << last);
            let d = &deviations[last];
            // Sets with the last unit of the group are no others.
            let to_nodes = integrated || last + 1 < units;
            for rest in 0..table.orders.len() {
                let by_one_off = |l: usize| table.orders[rest][l] > 0 && others >> l & 1 == 0;
                if (0..units).any(by_one_off) {
                    continue;
                }
                // No derivative is by two units.
                let most = if rest == 0 { highest } else { 0 };
                let places = [0, 1, 2].map(|order| table.place(rest, last, order, set));
                let mut at_nodes = Values::default();
                let mut at_abscissas = Values::default();
                for order in 0..=most {
                    let Entry { nodes, abscissas } = &mut table.entries[places[order]];
                    nodes.clear();
                    abscissas.clear();
                    std::mem::swap(nodes, &mut at_nodes[order]);
                    std::mem::swap(abscissas, &mut at_abscissas[order]);
                }
                if others == 0 {
                    for order in 0..=most {
                        let nodes = if to_nodes { &grid.nodes[..] } else { &[] };
                        for u in nodes {
                            at_nodes[order].push(derived_density(*u, d, order));
                        }
                        for u in along {
                            at_abscissas[order].push(derived_density(*u, d, order));
                        }
                    }
                } else {
                    let place = (rest << units) + others;
                    let Convolutions { entries, tilts: [of_nodes, of_abscissas], source, .. } =
                        &mut *table;
                    let of_nodes = &of_nodes[(last - 1) * grid.nodes.len()..];
                    let of_abscissas = &of_abscissas[(last - 1) * along.len()..];
                    source.clear();
                    for (tilt, f) in of_nodes.iter().zip(&entries[place].nodes) {
                        source.push(normal(&map(|i| f[i] / tilt[i])));
                    }
                    let size = map(|i| exp(-0.5 * d[i] * d[i]));
                    let shifted = Shifted { d, most, size: &size };
                    for cell in &grid.cells {
                        let source = &source[cell.sources.clone()];
                        if to_nodes {
                            shifted.extend(&cell.to_nodes, source, of_nodes, &mut at_nodes);
                        }
                        if !integrated {
                            let to = &cell.to_abscissas;
                            shifted.extend(to, source, of_abscissas, &mut at_abscissas);
                        }
                    }
                }
                for order in 0..=most {
                    let Entry { nodes, abscissas } = &mut table.entries[places[order]];
                    std::mem::swap(nodes, &mut at_nodes[order]);
                    std::mem::swap(abscissas, &mut at_abscissas[order]);
                }
            }
        }
    }
}

/// Of the derivatives of orders 0, 1 and 2 by one unit.
type Values = [Vec<Lanes>; 3];

/// The convolutions of a function with G(· − d) and its derivatives by d.
struct Shifted<'a> {
    d: &'a Lanes,
    /// The highest order.
    most: usize,
    /// e^{−d²/2}.
    size: &'a Lanes,
}

impl Shifted<'_> {
    /// Appends the values at the targets of `kernels`; `source` is the function times e^{−d(v−c)}, `tilts` are
    /// e^{d(u−c)} at all targets, from those of the first value on.
    #[inline(always)]
    fn extend(&self, kernels: &Kernels, source: &[Lanes], tilts: &[Lanes], values: &mut Values) {
        let mut at = 0;
        while at + 4 <= kernels.columns {
            self.append::<4>(kernels, at, source, tilts, values);
            at += 4;
        }
        if at + 2 <= kernels.columns {
            self.append::<2>(kernels, at, source, tilts, values);
            at += 2;
        }
        if at < kernels.columns {
            self.append::<1>(kernels, at, source, tilts, values);
        }
    }

    /// At N targets from number `at` on.
    #[inline(always)]
    fn append<const N: usize>(
        &self,
        kernels: &Kernels,
        at: usize,
        source: &[Lanes],
        tilts: &[Lanes],
        values: &mut Values,
    ) {
        let Self { d, most, size } = *self;
        let Kernels { columns, orders } = kernels;
        let tilts = &tilts[values[0].len()..];
        let zeroth = apply_columns::<N>(&orders[0], *columns, at, source);
        for (zeroth, tilt) in zeroth.iter().zip(tilts) {
            values[0].push(normal(&map(|i| size[i] * (tilt[i] * zeroth[i]))));
        }
        if most == 0 {
            return;
        }
        // Derivatives of G(u−v−d) by d.
        let first = apply_columns::<N>(&orders[1], *columns, at, source);
        for n in 0..N {
            let value = map(|i| first[n][i] - d[i] * zeroth[n][i]);
            values[1].push(normal(&map(|i| size[i] * (tilts[n][i] * value[i]))));
        }
        if most == 1 {
            return;
        }
        let second = apply_columns::<N>(&orders[2], *columns, at, source);
        for n in 0..N {
            let value = map(|i| {
                second[n][i] - 2.0 * d[i] * first[n][i] + (d[i] * d[i] - 1.0) * zeroth[n][i]
            });
            values[2].push(normal(&map(|i| size[i] * (tilts[n][i] * value[i]))));
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
        layout: Layout,
    ) -> Self {
        let highest = layout.derivatives.highest();
        let mut on = [[0.0; LANES]; LARGEST];
        let mut off = [[[0.0; LANES]; LARGEST]; LARGEST];
        for (l, d) in deviations.iter().enumerate().take(layout.units) {
            on[l] = map(|i| exp(-mean * (0.5 * mean + d[i])));
            for (order, off) in off[l].iter_mut().enumerate().take(highest + 1) {
                for i in (0..LANES).filter(|&i| weights[i] > 0.0) {
                    off[i] = derived_tail(mean + d[i], order);
                }
            }
        }
        Self { units: layout.units, mean, whole: exp(mean * centre), on, off }
    }

    /// Π H(r_l), differentiated: of a row.
    pub(super) fn mass(&self, row: &[Orders]) -> Lanes {
        let mut sum = [0.0; LANES];
        for orders in row {
            let mut product = [1.0; LANES];
            for (off, &order) in self.off.iter().zip(orders).take(self.units) {
                product = map(|i| product[i] * off[order][i]);
            }
            sum = map(|i| sum[i] + product[i]);
        }
        sum
    }

    /// The terms of f/e^{m(u−c)}, differentiated: factors and g_A of a row.
    pub(super) fn terms<'a>(
        &self,
        row: &[Orders],
        table: &'a Convolutions,
    ) -> Vec<(Lanes, &'a [Lanes])> {
        let mut terms = Vec::with_capacity(table.entries.len());
        for set in 1..1 << self.units {
            let on = |l: usize| set >> l & 1 == 1;
            for (number, kind) in table.orders.iter().enumerate() {
                let lower = |orders: &&Orders| {
                    (0..self.units).all(|l| kind[l] <= if on(l) { orders[l] } else { 0 })
                };
                let mut total = None;
                for orders in row.iter().filter(lower) {
                    let factor = self.factor(set, kind, orders);
                    let sum = total.unwrap_or([0.0; LANES]);
                    total = Some(map(|i| sum[i] + factor[i]));
                }
                if let Some(factor) = total {
                    let entry = &table.entries[(number << self.units) + set];
                    let integrated = table.layout.integrated;
                    let g = if integrated { &entry.nodes } else { &entry.abscissas };
                    terms.push((factor, &g[..]));
                }
            }
        }
        terms
    }

    /// What g_A with the derivatives `kind` is multiplied by in the derivatives `orders` of f.
    fn factor(&self, set: usize, kind: &Orders, orders: &Orders) -> Lanes {
        let mut factor = [self.whole; LANES];
        for l in 0..self.units {
            let own = if set >> l & 1 == 1 {
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
        factor
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
