//! The capacity from the number of solutions: where the entropy per weight vanishes.
//!
//! Exact data hold Z(P) at every P up to the storage of each sample. Their mean growth
//! ⟨ln Z(P) − ln Z(P−1)⟩ = N [f(P/N) − f((P−1)/N)], f(α) = Σ_j (s_j + Σ_t c_jt N^(−t)) α^j, is fitted
//! for all N at once; s(α) = ln 2 + Σ s_j α^j is the entropy of infinite size and α_c its first zero.
//! Only for a regular expansion in 1/N ([`Approach::Regular`]): with ties, solutions run out early and
//! two powers of N^(−1/2) leave the entropy undetermined. Growths rather than ln Z: those at different P are of different
//! patterns, hence nearly independent. Only P up to which 99.9 % of the samples have solutions enter,
//! so that next to nothing is conditioned on being solved, and the zero must not lie beyond
//! [`REACH`] times the last such α.
//! Polynomials of degree 3 and 4, with corrections of degree 1 and 2 and one or two powers of 1/N, are
//! averaged with equal weights where their AIC is within 10 of the least: the zero lies beyond the data,
//! which do not tell how well a polynomial reaches there.
//! The bootstrap is that of the thresholds, to first order in the growths.
//! Cost: samples × (P + replicates). Deterministic.

use super::data::{Data, Size};
use super::extrapolation::Approach;
use super::threshold::Draws;
use crate::stats::least_squares::{LeastSquares, dot, propagated};
use crate::stats::moments::Moments;
use crate::stats::resample::Spread;
use std::collections::BTreeMap;
use std::f64::consts::LN_2;

/// Smallest fraction of samples with solutions at a P that enters.
const SOLVABLE: f64 = 0.999;
/// The zero over the last α that enters, at most: beyond, the polynomial is a guess.
const REACH: f64 = 1.75;
/// Largest difference of AIC to the least with which a polynomial is taken.
const ACCEPTED: f64 = 10.0;
/// Fewest samples of a size.
const FEWEST: usize = 50;

/// The zero of the entropy.
#[derive(Clone, Debug, PartialEq)]
pub struct ZeroEntropy {
    /// α_c.
    pub alpha: f64,
    /// Half of the central 68 % of the replicates.
    pub error: f64,
    /// r.m.s. deviation of the polynomials.
    pub systematic: f64,
    /// χ²/dof of the polynomial of least AIC.
    pub chi2_dof: f64,
}

/// Mean growth of ln Z at one (N, P).
struct Growth {
    size: usize,
    patterns: usize,
    mean: f64,
    error: f64,
}

/// One polynomial: its zero, and the zero's response to every growth.
struct Fit {
    alpha: f64,
    chi2: f64,
    parameters: usize,
    response: Vec<f64>,
}

impl Fit {
    fn aic(&self) -> f64 {
        self.chi2 + 2.0 * self.parameters as f64
    }
}

/// f: degree of s, degree of c, and powers of 1/N.
struct Polynomial {
    degree: usize,
    correction: usize,
    terms: usize,
}

/// The zero of the entropy of `sizes`, all of one K, with their joint `draws` by N. `None` where the
/// samples hold no ln Z, or too few P at which all have solutions.
pub fn zero_entropy(
    sizes: &[&Size],
    draws: &BTreeMap<u64, Draws>,
    approach: Approach,
) -> Option<ZeroEntropy> {
    if approach != Approach::Regular {
        return None;
    }
    let growths: Vec<Growth> =
        sizes.iter().enumerate().flat_map(|(index, size)| growths(index, size)).collect();
    let errors: Vec<f64> = growths.iter().map(|g| g.error).collect();
    let alpha_of = |g: &Growth| g.patterns as f64 / sizes[g.size].inputs as f64;
    let last = growths.iter().map(alpha_of).fold(0.0, f64::max);
    let forms = [3, 4].into_iter().flat_map(|degree| {
        [(1, 1), (2, 1), (1, 2), (2, 2)].map(|(correction, terms)| Polynomial {
            degree,
            correction,
            terms,
        })
    });
    let mut fits: Vec<Fit> = forms
        .filter_map(|form| form.fit(sizes, &growths, &errors))
        .filter(|fit| fit.alpha <= REACH * last)
        .collect();
    fits.sort_by(|a, b| a.aic().total_cmp(&b.aic()));
    let least = fits.first()?.aic();
    fits.retain(|fit| fit.aic() <= least + ACCEPTED);
    let average =
        |value: &dyn Fn(&Fit) -> f64| fits.iter().map(value).sum::<f64>() / fits.len() as f64;
    let alpha = average(&|fit| fit.alpha);
    let response: Vec<f64> = (0..growths.len()).map(|i| average(&|fit| fit.response[i])).collect();
    let replicates = replicates(sizes, draws, &growths, &response);
    Some(ZeroEntropy {
        alpha,
        error: Spread::of(&replicates)
            .map_or(propagated(&response, &errors), |s| s.one_sigma.half_width()),
        systematic: average(&|fit| (fit.alpha - alpha).powi(2)).sqrt(),
        chi2_dof: fits[0].chi2 / (growths.len() - fits[0].parameters) as f64,
    })
}

