//! Least squares of a power law in the size.
//!
//! α(N) = α_c + Σ_{t=1..T} a_{b,t} N^(−tω), with one set of amplitudes for each branch b (the two
//! parities of n = N/K approach the same limit on different curves) and T terms; ω fixed
//! or free. For fixed ω the fit is linear: weighted least squares. For free ω the linear fit is profiled
//! over ω ∈ [0.2, 3]: a scan in steps of 0.05, then golden section. The error of α_c and the response to
//! the data are those of the linearised problem, ω included when free. Cost: one small factorisation for
//! fixed ω, about 90 for free. Deterministic.

use crate::stats::least_squares::{LeastSquares, propagated};
use serde::Serialize;

/// Exponent of the leading correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exponent {
    /// Given.
    Fixed(f64),
    /// Fitted within [0.2, 3].
    Free,
}

/// Range of a free exponent: below, the correction is hardly told from a constant; above, only the
/// smallest size would feel it.
pub const FREE_RANGE: (f64, f64) = (0.2, 3.0);

/// Shape of the fitted law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    /// Exponent ω.
    pub exponent: Exponent,
    /// Powers N^(−ω) … N^(−Tω): T.
    pub terms: usize,
}

impl Form {
    /// Number of fitted parameters with `branches` branches.
    pub fn parameters(&self, branches: usize) -> usize {
        1 + branches * self.terms + usize::from(self.exponent == Exponent::Free)
    }
}

/// A threshold at one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// N (or K, when that is what is taken to infinity).
    pub size: f64,
    /// Threshold.
    pub alpha: f64,
    /// Its standard error, positive.
    pub error: f64,
    /// Branch, 0-based without gaps.
    pub branch: usize,
}

/// A fitted power law.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PowerLaw {
    /// α_c.
    pub alpha: f64,
    /// Standard error of α_c from the errors of the points.
    pub error: f64,
    /// ω.
    pub omega: f64,
    /// Standard error of ω where it was fitted.
    #[serde(skip)]
    pub omega_error: Option<f64>,
    /// Amplitudes a_{b,t}, branch by branch.
    pub amplitudes: Vec<f64>,
    /// Terms T a branch.
    pub terms: usize,
    /// Sum of squared residuals over squared errors.
    pub chi2: f64,
    /// Points minus parameters.
    pub dof: usize,
    /// Whether a free ω ran into an end of its range: the data do not determine it.
    pub omega_at_bound: bool,
    /// N₀, the smallest size: the response is that of amplitudes of (N/N₀)^(−tω).
    #[serde(skip)]
    reference: f64,
    /// ∂(coefficient)/∂(datum): α_c, the amplitudes, ω where it was fitted.
    #[serde(skip)]
    response: Vec<Vec<f64>>,
}

impl PowerLaw {
    /// The law at 1/N = `inverse_size` on `branch`; α_c at 0.
    pub fn at(&self, inverse_size: f64, branch: usize) -> f64 {
        let x = if inverse_size > 0.0 { libm::pow(inverse_size, self.omega) } else { 0.0 };
        let amplitudes = &self.amplitudes[branch * self.terms..(branch + 1) * self.terms];
        self.alpha + amplitudes.iter().rev().fold(0.0, |tail, a| (tail + a) * x)
    }

    /// ∂α(N)/∂(datum) for every fitted point, at 1/N = `inverse_size` on `branch`: α_c's at 0. To first
    /// order in the data where ω is fitted, exact where it is fixed.
    pub fn response_at(&self, inverse_size: f64, branch: usize) -> Vec<f64> {
        let mut total = self.response[0].clone();
        if inverse_size <= 0.0 {
            return total;
        }
        let scaled = inverse_size * self.reference;
        let mut add = |row: &[f64], factor: f64| {
            total.iter_mut().zip(row).for_each(|(t, b)| *t += factor * b);
        };
        let mut slope = 0.0;
        for term in 1..=self.terms {
            let index = branch * self.terms + term;
            let power = libm::pow(scaled, self.omega * term as f64);
            add(&self.response[index], power);
            let amplitude = self.amplitudes[index - 1];
            let unscaled = libm::pow(inverse_size, self.omega * term as f64);
            slope += term as f64 * amplitude * unscaled * libm::log(scaled);
        }
        // A row beyond the amplitudes is that of a fitted ω.
        if let Some(row) = self.response.get(1 + self.amplitudes.len()) {
            add(row, slope);
        }
        total
    }
}

