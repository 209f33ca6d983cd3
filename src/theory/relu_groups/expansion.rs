//! Rows as sums of polynomials times densities g_A of the units that are on.
//!
//! With fields r_l, H(r_l) for each unit that is off, the density of the sum on u > 0 is f = Σ_A Π_{l∉A} H(r_l) g_A.
//! Of the distribution, ∂F/∂r_l = −h_l, h_l the density with unit l on (only then does the sum follow r_l), and
//!
//! $$ \frac{\partial^2 F}{\partial r_l^2} = h_l' - G(r_l) f_{\setminus l}, \qquad
//!    n\,g_A' = -\Bigl(u - \sum_{l\in A} r_l\Bigr) g_A + \sum_{l\in A} G(r_l)\, g_{A\setminus l}, $$
//!
//! f∖l the density of the other units: all derivatives are polynomials in u times the g_A. Those of the density f =
//! F' are derivatives of these by u. With r_l = m + d_l, g_A is e^{mu} Π_{l∈A} e^{−m²/2 − m d_l} times that of the
//! deviations d.

use super::derivatives::Derivative;
use super::sums::{SETS, members};
use super::{LANES, Lanes, Layout, map};
use crate::theory::elementary::{exp, gaussian_tail};
use crate::theory::relu_fields::LARGEST;

/// The most powers of u: second derivatives of a density.
const POWERS: usize = 3;

/// Σ_p Σ_A c_{pA} u^p g_A(u).
#[derive(Clone, Debug)]
pub(super) struct Expansion {
    /// Powers that count.
    powers: usize,
    coefficients: [[Lanes; SETS]; POWERS],
}

impl Expansion {
    const ZERO: Self = Self { powers: 1, coefficients: [[[0.0; LANES]; SETS]; POWERS] };

    /// The coefficients of a power by set, of the highest power first.
    #[inline(always)]
    pub(super) fn descending(&self) -> impl Iterator<Item = &[Lanes; SETS]> {
        self.coefficients[..self.powers].iter().rev()
    }

    #[inline(always)]
    fn add(&mut self, factor: f64, other: &Self) {
        self.powers = self.powers.max(other.powers);
        let terms = self.coefficients.as_flattened_mut().as_flattened_mut();
        for (sum, term) in terms.iter_mut().zip(other.coefficients.as_flattened().as_flattened()) {
            *sum += factor * term;
        }
    }
}

/// Eight points of one mean.
pub(super) struct Octet {
    units: usize,
    /// r_l.
    pub(super) fields: [Lanes; LARGEST],
    /// e^{mc} Π_{l∈A} e^{−m²/2 − m d_l}, c where the tilts are 1.
    on: [Lanes; SETS],
    /// H(r_l).
    off: [Lanes; LARGEST],
    /// G(r_l).
    density: [Lanes; LARGEST],
}

impl Octet {
    /// Where `weights` are 0 nothing is off.
    #[inline(always)]
    pub(super) fn new(
        mean: f64,
        deviations: &[Lanes; LARGEST],
        weights: &Lanes,
        centre: f64,
        layout: Layout,
    ) -> Self {
        let none = [[0.0; LANES]; LARGEST];
        let (mut fields, mut off, mut density) = (none, none, none);
        let mut on = [[0.0; LANES]; SETS];
        on[0] = [exp(mean * centre); LANES];
        for (l, d) in deviations.iter().enumerate().take(layout.units) {
            for i in 0..LANES {
                let field = mean + d[i];
                let (tail, of_zero) = gaussian_tail(field);
                let counts = weights[i] > 0.0;
                fields[l][i] = field;
                off[l][i] = if counts { tail } else { 0.0 };
                density[l][i] = if counts { of_zero } else { 0.0 };
            }
            let of_unit = map(|i| exp(-mean * (0.5 * mean + d[i])));
            for set in 0..1 << l {
                on[set | 1 << l] = map(|i| on[set][i] * of_unit[i]);
            }
        }
        Self { units: layout.units, fields, on, off, density }
    }

    /// Sets of the units that are on.
    #[inline(always)]
    fn sets(&self) -> std::ops::Range<usize> {
        1..1 << self.units
    }

    /// Π H(r_l) of the units that are not in `set`.
    #[inline(always)]
    fn all_off_but(&self, set: usize) -> Lanes {
        let others = members(((1 << self.units) - 1) & !set);
        others.fold([1.0; LANES], |product, l| map(|i| product[i] * self.off[l][i]))
    }

    /// The density of the sum of all units but those of `without`, those of `with` being on.
    #[inline(always)]
    fn density(&self, with: usize, without: usize) -> Expansion {
        let mut sum = Expansion::ZERO;
        for set in self.sets().filter(|set| set & with == with && set & without == 0) {
            sum.coefficients[0][set] = self.all_off_but(set | without);
        }
        sum
    }

