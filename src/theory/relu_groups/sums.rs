//! Sums of units that are on: their densities, for eight deviations side by side.
//!
//! The sum of n units λ_l ~ N(d_l, 1), l ∈ A, all of them positive, has the density
//!
//! $$ g_A(u) = N_n\Bigl(u - \sum_{l\in A} d_l\Bigr) D_A(u), $$
//!
//! N_n the Gaussian of variance n and D_A the probability that all are positive, given their sum; 1 for one unit, 0
//! at u = 0 for more. As the sum grows, so does each mean by a share 1/n, and D_A by what no longer ends at 0:
//!
//! $$ D_A'(u) = \frac1n \sum_{l\in A} \varphi_n\Bigl(\frac{u - \sum_{j\in A} d_j}n + d_l\Bigr) D_{A\setminus l}(u), $$
//!
//! φ_n the Gaussian of variance 1 − 1/n. So every D is an integral over those of fewer units, cell by cell that of
//! the interpolating polynomial, all of whose terms are positive.

use super::gaussians::{Gaussian, Gaussians, normal};
use super::grid::{Cell, Grid, Region};
use super::{LANES, Lanes, Layout, map};
use crate::simd::Work;
use crate::theory::gaussian;
use crate::theory::relu_fields::LARGEST;

/// Sets of units, as bits.
pub(super) const SETS: usize = 1 << LARGEST;

/// g_A for eight deviations.
pub(super) struct Sums {
    layout: Layout,
    /// Of all sets but that of no units, side by side, where densities are combined: at the nodes if they are
    /// integrated, else at the abscissas.
    densities: Vec<Lanes>,
    /// φ_n/n by the half-width of a cell, at its nodes: set by set, unit by unit.
    rates: Gaussians,
    /// N_n where densities are combined, set by set.
    all: Gaussians,
    /// D_A at what is wanted of the nodes, abscissas and end of a cell.
    given: [Vec<Lanes>; SETS],
    /// D_A where a cell begins.
    begin: [Lanes; SETS],
    /// D_A' by the half-width of a cell, at its nodes.
    slopes: Vec<Lanes>,
}

/// The units of `set`.
#[inline(always)]
pub(super) fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..LARGEST).filter(move |l| set >> l & 1 == 1)
}

impl Sums {
    /// None yet.
    pub(super) fn new(layout: Layout) -> Self {
        let none = [[0.0; LANES]; SETS];
        Self {
            layout,
            densities: Vec::new(),
            rates: Gaussians::default(),
            all: Gaussians::default(),
            given: Default::default(),
            begin: none,
            slopes: Vec::new(),
        }
    }

    /// g of all sets but that of no units, place by place.
    #[inline(always)]
    pub(super) fn densities(&self) -> &[Lanes] {
        &self.densities
    }

    /// All but that of no units.
    #[inline(always)]
    pub(super) fn sets(&self) -> std::ops::Range<usize> {
        1..1 << self.layout.units
    }

    /// Begins with the first cell of a region of `grid`.
    #[inline(always)]
    fn start(&mut self, grid: &Grid, region: usize, deviations: &[Lanes; LARGEST]) {
        let Region { half, cells, nodes, abscissas, .. } = &grid.regions[region];
        let none = Gaussian { size: 0.0, centre: [0.0; LANES], variance: 1.0 };
        let (mut rates, mut all) = ([none; SETS * LARGEST], [none; SETS]);
        let mut count = 0;
        for set in self.sets() {
            let n = f64::from(set.count_ones());
            let shift =
                members(set).fold([0.0; LANES], |sum, l| map(|i| sum[i] + deviations[l][i]));
            let size = gaussian::INV_SQRT_2PI / n.sqrt();
            all[set - 1] = Gaussian { size, centre: shift, variance: n };
            for l in members(set).filter(|_| n > 1.0) {
                rates[count] = Gaussian {
                    size: size * half / (n - 1.0).sqrt(),
                    centre: map(|i| shift[i] - n * deviations[l][i]),
                    variance: n * (n - 1.0),
                };
                count += 1;
            }
        }
        let all = &all[..self.sets().len()];
        self.rates.start(&rates[..count], nodes, 2.0 * half);
        if self.layout.integrated {
            self.all.start(all, nodes, 2.0 * half);
        } else {
            self.all.start(all, abscissas, 2.0 * half * cells.len() as f64);
        }
    }

