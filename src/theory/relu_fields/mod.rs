//! K ReLU units: the nodes of ∫ΠDx_l over the fields of the two groups of K/2 units.
//!
//! ln P(S₊ − S₋ > k) is smooth in every direction but the differences of two fields of the group that
//! must be the larger: if one unit alone can exceed k, P is a sum of as many exponentials as units,
//! whose zeros lie at a distance π/k from equal fields. Hence two lattices:
//! - the larger group: its mean on a coarse grid; the deviation of two units from it at steps that are
//!   small near equal fields, those of three units on [`Rings`];
//! - the smaller group: multisets of a coarse grid.
//!
//! All coarse coordinates together are taken at once at whole and at half steps, two cosets that
//! make a body-centred lattice: its dual has no vector along an axis, so that a function of fields
//! one by one is integrated with twice the accuracy. Points are symmetric under exchange of units,
//! deviations sorted, the heaviest first. Deterministic.

mod rings;

use super::gaussian;
use super::multiset::multisets;
use super::quadrature::Rule;
pub use rings::Rings;
use std::collections::BTreeMap;
use std::f64::consts::SQRT_2;

/// Units of the largest group.
pub const LARGEST: usize = 3;
/// Half-width: beyond, the Gaussian weight is below every cut.
const REACH: f64 = 10.0;
/// r of two units of the larger group: deviations r sinh(u/r), u at equal steps.
const BEND: f64 = 2.0;

/// The fields of one group: x_l = mean + deviation_l, equal up to the order of its units.
#[derive(Clone, Debug)]
pub struct Fields {
    /// Means, or whatever the deviations are taken from.
    pub means: Vec<Mean>,
    /// Those that share their means side by side, the heaviest first.
    pub deviations: Vec<Deviation>,
}

/// A mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// Of the fields.
    pub x: f64,
    /// 0 or 1: whole or half steps.
    pub coset: usize,
}

/// A deviation with every mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// Of the units; the rest is 0.
    pub fields: [f64; LARGEST],
    /// Those of the same class come together: they have the same means.
    class: usize,
    /// Gaussian weights of all orders of the units together, one a mean; 0 where left out.
    pub weights: Vec<f64>,
}

impl Deviation {
    fn largest(&self) -> f64 {
        self.weights.iter().copied().fold(0.0, f64::max)
    }
}

impl Fields {
    /// One point of weight 1.
    pub fn single(fields: [f64; LARGEST]) -> Self {
        let deviation = Deviation { fields, class: 0, weights: vec![1.0] };
        Self { means: vec![Mean { x: 0.0, coset: 0 }], deviations: vec![deviation] }
    }

    /// Without points of weight below `cut`, in order.
    fn sorted(mut self, cut: f64) -> Self {
        for weight in self.deviations.iter_mut().flat_map(|deviation| &mut deviation.weights) {
            if *weight <= cut {
                *weight = 0.0;
            }
        }
        self.deviations.retain(|deviation| deviation.largest() > 0.0);
        let order = |deviation: &Deviation| deviation.largest();
        self.deviations.sort_by(|a, b| a.class.cmp(&b.class).then(order(b).total_cmp(&order(a))));
        self
    }
}

/// Steps of the lattices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Of the deviations of the larger group, an orthonormal coordinate, near equal fields.
    pub deviation: f64,
    /// Of its mean.
    pub mean: f64,
    /// Of the fields of the smaller group.
    pub single: f64,
}

impl Steps {
    /// All steps `factor` times as large.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            deviation: factor * self.deviation,
            mean: factor * self.mean,
            single: factor * self.single,
        }
    }

    /// Volume of a pair of points of two groups of `units`, in two cosets.
    pub fn cell(self, units: usize) -> f64 {
        let others = units as i32 - 1;
        0.5 * self.mean * self.deviation.powi(others) * self.single.powi(units as i32)
    }
}

