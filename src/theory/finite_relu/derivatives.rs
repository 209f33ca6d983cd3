//! Derivatives of P by the fields, over P, for eight points of the larger group and four of the smaller one.

use super::products::{Tails, products};
use super::{Group, largest};
use crate::theory::relu_fields::LARGEST;
use crate::theory::relu_groups::{LANES, Lanes, Orders};

/// The derivatives by the fields of a group of `units`: none, one, and with `second` two.
pub(super) fn derivatives(units: usize, second: bool) -> Vec<Orders> {
    let by = |fields: &[usize]| {
        let mut orders = [0; LARGEST];
        fields.iter().for_each(|&l| orders[l] += 1);
        orders
    };
    let pairs = (0..units).flat_map(|l| (0..=l).map(move |k| [l, k]));
    std::iter::once(by(&[]))
        .chain((0..units).map(|l| by(&[l])))
        .chain(pairs.filter(|_| second).map(|pair| by(&pair)))
        .collect()
}

/// The eight points and the smaller group, with rows of all `kinds` of [`derivatives`].
pub(super) struct Pairs<'a> {
    pub(super) units: usize,
    pub(super) weights: &'a Lanes,
    pub(super) larger: &'a [Vec<Lanes>],
    pub(super) smaller: &'a Group,
    /// Nodes a panel.
    pub(super) panel: usize,
    pub(super) cut: f64,
    pub(super) complement: bool,
}

/// ∂P/P by each field of both groups.
pub(super) struct First {
    pub(super) larger: [[Lanes; 4]; LARGEST],
    pub(super) smaller: [[Lanes; 4]; LARGEST],
}

impl Pairs<'_> {
    /// How many blocks of the smaller group have a pair that counts.
    #[inline(always)]
    pub(super) fn blocks(&self) -> usize {
        self.smaller.within(self.weights, self.cut)
    }

    #[inline(always)]
    pub(super) fn tails(&self) -> Tails {
        Tails::new(&self.larger[0], self.weights, self.panel)
    }

    /// Entries that a product with `block` needs.
    #[inline(always)]
    pub(super) fn length(&self, tails: &Tails, block: usize) -> usize {
        // What a scalar product may be off; derivatives are off by some k² as much.
        let pair = largest(self.weights) * self.smaller.weights[block][0];
        let error = (self.cut / pair).clamp(1e-15, 1e-3);
        tails.length(error, self.smaller.rows[0].block(block))
    }

    /// ±1/P, 0 where P is tiny: with 1 − P in place of P all derivatives change sign.
    #[inline(always)]
    pub(super) fn inverse(&self, block: usize, length: usize, from: usize) -> [Lanes; 4] {
        let mut p =
            products(&self.larger[0][..length], &self.smaller.rows[0].block(block)[..length], from);
        let sign = if self.complement { -1.0 } else { 1.0 };
        for p in p.as_flattened_mut() {
            let value = if self.complement { 1.0 - *p } else { *p };
            *p = if value > 1e-150 { sign / value } else { 0.0 };
        }
        p
    }

    /// The derivative of P of two kinds, over P.
    #[inline(always)]
    pub(super) fn relative(
        &self,
        [larger, smaller]: [usize; 2],
        block: usize,
        length: usize,
        from: usize,
        inverse: &[Lanes; 4],
    ) -> [Lanes; 4] {
        let (x, y) = (&self.larger[larger], self.smaller.rows[smaller].block(block));
        let mut sums = products(&x[..length], &y[..length], from);
        for (sums, inverse) in sums.iter_mut().zip(inverse) {
            for i in 0..LANES {
                sums[i] *= inverse[i];
            }
        }
        sums
    }

    /// All first derivatives.
    #[inline(always)]
    pub(super) fn first(
        &self,
        block: usize,
        length: usize,
        from: usize,
        inverse: &[Lanes; 4],
    ) -> First {
        let none = [[[0.0; LANES]; 4]; LARGEST];
        let mut first = First { larger: none, smaller: none };
        for l in 0..self.units {
            first.larger[l] = self.relative([1 + l, 0], block, length, from, inverse);
            first.smaller[l] = self.relative([0, 1 + l], block, length, from, inverse);
        }
        first
    }

    /// Σ weights · squares.
    #[inline(always)]
    pub(super) fn weighted(&self, block: usize, from: usize, squares: &[Lanes; 4]) -> f64 {
        let mut total = 0.0;
        for (squares, other) in squares.iter().zip(&self.smaller.weights[block][from..]) {
            for (square, weight) in squares.iter().zip(self.weights) {
                total += weight * other * square;
            }
        }
        total
    }
}
