//! The threshold of one (N, K), with the replicates of a joint bootstrap.
//!
//! Solver data: the crossing θ of the fitted success curve ([`crate::stats::response`]). Exact data:
//! the mean of P_c/N over the samples, and beside it the half crossing, where the fraction of
//! samples with P_c ≥ P, linear between whole P, falls through 1/2; where the job's cap on P cuts a sample
//! short, which leaves no mean, the half crossing alone. Errors are the central 68 % of
//! bootstrap replicates in which one draw of samples serves every alpha and every K of the same N,
//! since patterns are nested.
//! Cost: replicates × (samples × alphas + one fit). Deterministic.

use super::data::{Data, Row, Size, Stored};
use crate::rng::{Purpose, Stream};
use crate::stats::ONE_SIGMA;
use crate::stats::binomial::wilson;
use crate::stats::link::Link;
use crate::stats::moments::{Moments, quantile};
use crate::stats::overdispersion::{Overdispersion, overdispersion};
use crate::stats::resample::{Spread, multiplicities};
use crate::stats::response::{self, NoCrossing, Outcome, ResponseFit, bracket};
use serde::Serialize;

/// Points of a sampled success curve.
const CURVE_POINTS: usize = 81;

/// Threshold of one (N, K).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// Inputs.
    #[serde(rename = "N")]
    pub inputs: u64,
    /// Hidden units.
    #[serde(rename = "K")]
    pub hidden: u64,
    /// alpha at the threshold.
    pub alpha: f64,
    /// Half of the central 68 % of the bootstrap replicates.
    pub error: f64,
    /// Disorder samples.
    pub samples: u64,
    /// Scale of the transition in alpha: w of the fit, or the standard deviation of P_c/N.
    pub width: f64,
    /// Error of the width.
    pub width_error: f64,
    /// Mean of P_c/N of exact data, where no cap cuts a sample short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Half crossing of exact data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_crossing: Option<f64>,
    /// Deviance of the success curve over its degrees of freedom.
    pub chi2_dof: Option<f64>,
    /// Beta-binomial check of the success curve.
    pub overdispersion: Option<Overdispersion>,
    /// Success changes from all to none within one step of the grid, which this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<(f64, f64)>,
}

/// A threshold with what further steps need of it.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The threshold.
    pub threshold: Threshold,
    /// Success against alpha with its band.
    pub curve: Curve,
    /// alpha of each bootstrap replicate.
    pub replicates: Vec<f64>,
    /// The threshold by the other estimator: the other link, or the half crossing.
    pub alternative: Option<f64>,
}

/// Success probability against alpha: the fit on an even grid, or, for exact data, the fraction of
/// samples with P_c ≥ P at every P with Wilson's interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Inputs.
    pub inputs: u64,
    /// Hidden units.
    pub hidden: u64,
    /// Grid.
    pub alpha: Vec<f64>,
    /// Success probability.
    pub success: Vec<f64>,
    /// Lower edge of the 68 % band.
    pub lower: Vec<f64>,
    /// Upper edge of the 68 % band.
    pub upper: Vec<f64>,
}

/// Success counts of `rows` with the given multiplicity of each row.
pub(super) fn outcomes(
    alphas: &[f64],
    rows: &[Row],
    weight: impl Fn(usize) -> f64,
) -> Vec<Outcome> {
    let zero = |&alpha| Outcome { alpha, trials: 0.0, successes: 0.0 };
    let mut total: Vec<Outcome> = alphas.iter().map(zero).collect();
    for (index, row) in rows.iter().enumerate() {
        let w = weight(index);
        for (outcome, solved) in total.iter_mut().zip(&row.solved) {
            if let Some(solved) = solved {
                outcome.trials += w;
                outcome.successes += if *solved { w } else { 0.0 };
            }
        }
    }
    total.retain(|o| o.trials > 0.0);
    total
}

