//! Do success counts scatter about a fitted curve more than binomially?
//!
//! Beta-binomial: within one alpha the success probability is Beta-distributed about the fitted
//! p_j with correlation ρ, variance M p(1−p)(1 + (M−1)ρ), likelihood
//! Π_{i<k} (p(1−ρ) + iρ) Π_{i<M−k} (q(1−ρ) + iρ) / Π_{i<M} (1 − ρ + iρ)
//! (D. A. Williams, Biometrics 31, 949 (1975)). ρ by maximum likelihood at fixed p_j; the
//! likelihood ratio against ρ = 0 follows an equal mixture of 0 and chi-squared(1), since ρ = 0 is
//! an end of the range. A significant ρ says that the shape of the curve is wrong or that the
//! samples of one alpha are not alike. Nested samples make the test conservative.
//! Cost Σ M_j an evaluation, some 60 evaluations. Deterministic.

use super::moments::sum;
use super::response::{Outcome, ResponseFit};
use serde::Serialize;

/// Estimated over-dispersion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overdispersion {
    /// Correlation ρ in [0, 1/2] by maximum likelihood.
    pub rho: f64,
    /// Probability of a likelihood ratio at least as large if ρ = 0; 1 where ρ̂ = 0.
    pub p_value: f64,
}

/// Over-dispersion of whole-number `outcomes` about `fit`.
pub fn overdispersion(outcomes: &[Outcome], fit: &ResponseFit) -> Overdispersion {
    let probabilities: Vec<f64> =
        outcomes.iter().map(|o| fit.probability(o.alpha).clamp(1e-12, 1.0 - 1e-12)).collect();
    let log_likelihood = |rho: f64| {
        sum(outcomes.iter().zip(&probabilities).map(|(o, &p)| {
            let rising = |p: f64, count: f64| {
                sum((0..count as u64).map(|i| libm::log(p * (1.0 - rho) + i as f64 * rho)))
            };
            rising(p, o.successes) + rising(1.0 - p, o.trials - o.successes) - rising(1.0, o.trials)
        }))
    };
    // Golden section on ln ρ, which resolves small correlations; ρ = 0 is compared at the end.
    let (mut low, mut high) = (libm::log(1e-6), libm::log(0.5));
    let golden = 0.5 * (5.0f64.sqrt() - 1.0);
    let at = |x: f64| log_likelihood(libm::exp(x));
    let (mut x1, mut x2) = (high - golden * (high - low), low + golden * (high - low));
    let (mut f1, mut f2) = (at(x1), at(x2));
    while high - low > 1e-4 {
        if f1 >= f2 {
            (high, x2, f2) = (x2, x1, f1);
            x1 = high - golden * (high - low);
            f1 = at(x1);
        } else {
            (low, x1, f1) = (x1, x2, f2);
            x2 = low + golden * (high - low);
            f2 = at(x2);
        }
    }
    let best = 0.5 * (low + high);
    let ratio = 2.0 * (at(best) - log_likelihood(0.0));
    if ratio <= 0.0 {
        return Overdispersion { rho: 0.0, p_value: 1.0 };
    }
    // P(chi²₁ > r)/2 = erfc(√(r/2))/2.
    Overdispersion { rho: libm::exp(best), p_value: 0.5 * libm::erfc((0.5 * ratio).sqrt()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::stats::link::Link;
    use crate::stats::response::fit;

    /// `trials` outcomes an alpha; the success probability of each alpha is shifted by
    /// `scatter` × normal in η.
    fn outcomes(stream: &mut Stream, trials: u32, scatter: f64) -> Vec<Outcome> {
        (0..12)
            .map(|j| {
                let alpha = 0.40 + 0.01 * f64::from(j);
                let eta = (0.455 - alpha) / 0.03 + scatter * stream.normal();
                let p = Link::Probit.probability(eta);
                let solved = (0..trials).filter(|_| stream.uniform() < p).count();
                Outcome { alpha, trials: f64::from(trials), successes: solved as f64 }
            })
            .collect()
    }

    fn rejections(scatter: f64) -> usize {
        (0..200)
            .filter(|&replica| {
                let mut stream = Stream::new(8, Purpose::Test, &[44, replica]);
                let data = outcomes(&mut stream, 200, scatter);
                let fitted = fit(&data, Link::Probit).expect("the crossing is in the grid");
                overdispersion(&data, &fitted).p_value < 0.05
            })
            .count()
    }

    /// Binomial counts are called over-dispersed in at most 5 % of cases (two parameters were
    /// fitted, so less), scattered ones (ρ about 0.03) nearly always.
    #[test]
    fn size_and_power() {
        let (size, power) = (rejections(0.0), rejections(0.4));
        // 5 % of 200 is 10 ± 3.1.
        assert!(size <= 20, "{size}");
        assert!(power >= 180, "{power}");
    }
}