/// Points of the larger group, of `units` = 1 to 3, in both cosets, without those of weight below `cut`.
pub fn larger_group(units: usize, steps: Steps, rings: Rings, cut: f64) -> Fields {
    let count = units as f64;
    let last = (REACH / steps.mean).ceil() as i32;
    let coset = |coset: usize| {
        let x = move |i: i32| (f64::from(i) + 0.5 * coset as f64) * steps.mean;
        (-last..=last).map(move |i| Mean { x: x(i), coset })
    };
    let means: Vec<Mean> = coset(0).chain(coset(1)).collect();
    let norm = 0.5 * steps.mean * gaussian::INV_SQRT_2PI.powi(units as i32);
    let weight = |mean: &Mean| norm * libm::exp(-0.5 * count * mean.x * mean.x);
    let of_means: Vec<f64> = means.iter().map(weight).collect();
    let heaviest = of_means.iter().copied().fold(0.0, f64::max);
    let mut deviations = Vec::new();
    // With the means of one coset, or all.
    let mut add = |fields: [f64; LARGEST], volume: f64, coset: Option<usize>| {
        let square: f64 = fields.iter().map(|x| x * x).sum();
        let factor = volume * libm::exp(-0.5 * square);
        if factor * heaviest > cut {
            let weight = |(mean, weight): (&Mean, &f64)| {
                if coset.is_none_or(|coset| coset == mean.coset) { factor * weight } else { 0.0 }
            };
            let weights = means.iter().zip(&of_means).map(weight).collect();
            deviations.push(Deviation { fields, class: coset.unwrap_or(0), weights });
        }
    };
    match units {
        1 => add([0.0; LARGEST], 1.0, None),
        2 => {
            let furthest = BEND * libm::asinh(2.0 * REACH / BEND);
            let most = (furthest / steps.deviation) as u32;
            for (i, coset) in (0..=most).flat_map(|i| [(i, 0), (i, 1)]) {
                let u = (f64::from(i) + 0.5 * coset as f64) * steps.deviation;
                // y, of fields ±y/√2.
                let y = BEND * libm::sinh(u / BEND);
                let orders = if u == 0.0 { 1.0 } else { 2.0 };
                let volume = SQRT_2 * orders * steps.deviation * libm::cosh(u / BEND);
                add([y / SQRT_2, -y / SQRT_2, 0.0], volume, Some(coset));
            }
        }
        // A step of the mean is √3 steps along the diagonal.
        _ => rings.visit(steps.deviation, |fields, area| add(fields, 3f64.sqrt() * area, None)),
    }
    Fields { means, deviations }.sorted(cut)
}

/// Points of the smaller group in a coset, as deviations from its least field.
pub fn smaller_group(units: usize, steps: Steps, coset: usize, cut: f64) -> Fields {
    let last = (REACH / steps.single).ceil() as i32;
    let nodes: Vec<(f64, f64)> = (-last..=last)
        .map(|i| {
            let x = (f64::from(i) + 0.5 * coset as f64) * steps.single;
            (x, gaussian::density(x) * steps.single)
        })
        .collect();
    let means: Vec<Mean> = nodes.iter().map(|&(x, _)| Mean { x, coset }).collect();
    let mut places = BTreeMap::new();
    let mut deviations: Vec<Deviation> = Vec::new();
    for multiset in multisets(&Rule::from_nodes(nodes), units) {
        let least = multiset.indices()[0];
        let mut steps_up = [0; LARGEST];
        for (up, &i) in steps_up.iter_mut().zip(multiset.indices()) {
            *up = i - least;
        }
        let place = *places.entry(steps_up).or_insert_with(|| {
            let fields = steps_up.map(|up| f64::from(up) * steps.single);
            deviations.push(Deviation { fields, class: 0, weights: vec![0.0; means.len()] });
            deviations.len() - 1
        });
        deviations[place].weights[usize::from(least)] = multiset.weight;
    }
    Fields { means, deviations }.sorted(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Norm, and E cos of a direction: both lattices, both cosets, every size.
    #[test]
    fn gaussian_integrals() {
        let steps = Steps { deviation: 0.2, mean: 0.5, single: 0.7 };
        let rings = Rings { sharp: 1.0, digits: 36.0 };
        for units in 1..=LARGEST {
            let larger = vec![larger_group(units, steps, rings, 1e-18)];
            let smaller = [0, 1].map(|coset| smaller_group(units, steps, coset, 1e-18)).to_vec();
            for (groups, share) in [(larger, 1.0), (smaller, 0.5)] {
                let (mut norm, mut wave) = (0.0, 0.0);
                for fields in groups {
                    for deviation in &fields.deviations {
                        for (mean, weight) in fields.means.iter().zip(&deviation.weights) {
                            norm += share * weight;
                            // Symmetric: the mean over the units.
                            let wave_of = |x: &f64| libm::cos(1.5 * (mean.x + x));
                            let sum: f64 = deviation.fields[..units].iter().map(wave_of).sum();
                            wave += share * weight * sum / units as f64;
                        }
                    }
                }
                assert!((norm - 1.0).abs() < 1e-12, "{units} {norm}");
                assert!((wave - libm::exp(-1.125)).abs() < 1e-11, "{units} {wave}");
            }
        }
    }
}
