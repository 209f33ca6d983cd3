//! When is a pattern stored? The definition, evaluated plainly.
//!
//! $$ \lambda_l = \frac{1}{\sqrt n} \sum_{i=1}^n W_{li}\ \xi_{li}, \qquad
//!    \Delta = \frac{1}{\sqrt K} \sum_{l=1}^K c_l\ g(\lambda_l), \qquad
//!    \text{stored} \iff \sigma \Delta > \kappa , $$
//!
//! **strictly**.
//! For binary weights h_l = Σ_i W_li ξ_li is an integer and storage is an integer comparison:
//! ReLU σΣc_l h_l⁺ > ⌊κ√N⌋, sign σΣ sign(h_l) > ⌊κ√K⌋, identity σΣh_l > ⌊κ√N⌋,
//! |x| σΣc_l|h_l| > ⌊κ√N⌋, x² σΣc_l h_l² > ⌊κ n√K⌋.
//!
//! [`Storage::errors`] is the independent verifier of every claimed solution: plain loops over
//! `count_ones`, no kernel shared with the solvers. For real weights it works in f64, and stored
//! means σΔ > κ + [`GUARD_BAND`]. Cost O(PN).

use super::activation::Activation;
use super::architecture::Architecture;
use super::patterns::Patterns;
use super::weights::Weights;
use crate::simd::UnitForm;

/// Real weights: a stability within this band above κ is not trusted and counts as an error.
pub const GUARD_BAND: f64 = 1e-6;

/// The storage condition of one machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storage {
    architecture: Architecture,
    activation: Activation,
    kappa: f64,
    form: Option<UnitForm>,
    threshold: i64,
}

impl Storage {
    /// Storage with margin `kappa`.
    pub fn new(architecture: Architecture, activation: Activation, kappa: f64) -> Self {
        let (inputs, hidden) = (architecture.inputs() as f64, architecture.hidden() as f64);
        let unit = architecture.unit_inputs() as f64;
        let form = activation.integer_form();
        let bound = match form {
            Some(UnitForm::Sign) => kappa * hidden.sqrt(),
            Some(UnitForm::Quadratic) => kappa * unit * hidden.sqrt(),
            _ => kappa * inputs.sqrt(),
        };
        Self { architecture, activation, kappa, form, threshold: bound.floor() as i64 }
    }

    /// The same machine with the margin κ + `margin`.
    pub fn beyond(&self, margin: f64) -> Self {
        Self::new(self.architecture, self.activation, self.kappa + margin)
    }

    /// The architecture.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The activation.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// κ.
    pub fn kappa(&self) -> f64 {
        self.kappa
    }

    /// The integer T of the binary condition σ·total > T, for activations with
    /// [`Activation::is_integer`].
    pub fn threshold(&self) -> i64 {
        self.threshold
    }

    /// Σ_l c_l g̃(h_l) with the integer form g̃ of the activation, for integer preactivations
    /// h_l (K of them).
    ///
    /// # Panics
    /// If the activation has no integer form.
    pub fn integer_total(&self, preactivations: &[i32]) -> i64 {
        let hidden = self.architecture.hidden();
        let form = self.form.expect("the activation has an integer form");
        preactivations
            .iter()
            .enumerate()
            .map(|(unit, &h)| {
                let h = i64::from(h);
                i64::from(self.activation.readout(unit, hidden))
                    * match form {
                        UnitForm::Identity => h,
                        UnitForm::Relu => h.max(0),
                        UnitForm::Sign => h.signum(),
                        UnitForm::Quadratic => h * h,
                        UnitForm::Abs => h.abs(),
                    }
            })
            .sum()
    }

    /// Δ of pattern `mu`, in f64.
    pub fn output(&self, patterns: &Patterns, weights: &Weights, mu: usize) -> f64 {
        let hidden = self.architecture.hidden();
        let total: f64 = (0..hidden)
            .map(|unit| {
                let lambda = self.preactivation(patterns, weights, mu, unit);
                f64::from(self.activation.readout(unit, hidden)) * self.activation.value(lambda)
            })
            .sum();
        total / (hidden as f64).sqrt()
    }

    /// λ_l of pattern `mu` and unit `unit`, in f64.
    pub fn preactivation(
        &self,
        patterns: &Patterns,
        weights: &Weights,
        mu: usize,
        unit: usize,
    ) -> f64 {
        let n = self.architecture.unit_inputs();
        let field = match weights {
            Weights::Binary(bits) => f64::from(integer_field(patterns, bits, mu, unit)),
            Weights::Spherical(values) => {
                let row = patterns.unit_row(mu, unit);
                let weights = &values[unit * n..(unit + 1) * n];
                weights
                    .iter()
                    .enumerate()
                    .map(|(i, &w)| {
                        let negative = row[i / 64] >> (i % 64) & 1 == 1;
                        if negative { -f64::from(w) } else { f64::from(w) }
                    })
                    .sum()
            }
        };
        field / (n as f64).sqrt()
    }

