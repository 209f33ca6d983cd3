//! The replicon kernel of K ReLU units: second derivatives of ln P by the fields.

use super::products::{Tails, products};
use super::{Group, largest};
use crate::simd::Work;
use crate::theory::relu_fields::LARGEST;
use crate::theory::relu_groups::{LANES, Lanes, Orders};

/// The derivatives by fields of a group that the replicon needs: none, one, two, and how often they
/// stand in Σ_{ll'}.
pub(super) fn derivatives(units: usize) -> Vec<Orders> {
    let by = |fields: &[usize]| {
        let mut orders = [0; LARGEST];
        fields.iter().for_each(|&l| orders[l] += 1);
        orders
    };
    let pairs = (0..units).flat_map(|l| (0..=l).map(move |k| [l, k]));
    std::iter::once(by(&[]))
        .chain((0..units).map(|l| by(&[l])))
        .chain(pairs.map(|pair| by(&pair)))
        .collect()
}

/// Σ weights · Σ_{ll'}(∂_l ∂_l' ln P)² over all pairs of eight points with the smaller group.
pub(super) struct Curvature<'a> {
    pub(super) weights: &'a Lanes,
    pub(super) larger: &'a [Vec<Lanes>],
    pub(super) smaller: &'a Group,
    /// Nodes a panel.
    pub(super) panel: usize,
    pub(super) cut: f64,
    pub(super) kinds: &'a [Orders],
    pub(super) complement: bool,
    /// No second derivative of ln P is larger; rounding where P is tiny.
    pub(super) most: f64,
    pub(super) total: &'a mut f64,
}

impl Work for Curvature<'_> {
    #[inline(always)]
    fn run(self) {
        let tails = Tails::new(&self.larger[0], self.weights, self.panel);
        let heaviest = largest(self.weights);
        for block in 0..self.smaller.within(self.weights, self.cut) {
            // What a scalar product may be off; derivatives are off by some k² as much.
            let pair = heaviest * self.smaller.weights[block][0];
            let error = (self.cut / pair).clamp(1e-15, 1e-3);
            let length = tails.length(error, self.smaller.rows[0].block(block));
            *self.total += self.of_block(block, length);
        }
    }
}

impl Curvature<'_> {
    /// The pairs with a block of the smaller group, from `length` entries.
    #[inline(always)]
    fn of_block(&self, block: usize, length: usize) -> f64 {
        let Self { weights, larger, smaller, kinds, complement, most, .. } = *self;
        let a = |kind: usize| &larger[kind][..length];
        let b = |kind: usize| &smaller.rows[kind].block(block)[..length];
        let order = |kind: &Orders| kind.iter().sum::<usize>();
        // The fields of a second derivative.
        let fields = |kind: &Orders| {
            let first = kind.iter().position(|&order| order > 0).unwrap_or(0);
            let last = kind.iter().rposition(|&order| order > 0).unwrap_or(0);
            (first, last)
        };
        let mut total = 0.0;
        for from in [0, 4] {
            let mut p = products(a(0), b(0), from);
            let mut squares = [[0.0; LANES]; 4];
            // ∂∂ ln P = P''/P − (P'/P)²; with 1 − P in place of P all derivatives change sign.
            let sign = if complement { -1.0 } else { 1.0 };
            for p in p.as_flattened_mut() {
                let value = if complement { 1.0 - *p } else { *p };
                *p = if value > 1e-150 { sign / value } else { 0.0 };
            }
            let units = kinds.iter().filter(|kind| order(kind) == 1).count();
            let mut of_a = [[[0.0; LANES]; 4]; LARGEST];
            let mut of_b = of_a;
            for (l, (of_a, of_b)) in of_a.iter_mut().zip(&mut of_b).enumerate().take(units) {
                *of_a = relative(a(1 + l), b(0), from, &p);
                *of_b = relative(a(0), b(1 + l), from, &p);
            }
            for (i, kind) in kinds.iter().enumerate().filter(|(_, kind)| order(kind) == 2) {
                let (l, k) = fields(kind);
                let times = if l == k { 1.0 } else { 2.0 };
                add(&mut squares, times, most, &relative(a(i), b(0), from, &p), &of_a[l], &of_a[k]);
                add(&mut squares, times, most, &relative(a(0), b(i), from, &p), &of_b[l], &of_b[k]);
            }
            for (l, of_a) in of_a.iter().enumerate().take(units) {
                for (k, of_b) in of_b.iter().enumerate().take(units) {
                    add(
                        &mut squares,
                        2.0,
                        most,
                        &relative(a(1 + l), b(1 + k), from, &p),
                        of_a,
                        of_b,
                    );
                }
            }
            for (squares, other) in squares.iter().zip(&smaller.weights[block][from..]) {
                for (square, weight) in squares.iter().zip(weights) {
                    total += weight * other * square;
                }
            }
        }
        total
    }
}

/// ∂P/P for four rows of the smaller group.
#[inline(always)]
fn relative(x: &[Lanes], y: &[Lanes], from: usize, inverse: &[Lanes; 4]) -> [Lanes; 4] {
    let mut sums = products(x, y, from);
    for (sums, inverse) in sums.iter_mut().zip(inverse) {
        for i in 0..LANES {
            sums[i] *= inverse[i];
        }
    }
    sums
}

/// squares += times·(second − x y)².
#[inline(always)]
fn add(
    squares: &mut [Lanes; 4],
    times: f64,
    most: f64,
    second: &[Lanes; 4],
    x: &[Lanes; 4],
    y: &[Lanes; 4],
) {
    for l in 0..4 {
        for i in 0..LANES {
            let term = second[l][i] - x[l][i] * y[l][i];
            squares[l][i] += if term.abs() < most { times * term * term } else { 0.0 };
        }
    }
}
