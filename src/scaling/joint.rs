//! N and K to infinity in one fit.
//!
//! $$ \alpha(N, K) = \alpha_c + b\, u(K) + a(K)\, N^{-\omega}, $$
//! u = K^(−1), K^(−1/2) or, with ties, 2^(−K), the probability that all ReLU units are off, a tie whatever
//! the weights; a(K) = a_0, a_0 + a_1 u(K), or a_0 K^ω (the correction then is one in n = N/K), one a_0 for
//! each parity of n where those are branches; ω as in [`Approach`] with one term ([`laws`]).
//! Every law is fitted to all points and to those left after cutting small N, and the laws are averaged by
//! Akaike weights as in [`super::extrapolation`]. Against going to infinite N at each K first, a K with one
//! or two N adds to the whole. Deterministic.

pub mod laws;

use super::extrapolation::{Approach, Member};
use super::power_law::Exponent;
use crate::stats::least_squares::{LeastSquares, dot, propagated};
use crate::stats::resample::Spread;
use laws::{Amplitude, Decay};
use serde::Serialize;

/// One law of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointModel {
    /// u(K).
    pub decay: Decay,
    /// ω of the approach in N.
    pub omega: f64,
    /// a(K).
    pub amplitude: Amplitude,
    /// Smallest N left out.
    pub cut: usize,
    /// α_c.
    pub alpha: f64,
    /// Its standard error from the errors of the points.
    pub error: f64,
    /// Sum of squared residuals over squared errors.
    pub chi2: f64,
    /// Points minus parameters.
    pub dof: usize,
    /// Akaike's criterion.
    pub aic: f64,
    /// Schwarz's criterion.
    pub bic: f64,
    /// Akaike weight.
    pub weight: f64,
    /// ∂(value)/∂(threshold) of α_c and of α(∞, K) at every K asked for.
    #[serde(skip)]
    response: Vec<Vec<f64>>,
    /// α_c and α(∞, K).
    #[serde(skip)]
    values: Vec<f64>,
}

/// The joint limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Joint {
    /// α_c.
    pub alpha: f64,
    /// Statistical error: central 68 % of the joint bootstrap; times √(χ²/dof) where that is above 3.
    pub error: f64,
    /// r.m.s. deviation of the laws, by Akaike weight.
    pub systematic: f64,
    /// χ² over degrees of freedom of the law of least AIC.
    pub chi2_dof: f64,
    /// Central 68 % and 95 % of the bootstrap.
    pub intervals: [(f64, f64); 2],
    /// N → ∞ at each K by the same fit.
    pub at: Vec<AtHidden>,
    /// All laws, by ascending AIC.
    pub models: Vec<JointModel>,
}

/// The joint law at infinite N and one K.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtHidden {
    /// K.
    #[serde(rename = "K")]
    pub hidden: u64,
    /// α(∞, K).
    pub alpha: f64,
    /// Statistical error.
    pub error: f64,
    /// r.m.s. deviation of the laws.
    pub systematic: f64,
}

/// A threshold with its K; the member's size is N.
pub struct Place {
    /// K.
    pub hidden: u64,
    /// Threshold at N.
    pub member: Member,
}

/// Takes N and K to infinity together. `None` with fewer than two K, or where no law leaves a degree of
/// freedom.
pub fn joint(places: &[Place], approach: Approach, omega: Option<f64>) -> Option<Joint> {
    let mut hidden: Vec<u64> = places.iter().map(|p| p.hidden).collect();
    hidden.sort_unstable();
    hidden.dedup();
    if hidden.len() < 2 {
        return None;
    }
    let models = compare(places, &hidden, approach, omega);
    let best = models.first()?;
    let count = places.iter().map(|p| p.member.replicates.len()).min().unwrap_or(0);
    let change = |r: usize| -> Vec<f64> {
        places.iter().map(|p| p.member.replicates[r] - p.member.point.alpha).collect()
    };
    let changes: Vec<Vec<f64>> = (0..count).map(change).collect();
    let chi2_dof = best.chi2 / best.dof as f64;
    let inflation = if chi2_dof > 3.0 { chi2_dof.sqrt() } else { 1.0 };
    let average = |index: usize| -> Option<(f64, Spread, f64)> {
        let alpha: f64 = models.iter().map(|m| m.weight * m.values[index]).sum();
        let spread: f64 = models.iter().map(|m| m.weight * (m.values[index] - alpha).powi(2)).sum();
        let response: Vec<f64> = (0..places.len())
            .map(|i| models.iter().map(|m| m.weight * m.response[index][i]).sum())
            .collect();
        let values: Vec<f64> = changes.iter().map(|c| alpha + dot(&response, c)).collect();
        Some((alpha, Spread::of(&values)?, spread.sqrt()))
    };
    let (alpha, spread, systematic) = average(0)?;
    let at = hidden.iter().enumerate().map(|(index, &hidden)| {
        let (alpha, spread, systematic) = average(index + 1)?;
        let error = inflation * spread.one_sigma.half_width();
        Some(AtHidden { hidden, alpha, error, systematic })
    });
    Some(Joint {
        alpha,
        error: inflation * spread.one_sigma.half_width(),
        systematic,
        chi2_dof,
        intervals: [
            (spread.one_sigma.lower, spread.one_sigma.upper),
            (spread.ninety_five.lower, spread.ninety_five.upper),
        ],
        at: at.collect::<Option<_>>()?,
        models,
    })
}

