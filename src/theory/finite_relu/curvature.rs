//! The replicon kernel of K ReLU units: second derivatives of ln P by the fields.

use super::products;
use crate::simd::Work;
use crate::theory::relu_fields::LARGEST;
use crate::theory::relu_groups::{LANES, Lanes, Orders, Rows};

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

/// Σ weights · Σ_{ll'}(∂_l ∂_l' ln P)² over the pairs of two blocks, rows of each kind and index.
pub(super) struct Curvature<'a> {
    pub(super) a: (&'a [Rows], usize),
    pub(super) b: (&'a [Rows], usize),
    pub(super) kinds: &'a [Orders],
    pub(super) complement: bool,
    pub(super) total: &'a mut f64,
}

impl Work for Curvature<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { a, b, kinds, complement, total } = self;
        let weights = [&a.0[0].weights[a.1], &b.0[0].weights[b.1]];
        let (a, b) = (|kind: usize| a.0[kind].block(a.1), |kind: usize| b.0[kind].block(b.1));
        let order = |kind: &Orders| kind.iter().sum::<usize>();
        // The fields of a second derivative.
        let fields = |kind: &Orders| {
            let first = kind.iter().position(|&order| order > 0).unwrap_or(0);
            let last = kind.iter().rposition(|&order| order > 0).unwrap_or(0);
            (first, last)
        };
        for from in [0, 4] {
            let mut p = products(a(0), b(0), from);
            let mut squares = [[0.0; LANES]; 4];
            // ∂∂ ln P = P''/P − (P'/P)²; with 1 − P in place of P all derivatives change sign.
            let sign = if complement { -1.0 } else { 1.0 };
            for p in p.as_flattened_mut() {
                let value = if complement { 1.0 - *p } else { *p };
                *p = if value > 1e-150 { sign / value } else { 0.0 };
            }
            let relative = |x: &[Lanes], y: &[Lanes]| {
                let mut sums = products(x, y, from);
                for (sum, p) in sums.as_flattened_mut().iter_mut().zip(p.as_flattened()) {
                    *sum *= p;
                }
                sums
            };
            let mut add = |second: [Lanes; 4], x: &[Lanes; 4], y: &[Lanes; 4], times: f64| {
                let products = x.as_flattened().iter().zip(y.as_flattened());
                let terms = second.as_flattened().iter().zip(products);
                for (square, (second, (x, y))) in squares.as_flattened_mut().iter_mut().zip(terms) {
                    let term = second - x * y;
                    *square += times * term * term;
                }
            };
            let units = kinds.iter().filter(|kind| order(kind) == 1).count();
            let mut of_a = [[[0.0; LANES]; 4]; LARGEST];
            let mut of_b = of_a;
            for (l, (of_a, of_b)) in of_a.iter_mut().zip(&mut of_b).enumerate().take(units) {
                *of_a = relative(a(1 + l), b(0));
                *of_b = relative(a(0), b(1 + l));
            }
            for (i, kind) in kinds.iter().enumerate().filter(|(_, kind)| order(kind) == 2) {
                let (l, k) = fields(kind);
                let times = if l == k { 1.0 } else { 2.0 };
                add(relative(a(i), b(0)), &of_a[l], &of_a[k], times);
                add(relative(a(0), b(i)), &of_b[l], &of_b[k], times);
            }
            for (l, of_a) in of_a.iter().enumerate().take(units) {
                for (k, of_b) in of_b.iter().enumerate().take(units) {
                    add(relative(a(1 + l), b(1 + k)), of_a, of_b, 2.0);
                }
            }
            for (squares, other) in squares.iter().zip(&weights[1][from..]) {
                for (square, weight) in squares.iter().zip(weights[0]) {
                    *total += weight * other * square;
                }
            }
        }
    }
}
