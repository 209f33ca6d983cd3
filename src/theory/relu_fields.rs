//! K ReLU units: the nodes of ∫ΠDx_l over the fields of the two groups of K/2 units.
//!
//! ln P(S₊ − S₋ > k) is smooth in every direction but the differences of two fields of the group that
//! must be the larger: if one unit alone can exceed k, P is a sum of as many exponentials as units,
//! whose zeros lie at a distance π/k from equal fields. Hence two lattices:
//! - the larger group: its mean on a coarse grid and, sorted descending, the differences of
//!   neighbours on a fine one: (x₁ − x₂, x₂ − x₃) ∈ step·Z², a hexagonal lattice, of twice the step where
//!   the mean is so large that all units are on;
//! - the smaller group: multisets of a coarse grid.
//!
//! All coarse coordinates together are taken at once at whole and at half steps, two cosets that
//! make a body-centred lattice: its dual has no vector along an axis, so that a function of fields
//! one by one is integrated with twice the accuracy. Points are symmetric under exchange of units,
//! deviations sorted, the heaviest first. Deterministic.

use super::gaussian;
use super::multiset::multisets;
use super::quadrature::Rule;
use std::collections::BTreeMap;

/// Units of the largest group.
pub const LARGEST: usize = 3;
/// Half-width: beyond, the Gaussian weight is below every cut.
const REACH: f64 = 10.0;
/// Mean of three units of the larger group, in steps of their differences, from which twice the step is
/// enough: where all are on, P is a function of their sum.
const SMOOTH: f64 = 1.5;

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
    /// Which means it has.
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

    /// Volume of a pair of points of two groups of `units`, in two cosets.
    pub fn cell(self, units: usize) -> f64 {
        let others = units as i32 - 1;
        0.5 * self.mean * self.difference.powi(others) * self.single.powi(units as i32)
    }
}

/// Points of the larger group, of `units` = 1 to 3, in both cosets, without those of weight below `cut`.
pub fn larger_group(units: usize, steps: Steps, cut: f64) -> Fields {
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
    // `share` of the weight of each mean, by the coset and the step.
    let mut add =
        |fields: [f64; LARGEST], volume: f64, class: usize, share: &dyn Fn(&Mean) -> f64| {
            let square: f64 = fields.iter().map(|x| x * x).sum();
            let factor = volume * libm::exp(-0.5 * square);
            if factor * heaviest > cut {
                let weights =
                    means.iter().zip(&of_means).map(|(mean, weight)| factor * weight * share(mean));
                deviations.push(Deviation { fields, class, weights: weights.collect() });
            }
        };
    let step = steps.difference;
    let most = (2.0 * REACH / step).ceil() as u32;
    match units {
        1 => add([0.0; LARGEST], 1.0, 0, &|_| 1.0),
        2 => {
            for (i, coset) in (0..most).flat_map(|i| [(i, 0), (i, 1)]) {
                let a = (f64::from(i) + 0.5 * coset as f64) * step;
                let orders = if a == 0.0 { 1.0 } else { 2.0 };
                let share = |mean: &Mean| f64::from(u8::from(mean.coset == coset));
                add([0.5 * a, -0.5 * a, 0.0], orders * step, coset, &share);
            }
        }
        _ => {
            // From here on twice the step is enough.
            let smooth = SMOOTH * step;
            for (i, j) in (0..most).flat_map(|i| (0..most).map(move |j| (i, j))) {
                let (a, b) = (f64::from(i) * step, f64::from(j) * step);
                let fields = [(2.0 * a + b) / 3.0, (b - a) / 3.0, -(a + 2.0 * b) / 3.0];
                let orders = [1.0, 3.0, 6.0][usize::from(i > 0) + usize::from(j > 0)];
                let odd = i % 2 == 1 || j % 2 == 1;
                let of_smooth = if odd { 0.0 } else { 4.0 };
                let share = |mean: &Mean| if mean.x < smooth { 1.0 } else { of_smooth };
                add(fields, orders * step * step, usize::from(odd), &share);
            }
        }
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
        let steps = Steps { difference: 0.5, mean: 0.5, single: 0.7 };
        for units in 1..=LARGEST {
            let larger = vec![larger_group(units, steps, 1e-18)];
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
