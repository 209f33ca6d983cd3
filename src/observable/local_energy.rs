//! Local energy δE(d): mean fraction of the stored patterns that are lost when a fraction d of the
//! weights is changed at random.
//!
//! Binary weights: exactly round(d·N) distinct weights flipped, uniformly chosen. Spherical: a
//! uniformly random direction in every unit, at overlap 1 − 2d, norm kept. Cost O(trials · PN) a
//! distance. Ref.: BMZ, PRL 123, 170602, fig. 3.

use super::{Observable, Solution};
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
    pub distances: Vec<f64>,
    /// Random perturbations a distance.
    #[serde(default = "default_trials")]
    pub trials: u32,
}

fn default_trials() -> u32 {
    100
}

/// Key of this observable's streams.
const TAG: u64 = 1;

impl Observable for LocalEnergy {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        if self.distances.is_empty() {
            return Err(("distances".into(), "empty list: expected at least one distance".into()));
        }
        if let Some(d) = self.distances.iter().find(|&&d| !(d > 0.0 && d <= 0.5)) {
            return Err(("distances".into(), format!("{d}: expected distances in (0, 0.5]")));
        }
        if self.trials == 0 {
            return Err(("trials".into(), "0: expected at least one trial".into()));
        }
        Ok(())
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
        let patterns = &instance.patterns;
        let mut stream = instance.stream(Purpose::Observable, TAG, solution.solver);
        let stored: Vec<usize> = (0..patterns.count())
            .filter(|&mu| instance.storage.is_stored(patterns, solution.weights, mu))
            .collect();
        if stored.is_empty() {
            return vec![Value::Missing];
        }
        let mut values = Vec::with_capacity(self.distances.len());
        for &distance in &self.distances {
            let mut lost = 0u64;
            for _ in 0..self.trials {
                let perturbed = perturb(solution, distance, &mut stream);
                lost += stored
                    .iter()
                    .filter(|&&mu| !instance.storage.is_stored(patterns, &perturbed, mu))
                    .count() as u64;
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
        Weights::Binary(bits) => {
            let mut bits = bits.clone();
            let words = n.div_ceil(64);
            for i in stream.choose(inputs, (distance * inputs as f64).round() as usize) {
                bits[i / n * words + i % n / 64] ^= 1 << (i % n % 64);
            }
            Weights::Binary(bits)
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
