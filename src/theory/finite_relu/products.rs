//! Scalar products of rows, no longer than they need to be.

use crate::theory::relu_groups::{LANES, Lanes, QUAD, Quad};

/// One number for each of four by eight points.
pub(super) type Values = [Lanes; QUAD];

/// Adds the scalar products of eight rows and four others to `sums`.
#[inline(always)]
fn add_products(sums: &mut Values, a: &[Lanes], b: &[Quad]) {
    for (x, y) in a.iter().zip(b) {
        for (sums, y) in sums.iter_mut().zip(y) {
            for i in 0..LANES {
                sums[i] = x[i].mul_add(*y, sums[i]);
            }
        }
    }
}

/// Scalar products of eight rows and four others.
#[inline(always)]
pub(super) fn products(a: &[Lanes], b: &[Quad]) -> Values {
    let mut sums = [[0.0; LANES]; QUAD];
    add_products(&mut sums, a, b);
    sums
}

/// Entries between two looks at what remains of a product.
const PART: usize = 4;

/// Eight rows of densities, and how their mass is spread along the grid.
pub(super) struct Tails<'a> {
    row: &'a [Lanes],
    /// What lies beyond each part; no mass where there is no weight.
    beyond: Vec<Lanes>,
}

impl<'a> Tails<'a> {
    /// Of `row`, a block of densities with `weights`. Small masses are summed first, as they can meet a large F.
    #[inline(always)]
    pub(super) fn new(row: &'a [Lanes], weights: &Lanes) -> Self {
        let mut beyond = vec![[0.0; LANES]; row.len().div_ceil(PART)];
        for part in (1..beyond.len()).rev() {
            let mut mass = beyond[part];
            for entry in row[part * PART..].iter().take(PART).rev() {
                for i in 0..LANES {
                    mass[i] += if weights[i] > 0.0 { entry[i] } else { 0.0 };
                }
            }
            beyond[part - 1] = mass;
        }
        Self { row, beyond }
    }

    /// The products with four distributions, `other`, to the relative `error`, and how many entries that takes. The
    /// first look is at part `near`, which becomes the last one's. F grows along the grid, up to 1: what is beyond
    /// adds at most the mass of the next part times F at its end, and all other mass.
    #[inline(always)]
    pub(super) fn products(&self, other: &[Quad], error: f64, near: &mut usize) -> (Values, usize) {
        let mut sums = [[0.0; LANES]; QUAD];
        let (mut start, mut part) = (0, (*near).clamp(1, self.beyond.len()));
        loop {
            let end = (part * PART).min(self.row.len());
            add_products(&mut sums, &self.row[start..end], &other[start..end]);
            let ahead = (part + 1).min(self.beyond.len());
            let most = &other[(ahead * PART).min(self.row.len()) - 1];
            let (rest, far) = (&self.beyond[part - 1], &self.beyond[ahead - 1]);
            // By how much the bound is above the error.
            let mut above = [f64::MIN; LANES];
            for (sums, most) in sums.iter().zip(most) {
                for i in 0..LANES {
                    let bound = (rest[i] - far[i]).mul_add(*most, far[i]);
                    let excess = error.mul_add(-sums[i], bound);
                    above[i] = if excess > above[i] { excess } else { above[i] };
                }
            }
            if above.iter().all(|above| *above <= 0.0) || end == self.row.len() {
                *near = part;
                return (sums, end);
            }
            (start, part) = (end, part + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products are as accurate as asked for, and shorter than the rows; wherever the first look is.
    #[test]
    fn products_end_where_they_may() {
        let row: Vec<Lanes> = (0..61)
            .map(|j| {
                let u = 0.2 * f64::from(j);
                std::array::from_fn(|i| libm::exp(-0.5 * (u - 0.3 * i as f64).powi(2)))
            })
            .collect();
        let other: Vec<Quad> = (0..61)
            .map(|j| std::array::from_fn(|i| libm::exp(-12.0 + 0.2 * f64::from(j) - i as f64)))
            .collect();
        let tails = Tails::new(&row, &[1.0; LANES]);
        for (near, error) in [(0, 1e-3), (0, 1e-6), (8, 1e-6), (1000, 1e-9)] {
            let (sums, length) = tails.products(&other, error, &mut near.clone());
            let exact = products(&row, &other);
            for (sum, exact) in sums.as_flattened().iter().zip(exact.as_flattened()) {
                assert!((sum / exact - 1.0).abs() <= error, "{sum} {exact}");
            }
            assert_eq!(length == row.len(), near == 1000, "{length}");
        }
    }
}