/// Fits `form` to `points`; `None` with fewer points than parameters, or if the sizes of a branch
/// do not tell the parameters apart.
pub fn fit(points: &[Point], form: Form) -> Option<PowerLaw> {
    let branches = 1 + points.iter().map(|p| p.branch).max()?;
    if points.len() < form.parameters(branches) {
        return None;
    }
    match form.exponent {
        Exponent::Fixed(omega) => at_exponent(points, form, branches, omega),
        Exponent::Free => {
            let chi2 = |omega| {
                at_exponent(points, form, branches, omega).map_or(f64::INFINITY, |f| f.chi2)
            };
            let omega = least(chi2, FREE_RANGE.0, FREE_RANGE.1, 0.05);
            let bound = omega - FREE_RANGE.0 < 1e-3 || FREE_RANGE.1 - omega < 1e-3;
            let law = at_exponent(points, form, branches, omega)?;
            Some(PowerLaw { omega_at_bound: bound, ..law })
        }
    }
}

/// Sizes enter as N/N₀, N₀ the smallest: the columns are then of order one.
fn at_exponent(points: &[Point], form: Form, branches: usize, omega: f64) -> Option<PowerLaw> {
    let reference = points.iter().map(|p| p.size).fold(f64::INFINITY, f64::min);
    let powers: Vec<f64> = points.iter().map(|p| libm::pow(p.size / reference, -omega)).collect();
    let mut columns = vec![vec![1.0; points.len()]];
    for branch in 0..branches {
        let mut column: Vec<f64> =
            points.iter().map(|p| if p.branch == branch { 1.0 } else { 0.0 }).collect();
        for _ in 0..form.terms {
            column.iter_mut().zip(&powers).for_each(|(c, x)| *c *= x);
            columns.push(column.clone());
        }
    }
    let alphas: Vec<f64> = points.iter().map(|p| p.alpha).collect();
    let errors: Vec<f64> = points.iter().map(|p| p.error).collect();
    let linear = LeastSquares::new(columns, &errors)?;
    let coefficients = linear.coefficients(&alphas);
    let chi2 = linear.chi2(&alphas, &coefficients);
    let response = match form.exponent {
        // A vanishing amplitude leaves ω undetermined but α_c as in the linear fit.
        Exponent::Free => {
            let slope = slope(points, form, &coefficients, linear.columns(), reference);
            let columns = [linear.columns(), &[slope]].concat();
            LeastSquares::new(columns, &errors).unwrap_or(linear).response().to_vec()
        }
        Exponent::Fixed(_) => linear.response().to_vec(),
    };
    Some(PowerLaw {
        alpha: coefficients[0],
        error: propagated(&response[0], &errors),
        omega,
        omega_error: response.get(coefficients.len()).map(|row| propagated(row, &errors)),
        amplitudes: coefficients[1..]
            .iter()
            .enumerate()
            .map(|(i, c)| c * libm::pow(reference, omega * (i % form.terms + 1) as f64))
            .collect(),
        terms: form.terms,
        chi2,
        dof: points.len() - form.parameters(branches),
        omega_at_bound: false,
        reference,
        response,
    })
}

/// ∂α/∂ω = −Σ_t t a_t x^t ln(N/N₀) at every point: one more column of the linearised problem.
fn slope(
    points: &[Point],
    form: Form,
    coefficients: &[f64],
    columns: &[Vec<f64>],
    reference: f64,
) -> Vec<f64> {
    let mut slope = vec![0.0; points.len()];
    for (index, (column, a)) in columns.iter().zip(coefficients).enumerate().skip(1) {
        let term = ((index - 1) % form.terms + 1) as f64;
        for ((s, c), p) in slope.iter_mut().zip(column).zip(points) {
            *s -= term * a * c * libm::log(p.size / reference);
        }
    }
    slope
}

