//! Local entropy of a finite number m ≥ 1 of replicas, which need not be an integer.
//!
//! X = √q̂0 z0 + √(q̂1−q̂0) z1, x = (κ − √Q0 z0 − √(Q1−Q0) z1)/√Δ1, ⟨·⟩ the inner average over Dz1
//! with weight [2cosh X]^m or H(x)^m:
//! φ = −q̂1(1−q1)/2 + (m/2)(q̂0q0 − q̂1q1) + (1/m)∫Dz0 ln∫Dz1 [2cosh X]^m +
//! (α/m)∫Dz0 ln∫Dz1 H^m,
//! extremal in q0, q̂0, q̂1 at fixed q1: q̂0 = αQ'(q0)∫Dz0⟨h/√Δ1⟩², q1 = ∫Dz0⟨tanh²X⟩ (gives
//! q̂1), q0 = ∫Dz0⟨tanh X⟩². One root in ln δ, δ = m(q1 − q0), which stays finite as m → ∞.
//! S_I = −q̂1(1−q1)/2 + m(q̂0q0 − q̂1q1) + ∫⟨ln 2cosh X⟩ + α∫⟨ln H⟩, S_E = m(φ − S_I).
//! Source: Baldassi et al., PNAS 113, E7655 (2016), supplement.
//!
//! The inner integrands are log-concave up to two peaks and entire, so that a trapezoid around the
//! peaks is exponentially accurate; over z0 the entropic integrand has a kink at 0 of width
//! 1/(m√q̂0), which Gauss–Legendre panels resolve. About 30 ms a point. Deterministic.

use super::super::covariance::Overlap;
use super::super::gaussian;
use super::super::quadrature::{Legendre, Rule};
use super::super::{Outcome, broyden, root};
use super::{DenseRegion, Resolution};
use crate::error::TheoryError;
use std::f64::consts::LN_2;

/// Reach of the inner integrals around their peaks: the curvature there is at least 1.
const REACH: f64 = 8.5;
/// Reach of z0.
const OUTER: f64 = 8.5;
/// Terms smaller than the largest by this exponent are dropped.
const NEGLIGIBLE: f64 = 42.0;
/// Smallest ln δ that is searched.
const LN_DELTA_MIN: f64 = -14.0;

/// The saddle point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiniteSolution {
    /// m.
    pub replicas: f64,
    /// q0.
    pub q0: f64,
    /// δ = m(q1 − q0).
    pub delta: f64,
    /// Λ = m(q̂1 − q̂0).
    pub lambda: f64,
    /// q̂0.
    pub q_hat0: f64,
    /// q̂1.
    pub q_hat1: f64,
    /// φ.
    pub free_entropy: f64,
    /// S_I.
    pub entropy: f64,
    /// S_E.
    pub external_entropy: f64,
}

/// Energetic averages.
#[derive(Clone, Copy, Debug)]
struct Energetic {
    /// (1/m)∫Dz0 ln∫Dz1 H^m.
    free: f64,
    /// ∫Dz0⟨ln H⟩.
    ln_h: f64,
    /// J0 = ∫Dz0⟨h/√Δ1⟩².
    j0: f64,
}

/// Entropic averages.
#[derive(Clone, Copy, Debug)]
struct Entropic {
    /// (1/m)∫Dz0 ln∫Dz1 [2cosh X]^m.
    free: f64,
    /// ∫Dz0⟨ln 2cosh X⟩.
    ln_2cosh: f64,
    /// ∫Dz0⟨tanh X⟩².
    q0: f64,
    /// ∫Dz0⟨sech²X⟩.
    sech2: f64,
}

/// One resolution.
struct Grid {
    legendre: Legendre,
    /// Step of the inner trapezoid in units of the narrowest width.
    step: f64,
}

impl Grid {
    fn new(resolution: Resolution) -> Self {
        let (nodes, step) = match resolution {
            Resolution::Coarse => (10, 0.7),
            Resolution::Fine => (14, 0.55),
        };
        Self { legendre: Legendre::new(nodes), step }
    }
}