/// Growths of one size, for P from 1 on while the samples have solutions.
fn growths(index: usize, size: &Size) -> Vec<Growth> {
    let Data::Exact(stored) = &size.data else { return Vec::new() };
    let most = stored.iter().map(|s| s.log_solutions.len()).max().unwrap_or(0);
    let mut found = Vec::new();
    for patterns in 1..most {
        let values: Vec<f64> = stored.iter().filter_map(|s| s.growth(patterns)).collect();
        if stored.len() < FEWEST || (values.len() as f64) < SOLVABLE * stored.len() as f64 {
            break;
        }
        let Some(moments) = Moments::of(&values) else { break };
        // A growth without spread (ln ½ at P = 1 for odd activations) is exact and would weigh all.
        if let Some(error) = moments.error().filter(|&e| e > 1e-9) {
            found.push(Growth { size: index, patterns, mean: moments.mean, error });
        }
    }
    found
}

/// N [(P/N)^j − ((P−1)/N)^j].
fn step(inputs: f64, patterns: usize, power: usize) -> f64 {
    let at = |p: usize| (p as f64 / inputs).powi(power as i32);
    inputs * (at(patterns) - at(patterns - 1))
}

impl Polynomial {
    fn fit(&self, sizes: &[&Size], growths: &[Growth], errors: &[f64]) -> Option<Fit> {
        let columns = self.columns(sizes, growths)?;
        let parameters = columns.len();
        if growths.len() < parameters + 3 {
            return None;
        }
        let fit = LeastSquares::new(columns, errors)?;
        let data: Vec<f64> = growths.iter().map(|g| g.mean).collect();
        let coefficients = fit.coefficients(&data);
        let entropy = &coefficients[..self.degree];
        let alpha = first_zero(entropy)?;
        // dα_c = −Σ_j α^j ds_j / s'(α).
        let power = |j: usize| alpha.powi(j as i32);
        let slope: f64 = (1..=self.degree).map(|j| j as f64 * entropy[j - 1] * power(j - 1)).sum();
        let response = (0..growths.len())
            .map(|i| {
                let change = |j: usize| power(j) * fit.response()[j - 1][i];
                -(1..=self.degree).map(change).sum::<f64>() / slope
            })
            .collect();
        Some(Fit { alpha, chi2: fit.chi2(&data, &coefficients), parameters, response })
    }

    /// One column a coefficient: s_j, then c_jt by t and j, N in units of the smallest.
    fn columns(&self, sizes: &[&Size], growths: &[Growth]) -> Option<Vec<Vec<f64>>> {
        let smallest = sizes.iter().map(|size| size.inputs).min()? as f64;
        let column = |power: usize, term: usize| -> Vec<f64> {
            let entry = |g: &Growth| {
                let inputs = sizes[g.size].inputs as f64;
                (smallest / inputs).powi(term as i32) * step(inputs, g.patterns, power)
            };
            growths.iter().map(entry).collect()
        };
        let corrections = (1..=self.terms).flat_map(|t| (1..=self.correction).map(move |j| (j, t)));
        let all = (1..=self.degree).map(|j| (j, 0)).chain(corrections);
        Some(all.map(|(power, term)| column(power, term)).collect())
    }
}

