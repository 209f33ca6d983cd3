//! The limit of a series of thresholds, its statistical error and its systematic.
//!
//! Which corrections the data follow is not known, so every law of a list ([`Approach`]) is fitted
//! ([`super::power_law`]), each to all sizes and to those left after cutting small ones, and the laws
//! are averaged: α_c = Σ_m w_m α_m, w_m ∝ exp(−AIC_m/2), AIC = χ² + 2(k + c), with k parameters and c
//! points cut, a cut point counting as a parameter fitted to itself (W. I. Jay and E. T. Neil, Phys.
//! Rev. D 103, 114502 (2021)), and likewise BIC = χ² + (k + c) ln M for M points. The systematic is the
//! spread of the laws, √Σ_m w_m (α_m − α_c)². The statistical error comes from the joint bootstrap: α_c
//! is linear in the thresholds (to first order where ω is fitted), so each replicate of the thresholds
//! gives one of α_c without another fit.
//! Cost: laws × one fit, replicates × sizes. Deterministic.

use super::power_law::{Exponent, Form, Point, PowerLaw, fit};
use crate::stats::least_squares::dot;
use crate::stats::resample::Spread;
use serde::Serialize;

/// Points of the sampled law.
const BAND_POINTS: usize = 61;

/// What is known of the approach to the limit: which laws are compared. The first of each list is
/// taken among equals (two sizes, where all laws of one term fit exactly).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approach {
    /// Nothing: ω = 1, 2/3, 1/2, 3/2 with one term, ω = 1 and 1/2 with a second, and a free ω.
    Unknown,
    /// A regular expansion in 1/N, as exact thresholds have whose fields meet no ties: ω = 1 with one
    /// and two terms, and ω = 3/2 and 2 for a small leading amplitude.
    Regular,
    /// Fields are whole numbers and ties are errors: the last tie shifts the margin by half the spacing
    /// of the lattice, of order N^(−1/2). ω = 1/2 with one and two terms, and ω = 1.
    Ties,
}

const UNKNOWN: [Form; 7] = [
    fixed(1.0, 1),
    fixed(2.0 / 3.0, 1),
    fixed(0.5, 1),
    fixed(1.5, 1),
    fixed(1.0, 2),
    fixed(0.5, 2),
    Form { exponent: Exponent::Free, terms: 1 },
];
const REGULAR: [Form; 4] = [fixed(1.0, 1), fixed(1.5, 1), fixed(2.0, 1), fixed(1.0, 2)];
const TIES: [Form; 3] = [fixed(0.5, 1), fixed(1.0, 1), fixed(0.5, 2)];

const fn fixed(omega: f64, terms: usize) -> Form {
    Form { exponent: Exponent::Fixed(omega), terms }
}

impl Approach {
    /// The laws compared.
    pub fn forms(self) -> &'static [Form] {
        match self {
            Approach::Unknown => &UNKNOWN,
            Approach::Regular => &REGULAR,
            Approach::Ties => &TIES,
        }
    }
}

/// A threshold of the series with its bootstrap replicates.
#[derive(Clone, Debug)]
pub struct Member {
    /// Size, threshold, error and branch.
    pub point: Point,
    /// Threshold of each replicate; equally many for every member, jointly drawn.
    pub replicates: Vec<f64>,
}

/// One law of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// The fit.
    #[serde(flatten)]
    pub law: PowerLaw,
    /// Whether ω was fitted.
    pub free: bool,
    /// Smallest sizes left out.
    pub cut: usize,
    /// Akaike's criterion.
    pub aic: f64,
    /// Schwarz's criterion.
    pub bic: f64,
    /// Akaike weight among all laws.
    pub weight: f64,
    /// Part in α_c: the weight, or all for the law that was asked for.
    pub share: f64,
}

