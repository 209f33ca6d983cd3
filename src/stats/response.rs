//! Fit of the success probability against alpha: its crossing of 1/2 and its width.
//!
//! $$ p(\alpha) = F\left(\frac{\theta - \alpha}{w}\right), \qquad
//!    \ell = \sum_j \left[k_j \ln p(\alpha_j) + (M_j - k_j) \ln(1 - p(\alpha_j))\right] , $$
//!
//! F the inverse of the [`Link`]; k_j of M_j samples solved at α_j. The
//! likelihood is maximised with Jeffreys' prior, ℓ + ½ ln det I: the maximum is then finite and
//! unique even where plain maximum likelihood runs off to w = 0 (every sample solved below some α,
//! none above), and elsewhere the two differ by O(1/M), far below the error
//! (D. Firth, Biometrika 80, 27 (1993); I. Kosmidis and D. Firth, Biometrika 108, 71 (2021)).
//! Found by Fisher scoring with step halving on the linear predictor η = b₀ + b₁ u, u the centred
//! and scaled α.
//!
//! Patterns are nested, so that the k_j of one set of samples are correlated: the point estimate is
//! still consistent, but the covariance of this fit is not the error. That comes from resampling
//! the samples jointly for all α ([`super::resample`]).
//! Cost: about 6 passes over the α. Deterministic.

use super::link::{Link, Response};
use super::moments::sum;

/// Outcome at one alpha; reals, so that resampled weights fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// P/N.
    pub alpha: f64,
    /// Samples tried.
    pub trials: f64,
    /// Samples solved.
    pub successes: f64,
}

/// A fitted response curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseFit {
    /// Shape.
    pub link: Link,
    /// θ: alpha where p = 1/2.
    pub threshold: f64,
    /// w: scale of the transition in alpha; positive if success falls with alpha.
    pub width: f64,
    /// Log-likelihood at the fit, without Jeffreys' term and without binomial coefficients.
    pub log_likelihood: f64,
    /// Deviance 2(ℓ_saturated − ℓ), about chi-squared with `dof` degrees of freedom if the shape is
    /// right (less, if samples are nested).
    pub deviance: f64,
    /// Alphas with trials minus two.
    pub dof: usize,
}

impl ResponseFit {
    /// Fitted success probability at `alpha`.
    pub fn probability(&self, alpha: f64) -> f64 {
        self.link.probability((self.threshold - alpha) / self.width)
    }
}

/// Why there is no crossing to report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoCrossing {
    /// Fewer than two alphas have samples.
    TooFewAlphas,
    /// Every sample was solved at every alpha.
    AllSolved,
    /// No sample was solved at any alpha.
    NoneSolved,
    /// The success fraction is above 1/2 at every alpha.
    Above,
    /// The success fraction is below 1/2 at every alpha.
    Below,
    /// Success does not fall with alpha.
    NotFalling,
}

/// Fits the response curve of `outcomes` (any order).
///
/// # Errors
/// [`NoCrossing`] if the outcomes do not bracket 1/2 from above to below.
pub fn fit(outcomes: &[Outcome], link: Link) -> Result<ResponseFit, NoCrossing> {
    bracket(outcomes)?;
    let fit = maximise(outcomes, link, None)?;
    if fit.width > 0.0 && fit.width.is_finite() { Ok(fit) } else { Err(NoCrossing::NotFalling) }
}

/// Fits resampled `outcomes`, starting from the fit of the original ones. Resampling may lose the
/// bracket: the crossing is then an extrapolation, kept within `limits`, so that no replicate is
/// dropped (dropping would narrow the distribution).
pub fn refit(outcomes: &[Outcome], start: &ResponseFit, limits: (f64, f64)) -> ResponseFit {
    let fit = maximise(outcomes, start.link, Some(start)).unwrap_or(*start);
    let rising = fit.width <= 0.0 || !fit.threshold.is_finite();
    let threshold = if rising { start.threshold } else { fit.threshold };
    let width = if rising { start.width } else { fit.width };
    ResponseFit { threshold: threshold.clamp(limits.0, limits.1), width, ..fit }
}