/// First zero of ln 2 + Σ_j s_j α^j with α in (0, 10], to 1e-12.
fn first_zero(entropy: &[f64]) -> Option<f64> {
    let at = |alpha: f64| LN_2 + alpha * entropy.iter().rev().fold(0.0, |sum, s| sum * alpha + s);
    let steps = 2000;
    let grid = |i: usize| 10.0 * i as f64 / steps as f64;
    let below = (1..=steps).find(|&i| at(grid(i)) <= 0.0)?;
    let (mut low, mut high) = (grid(below - 1), grid(below));
    while high - low > 1e-12 {
        let middle = 0.5 * (low + high);
        if at(middle) > 0.0 { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

/// Changes of the zero in every replicate: Σ over samples of count × influence.
fn replicates(
    sizes: &[&Size],
    draws: &BTreeMap<u64, Draws>,
    growths: &[Growth],
    response: &[f64],
) -> Vec<f64> {
    let mut total: Vec<f64> = Vec::new();
    for (index, size) in sizes.iter().enumerate() {
        let Data::Exact(stored) = &size.data else { continue };
        let Some(draws) = draws.get(&size.inputs) else { continue };
        let own: Vec<(&Growth, f64)> =
            growths.iter().zip(response.iter().copied()).filter(|(g, _)| g.size == index).collect();
        let influence: Vec<f64> = stored
            .iter()
            .map(|s| {
                let change = |(g, b): &(&Growth, f64)| {
                    s.growth(g.patterns).map_or(0.0, |value| b * (value - g.mean))
                };
                own.iter().map(change).sum::<f64>() / stored.len() as f64
            })
            .collect();
        let positions = draws.positions(stored.iter().map(|s| s.sample));
        total.resize(draws.counts().len(), 0.0);
        for (sum, counts) in total.iter_mut().zip(draws.counts()) {
            let drawn: Vec<f64> = positions.iter().map(|&p| f64::from(counts[p])).collect();
            *sum += dot(&drawn, &influence);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::scaling::Stored;

    /// Growths of the planted entropy ln 2 − .7 α − .2 α² (1 + 2/N) with noise of .3 a pattern, up to
    /// the last P with ln Z > 0.
    fn planted(inputs: u64, samples: u64, seed: u64) -> Size {
        let n = inputs as f64;
        let stored = |sample| {
            let mut stream = Stream::new(seed, Purpose::Test, &[60, inputs, sample]);
            let mut log_solutions = vec![n * LN_2];
            loop {
                let p = log_solutions.len();
                let growth = -0.7 * step(n, p, 1) - 0.2 * (1.0 + 2.0 / n) * step(n, p, 2);
                let next = log_solutions[p - 1] + growth + 0.3 * stream.normal();
                if next < 0.0 {
                    return Stored { sample, patterns: p as u64 - 1, short: false, log_solutions };
                }
                log_solutions.push(next);
            }
        };
        Size { inputs, hidden: 1, data: Data::Exact((0..samples).map(stored).collect()) }
    }

    fn draws(sizes: &[&Size]) -> BTreeMap<u64, Draws> {
        sizes.iter().map(|&size| (size.inputs, Draws::new(1, &[size], 200))).collect()
    }

    /// 40 planted studies: within the total error in two thirds or more (the spread of the polynomials is
    /// generous), and the total error is of the order of the scatter.
    #[test]
    fn finds_the_planted_zero() {
        // ln 2 = .7 α + .2 α².
        let truth = (-0.7 + (0.49f64 + 0.8 * LN_2).sqrt()) / 0.4;
        let mut found = Vec::new();
        let mut errors = Vec::new();
        for seed in 0..40 {
            let sizes = [15, 19, 23, 27].map(|n| planted(n, 300, seed));
            let sizes: Vec<&Size> = sizes.iter().collect();
            let out = zero_entropy(&sizes, &draws(&sizes), Approach::Regular).unwrap();
            assert!(out.chi2_dof < 2.5, "{out:?}");
            found.push(out.alpha);
            errors.push(out.error.hypot(out.systematic));
        }
        let within = found.iter().zip(&errors).filter(|(a, e)| (*a - truth).abs() < **e).count();
        assert!(within >= 22, "{within} of 40");
        let scatter = Moments::of(&found).unwrap().variance.unwrap().sqrt();
        let mean = Moments::of(&errors).unwrap().mean;
        assert!(scatter < 1.4 * mean && scatter > 0.25 * mean, "{scatter} {mean}");
    }

    #[test]
    fn without_numbers_of_solutions_there_is_none() {
        let mut size = planted(15, 100, 1);
        if let Data::Exact(stored) = &mut size.data {
            stored.iter_mut().for_each(|s| s.log_solutions.clear());
        }
        assert!(zero_entropy(&[&size], &draws(&[&size]), Approach::Regular).is_none());
    }
}
