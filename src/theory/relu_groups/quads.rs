//! All points of a group, four side by side.
//!
//! Where every point meets all of another group's, those of equal weight w, such as mirror images, lie side by side:
//! of these twins w ln P + w ln P' = w ln PP' is one logarithm.

use super::{Block, Grid, Layout, each_block};
use crate::simd::Isa;
use crate::theory::relu_fields::{Fields, LARGEST};

/// Points side by side.
pub const QUAD: usize = 4;
/// One number for each.
pub type Quad = [f64; QUAD];

/// All points of a group, the heaviest first but for what makes twins.
#[derive(Clone, Debug)]
pub struct Quads {
    /// 0 where there is no point.
    pub weights: Vec<Quad>,
    /// r_l, in units of σ.
    pub fields: Vec<[Quad; LARGEST]>,
    /// Whether points number 0 and 1 are twins, and 2 and 3.
    pub twins: Vec<bool>,
    /// The largest weight of four points or later ones.
    pub heaviest: Vec<f64>,
    /// Row by row of [`Layout::derivatives`], one four points' after the other's.
    rows: Vec<Vec<Quad>>,
    /// Of a row.
    length: usize,
}

/// A point: its weight, the number of its block, its lane.
type Point = (f64, usize, usize);

impl Quads {
    /// With the rows of `layout`.
    pub fn new(isa: Isa, grid: &Grid, fields: &Fields, layout: Layout) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        let mut points: Vec<Point> = Vec::new();
        each_block(isa, grid, fields, layout, |_, block| {
            let weights = block.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
            points.extend(weights.map(|(lane, &weight)| (weight, blocks.len(), lane)));
            blocks.push(block.clone());
        });
        points.sort_by(|a, b| b.0.total_cmp(&a.0));
        let points = with_twins(&points);
        let length = blocks.first().map_or(0, |block| block.rows[0].len());
        let count = blocks.first().map_or(0, |block| block.rows.len());
        let quads = points.len().div_ceil(QUAD);
        let mut all = Self {
            weights: Vec::with_capacity(quads),
            fields: Vec::with_capacity(quads),
            twins: Vec::with_capacity(quads),
            heaviest: vec![0.0; quads],
            rows: (0..count).map(|_| Vec::with_capacity(quads * length)).collect(),
            length,
        };
        for four in points.chunks(QUAD) {
            let weights: Quad = std::array::from_fn(|i| four.get(i).map_or(0.0, |point| point.0));
            all.weights.push(weights);
            all.twins.push(equal(weights[0], weights[1]) && equal(weights[2], weights[3]));
            // Where there is none, the first once more, of weight 0.
            let sources = std::array::from_fn::<_, QUAD, _>(|i| four.get(i).unwrap_or(&four[0]));
            let sources = sources.map(|&(_, block, lane)| (&blocks[block], lane));
            let of = |value: &dyn Fn(&Block, usize) -> f64| {
                sources.map(|(block, lane)| value(block, lane))
            };
            all.fields.push(std::array::from_fn(|l| of(&|block, lane| block.fields[l][lane])));
            for (number, row) in all.rows.iter_mut().enumerate() {
                let sources = sources.map(|(block, lane)| (&block.rows[number][..length], lane));
                row.extend((0..length).map(|j| sources.map(|(row, lane)| row[j][lane])));
            }
        }
        let mut heaviest = 0.0;
        for (most, weights) in all.heaviest.iter_mut().zip(&all.weights).rev() {
            heaviest = weights.iter().copied().fold(heaviest, f64::max);
            *most = heaviest;
        }
        all
    }

    /// Row number `row` of points number `quad` along the grid.
    #[inline(always)]
    pub fn row(&self, row: usize, quad: usize) -> &[Quad] {
        &self.rows[row][quad * self.length..(quad + 1) * self.length]
    }

    /// How many there are up to the last pair above `cut` with a point of weight `other`.
    #[inline(always)]
    pub fn within(&self, other: f64, cut: f64) -> usize {
        self.heaviest.partition_point(|weight| weight * other > cut)
    }
}

/// Up to rounding: mirror images are computed in another order.
fn equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-13 * a
}

/// Sorted points with those of equal weight two by two; what is left over is put two by two among them.
fn with_twins(points: &[Point]) -> Vec<Point> {
    let mut ordered = Vec::with_capacity(points.len());
    let mut left: Option<Point> = None;
    let mut rest = points;
    while let [first, others @ ..] = rest {
        rest = others;
        if let [second, others @ ..] = others
            && equal(first.0, second.0)
        {
            ordered.extend([*first, *second]);
            rest = others;
        } else if let Some(before) = left.take() {
            ordered.extend([before, *first]);
        } else {
            left = Some(*first);
        }
    }
    ordered.extend(left);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No point is lost, twins lie at even places.
    #[test]
    fn twins_side_by_side() {
        let weights = [9.0, 7.0, 7.0, 7.0, 5.0, 4.0, 4.0 - 1e-15, 3.0, 2.0, 2.0, 1.0];
        let points: Vec<Point> = weights.iter().enumerate().map(|(i, w)| (*w, i, 0)).collect();
        let numbers: Vec<usize> = with_twins(&points).iter().map(|point| point.1).collect();
        assert_eq!(numbers, [1, 2, 0, 3, 5, 6, 4, 7, 8, 9, 10]);
    }
}