/// The limit of infinite size.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// α_c, the laws' average.
    pub alpha: f64,
    /// Half of the central 68 % of the replicates; times √(χ²/dof) where that is above 3.
    pub error: f64,
    /// Central 68 % of the replicates.
    pub one_sigma: (f64, f64),
    /// Central 95 % of the replicates.
    pub ninety_five: (f64, f64),
    /// r.m.s. deviation of the laws, by Akaike weight.
    pub systematic: f64,
    /// All laws, the one of least AIC (or the one asked for) first.
    pub models: Vec<Model>,
    /// α_c of each replicate.
    pub replicates: Vec<f64>,
    /// ∂α_c/∂(threshold), member by member.
    pub response: Vec<f64>,
    /// The averaged law between infinite and smallest size.
    pub band: Vec<BandPoint>,
}

/// The averaged law at one size of one branch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandPoint {
    /// Branch.
    pub branch: usize,
    /// 1/N.
    pub inverse_size: f64,
    /// Law.
    pub alpha: f64,
    /// Lower edge of the 68 % band.
    pub lower: f64,
    /// Upper edge of the 68 % band.
    pub upper: f64,
}

impl Limit {
    /// The law of least AIC, or the one asked for.
    pub fn best(&self) -> &Model {
        &self.models[0]
    }

    /// χ²/dof of [`Self::best`]; missing without degrees of freedom.
    pub fn chi2_dof(&self) -> Option<f64> {
        let law = &self.best().law;
        (law.dof > 0).then(|| law.chi2 / law.dof as f64)
    }

    /// α_c if the thresholds were `others` instead, by the same laws with the same weights.
    pub fn of_other_thresholds(&self, members: &[Member], others: &[f64]) -> f64 {
        let changes: Vec<f64> =
            members.iter().zip(others).map(|(m, other)| other - m.point.alpha).collect();
        self.alpha + dot(&self.response, &changes)
    }
}

/// The averaged law of `models` at 1/N = `inverse_size` on `branch`.
pub fn averaged(models: &[Model], inverse_size: f64, branch: usize) -> f64 {
    models.iter().map(|m| m.share * m.law.at(inverse_size, branch)).sum()
}

/// Takes `members` to infinite size. With `omega` given, the law with that exponent on all sizes is
/// taken, and only its cuts and its second term are compared with it. `None` if no law can be fitted:
/// fewer than two sizes on some branch.
pub fn extrapolate(members: &[Member], approach: Approach, omega: Option<f64>) -> Option<Limit> {
    let points: Vec<Point> = members.iter().map(|m| m.point).collect();
    let models = compare(&points, approach, omega);
    let best = models.first()?;
    let average = Average { points: &points, models: &models };
    let alpha = averaged(&models, 0.0, 0);
    let response = average.response(0.0, 0);
    let count = members.iter().map(|m| m.replicates.len()).min().unwrap_or(0);
    let changes: Vec<Vec<f64>> = (0..count)
        .map(|r| members.iter().map(|m| m.replicates[r] - m.point.alpha).collect())
        .collect();
    let replicates: Vec<f64> = changes.iter().map(|c| alpha + dot(&response, c)).collect();
    let spread = Spread::of(&replicates)?;
    let chi2_dof = best.law.chi2 / (best.law.dof as f64).max(1.0);
    let inflation = if chi2_dof > 3.0 { chi2_dof.sqrt() } else { 1.0 };
    let systematic: f64 = models.iter().map(|m| m.weight * (m.law.alpha - alpha).powi(2)).sum();
    Some(Limit {
        alpha,
        error: inflation * spread.one_sigma.half_width(),
        one_sigma: (spread.one_sigma.lower, spread.one_sigma.upper),
        ninety_five: (spread.ninety_five.lower, spread.ninety_five.upper),
        systematic: systematic.sqrt(),
        band: average.band(&changes),
        response,
        replicates,
        models,
    })
}

