//! Means over pairs of points of the two groups, scalar products no longer than they need to be.

use super::products::{Tails, Values, products};
use crate::simd::Work;
use crate::theory::relu_fields::LARGEST;
use crate::theory::relu_groups::{Block, LANES, Lanes, QUAD, Quad, Quads};

/// A function of the fields.
pub(super) trait Integrand {
    /// Its values at eight points of the larger group (lanes) and four of the smaller one.
    fn values(&self, pair: &Pair<'_>) -> Values;

    /// The least relative error of P that counts.
    fn precision(&self) -> f64 {
        1e-15
    }

    /// After how many quads a shorter product is tried: a length that varies costs a mispredicted branch, a longer
    /// one entries, of the other products of a pair as well.
    fn steady(&self) -> usize {
        1
    }

    /// What a product may be off, as a share of the cut.
    fn share(&self) -> f64 {
        1.0
    }

    /// The largest that a rare pair may have.
    fn tolerance(&self) -> f64 {
        1e-3
    }
}

/// Σ weights · integrand over all pairs of eight points with the smaller group.
pub(super) struct Mean<'a, F> {
    pub(super) integrand: &'a F,
    pub(super) larger: &'a Block,
    pub(super) smaller: &'a Quads,
    /// Pairs of smaller weight are left out.
    pub(super) cut: f64,
    pub(super) complement: bool,
    pub(super) total: &'a mut f64,
}

impl<F: Integrand> Work for Mean<'_, F> {
    /// Each product ends where the rest cannot matter to the pair's weight.
    #[inline(always)]
    fn run(self) {
        let Self { integrand, larger, smaller, cut, complement, total } = self;
        let tails = Tails::new(&larger.rows[0], &larger.weights);
        let heaviest = larger.heaviest();
        let mut lanes = [0.0; LANES];
        let mut near: usize = 0;
        for quad in 0..smaller.within(heaviest, cut) {
            // What a P may be off, by the weight of its pair; derivatives are off by some k² as much.
            let error = (integrand.share() * cut / (heaviest * smaller.heaviest[quad]))
                .clamp(integrand.precision(), integrand.tolerance());
            if quad.is_multiple_of(integrand.steady()) {
                near = near.saturating_sub(1);
            }
            let (product, length) = tails.products(smaller.row(0, quad), error, &mut near);
            let pair = Pair { larger, smaller, quad, length, product, complement };
            let values = integrand.values(&pair);
            for (values, weight) in values.iter().zip(&smaller.weights[quad]) {
                for i in 0..LANES {
                    lanes[i] += weight * values[i];
                }
            }
        }
        for (lane, weight) in lanes.iter().zip(&larger.weights) {
            *total += weight * lane;
        }
    }
}

/// Eight points of the larger group and four of the smaller one.
pub(super) struct Pair<'a> {
    larger: &'a Block,
    smaller: &'a Quads,
    quad: usize,
    /// Entries of a product.
    length: usize,
    /// Of their densities and distributions: P or, with `complement`, 1 − P.
    pub(super) product: Values,
    pub(super) complement: bool,
}

/// ∂ ln P by each field of both groups.
pub(super) struct Gradient {
    pub(super) larger: [Values; LARGEST],
    pub(super) smaller: [Values; LARGEST],
}

impl Pair<'_> {
    /// The scalar product of row `larger` of the larger group and row `smaller` of the other one.
    #[inline(always)]
    fn of_rows(&self, larger: usize, smaller: usize) -> Values {
        let x = &self.larger.rows[larger][..self.length];
        let y = &self.smaller.row(smaller, self.quad)[..self.length];
        products(x, y)
    }

    /// Whether points number 0 and 1 of the smaller group are of equal weight, and 2 and 3.
    #[inline(always)]
    pub(super) fn twins(&self) -> bool {
        self.smaller.twins[self.quad]
    }

    /// Field `l` of the points of the larger group.
    #[inline(always)]
    pub(super) fn of_larger(&self, l: usize) -> &Lanes {
        &self.larger.fields[l]
    }

    /// Field `l` of each of the points of the smaller group.
    #[inline(always)]
    pub(super) fn of_smaller(&self, l: usize) -> &Quad {
        &self.smaller.fields[self.quad][l]
    }

    /// What products of derivatives are multiplied by: ±1/P, as all derivatives of 1 − P have the other sign;
    /// 0 where P is tiny.
    #[inline(always)]
    pub(super) fn inverse(&self) -> Values {
        let mut p = self.product;
        let sign = if self.complement { -1.0 } else { 1.0 };
        for p in p.as_flattened_mut() {
            let value = if self.complement { 1.0 - *p } else { *p };
            *p = if value > 1e-280 { sign / value } else { 0.0 };
        }
        p
    }

    /// [`Self::of_rows`] times `inverse`.
    #[inline(always)]
    pub(super) fn relative(&self, larger: usize, smaller: usize, inverse: &Values) -> Values {
        let mut sums = self.of_rows(larger, smaller);
        for (sums, inverse) in sums.iter_mut().zip(inverse) {
            for i in 0..LANES {
                sums[i] *= inverse[i];
            }
        }
        sums
    }

    /// Of groups of `units`, from the rows of the first derivatives.
    #[inline(always)]
    pub(super) fn gradient(&self, units: usize, inverse: &Values) -> Gradient {
        let none = [[[0.0; LANES]; QUAD]; LARGEST];
        let mut gradient = Gradient { larger: none, smaller: none };
        for l in 0..units {
            gradient.larger[l] = self.relative(1 + l, 0, inverse);
            gradient.smaller[l] = self.relative(0, 1 + l, inverse);
        }
        gradient
    }
}