/// Log-likelihood of both links over all sizes; the better one fits every curve.
pub fn better_link(sizes: &[Size]) -> Link {
    let total = |link| -> f64 {
        let fits = sizes.iter().filter_map(|size| match &size.data {
            Data::Solved { alphas, rows } => {
                response::fit(&outcomes(alphas, rows, |_| 1.0), link).ok()
            }
            Data::Exact(_) => None,
        });
        fits.map(|fit| fit.log_likelihood).sum()
    };
    if total(Link::Logit) > total(Link::Probit) { Link::Logit } else { Link::Probit }
}

/// How often each sample id of one N occurs in each replicate.
pub struct Draws {
    ids: Vec<u64>,
    counts: Vec<Vec<u32>>,
}

impl Draws {
    /// `replicates` draws from the union of the samples of `sizes`, all of the same N.
    pub fn new(seed: u64, sizes: &[&Size], replicates: usize) -> Self {
        let mut ids: Vec<u64> = sizes.iter().flat_map(|size| size.samples()).collect();
        ids.sort_unstable();
        ids.dedup();
        let inputs = sizes.first().map_or(0, |size| size.inputs);
        let counts = (0..replicates)
            .map(|replicate| {
                let mut counts = vec![0; ids.len()];
                multiplicities(seed, inputs, replicate as u64, &mut counts);
                counts
            })
            .collect();
        Self { ids, counts }
    }

    /// Multiplicities of the ids, replicate by replicate.
    pub(super) fn counts(&self) -> &[Vec<u32>] {
        &self.counts
    }

    /// Positions of `samples` among the ids.
    pub(super) fn positions(&self, samples: impl Iterator<Item = u64>) -> Vec<usize> {
        samples
            .map(|id| self.ids.binary_search(&id).expect("the draw covers every sample of its N"))
            .collect()
    }
}

/// Estimator of the threshold of exact data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    /// Mean of P_c/N.
    Mean,
    /// Where half of the samples can be stored.
    HalfCrossing,
}

impl Exact {
    /// The estimator for all `sizes` of one K: the mean, unless a cap cuts a sample short.
    pub fn of(sizes: &[&Size]) -> Self {
        let short = |size: &&&Size| match &size.data {
            Data::Exact(stored) => stored.iter().any(|s| s.short),
            Data::Solved { .. } => false,
        };
        if sizes.iter().any(|size| short(&size)) { Exact::HalfCrossing } else { Exact::Mean }
    }
}

/// The threshold of `size`, resampled by `draws`; `exact` says which estimator exact data take.
///
/// # Errors
/// [`NoCrossing`] if the data do not bracket a threshold.
pub fn estimate(
    size: &Size,
    link: Link,
    exact: Exact,
    draws: &Draws,
    seed: u64,
) -> Result<Estimate, NoCrossing> {
    match &size.data {
        Data::Solved { alphas, rows } => by_curve(size, (alphas, rows), link, draws, seed),
        Data::Exact(stored) => by_samples(size, stored, exact, draws),
    }
}