/// Largest alpha with a success fraction above 1/2 that lies below an alpha with one under it, and
/// the least such alpha after it: the crossing read off the grid without a fit.
///
/// # Errors
/// [`NoCrossing`] if there is no such pair.
pub fn bracket(outcomes: &[Outcome]) -> Result<(f64, f64), NoCrossing> {
    let tried: Vec<&Outcome> = outcomes.iter().filter(|o| o.trials > 0.0).collect();
    let alphas = |above: bool| {
        let side = move |o: &&&Outcome| (2.0 * o.successes >= o.trials) == above;
        tried.iter().filter(side).map(|o| o.alpha)
    };
    let least = tried.iter().map(|o| o.alpha).fold(f64::INFINITY, f64::min);
    if tried.iter().all(|o| o.alpha == least) {
        return Err(NoCrossing::TooFewAlphas);
    }
    let first_below = alphas(false).fold(f64::INFINITY, f64::min);
    let first_above = alphas(true).fold(f64::INFINITY, f64::min);
    if first_below == f64::INFINITY {
        let all = tried.iter().all(|o| o.successes == o.trials);
        return Err(if all { NoCrossing::AllSolved } else { NoCrossing::Above });
    }
    if first_above == f64::INFINITY {
        let none = tried.iter().all(|o| o.successes == 0.0);
        return Err(if none { NoCrossing::NoneSolved } else { NoCrossing::Below });
    }
    let last_above = alphas(true).filter(|&a| a < first_below).fold(f64::NEG_INFINITY, f64::max);
    if last_above == f64::NEG_INFINITY {
        return Err(NoCrossing::NotFalling);
    }
    Ok((last_above, first_below))
}

/// Two-by-two symmetric matrix of the linear predictor's parameters.
struct Information {
    a: f64,
    b: f64,
    c: f64,
}

impl Information {
    fn determinant(&self) -> f64 {
        self.a * self.c - self.b * self.b
    }

    /// Solves I x = g.
    fn solve(&self, g: (f64, f64)) -> (f64, f64) {
        let d = self.determinant();
        ((self.c * g.0 - self.b * g.1) / d, (self.a * g.1 - self.b * g.0) / d)
    }

    /// x_jᵀ I⁻¹ x_j for x_j = (1, u).
    fn leverage(&self, u: f64) -> f64 {
        (self.c - 2.0 * self.b * u + self.a * u * u) / self.determinant()
    }
}

/// The scaled problem: u = (α − centre)/scale.
struct Problem {
    points: Vec<(f64, f64, f64)>,
    center: f64,
    scale: f64,
    link: Link,
}

impl Problem {
    fn new(outcomes: &[Outcome], link: Link) -> Result<Self, NoCrossing> {
        let mut tried: Vec<&Outcome> = outcomes.iter().filter(|o| o.trials > 0.0).collect();
        tried.sort_by(|x, y| x.alpha.total_cmp(&y.alpha));
        let (Some(first), Some(last)) = (tried.first(), tried.last()) else {
            return Err(NoCrossing::TooFewAlphas);
        };
        let (center, scale) = (0.5 * (first.alpha + last.alpha), 0.5 * (last.alpha - first.alpha));
        if scale <= 0.0 {
            return Err(NoCrossing::TooFewAlphas);
        }
        let points =
            tried.iter().map(|o| ((o.alpha - center) / scale, o.trials, o.successes)).collect();
        Ok(Self { points, center, scale, link })
    }

    /// ℓ + ½ ln det I at `beta`, its Fisher step, and ℓ alone.
    fn evaluate(&self, beta: (f64, f64), responses: &mut Vec<Response>) -> Evaluation {
        responses.clear();
        responses
            .extend(self.points.iter().map(|&(u, ..)| self.link.response(beta.0 + beta.1 * u)));
        let mut information = Information { a: 0.0, b: 0.0, c: 0.0 };
        let mut log_likelihood = 0.0;
        for (&(u, m, k), r) in self.points.iter().zip(responses.iter()) {
            let w = m * r.information;
            information.a += w;
            information.b += w * u;
            information.c += w * u * u;
            log_likelihood += k * r.log_p + (m - k) * r.log_q;
        }
        // The prior adds ½ h_j d ln(information)/dη to the gradient, h_j the leverage of α_j.
        let mut gradient = (0.0, 0.0);
        for (&(u, m, k), r) in self.points.iter().zip(responses.iter()) {
            let leverage = m * r.information * information.leverage(u);
            let slope = k * r.score_p - (m - k) * r.score_q + 0.5 * leverage * r.information_slope;
            gradient.0 += slope;
            gradient.1 += slope * u;
        }
        let objective = log_likelihood + 0.5 * libm::log(information.determinant());
        Evaluation { objective, log_likelihood, step: information.solve(gradient) }
    }
}