/// Minimum of `f` on [low, high]: scan in steps of `step`, then golden section to 1e-5.
fn least(f: impl Fn(f64) -> f64, low: f64, high: f64, step: f64) -> f64 {
    let count = ((high - low) / step).round() as usize;
    let at = |i: usize| low + (high - low) * i as f64 / count as f64;
    let mut best = (f64::INFINITY, 0);
    for i in 0..=count {
        let value = f(at(i));
        if value < best.0 {
            best = (value, i);
        }
    }
    let (mut a, mut b) = (at(best.1.saturating_sub(1)), at((best.1 + 1).min(count)));
    let golden = 0.5 * (5.0f64.sqrt() - 1.0);
    let (mut x1, mut x2) = (b - golden * (b - a), a + golden * (b - a));
    let (mut f1, mut f2) = (f(x1), f(x2));
    while b - a > 1e-5 {
        if f1 <= f2 {
            (b, x2, f2) = (x2, x1, f1);
            x1 = b - golden * (b - a);
            f1 = f(x1);
        } else {
            (a, x1, f1) = (x1, x2, f2);
            x2 = a + golden * (b - a);
            f2 = f(x2);
        }
    }
    0.5 * (a + b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::stats::moments::Moments;

    fn points(sizes: &[f64], law: impl Fn(f64, usize) -> f64, branches: usize) -> Vec<Point> {
        sizes
            .iter()
            .enumerate()
            .map(|(i, &size)| {
                let branch = i % branches;
                Point { size, alpha: law(size, branch), error: 0.001 * (1.0 + i as f64), branch }
            })
            .collect()
    }

    /// Noiseless laws come back exactly, branches and second terms included.
    #[test]
    fn exact_recovery() {
        let sizes = [10.0, 14.0, 20.0, 28.0, 40.0, 56.0];
        let one = points(&sizes, |n, _| 0.8 - 2.0 * libm::pow(n, -0.7), 1);
        let free = fit(&one, Form { exponent: Exponent::Free, terms: 1 }).unwrap();
        assert!((free.alpha - 0.8).abs() < 1e-6 && (free.omega - 0.7).abs() < 1e-4, "{free:?}");
        assert!((free.amplitudes[0] + 2.0).abs() < 1e-3 && free.dof == 3);
        let two = points(&sizes, |n, b| 0.9 - (2.0 + b as f64) / n + 5.0 / (n * n), 2);
        let form = Form { exponent: Exponent::Fixed(1.0), terms: 2 };
        let f = fit(&two, form).unwrap();
        assert!((f.alpha - 0.9).abs() < 1e-10 && f.chi2 < 1e-12 && f.dof == 1);
        for (a, expected) in f.amplitudes.iter().zip([-2.0, 5.0, -3.0, 5.0]) {
            assert!((a - expected).abs() < 1e-7, "{f:?}");
        }
        assert!((f.at(1.0 / 14.0, 1) - two[1].alpha).abs() < 1e-12 && f.at(0.0, 1) == f.alpha);
    }

    #[test]
    fn too_few_points_have_no_fit() {
        let p = points(&[10.0, 20.0], |n, _| 1.0 / n, 1);
        assert!(fit(&p, Form { exponent: Exponent::Free, terms: 1 }).is_none());
        assert!(fit(&p[..1], Form { exponent: Exponent::Fixed(1.0), terms: 1 }).is_none());
        let same = points(&[10.0, 10.0], |n, _| 1.0 / n, 1);
        assert!(fit(&same, Form { exponent: Exponent::Fixed(1.0), terms: 1 }).is_none());
        assert!(fit(&[], Form { exponent: Exponent::Fixed(1.0), terms: 1 }).is_none());
    }

    /// The quoted error is the scatter of the estimate, fixed and free ω; 600 replicas know a
    /// standard deviation to 2.9 %.
    #[test]
    fn errors_are_the_scatter() {
        let sizes = [64.0, 96.0, 128.0, 192.0, 256.0, 512.0];
        for exponent in [Exponent::Fixed(0.7), Exponent::Free] {
            let form = Form { exponent, terms: 1 };
            let truth = points(&sizes, |n, _| 0.8 - 2.0 * libm::pow(n, -0.7), 1);
            let expected = fit(&truth, form).unwrap().error;
            let mut alphas = Vec::new();
            for replica in 0..600 {
                let mut stream = Stream::new(4, Purpose::Test, &[45, replica]);
                // A tenth of the error keeps the free fit in its linear range.
                let noisy: Vec<Point> = truth
                    .iter()
                    .map(|p| Point { alpha: p.alpha + 0.1 * p.error * stream.normal(), ..*p })
                    .collect();
                alphas.push(fit(&noisy, form).unwrap().alpha);
            }
            let scatter = Moments::of(&alphas).unwrap().variance.unwrap().sqrt();
            assert!((10.0 * scatter / expected - 1.0).abs() < 0.12, "{scatter} {expected}");
        }
    }
}