    /// Appends what `cell` has; the first of its abscissas is number `place` of the panel.
    #[inline(always)]
    fn add(&mut self, cell: &Cell, place: usize) {
        let Layout { units, integrated, .. } = self.layout;
        let nodes = cell.nodes;
        // What densities are combined at comes first or after the nodes.
        let (skipped, wanted) = if integrated { (0, nodes) } else { (nodes, cell.abscissas) };
        let mut first = 0;
        let (stride, start) = (self.sets().len(), self.densities.len());
        self.densities.resize(start + wanted * stride, [0.0; LANES]);
        for set in self.sets() {
            let n = set.count_ones() as usize;
            // Larger sets have integrals over the nodes.
            let from = if n < units { 0 } else { skipped };
            if n > 1 {
                self.slopes.clear();
                for node in 0..nodes {
                    let mut slope = [0.0; LANES];
                    for (number, l) in members(set).enumerate() {
                        let rate = &self.rates.values(first + number)[node];
                        if n == 2 {
                            slope = map(|i| slope[i] + rate[i]);
                        } else {
                            let others = &self.given[set & !(1 << l)][node];
                            slope = map(|i| rate[i].mul_add(others[i], slope[i]));
                        }
                    }
                    self.slopes.push(slope);
                }
                first += n;
                let (begin, given) = (&mut self.begin[set], &mut self.given[set]);
                cell.integrate(from, &self.slopes, begin, given);
            }
            let all = &self.all.values(set - 1)[place..place + wanted];
            let into = self.densities[start..].iter_mut().skip(set - 1).step_by(stride);
            if n == 1 {
                for (into, all) in into.zip(all) {
                    *into = *all;
                }
            } else {
                for ((into, all), given) in into.zip(all).zip(&self.given[set][skipped - from..]) {
                    *into = normal(&map(|i| all[i] * given[i]));
                }
            }
        }
    }
}

/// Fills [`Sums`] for eight deviations.
pub(super) struct Fill<'a> {
    pub(super) grid: &'a Grid,
    pub(super) deviations: &'a [Lanes; LARGEST],
    pub(super) sums: &'a mut Sums,
}

impl Work for Fill<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { grid, deviations, sums } = self;
        let integrated = sums.layout.integrated;
        sums.densities.clear();
        sums.begin = [[0.0; LANES]; SETS];
        for (number, region) in grid.regions.iter().enumerate() {
            sums.start(grid, number, deviations);
            for _ in 0..region.panels {
                let mut place = 0;
                for cell in &region.cells {
                    sums.add(cell, place);
                    sums.rates.advance();
                    if integrated {
                        sums.all.advance();
                    } else {
                        place += cell.abscissas;
                    }
                }
                if !integrated {
                    sums.all.advance();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;
    use crate::theory::quadrature::Legendre;
    use crate::theory::relu_groups::{Derivatives, Division};

    /// The density of the sum of `units`, unit by unit.
    fn convolution(units: &[f64], u: f64) -> f64 {
        let [first, others @ ..] = units else { return 0.0 };
        if others.is_empty() {
            return gaussian::density(u - first);
        }
        let rule = Legendre::new(30).panels(&[0.0, 0.5 * u, u]);
        rule.mean(|v| gaussian::density(u - v - first) * convolution(others, v))
    }

    /// Of all sets of three units, likely and unlikely ones, with a shift and without.
    #[test]
    fn densities_by_convolution() {
        let deviations: [Lanes; LARGEST] = std::array::from_fn(|l| {
            std::array::from_fn(|i| (i as f64 - 3.0) * [0.6, -0.9, 0.4][l] + 0.4)
        });
        for (panels, shift) in [([0, 2], 0.0), ([1, 2], 2.5)] {
            for integrated in [false, true] {
                let layout = Layout {
                    units: 3,
                    ratio: 1.0,
                    derivatives: Derivatives::None,
                    integrated,
                    atom: false,
                };
                let division =
                    Division { panels, abscissas: 9, cells: 4, nodes: 10, complete: false };
                let grid = Grid::new(division, shift, 5.0, layout);
                let mut sums = Sums::new(layout);
                Isa::SCALAR.run(Fill { grid: &grid, deviations: &deviations, sums: &mut sums });
                let along = grid.along(layout);
                assert_eq!(sums.densities().len(), along.len() * 7);
                let places = along.iter().zip(sums.densities().chunks(7));
                for (u, densities) in places.step_by(5) {
                    for (set, density) in (1..SETS).zip(densities) {
                        for (i, value) in density.iter().enumerate() {
                            let units: Vec<f64> = members(set).map(|l| deviations[l][i]).collect();
                            let exact = convolution(&units, *u);
                            assert!(
                                (value / exact - 1.0).abs() < 1e-8,
                                "{u} {set} {i} {value} {exact}"
                            );
                        }
                    }
                }
            }
        }
    }
}