impl DenseRegion<'_> {
    /// The saddle point of `replicas` replicas, searched from (δ, Λ) = `start`, those of the limit
    /// or of a nearby m; if that does not converge, or without a start, over all δ.
    ///
    /// # Errors
    /// `Domain` for m < 1, `Unavailable` for spherical weights, `NotConverged`.
    pub fn solve_finite(
        &self,
        replicas: f64,
        start: Option<(f64, f64)>,
        resolution: Resolution,
    ) -> Outcome<FiniteSolution> {
        self.require_binary()?;
        if !(replicas >= 1.0 && replicas.is_finite()) {
            return Err(TheoryError::Domain {
                argument: "replicas",
                value: replicas.to_string(),
                expected: "a number of at least 1, inf or critical".into(),
            });
        }
        let grid = Grid::new(resolution);
        let near = start.and_then(|start| self.near(&grid, replicas, start).ok());
        let (delta, lambda) = match near {
            Some(found) => found,
            None => self.nested(&grid, replicas)?,
        };
        Ok(self.assemble_finite(&grid, replicas, delta, lambda))
    }

    fn no_saddle(&self, replicas: f64) -> TheoryError {
        TheoryError::NotConverged(format!(
            "no saddle point of the local entropy of {replicas} replicas at {}",
            self.place()
        ))
    }

    fn q0(&self, replicas: f64, delta: f64) -> Overlap {
        let shift = delta / replicas;
        Overlap::from_parts(self.q1.value() - shift, self.q1.complement() + shift)
    }

    /// q̂0 at q0 = q1 − δ/m, with the energetic averages.
    fn response(&self, grid: &Grid, replicas: f64, delta: f64) -> (f64, Energetic) {
        let q0 = self.q0(replicas, delta);
        let e = self.finite_energetic(grid, replicas, q0);
        (self.alpha * self.covariance.first(q0) * e.j0, e)
    }

    /// (δ, Λ) by Newton's method in (ln δ, ln Λ).
    fn near(&self, grid: &Grid, replicas: f64, start: (f64, f64)) -> Outcome<(f64, f64)> {
        let equations = |[ln_delta, ln_lambda]: [f64; 2]| {
            let delta = libm::exp(ln_delta);
            if delta >= replicas * self.q1.value() {
                return Err(self.no_saddle(replicas));
            }
            let (q_hat0, _) = self.response(grid, replicas, delta);
            let s = finite_entropic(grid, replicas, q_hat0, libm::exp(ln_lambda));
            let updated = replicas * (self.q1.value() - s.q0);
            Ok([(updated - delta) / delta, s.sech2 / self.q1.complement() - 1.0])
        };
        let delta = start.0.min(0.8 * replicas * self.q1.value());
        let from = [libm::log(delta), libm::log(start.1)];
        let [ln_delta, ln_lambda] = broyden::solve(equations, from, [1e-5; 2], 1e-10)?;
        Ok((libm::exp(ln_delta), libm::exp(ln_lambda)))
    }

    /// (δ, Λ) by one root in ln δ with Λ eliminated: slower, and finds the root from anywhere.
    fn nested(&self, grid: &Grid, replicas: f64) -> Outcome<(f64, f64)> {
        // Beyond this δ, q0 = q1 − δ/m is negative.
        let highest = libm::log(replicas * self.q1.value());
        // Positive below the root, negative above.
        let residual = |ln_delta: f64| -> Outcome<f64> {
            let delta = libm::exp(ln_delta);
            let (q_hat0, _) = self.response(grid, replicas, delta);
            let Some(lambda) = self.lambda_at(grid, replicas, q_hat0)? else {
                return Ok(1.0);
            };
            let s = finite_entropic(grid, replicas, q_hat0, lambda);
            let updated = replicas * (self.q1.value() - s.q0);
            Ok((updated - delta) / (updated.abs() + delta))
        };
        let guess = 0.0f64.min(highest - 0.5);
        let mut low = (guess, residual(guess)?);
        let mut step = 0.5;
        loop {
            let next = if low.1 > 0.0 { low.0 + step } else { low.0 - step };
            let end = next >= highest;
            if end && self.covariance.is_even() {
                // q0 = 0, the solution of an even Q.
                let lambda = self.lambda_at(grid, replicas, 0.0)?;
                let lambda = lambda.ok_or_else(|| self.no_saddle(replicas))?;
                return Ok((replicas * self.q1.value(), lambda));
            }
            let next = next.min(highest - 1e-12);
            let high = (next, residual(next)?);
            if high.1 * low.1 <= 0.0 {
                let ln_delta = root::brent_from(residual, low, high, 1e-11)?;
                let delta = libm::exp(ln_delta);
                let lambda =
                    self.lambda_at(grid, replicas, self.response(grid, replicas, delta).0)?;
                return Ok((delta, lambda.ok_or_else(|| self.no_saddle(replicas))?));
            }
            if end || next < LN_DELTA_MIN {
                return Err(self.no_saddle(replicas));
            }
            low = high;
            step *= 1.6;
        }
    }

    /// Λ = m(q̂1 − q̂0) ≥ 0 from q1 = ∫⟨tanh²X⟩, which grows with it; `None` if q̂0 is too large
    /// for any.
    fn lambda_at(&self, grid: &Grid, replicas: f64, q_hat0: f64) -> Outcome<Option<f64>> {
        let missing = |lambda: f64| {
            let s = finite_entropic(grid, replicas, q_hat0, lambda);
            Ok(s.sech2 / self.q1.complement() - 1.0)
        };
        let mut low = (0.0, missing(0.0)?);
        if low.1 <= 0.0 {
            return Ok(None);
        }
        let mut step = 1.0;
        loop {
            let next = low.0 + step;
            let high = (next, missing(next)?);
            if high.1 <= 0.0 {
                return root::brent_from(missing, low, high, 1e-12).map(Some);
            }
            if next > 1e6 {
                return Err(self.no_saddle(replicas));
            }
            low = high;
            step *= 1.5;
        }
    }

    fn assemble_finite(
        &self,
        grid: &Grid,
        replicas: f64,
        delta: f64,
        lambda: f64,
    ) -> FiniteSolution {
        let (q_hat0, e) = self.response(grid, replicas, delta);
        let s = finite_entropic(grid, replicas, q_hat0, lambda);
        let q_hat1 = q_hat0 + lambda / replicas;
        let q1 = self.q1.value();
        let shift = -0.5 * q_hat1 * self.q1.complement();
        // m(q̂0q0 − q̂1q1) without cancellation.
        let product = -q_hat0 * delta - lambda * q1;
        let free_entropy = shift + 0.5 * product + s.free + self.alpha * e.free;
        let entropy = shift + product + s.ln_2cosh + self.alpha * e.ln_h;
        FiniteSolution {
            replicas,
            q0: q1 - delta / replicas,
            delta,
            lambda,
            q_hat0,
            q_hat1,
            free_entropy,
            entropy,
            external_entropy: replicas * (free_entropy - entropy),
        }
    }

    fn finite_energetic(&self, grid: &Grid, m: f64, q0: Overlap) -> Energetic {
        let s = self.gap.sqrt();
        let outer = self.covariance.value(q0).max(0.0).sqrt() / s;
        // Q1 − Q0 = Δ(q0) − Δ(q1).
        let inner = (self.covariance.gap(q0) - self.gap).max(0.0).sqrt() / s;
        let stretch = m * inner * inner;
        let (centre, width) = (self.kappa / s / outer, 1.0 / outer);
        let splits: Vec<f64> = [-4.0, -1.5, 0.0, 1.5, 4.0]
            .iter()
            .map(|x| centre + x * width * (1.0 + stretch).sqrt())
            .collect();
        let rule = grid.legendre.gaussian(OUTER, &[splits, vec![-4.0, -1.5, 1.5, 4.0]].concat());
        let [free, ln_h, j0] = rule.means(|z0| {
            let field = outer * z0 - self.kappa / s;
            let curvature = |w: f64| {
                let g = gaussian::ratio(w);
                1.0 + stretch * g * (w + g)
            };
            let place = peak_field(field, stretch);
            let peak = m * inner * gaussian::ratio(place);
            let exponent = |z1: f64| m * gaussian::ln_cdf(field + inner * z1) - 0.5 * z1 * z1;
            // Log-sum-exp against the value at the peak, the largest up to rounding. The curvature
            // falls with z1: to the left the peak's own width bounds the reach, and the left end
            // the step.
            let top = exponent(peak);
            let left = REACH / curvature(place).sqrt();
            let mut right = left;
            while right < REACH && exponent(peak + right) > top - 0.5 * REACH * REACH {
                right = (1.5 * right).min(REACH);
            }
            let step = grid.step / curvature(field + inner * (peak - left)).sqrt();
            let (first, last) = (-(left / step).ceil() as i32, (right / step).ceil() as i32);
            let (mut total, mut hazard, mut logarithm) = (0.0, 0.0, 0.0);
            for i in first..=last {
                let z1 = peak + f64::from(i) * step;
                let tail = gaussian::Tail::at(-(field + inner * z1));
                let weight = libm::exp(m * tail.ln_tail - 0.5 * z1 * z1 - top);
                total += weight;
                hazard += weight * tail.hazard;
                logarithm += weight * tail.ln_tail;
            }
            let response = hazard / total;
            let ln_integral = top + libm::log(total * step * gaussian::INV_SQRT_2PI);
            [ln_integral, logarithm / total, response * response]
        });
        Energetic { free: free / m, ln_h, j0: j0 / self.gap }
    }
}

