//! Input robustness ε(η): mean fraction of the stored patterns that are lost when each of their
//! input bits is flipped independently with probability η.
//!
//! $$ \varepsilon(\eta) = \mathrm{Prob}\left(\sigma \Delta(\xi \odot s) \le \kappa \mid
//!    \sigma \Delta(\xi) > \kappa\right), \qquad s_i = -1 \text{ with probability } \eta \text{, else } 1 $$
//!
//! For ±1 weights the law is that of flipping each weight with the same probability, anew for each
//! pattern; the theory's `robustness` gives it for typical solutions. Cost a rate: `trials` times
//! eight random words per 64 entries of the patterns, and a forward pass.

use super::batch::Batch;
use super::{
    Observable, Solution, check_fractions, check_trials, default_fractions, default_trials,
};
use crate::model::Weights;
use crate::model::weights::tail_mask;
use crate::record::{Axis, Column, Estimator, Kind, Value};
use crate::rng::Purpose;
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Parameters of the input robustness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputNoise {
    /// Flip rates η in (0, 0.5].
    #[serde(default = "default_fractions")]
    pub rates: Vec<f64>,
    /// Noisy copies of all patterns a rate.
    #[serde(default = "default_trials")]
    pub trials: u32,
}

/// Key of this observable's streams.
const TAG: u64 = 2;

impl Observable for InputNoise {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        check_fractions("rates", &self.rates)?;
        check_trials(self.trials)
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let axis = Axis { name: "rate".into(), units: "1".into(), values: self.rates.clone() };
        vec![Column::new(
            "input_noise",
            "fraction of stored patterns lost when input bits flip at rate eta",
            Kind::Vector(axis),
            Estimator::Mean,
        )]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let instance = solution.instance;
        let (patterns, stored) = (&instance.patterns, solution.stored());
        if stored.is_empty() {
            return vec![Value::Missing];
        }
        let mut stream = instance.stream(Purpose::Observable, TAG, solution.solver);
        let real = matches!(solution.weights, Weights::Spherical(_));
        let mut batch = Batch::new(&instance.storage, patterns, &stored, real);
        let clean: Vec<u64> =
            stored.iter().flat_map(|&mu| patterns.row(mu as usize)).copied().collect();
        let (n, words) = (patterns.architecture().unit_inputs(), patterns.group_words());
        let masks: Vec<u64> = (0..words).map(|word| tail_mask(n, word)).collect();
        let mut noisy = clean.clone();
        let mut values = Vec::with_capacity(self.rates.len());
        for &rate in &self.rates {
            // 2^64 η, exact.
            let threshold = (rate * 18_446_744_073_709_551_616.0) as u64;
            let mut lost = 0;
            for _ in 0..self.trials {
                let masks = masks.iter().cycle();
                for ((noisy, clean), mask) in noisy.iter_mut().zip(&clean).zip(masks) {
                    *noisy = clean ^ (stream.flips(threshold) & mask);
                }
                batch.replace(&noisy);
                lost += batch.lost(std::slice::from_ref(solution.weights));
            }
            values.push(lost as f64 / (stored.len() as u64 * u64::from(self.trials)) as f64);
        }
        vec![Value::Vector(values)]
    }
}