fn by_curve(
    size: &Size,
    (alphas, rows): (&[f64], &[Row]),
    link: Link,
    draws: &Draws,
    seed: u64,
) -> Result<Estimate, NoCrossing> {
    let rows: Vec<Row> =
        rows.iter().filter(|row| row.solved.iter().any(Option::is_some)).cloned().collect();
    let data = outcomes(alphas, &rows, |_| 1.0);
    let fit = response::fit(&data, link)?;
    let (low, high) = (data[0].alpha, data[data.len() - 1].alpha);
    let outside = |theta: f64| theta < low || theta > high;
    if outside(fit.threshold) {
        return Err(if fit.threshold > high { NoCrossing::Above } else { NoCrossing::Below });
    }
    let (above, below) = bracket(&data)?;
    let sharp = |o: &Outcome| {
        (o.alpha <= above && o.successes == o.trials) || (o.alpha >= below && o.successes == 0.0)
    };
    let unresolved = data.iter().all(sharp).then_some((above, below));
    let limits = (low - (high - low), high + (high - low));
    let positions = draws.positions(rows.iter().map(|row| row.sample));
    let fits: Vec<ResponseFit> = draws
        .counts
        .iter()
        .enumerate()
        .map(|(replicate, counts)| {
            let resampled = outcomes(alphas, &rows, |row| f64::from(counts[positions[row]]));
            let mut again = response::refit(&resampled, &fit, limits);
            if let Some((above, below)) = unresolved {
                // Every resampling is separated alike, so that only the width of the step is known.
                let ids = [size.inputs, replicate as u64, size.hidden];
                let uniform = Stream::new(seed, Purpose::Bootstrap, &ids).uniform();
                again.threshold = above + (below - above) * uniform;
            }
            again
        })
        .collect();
    let replicates: Vec<f64> = fits.iter().map(|f| f.threshold).collect();
    let widths: Vec<f64> = fits.iter().map(|f| f.width).collect();
    let other = if link == Link::Probit { Link::Logit } else { Link::Probit };
    let threshold = Threshold {
        inputs: size.inputs,
        hidden: size.hidden,
        alpha: fit.threshold,
        error: one_sigma(&replicates),
        samples: rows.len() as u64,
        width: fit.width,
        width_error: one_sigma(&widths),
        mean: None,
        half_crossing: None,
        chi2_dof: (fit.dof > 0).then(|| fit.deviance / fit.dof as f64),
        overdispersion: (fit.dof > 0).then(|| overdispersion(&data, &fit)),
        unresolved,
    };
    Ok(Estimate {
        threshold,
        curve: fitted(size, fit, &fits, low, high),
        replicates,
        alternative: response::fit(&data, other).ok().map(|f| f.threshold),
    })
}

fn fitted(size: &Size, fit: ResponseFit, fits: &[ResponseFit], low: f64, high: f64) -> Curve {
    let step = (high - low) / (CURVE_POINTS - 1) as f64;
    let alpha: Vec<f64> = (0..CURVE_POINTS).map(|i| low + step * i as f64).collect();
    let success = alpha.iter().map(|&a| fit.probability(a)).collect();
    let (mut lower, mut upper) = (Vec::new(), Vec::new());
    for &a in &alpha {
        let mut values: Vec<f64> = fits.iter().map(|f| f.probability(a)).collect();
        values.sort_by(f64::total_cmp);
        // 0.1587 = Φ(−1).
        lower.push(quantile(&values, 0.1587));
        upper.push(quantile(&values, 0.8413));
    }
    Curve { inputs: size.inputs, hidden: size.hidden, alpha, success, lower, upper }
}

fn by_samples(
    size: &Size,
    stored: &[Stored],
    exact: Exact,
    draws: &Draws,
) -> Result<Estimate, NoCrossing> {
    let inputs = size.inputs as f64;
    let ratios: Vec<f64> = stored.iter().map(|s| s.patterns as f64 / inputs).collect();
    let moments = Moments::of(&ratios).ok_or(NoCrossing::TooFewAlphas)?;
    let width = moments.variance.ok_or(NoCrossing::TooFewAlphas)?.sqrt();
    let half = half_crossing(size.inputs, stored, |_| 1)?;
    let mean = stored.iter().all(|s| !s.short).then_some(moments.mean);
    let positions = draws.positions(stored.iter().map(|s| s.sample));
    let (mut replicates, mut widths) = (Vec::new(), Vec::new());
    for counts in &draws.counts {
        let weights = positions.iter().map(|&p| f64::from(counts[p]));
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for (w, x) in weights.zip(&ratios) {
            total += w;
            first += w * (x - moments.mean);
            second += w * (x - moments.mean) * (x - moments.mean);
        }
        // A draw from several K may miss this one altogether.
        let (first, second) = if total > 0.0 { (first / total, second / total) } else { (0., 0.) };
        widths.push((second - first * first).max(0.0).sqrt());
        replicates.push(match exact {
            Exact::Mean => moments.mean + first,
            Exact::HalfCrossing => {
                half_crossing(size.inputs, stored, |i| counts[positions[i]]).unwrap_or(half)
            }
        });
    }
    // Samples that all agree still do not know P_c/N better than its spacing allows.
    let spacing = 1.0 / (inputs * (12.0 * stored.len() as f64).sqrt());
    let (alpha, alternative) = match exact {
        Exact::Mean => (moments.mean, Some(half)),
        Exact::HalfCrossing => (half, None),
    };
    let threshold = Threshold {
        inputs: size.inputs,
        hidden: size.hidden,
        alpha,
        error: one_sigma(&replicates).max(spacing),
        samples: moments.count,
        width,
        width_error: one_sigma(&widths),
        mean,
        half_crossing: Some(half),
        chi2_dof: None,
        overdispersion: None,
        unresolved: None,
    };
    let curve = empirical(size, stored);
    Ok(Estimate { threshold, curve, replicates, alternative })
}