    /// ∂_u.
    #[inline(always)]
    fn derivative(&self, of: &Expansion) -> Expansion {
        let mut sum = Expansion { powers: of.powers + 1, ..Expansion::ZERO };
        for (power, coefficients) in of.coefficients[..of.powers].iter().enumerate() {
            for set in self.sets() {
                let c = &coefficients[set];
                let share = 1.0 / f64::from(set.count_ones());
                let to = &mut sum.coefficients;
                if power > 0 {
                    add(&mut to[power - 1][set], c, &[power as f64; LANES]);
                }
                add(&mut to[power + 1][set], c, &[-share; LANES]);
                for l in members(set) {
                    add(&mut to[power][set], c, &map(|i| share * self.fields[l][i]));
                    add(&mut to[power][set & !(1 << l)], c, &map(|i| share * self.density[l][i]));
                }
            }
        }
        // The density of no unit is 0 at u > 0.
        sum.coefficients.iter_mut().for_each(|coefficients| coefficients[0] = [0.0; LANES]);
        sum
    }

    /// A row of the density along the grid, but for the tilts.
    #[inline(always)]
    pub(super) fn row(&self, row: Derivative) -> Expansion {
        let mut sum = match row {
            Derivative::Function => self.density(0, 0),
            Derivative::By(l) => {
                let mut sum = Expansion::ZERO;
                sum.add(-1.0, &self.derivative(&self.density(1 << l, 0)));
                sum
            }
            Derivative::Laplacian => {
                let mut second = Expansion::ZERO;
                for l in 0..self.units {
                    second.add(1.0, &self.derivative(&self.density(1 << l, 0)));
                    let mut others = self.density(0, 1 << l);
                    for coefficient in &mut others.coefficients[0] {
                        *coefficient = map(|i| self.density[l][i] * coefficient[i]);
                    }
                    second.add(-1.0, &others);
                }
                self.derivative(&second)
            }
        };
        for coefficients in &mut sum.coefficients[..sum.powers] {
            for (coefficient, on) in coefficients.iter_mut().zip(&self.on) {
                *coefficient = map(|i| coefficient[i] * on[i]);
            }
        }
        sum
    }

    /// A row of the atom, Π H(r_l).
    #[inline(always)]
    pub(super) fn atom(&self, row: Derivative) -> Lanes {
        match row {
            Derivative::Function => self.all_off_but(0),
            // H' = −G, H'' = rG.
            Derivative::By(l) => {
                let others = self.all_off_but(1 << l);
                map(|i| -self.density[l][i] * others[i])
            }
            Derivative::Laplacian => (0..self.units).fold([0.0; LANES], |sum, l| {
                let others = self.all_off_but(1 << l);
                map(|i| sum[i] + self.fields[l][i] * self.density[l][i] * others[i])
            }),
        }
    }
}

/// sum += a b.
#[inline(always)]
fn add(sum: &mut Lanes, a: &Lanes, b: &Lanes) {
    *sum = map(|i| a[i].mul_add(b[i], sum[i]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;
    use crate::theory::relu_groups::sums::{Fill, Sums};
    use crate::theory::relu_groups::{Derivatives, Division, Grid};

    const MEAN: f64 = 0.6;
    const LAYOUT: Layout = Layout {
        units: 3,
        ratio: 1.0,
        derivatives: Derivatives::Laplacian,
        integrated: false,
        atom: false,
    };

    /// The atom of a row, then the row along a grid; of fields m + d.
    fn row(d: [f64; LARGEST], derivative: Derivative) -> Vec<f64> {
        let division =
            Division { panels: [0, 2], abscissas: 9, cells: 4, nodes: 10, complete: true };
        let grid = Grid::new(division, 0.0, 5.0, LAYOUT);
        let deviations = d.map(|d| [d; LANES]);
        let mut sums = Sums::new(LAYOUT);
        Isa::SCALAR.run(Fill { grid: &grid, deviations: &deviations, sums: &mut sums });
        let octet = Octet::new(MEAN, &deviations, &[1.0; LANES], grid.centre, LAYOUT);
        let expansion = octet.row(derivative);
        let places = grid.along(LAYOUT).iter().zip(sums.densities().chunks(7));
        let values = places.map(|(u, densities)| {
            let value = expansion.descending().fold(0.0, |sum, coefficients| {
                let terms = coefficients[1..].iter().zip(densities);
                sum * u + terms.map(|(c, g)| c[0] * g[0]).sum::<f64>()
            });
            value * libm::exp(MEAN * (u - grid.centre))
        });
        std::iter::once(octet.atom(derivative)[0]).chain(values).collect()
    }

    /// Derivatives by the fields against differences, of the atom as well.
    #[test]
    fn derivatives_by_differences() {
        const H: f64 = 1e-3;
        let d = [0.5, -1.2, 0.9];
        let function = |l: usize, step: f64| {
            let mut d = d;
            d[l] += step;
            row(d, Derivative::Function)
        };
        let middle = function(0, 0.0);
        let mut laplacian = vec![0.0; middle.len()];
        for l in 0..LARGEST {
            let (after, before) = (function(l, H), function(l, -H));
            let exact = row(d, Derivative::By(l));
            for i in 0..middle.len() {
                let first = (after[i] - before[i]) / (2.0 * H);
                assert!((first - exact[i]).abs() < 1e-6, "{l} {i} {first} {}", exact[i]);
                laplacian[i] += (after[i] - 2.0 * middle[i] + before[i]) / (H * H);
            }
        }
        for (second, exact) in laplacian.iter().zip(row(d, Derivative::Laplacian)) {
            assert!((second - exact).abs() < 1e-6, "{second} {exact}");
        }
    }
}
