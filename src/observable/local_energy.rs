//! Local energy δE(d): mean fraction of the stored patterns that are lost when a fraction d of the
//! weights is changed at random.
//!
//! $$ \delta E(d) = \frac1P \sum_{\mu=1}^P
//!    \mathrm{Prob}_{W^\prime}\left(\sigma^\mu \Delta^\mu(W^\prime) \le \kappa\right),
//!    \qquad \frac1N \sum_i W_i W_i^\prime = 1 - 2d $$
//!
//! Binary weights: exactly round(d·N) distinct weights flipped, uniformly chosen. Spherical: a
//! uniformly random direction in every unit, at overlap 1 − 2d, norm kept. Cost a distance: `trials`
//! forward passes over the stored patterns, sixteen at a time. Ref.: BMZ, PRL 123, 170602, fig. 3.

use super::batch::Batch;
use super::{
    Observable, Solution, check_fractions, check_trials, default_fractions, default_trials,
};
use crate::model::Weights;
use crate::record::{Axis, Column, Estimator, Kind, Value};
use crate::rng::{Purpose, Stream};
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Parameters of the local energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalEnergy {
    /// Distances d in (0, 0.5].
    #[serde(default = "default_fractions")]
    pub distances: Vec<f64>,
    /// Random perturbations a distance.
    #[serde(default = "default_trials")]
    pub trials: u32,
}

/// Key of this observable's streams.
const TAG: u64 = 1;

impl Observable for LocalEnergy {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        check_fractions("distances", &self.distances)?;
        check_trials(self.trials)
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let axis =
            Axis { name: "distance".into(), units: "1".into(), values: self.distances.clone() };
        vec![Column::new(
            "local_energy",
            "fraction of stored patterns lost at weight distance d",
            Kind::Vector(axis),
            Estimator::Mean,
        )]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let instance = solution.instance;
        let stored = solution.stored();
        if stored.is_empty() {
            return vec![Value::Missing];
        }
        let mut stream = instance.stream(Purpose::Observable, TAG, solution.solver);
        let real = matches!(solution.weights, Weights::Spherical(_));
        let mut batch = Batch::new(&instance.storage, &instance.patterns, &stored, real);
        let mut perturbed = Vec::with_capacity(batch.room());
        let mut values = Vec::with_capacity(self.distances.len());
        for &distance in &self.distances {
            let mut lost = 0;
            for trial in 0..self.trials {
                perturbed.push(perturb(solution, distance, &mut stream));
                if perturbed.len() == batch.room() || trial + 1 == self.trials {
                    lost += batch.lost(&perturbed);
                    perturbed.clear();
                }
            }
            values.push(lost as f64 / (stored.len() as u64 * u64::from(self.trials)) as f64);
        }
        vec![Value::Vector(values)]
    }
}

/// `solution.weights` moved to `distance` in a random direction.
fn perturb(solution: &Solution, distance: f64, stream: &mut Stream) -> Weights {
    let architecture = solution.instance.storage.architecture();
    let (n, inputs) = (architecture.unit_inputs(), architecture.inputs());
    match solution.weights {
        Weights::Binary(_) => {
            let mut moved = solution.weights.clone();
            for i in stream.choose(inputs, (distance * inputs as f64).round() as usize) {
                moved.flip(architecture, i);
            }
            moved
        }
        Weights::Spherical(values) => {
            let overlap = 1.0 - 2.0 * distance;
            let mut moved = Vec::with_capacity(inputs);
            for unit in values.chunks_exact(n) {
                let norm2: f64 = unit.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
                let mut direction: Vec<f64> = unit.iter().map(|_| stream.normal()).collect();
                let along: f64 =
                    unit.iter().zip(&direction).map(|(&w, x)| f64::from(w) * x).sum::<f64>()
                        / norm2;
                unit.iter().zip(&mut direction).for_each(|(&w, x)| *x -= along * f64::from(w));
                let length2: f64 = direction.iter().map(|x| x * x).sum();
                let scale = if length2 > 0.0 {
                    ((1.0 - overlap * overlap) * norm2 / length2).sqrt()
                } else {
                    0.0
                };
                moved.extend(
                    unit.iter()
                        .zip(&direction)
                        .map(|(&w, x)| (overlap * f64::from(w) + scale * x) as f32),
                );
            }
            Weights::Spherical(moved)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Activation, Architecture, Storage, WeightKind};
    use crate::solver::Instance;

    /// The spherical move keeps every unit's norm and lies at overlap 1 − 2d with each unit.
    #[test]
    fn spherical_moves_have_their_overlap() {
        let architecture = Architecture::tree(300, 3).unwrap();
        let storage = Storage::new(architecture, Activation::Tanh, 0.0);
        let instance = Instance::random(storage, WeightKind::Spherical, 4, 1, 0);
        let mut stream = Stream::new(9, Purpose::Test, &[]);
        let mut values: Vec<f32> = (0..300).map(|_| stream.normal() as f32).collect();
        for unit in values.chunks_exact_mut(100) {
            let norm = (unit.iter().map(|w| w * w).sum::<f32>() / 100.0).sqrt();
            unit.iter_mut().for_each(|w| *w /= norm);
        }
        let weights = Weights::Spherical(values);
        let solution = Solution {
            instance: &instance,
            weights: &weights,
            replicas: &[],
            center: None,
            independent: &[],
            solver: 0,
        };
        for distance in [0.01, 0.2, 0.5] {
            let moved = perturb(&solution, distance, &mut stream);
            let (a, b) = (weights.values(architecture), moved.values(architecture));
            for (a, b) in a.chunks_exact(100).zip(b.chunks_exact(100)) {
                let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / 100.0;
                let norm: f64 = b.iter().map(|b| b * b).sum::<f64>() / 100.0;
                // f32 entries: 1e-6 of sums of 100 terms.
                assert!((dot - (1.0 - 2.0 * distance)).abs() < 1e-5, "{distance}: {dot}");
                assert!((norm - 1.0).abs() < 1e-5, "{distance}: {norm}");
            }
        }
    }
}
