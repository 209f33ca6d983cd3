//! K ReLU units: the nodes of ∫ΠDx_l over the fields of the two groups of K/2 units.
//!
//! ln P(S₊ − S₋ > k) is smooth in every direction but the differences of two fields of the group that
//! must be the larger: if one unit alone can exceed k, P is a sum of as many exponentials as units,
//! whose zeros lie at a distance π/k from equal fields. Hence two lattices:
//! - the larger group: its mean on a coarse grid and, sorted descending, the differences of
//!   neighbours on a fine one: (x₁ − x₂, x₂ − x₃) ∈ step·Z², a hexagonal lattice;
//! - the smaller group: multisets of a coarse grid.
//!
//! All coarse coordinates together are taken at once at whole and at half steps, two cosets that
//! make a body-centred lattice: its dual has no vector along an axis, so that a function of fields
//! one by one is integrated with twice the accuracy. Points are symmetric under exchange of units
//! and sorted, the heaviest first. Deterministic.

use super::gaussian;
use super::multiset::multisets;
use super::quadrature::Rule;
use std::collections::BTreeMap;

/// Units of the largest group.
pub const LARGEST: usize = 3;
/// Half-width: beyond, the Gaussian weight is below every cut.
const REACH: f64 = 10.0;

/// The fields of one group: x_l = mean + deviation_l, equal up to the order of its units.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Means, or whatever the deviations are taken from.
    pub means: Vec<f64>,
    /// The deviations of the units; the rest is 0.
    pub deviations: Vec<[f64; LARGEST]>,
    /// Which pairs of them, the heaviest first.
    pub points: Vec<Point>,
}

/// A mean with a deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Index of the deviation.
    pub deviation: usize,
    /// Index of the mean.
    pub mean: usize,
    /// Gaussian weight of all orders of the units together.
    pub weight: f64,
}

impl Fields {
    /// One point of weight 1.
    pub fn single(fields: [f64; LARGEST]) -> Self {
        let points = vec![Point { deviation: 0, mean: 0, weight: 1.0 }];
        Self { means: vec![0.0], deviations: vec![fields], points }
    }

    /// Without points of weight below `cut`, the heaviest first.
    fn sorted(mut self, cut: f64) -> Self {
        self.points.retain(|point| point.weight > cut);
        self.points.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        self
    }
}

/// Steps of the lattices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Of the differences of fields of the larger group.
    pub difference: f64,
    /// Of their mean.
    pub mean: f64,
    /// Of the fields of the smaller group.
    pub single: f64,
}

impl Steps {
    /// All steps `factor` times as large.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            difference: factor * self.difference,
            mean: factor * self.mean,
            single: factor * self.single,
        }
    }
}

/// Points of the larger group, of `units` = 1 to 3, in the coset `shift` = 0 or ½, without those of
/// weight below `cut`.
pub fn larger_group(units: usize, steps: Steps, shift: f64, cut: f64) -> Fields {
    let count = units as f64;
    let last = (REACH / steps.mean).ceil() as i32;
    // Squared deviations from the mean.
    let radius = REACH * REACH;
    let mut deviations: Vec<([f64; LARGEST], f64)> = Vec::new();
    let along = |i: i32, shift: f64| (f64::from(i) + shift) * steps.difference;
    let most = (2.0 * REACH / steps.difference).ceil() as i32;
    match units {
        1 => deviations.push(([0.0; LARGEST], steps.mean)),
        2 => {
            let cell = steps.mean * steps.difference;
            for a in (0..most).map(|i| along(i, shift)) {
                let orders = if a == 0.0 { 1.0 } else { 2.0 };
                deviations.push(([0.5 * a, -0.5 * a, 0.0], orders * cell));
            }
        }
        _ => {
            let cell = steps.mean * steps.difference * steps.difference;
            for (i, j) in (0..most).flat_map(|i| (0..most).map(move |j| (i, j))) {
                let (a, b) = (along(i, 0.0), along(j, 0.0));
                let x = [(2.0 * a + b) / 3.0, (b - a) / 3.0, -(a + 2.0 * b) / 3.0];
                let orders = [1.0, 3.0, 6.0][usize::from(i > 0) + usize::from(j > 0)];
                deviations.push((x, orders * cell));
            }
        }
    }
    let norm = gaussian::INV_SQRT_2PI.powi(units as i32);
    let means: Vec<f64> = (-last..=last).map(|i| (f64::from(i) + shift) * steps.mean).collect();
    let mut points = Vec::new();
    for (index, (deviation, volume)) in deviations.iter().enumerate() {
        let square: f64 = deviation.iter().map(|x| x * x).sum();
        for (mean, x) in means.iter().enumerate() {
            let square = square + count * x * x;
            if square <= radius {
                let weight = norm * volume * libm::exp(-0.5 * square);
                points.push(Point { deviation: index, mean, weight });
            }
        }
    }
    let deviations = deviations.into_iter().map(|(deviation, _)| deviation).collect();
    Fields { means, deviations, points }.sorted(cut)
}

/// Points of the smaller group, as deviations from its least field.
pub fn smaller_group(units: usize, steps: Steps, shift: f64, cut: f64) -> Fields {
    let last = (REACH / steps.single).ceil() as i32;
    let nodes: Vec<(f64, f64)> = (-last..=last)
        .map(|i| {
            let x = (f64::from(i) + shift) * steps.single;
            (x, gaussian::density(x) * steps.single)
        })
        .collect();
    let means: Vec<f64> = nodes.iter().map(|node| node.0).collect();
    let mut places = BTreeMap::new();
    let mut deviations = Vec::new();
    let mut points = Vec::new();
    for multiset in multisets(&Rule::from_nodes(nodes), units) {
        if multiset.weight <= cut {
            continue;
        }
        let least = multiset.indices()[0];
        let mut steps_up = [0; LARGEST];
        for (up, &i) in steps_up.iter_mut().zip(multiset.indices()) {
            *up = i - least;
        }
        let deviation = *places.entry(steps_up).or_insert_with(|| {
            deviations.push(steps_up.map(|up| f64::from(up) * steps.single));
            deviations.len() - 1
        });
        points.push(Point { deviation, mean: usize::from(least), weight: multiset.weight });
    }
    Fields { means, deviations, points }.sorted(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Norm, and E cos of a direction: both lattices, both cosets, every size.
    #[test]
    fn gaussian_integrals() {
        let steps = Steps { difference: 0.5, mean: 0.5, single: 0.7 };
        for units in 1..=LARGEST {
            for points in [larger_group, smaller_group] {
                let (mut norm, mut wave) = (0.0, 0.0);
                for shift in [0.0, 0.5] {
                    let fields = points(units, steps, shift, 1e-18);
                    for point in &fields.points {
                        norm += 0.5 * point.weight;
                        let mean = fields.means[point.mean];
                        let deviation = fields.deviations[point.deviation];
                        // Symmetric: the mean over the units.
                        let sum: f64 =
                            deviation[..units].iter().map(|x| libm::cos(1.5 * (mean + x))).sum();
                        wave += 0.5 * point.weight * sum / units as f64;
                    }
                }
                assert!((norm - 1.0).abs() < 1e-12, "{units} {norm}");
                assert!((wave - libm::exp(-1.125)).abs() < 1e-11, "{units} {wave}");
            }
        }
    }
}