/// The w with w − D g(w) = field, to 1e-8: the centre of a quadrature range.
fn peak_field(field: f64, stretch: f64) -> f64 {
    let mut w = field;
    for _ in 0..60 {
        let g = gaussian::ratio(w);
        let step = (field - w + stretch * g) / (1.0 + stretch * g * (w + g));
        w += step;
        if step.abs() <= 1e-8 {
            break;
        }
    }
    w
}

fn finite_entropic(grid: &Grid, m: f64, q_hat0: f64, lambda: f64) -> Entropic {
    let (outer, inner) = (q_hat0.sqrt(), (lambda / m).sqrt());
    let rule = half_line(&grid.legendre, m * outer);
    // The peaks of [2cosh X]^m G(z1) lie within ±√(mΛ), as wide as 1 at least; averages have the
    // poles of tanh at a distance (π/2)/√(Λ/m).
    let reach = REACH + (m * lambda).sqrt();
    let widest = grid.step.min(0.55 * grid.step / inner);
    let count = (reach / widest).ceil() as i32;
    let step = reach / f64::from(count);
    let mut terms: Vec<(f64, f64, f64)> = Vec::with_capacity(2 * count as usize + 1);
    let [free, ln_2cosh, q0, sech2] = rule.means(|z0| {
        terms.clear();
        let mut top = f64::NEG_INFINITY;
        for i in -count..=count {
            let z1 = f64::from(i) * step;
            let x = outer * z0 + inner * z1;
            // A bound on the exponent that costs no transcendental.
            let bound = m * (x.abs() + LN_2) - 0.5 * z1 * z1;
            if bound < top - NEGLIGIBLE {
                continue;
            }
            let l = gaussian::ln_2cosh(x);
            let exponent = m * l - 0.5 * z1 * z1;
            top = top.max(exponent);
            terms.push((x, l, exponent));
        }
        let (mut total, mut sum_t, mut sum_s, mut sum_l) = (0.0, 0.0, 0.0, 0.0);
        for &(x, l, exponent) in &terms {
            if exponent < top - NEGLIGIBLE {
                continue;
            }
            let weight = libm::exp(exponent - top);
            let (t, s) = gaussian::tanh_sech2(x);
            total += weight;
            sum_t += weight * t;
            sum_s += weight * s;
            sum_l += weight * l;
        }
        let t = sum_t / total;
        [
            top + libm::log(total * step * gaussian::INV_SQRT_2PI),
            sum_l / total,
            t * t,
            sum_s / total,
        ]
    });
    Entropic { free: free / m, ln_2cosh, q0, sech2 }
}

/// Twice the Gaussian measure on z0 > 0, for integrands even in z0 with a kink of inverse width
/// `sharpness` at 0.
fn half_line(legendre: &Legendre, sharpness: f64) -> Rule {
    let mut breaks = vec![0.0, 0.3, 1.0, 2.5, 4.5, OUTER];
    let mut width = 2.0 / sharpness;
    while width < 0.2 {
        breaks.push(width);
        width *= 4.0;
    }
    let nodes = legendre
        .panels(&breaks)
        .nodes()
        .iter()
        .map(|&(z, weight)| (z, 2.0 * weight * gaussian::density(z)))
        .collect();
    Rule::from_nodes(nodes)
}