    /// Whether pattern `mu` is stored.
    pub fn is_stored(&self, patterns: &Patterns, weights: &Weights, mu: usize) -> bool {
        match weights {
            Weights::Binary(bits) if self.form.is_some() => {
                let fields: Vec<i32> = (0..self.architecture.hidden())
                    .map(|unit| integer_field(patterns, bits, mu, unit))
                    .collect();
                i64::from(patterns.label(mu)) * self.integer_total(&fields) > self.threshold
            }
            _ => {
                let stability = f64::from(patterns.label(mu)) * self.output(patterns, weights, mu);
                stability > self.kappa + GUARD_BAND
            }
        }
    }

    /// Number of patterns that are not stored.
    pub fn errors(&self, patterns: &Patterns, weights: &Weights) -> usize {
        (0..patterns.count()).filter(|&mu| !self.is_stored(patterns, weights, mu)).count()
    }
}

/// h_l = n − 2·|bits of W xor ξ|.
fn integer_field(patterns: &Patterns, weights: &[u64], mu: usize, unit: usize) -> i32 {
    let words = patterns.group_words();
    let differing: u32 = patterns
        .unit_row(mu, unit)
        .iter()
        .zip(&weights[unit * words..(unit + 1) * words])
        .map(|(x, w)| (x ^ w).count_ones())
        .sum();
    patterns.architecture().unit_inputs() as i32 - 2 * differing as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// The integer condition agrees with the definition in f64, away from ties.
    #[test]
    fn integer_and_real_storage_agree() {
        for (activation, hidden) in [
            (Activation::Identity, 1),
            (Activation::Sign, 3),
            (Activation::Relu, 4),
            (Activation::Quadratic, 2),
            (Activation::Abs, 4),
        ] {
            for kappa in [0.0, 0.3] {
                let architecture = Architecture::tree(hidden * 65, hidden).unwrap();
                let storage = Storage::new(architecture, activation, kappa);
                let patterns = Patterns::random(architecture, 400, 5, 1);
                let mut stream = Stream::new(5, Purpose::Test, &[hidden as u64]);
                let weights = Weights::random_binary(architecture, &mut stream);
                for mu in 0..400 {
                    let stability =
                        f64::from(patterns.label(mu)) * storage.output(&patterns, &weights, mu);
                    if (stability - kappa).abs() > 1e-9 {
                        assert_eq!(
                            storage.is_stored(&patterns, &weights, mu),
                            stability > kappa,
                            "{activation:?} kappa {kappa} pattern {mu}: {stability}"
                        );
                    }
                }
            }
        }
    }

    /// All ReLU units off: Δ = 0 is an error whatever the label.
    #[test]
    fn relu_tie_is_an_error() {
        let architecture = Architecture::tree(4, 2).unwrap();
        let storage = Storage::new(architecture, Activation::Relu, 0.0);
        for label in [1, -1] {
            let patterns = Patterns::from_signs(architecture, &[1; 4], &[label]).unwrap();
            let off = Weights::from_signs(architecture, &[-1; 4]).unwrap();
            assert!(!storage.is_stored(&patterns, &off, 0));
        }
    }

    /// Real weights are trusted only beyond the guard band above κ; one input a unit, so that the
    /// stability is the weight.
    #[test]
    fn stabilities_of_real_weights_are_held_to_the_guard_band() {
        let architecture = Architecture::tree(1, 1).unwrap();
        for kappa in [0.0, 0.25] {
            let storage = Storage::new(architecture, Activation::Identity, kappa);
            for label in [1, -1] {
                let patterns = Patterns::from_signs(architecture, &[1], &[label]).unwrap();
                // f32 numbers near .25 are 3e-8 apart.
                for (above, stored) in
                    [(-1e-6, false), (0.0, false), (0.9e-6, false), (1.1e-6, true)]
                {
                    let weight = (f64::from(label) * (kappa + above)) as f32;
                    let weights = Weights::Spherical(vec![weight]);
                    let found = storage.is_stored(&patterns, &weights, 0);
                    assert_eq!(found, stored, "kappa {kappa}, {above} above");
                    assert_eq!(storage.errors(&patterns, &weights), usize::from(!stored));
                }
            }
        }
    }
}