/// Sizes of `points`, ascending, each once.
fn distinct_sizes(points: &[Point]) -> Vec<f64> {
    let mut sizes: Vec<f64> = points.iter().map(|p| p.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes
}

/// All laws that the points allow, by ascending AIC, with Akaike weights.
fn compare(points: &[Point], approach: Approach, omega: Option<f64>) -> Vec<Model> {
    let asked = omega.map(|omega| [fixed(omega, 1), fixed(omega, 2)]);
    let forms = asked.as_ref().map_or(approach.forms(), |asked| asked.as_slice());
    let branches = 1 + points.iter().map(|p| p.branch).max().unwrap_or(0);
    let mut models: Vec<Model> = Vec::new();
    for (cut, &smallest) in distinct_sizes(points).iter().enumerate() {
        let kept: Vec<Point> = points.iter().filter(|p| p.size >= smallest).copied().collect();
        let in_branch = |b| kept.iter().filter(|p| p.branch == b).count();
        for &form in forms {
            let free = form.exponent == Exponent::Free;
            // Only the plainest law may fit without a degree of freedom left; a free ω and a
            // second term need one more size than parameters on the branch that has fewest.
            let spare = usize::from(free || form.terms > 1 || cut > 0);
            let enough =
                (0..branches).all(|b| in_branch(b) >= form.terms.max(1) + usize::from(free));
            if !enough || kept.len() < form.parameters(branches) + spare {
                continue;
            }
            let Some(law) = fit(&kept, form) else { continue };
            if law.omega_at_bound {
                continue;
            }
            let effective = (form.parameters(branches) + points.len() - kept.len()) as f64;
            let bic = law.chi2 + effective * libm::log(points.len() as f64);
            let aic = law.chi2 + 2.0 * effective;
            models.push(Model { law, free, cut, aic, bic, weight: 0.0, share: 0.0 });
        }
    }
    if let Some(least) = models.iter().map(|m| m.aic).reduce(f64::min) {
        // Rounding of an exact fit must not decide between equals. A given exponent is not put to
        // the vote: choosing by the data would make its error too small.
        let chosen = |m: &Model| omega.is_some() || m.aic <= least + 1e-6;
        let first = models.iter().position(chosen).unwrap_or(0);
        let chosen = models.remove(first);
        models.sort_by(|a, b| a.aic.total_cmp(&b.aic));
        models.insert(0, chosen);
        let weight = |m: &Model| libm::exp(-0.5 * (m.aic - least));
        let total: f64 = models.iter().map(weight).sum();
        models.iter_mut().for_each(|m| m.weight = weight(m) / total);
        for (index, model) in models.iter_mut().enumerate() {
            let asked = if index == 0 { 1.0 } else { 0.0 };
            model.share = if omega.is_some() { asked } else { model.weight };
        }
    }
    models
}

/// The average of laws through points.
struct Average<'a> {
    points: &'a [Point],
    models: &'a [Model],
}