/// Fraction of samples that store P patterns, from the last P that all store to the first that none
/// does.
fn empirical(size: &Size, stored: &[Stored]) -> Curve {
    let (inputs, hidden) = (size.inputs, size.hidden);
    let (mut alpha, mut success, mut lower, mut upper) = (vec![], vec![], vec![], vec![]);
    let count = stored.len() as u64;
    let least = stored.iter().map(|s| s.patterns).min().unwrap_or(0);
    let most = stored.iter().map(|s| s.patterns + 1).max().unwrap_or(0).min(cap(stored));
    for patterns in least..=most {
        let solved = stored.iter().filter(|s| s.patterns >= patterns).count() as u64;
        if let Some(interval) = wilson(solved, count, ONE_SIGMA) {
            alpha.push(patterns as f64 / inputs as f64);
            success.push(solved as f64 / count as f64);
            lower.push(interval.lower);
            upper.push(interval.upper);
        }
    }
    Curve { inputs, hidden, alpha, success, lower, upper }
}

/// Half of the central 68 % of the replicates.
fn one_sigma(replicates: &[f64]) -> f64 {
    Spread::of(replicates).map_or(0.0, |spread| spread.one_sigma.half_width())
}

/// P/N where the fraction of samples with P_c ≥ P, linear between whole P, falls through 1/2; sample i
/// counts `weight(i)` times.
///
/// # Errors
/// `AllSolved` if it does not fall so far up to the smallest cap.
fn half_crossing(
    inputs: u64,
    stored: &[Stored],
    weight: impl Fn(usize) -> u32,
) -> Result<f64, NoCrossing> {
    let cap = cap(stored);
    let most = stored.iter().map(|s| s.patterns).max().unwrap_or(0).min(cap);
    // Weight of the samples by P_c; beyond the cap they are alike.
    let mut by_storage = vec![0u64; most as usize + 2];
    for (index, s) in stored.iter().enumerate() {
        let place = if s.patterns >= cap { most as usize + 1 } else { s.patterns as usize };
        by_storage[place.min(most as usize + 1)] += u64::from(weight(index));
    }
    let total: u64 = by_storage.iter().sum();
    let mut at_least = total;
    for patterns in 0..=most {
        let next = at_least - by_storage[patterns as usize];
        if 2 * next < total {
            let here = at_least as f64 / total as f64;
            let below = next as f64 / total as f64;
            return Ok((patterns as f64 + (here - 0.5) / (here - below)) / inputs as f64);
        }
        at_least = next;
    }
    Err(NoCrossing::AllSolved)
}

/// Smallest cap that cut a sample short.
fn cap(stored: &[Stored]) -> u64 {
    stored.iter().filter(|s| s.short).map(|s| s.patterns).min().unwrap_or(u64::MAX)
}