/// All laws that leave a degree of freedom, by ascending AIC, with Akaike weights.
fn compare(
    places: &[Place],
    hidden: &[u64],
    approach: Approach,
    omega: Option<f64>,
) -> Vec<JointModel> {
    let mut omegas: Vec<f64> = match omega {
        Some(omega) => vec![omega],
        None => approach
            .forms()
            .iter()
            .filter(|form| form.terms == 1)
            .filter_map(|form| match form.exponent {
                Exponent::Fixed(omega) => Some(omega),
                Exponent::Free => None,
            })
            .collect(),
    };
    omegas.sort_by(f64::total_cmp);
    let mut sizes: Vec<f64> = places.iter().map(|p| p.member.point.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let mut models = Vec::new();
    // One N alone tells no correction in N from one in K.
    for (cut, &smallest) in sizes.iter().enumerate().take(sizes.len().saturating_sub(1)) {
        let kept: Vec<usize> =
            (0..places.len()).filter(|&i| places[i].member.point.size >= smallest).collect();
        for &omega in &omegas {
            for &decay in Decay::of(approach) {
                for amplitude in [Amplitude::Common, Amplitude::Varying, Amplitude::InputsPerUnit] {
                    let law = Law { decay, omega, amplitude };
                    models.extend(law.fit(places, &kept, hidden, cut));
                }
            }
        }
    }
    models.sort_by(|a, b| a.aic.total_cmp(&b.aic));
    if let Some(least) = models.first().map(|m| m.aic) {
        let weight = |m: &JointModel| libm::exp(-0.5 * (m.aic - least));
        let total: f64 = models.iter().map(weight).sum();
        models.iter_mut().for_each(|m| m.weight = weight(m) / total);
    }
    models
}

#[derive(Clone, Copy)]
struct Law {
    decay: Decay,
    omega: f64,
    amplitude: Amplitude,
}

impl Law {
    fn fit(
        self,
        places: &[Place],
        kept: &[usize],
        hidden: &[u64],
        cut: usize,
    ) -> Option<JointModel> {
        let own = |i: &usize| &places[*i];
        let size = kept.iter().map(|i| own(i).member.point.size).fold(f64::INFINITY, f64::min);
        let units = |k: u64| self.decay.at(k);
        let inputs = |p: &Place| {
            let base = libm::pow(p.member.point.size / size, -self.omega);
            match self.amplitude {
                Amplitude::InputsPerUnit => base * libm::pow(p.hidden as f64, self.omega),
                _ => base,
            }
        };
        let mut branches: Vec<usize> = kept.iter().map(|i| own(i).member.point.branch).collect();
        branches.sort_unstable();
        branches.dedup();
        let mut columns =
            vec![vec![1.0; kept.len()], kept.iter().map(|i| units(own(i).hidden)).collect()];
        for &branch in &branches {
            let entry = |i: &usize| {
                let p = own(i);
                if p.member.point.branch == branch { inputs(p) } else { 0.0 }
            };
            columns.push(kept.iter().map(entry).collect());
        }
        if self.amplitude == Amplitude::Varying {
            columns.push(kept.iter().map(|i| inputs(own(i)) * units(own(i).hidden)).collect());
        }
        let parameters = columns.len();
        let dof = kept.len().checked_sub(parameters).filter(|&dof| dof > 0)?;
        let errors: Vec<f64> = kept.iter().map(|i| own(i).member.point.error).collect();
        let data: Vec<f64> = kept.iter().map(|i| own(i).member.point.alpha).collect();
        let fit = LeastSquares::new(columns, &errors)?;
        let coefficients = fit.coefficients(&data);
        let chi2 = fit.chi2(&data, &coefficients);
        let effective = (parameters + places.len() - kept.len()) as f64;
        let (limit, slope) = (&fit.response()[0], &fit.response()[1]);
        // α_c, then α(∞, K) = α_c + b u(K); a point that was cut moves none of them.
        let factors = std::iter::once(0.0).chain(hidden.iter().map(|&k| units(k)));
        let (values, response) = factors
            .map(|factor| {
                let mut row = vec![0.0; places.len()];
                for (&i, (a, b)) in kept.iter().zip(limit.iter().zip(slope)) {
                    row[i] = a + factor * b;
                }
                (coefficients[0] + factor * coefficients[1], row)
            })
            .unzip();
        Some(JointModel {
            decay: self.decay,
            omega: self.omega,
            amplitude: self.amplitude,
            cut,
            alpha: coefficients[0],
            error: propagated(limit, &errors),
            chi2,
            dof,
            aic: chi2 + 2.0 * effective,
            bic: chi2 + effective * libm::log(places.len() as f64),
            weight: 0.0,
            response,
            values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::scaling::power_law::Point;

    fn places(seed: u64, error: f64, sizes: &[(u64, u64)]) -> Vec<Place> {
        let mut stream = Stream::new(seed, Purpose::Test, &[61]);
        sizes
            .iter()
            .map(|&(n, hidden)| {
                let (size, k) = (n as f64, hidden as f64);
                let alpha = 0.9 - 0.5 / k + (0.3 - 2.0 / k) * 10.0 / size + error * stream.normal();
                let replicates = (0..300).map(|_| alpha + error * stream.normal()).collect();
                let point = Point { size, alpha, error, branch: 0 };
                Place { hidden, member: Member { point, replicates } }
            })
            .collect()
    }

    const GRID: [(u64, u64); 11] = [
        (32, 2),
        (64, 2),
        (128, 2),
        (256, 2),
        (32, 4),
        (64, 4),
        (128, 4),
        (256, 4),
        (64, 8),
        (256, 8),
        (256, 16),
    ];

    /// Precise data give the planted limits, at every K too, and the planted law; noisy data contain
    /// them within the total error. K = 16 has one N.
    #[test]
    fn planted_limits_come_back() {
        let exact = joint(&places(1, 1e-6, &GRID), Approach::Regular, None).unwrap();
        assert!((exact.alpha - 0.9).abs() < 1e-3, "{} {}", exact.alpha, exact.systematic);
        let best = &exact.models[0];
        assert_eq!(
            (best.decay, best.omega, best.amplitude),
            (Decay::Inverse, 1.0, Amplitude::Varying)
        );
        for at in &exact.at {
            assert!((at.alpha - 0.9 + 0.5 / at.hidden as f64).abs() < 1e-3, "{at:?}");
        }
        let mut within = 0;
        for seed in 0..40 {
            let noisy = joint(&places(seed, 3e-3, &GRID), Approach::Regular, None).unwrap();
            within += usize::from((noisy.alpha - 0.9).abs() < noisy.error.hypot(noisy.systematic));
        }
        assert!(within >= 24, "{within} of 40");
    }

    /// Ties of all units off, 2^(−K), are found where there may be ties and not looked for elsewhere.
    #[test]
    fn ties_of_all_units() {
        let mut places = places(3, 1e-6, &GRID);
        for place in &mut places {
            let (size, k) = (place.member.point.size, place.hidden);
            let alpha = 0.9 - 1.2 * libm::exp2(-(k as f64)) - 0.4 / size.sqrt();
            let shift = alpha - place.member.point.alpha;
            place.member.point.alpha = alpha;
            place.member.replicates.iter_mut().for_each(|r| *r += shift);
        }
        let found = joint(&places, Approach::Ties, None).unwrap();
        assert!((found.alpha - 0.9).abs() < 1e-3 && found.chi2_dof < 1.0, "{}", found.alpha);
        assert_eq!(found.models[0].decay, Decay::Halving);
        let other = joint(&places, Approach::Unknown, None).unwrap();
        assert!(other.models.iter().all(|m| m.decay != Decay::Halving) && other.chi2_dof > 100.0);
    }

    #[test]
    fn one_hidden_size_or_no_freedom_has_none() {
        assert!(joint(&places(1, 1e-3, &GRID[..3]), Approach::Regular, None).is_none());
        let few = [(32, 2), (64, 2), (32, 4)];
        assert!(joint(&places(1, 1e-3, &few), Approach::Ties, None).is_none());
        let one = [2, 4, 8, 16, 32].map(|hidden| (960, hidden));
        assert!(joint(&places(1, 1e-3, &one), Approach::Unknown, None).is_none());
    }
}