/// The penalised likelihood at one point of the search.
struct Evaluation {
    objective: f64,
    log_likelihood: f64,
    step: (f64, f64),
}

fn maximise(
    outcomes: &[Outcome],
    link: Link,
    start: Option<&ResponseFit>,
) -> Result<ResponseFit, NoCrossing> {
    let problem = Problem::new(outcomes, link)?;
    let mut beta = start.map_or((0.0, -1.0), |s| {
        let slope = -problem.scale / s.width;
        (-slope * (s.threshold - problem.center) / problem.scale, slope)
    });
    let mut responses = Vec::with_capacity(problem.points.len());
    let mut here = problem.evaluate(beta, &mut responses);
    if !here.objective.is_finite() {
        beta = (0.0, -1.0);
        here = problem.evaluate(beta, &mut responses);
    }
    // Fisher scoring converges linearly with a ratio of O(1/√M): 60 steps are ample, and a step
    // that no longer raises the objective ends it.
    for _ in 0..60 {
        let mut factor = 1.0;
        let mut next = None;
        while factor > 1e-6 {
            let trial = (beta.0 + factor * here.step.0, beta.1 + factor * here.step.1);
            let there = problem.evaluate(trial, &mut responses);
            if there.objective.is_finite() && there.objective >= here.objective {
                next = Some((trial, there));
                break;
            }
            factor *= 0.5;
        }
        let Some((moved, there)) = next else { break };
        let length = factor * here.step.0.abs().max(here.step.1.abs());
        (beta, here) = (moved, there);
        if length < 1e-8 * (1.0 + beta.1.abs()) {
            break;
        }
    }
    let log_likelihood = here.log_likelihood;
    let saturated = sum(problem.points.iter().map(|&(_, m, k)| {
        let term = |part: f64| if part > 0.0 { part * libm::log(part / m) } else { 0.0 };
        term(k) + term(m - k)
    }));
    Ok(ResponseFit {
        link,
        threshold: problem.center - problem.scale * beta.0 / beta.1,
        width: -problem.scale / beta.1,
        log_likelihood,
        deviance: (2.0 * (saturated - log_likelihood)).max(0.0),
        dof: problem.points.len().saturating_sub(2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::stats::moments::Moments;

    fn outcomes(rows: &[(f64, u32, u32)]) -> Vec<Outcome> {
        rows.iter()
            .map(|&(alpha, trials, successes)| Outcome {
                alpha,
                trials: f64::from(trials),
                successes: f64::from(successes),
            })
            .collect()
    }

    /// The objective at the fit is higher than at every neighbour: an optimum found without use of
    /// the gradient.
    #[test]
    fn the_fit_is_the_maximum() {
        let data = outcomes(&[(0.40, 50, 49), (0.45, 50, 41), (0.50, 50, 20), (0.55, 60, 3)]);
        for link in [Link::Probit, Link::Logit] {
            let fit = fit(&data, link).unwrap();
            let problem = Problem::new(&data, link).unwrap();
            let at = |threshold: f64, width: f64| {
                let slope = -problem.scale / width;
                let intercept = -slope * (threshold - problem.center) / problem.scale;
                problem.evaluate((intercept, slope), &mut Vec::new()).objective
            };
            let best = at(fit.threshold, fit.width);
            for (dt, dw) in [(1e-4, 0.0), (-1e-4, 0.0), (0.0, 1e-4), (0.0, -1e-4), (1e-4, 1e-4)] {
                assert!(at(fit.threshold + dt, fit.width + dw) < best, "{link:?} {dt} {dw}");
            }
        }
    }

    /// Bliss's beetles (C. I. Bliss, Ann. Appl. Biol. 22, 134 (1935)), the standard example of the
    /// probit: b₀ = −34.935, b₁ = 19.728, deviance 10.12 by maximum likelihood; with logit
    /// −60.717, 34.270, 11.23 (A. J. Dobson, An Introduction to Generalized Linear Models).
    /// Jeffreys' prior moves θ by less than a tenth of its error and the slope by about 1 %.
    #[test]
    fn textbook_probit() {
        let dose = [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839];
        let (trials, killed) = ([59, 60, 62, 56, 63, 59, 62, 60], [6, 13, 18, 28, 52, 53, 61, 60]);
        let rows: Vec<(f64, u32, u32)> =
            (0..8).map(|j| (dose[j], trials[j], trials[j] - killed[j])).collect();
        for (link, threshold, slope, deviance) in [
            (Link::Probit, 34.935 / 19.728, 19.728, 10.12),
            (Link::Logit, 60.717 / 34.270, 34.270, 11.23),
        ] {
            let f = fit(&outcomes(&rows), link).unwrap();
            assert!((f.threshold - threshold).abs() < 4e-4, "{f:?}");
            assert!((f.width * slope - 1.0).abs() < 0.02, "{f:?}");
            assert!((f.deviance - deviance).abs() < 0.1 && f.dof == 6, "{f:?}");
        }
    }

    #[test]
    fn separated_outcomes_give_a_finite_fit_inside_the_bracket() {
        let f =
            fit(&outcomes(&[(0.4, 90, 90), (0.5, 90, 90), (0.6, 90, 0)]), Link::Probit).unwrap();
        assert!(f.threshold > 0.5 && f.threshold < 0.6 && f.width > 0.0 && f.width < 0.05, "{f:?}");
    }

    #[test]
    fn no_crossing_is_told_apart() {
        let cases = [
            (vec![(0.4, 9, 9), (0.5, 9, 9)], NoCrossing::AllSolved),
            (vec![(0.4, 9, 0), (0.5, 9, 0)], NoCrossing::NoneSolved),
            (vec![(0.4, 9, 9), (0.5, 9, 6)], NoCrossing::Above),
            (vec![(0.4, 9, 3), (0.5, 9, 0)], NoCrossing::Below),
            (vec![(0.4, 9, 5)], NoCrossing::TooFewAlphas),
            (vec![(0.4, 0, 0), (0.5, 9, 0)], NoCrossing::TooFewAlphas),
            (vec![(0.4, 9, 1), (0.5, 9, 8)], NoCrossing::NotFalling),
            (vec![], NoCrossing::TooFewAlphas),
        ];
        for (rows, expected) in cases {
            assert_eq!(fit(&outcomes(&rows), Link::Probit), Err(expected), "{rows:?}");
        }
    }

    /// Independent samples with planted θ and w: the mean of the fits is the truth within five
    /// standard errors, for both parameters and down to 40 samples an alpha.
    #[test]
    fn unbiased_on_planted_curves() {
        for (link, index) in [(Link::Probit, 0), (Link::Logit, 1)] {
            let (theta, width) = (0.483, 0.021);
            let (mut thetas, mut widths) = (Vec::new(), Vec::new());
            for replica in 0..400 {
                let mut stream = Stream::new(3, Purpose::Test, &[42, index, replica]);
                let data: Vec<Outcome> = (0..8)
                    .map(|j| {
                        let alpha = 0.42 + 0.02 * f64::from(j);
                        let p = link.probability((theta - alpha) / width);
                        let solved = (0..40).filter(|_| stream.uniform() < p).count();
                        Outcome { alpha, trials: 40.0, successes: solved as f64 }
                    })
                    .collect();
                let f = fit(&data, link).unwrap();
                thetas.push(f.threshold);
                widths.push(f.width);
            }
            let (t, w) = (Moments::of(&thetas).unwrap(), Moments::of(&widths).unwrap());
            assert!((t.mean - theta).abs() < 5.0 * t.error().unwrap(), "{link:?} {t:?}");
            // The width's own bias, of relative order 1/M, is allowed for.
            assert!((w.mean - width).abs() < 5.0 * w.error().unwrap() + 0.02 * width, "{w:?}");
        }
    }
}