impl Average<'_> {
    /// ∂α(N)/∂(threshold), point by point: a point that a law cuts does not move it.
    fn response(&self, inverse_size: f64, branch: usize) -> Vec<f64> {
        let sizes = distinct_sizes(self.points);
        let mut total = vec![0.0; self.points.len()];
        for model in self.models.iter().filter(|m| m.share > 0.0) {
            let kept = total.iter_mut().zip(self.points);
            let kept = kept.filter(|(_, p)| p.size >= sizes[model.cut]);
            for ((t, _), b) in kept.zip(model.law.response_at(inverse_size, branch)) {
                *t += model.share * b;
            }
        }
        total
    }

    /// The averaged law and its band over the replicates' `changes` of the thresholds, evenly spaced in
    /// N^(−ω) of the first law from 0 to the smallest size of each branch.
    fn band(&self, changes: &[Vec<f64>]) -> Vec<BandPoint> {
        let branches = 1 + self.points.iter().map(|p| p.branch).max().unwrap_or(0);
        let omega = self.models[0].law.omega;
        let mut all = Vec::new();
        for branch in 0..branches {
            let own = self.points.iter().filter(|p| p.branch == branch);
            let largest = own.map(|p| 1.0 / p.size).fold(0.0, f64::max);
            for i in 0..BAND_POINTS {
                let fraction = i as f64 / (BAND_POINTS - 1) as f64;
                let inverse_size =
                    if i == 0 { 0.0 } else { largest * libm::pow(fraction, 1.0 / omega) };
                let alpha = averaged(self.models, inverse_size, branch);
                let response = self.response(inverse_size, branch);
                let values: Vec<f64> = changes.iter().map(|c| alpha + dot(&response, c)).collect();
                let spread = Spread::of(&values).map(|s| s.one_sigma);
                all.push(BandPoint {
                    branch,
                    inverse_size,
                    alpha,
                    lower: spread.map_or(alpha, |s| s.lower),
                    upper: spread.map_or(alpha, |s| s.upper),
                });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// Thresholds of a planted law with Gaussian noise, replicates of the same noise.
    fn series(sizes: &[f64], error: f64, seed: u64, law: impl Fn(f64) -> f64) -> Vec<Member> {
        let mut stream = Stream::new(seed, Purpose::Test, &[46]);
        sizes
            .iter()
            .map(|&size| {
                let alpha = law(size) + error * stream.normal();
                let replicates = (0..300).map(|_| alpha + error * stream.normal()).collect();
                Member { point: Point { size, alpha, error, branch: 0 }, replicates }
            })
            .collect()
    }

    #[test]
    fn one_size_has_no_limit_two_have_every_law() {
        let law = |n: f64| 0.8 - 1.0 / n;
        assert!(extrapolate(&series(&[64.0], 1e-3, 1, law), Approach::Unknown, None).is_none());
        let two =
            extrapolate(&series(&[64.0, 128.0], 1e-3, 1, law), Approach::Unknown, None).unwrap();
        assert_eq!(two.models.len(), 4);
        assert_eq!((two.best().law.omega, two.chi2_dof()), (1.0, None));
        assert!(two.systematic > 0.0);
        // Equal weights where all fit exactly.
        assert!(two.models.iter().all(|m| (m.weight - 0.25).abs() < 1e-6));
    }

    /// With precise data the planted exponent is chosen, and the systematic shrinks; with noisy
    /// data the laws cannot be told apart, and the systematic covers the truth.
    #[test]
    fn precise_data_choose_their_law() {
        let sizes = [64.0, 128.0, 256.0, 512.0, 1024.0];
        let law = |n: f64| 0.8 - 2.0 * libm::pow(n, -0.5);
        let precise = extrapolate(&series(&sizes, 1e-4, 2, law), Approach::Unknown, None).unwrap();
        assert!((precise.best().law.omega - 0.5).abs() < 0.03, "{:?}", precise.models);
        assert!((precise.alpha - 0.8).abs() < 3e-3, "{}", precise.alpha);
        let noisy = extrapolate(&series(&sizes, 2e-2, 2, law), Approach::Unknown, None).unwrap();
        assert!(noisy.systematic > 10.0 * precise.systematic);
        let total = noisy.error.hypot(noisy.systematic);
        assert!((noisy.alpha - 0.8).abs() < 3.0 * total, "{} {total}", noisy.alpha);
    }

    /// A contaminated smallest size is cut.
    #[test]
    fn a_smallest_size_off_the_law_is_cut() {
        let sizes = [32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
        let law = |n: f64| 0.8 - 2.0 / n + if n < 40.0 { 0.05 } else { 0.0 };
        let limit = extrapolate(&series(&sizes, 3e-4, 3, law), Approach::Unknown, None).unwrap();
        assert_eq!(limit.best().cut, 1, "{:?}", limit.models);
        assert!((limit.alpha - 0.8).abs() < 4.0 * limit.error);
    }

    #[test]
    fn a_wrong_law_shows_in_chi2() {
        let sizes = [32.0, 48.0, 64.0, 96.0];
        let law = |n: f64| 0.8 + 0.02 * libm::sin(n);
        let limit =
            extrapolate(&series(&sizes, 3e-4, 3, law), Approach::Unknown, Some(1.0)).unwrap();
        assert!(limit.chi2_dof().unwrap() > 3.0);
    }
}
