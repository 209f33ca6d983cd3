//! Binary weights with one step of breaking: the load where the entropy vanishes, for machines
//! whose replica-symmetric solution is unstable before its own entropy does.
//!
//! φ = −(q̂1/2)(1−q1) + (m/2)(q̂0q0−q̂1q1) + (1/m)∫Dz0 ln∫Dz1 [2cosh X]^m + α G_E,
//! X = √q̂0 z0 + √(q̂1−q̂0) z1. Saddle: q1 = ∫⟨tanh² X⟩, q0 = ∫⟨tanh X⟩², q̂0 = αQ'(q0)J0,
//! q̂1 = αQ'(q1)J1, ∂_m φ = 0. At the saddle the complexity vanishes and φ is the entropy within a
//! state, so α_c solves φ = 0 with these. The unknowns are (ln q̂0, ln(q̂1−q̂0), logit m): q0, q1
//! follow, then α from each of the two last equations, which must agree. For an even Q, q0 = q̂0 = 0
//! (states related by W_l → −W_l are uncorrelated), two unknowns. Newton from several starts
//! around the replica-symmetric point. Error: change under refined quadrature. 1 s. Deterministic.

use super::Outcome;
use super::capacity::{Capacity, floor};
use super::covariance::{Covariance, Overlap};
use super::gaussian;
use super::newton::newton;
use super::one_step_energetic::OneStepEnergy;
use super::quadrature::Legendre;
use super::symmetric_capacity;
use crate::error::TheoryError;
use crate::model::activation::Activation;

/// Nodes a panel: search, then two whose difference is the error.
const ROUGH: usize = 12;
const COARSE: usize = 20;
const FINE: usize = 30;

/// Entropic averages with one step.
struct Entropic {
    /// (1/m)∫Dz0 ln∫Dz1 [2cosh X]^m.
    ln_sum: f64,
    /// ∫⟨ln 2cosh X⟩.
    ln_2cosh: f64,
    q0: f64,
    q1: Overlap,
}

struct Theory {
    energy: OneStepEnergy,
    legendre: Legendre,
    even: bool,
}

/// A point off or on the saddle.
struct Point {
    alpha: f64,
    /// ln α from q̂0 less ln α from q̂1, ∂_mφ, φ.
    residual: [f64; 3],
    q0: f64,
    q1: f64,
    q_hat0: f64,
    q_hat1: f64,
    m: f64,
}

impl Theory {
    fn new(activation: Activation, kappa: f64, nodes: usize) -> Self {
        let covariance = Covariance::new(activation);
        let even = covariance.is_even();
        let energy = OneStepEnergy::new(covariance, kappa, nodes);
        Self { energy, legendre: Legendre::new(nodes), even }
    }

    fn entropic(&self, q_hat0: f64, q_hat1: f64, m: f64) -> Entropic {
        let (outer_field, inner_field) = (q_hat0.sqrt(), (q_hat1 - q_hat0).sqrt());
        let outer = self.legendre.gaussian(12.0, &[-3.0, 0.0, 3.0]);
        // [2cosh]^m moves the inner weight out to |z1| ≈ m√(q̂1−q̂0).
        let reach = 9.0 + m * inner_field;
        let mut terms: Vec<(f64, f64, f64)> = Vec::new();
        let ln_norm = libm::log(gaussian::INV_SQRT_2PI);
        let [ln_sum, ln_2cosh, q0, q1, complement] = outer.means(|z0| {
            let centre = (-outer_field * z0 / inner_field).clamp(-reach, reach);
            let breaks = [-reach, centre - 3.0, centre, centre + 3.0, reach];
            let inner = self.legendre.panels(&breaks.map(|z| z.clamp(-reach, reach)));
            terms.clear();
            terms.extend(inner.nodes().iter().map(|&(z1, weight)| {
                let x = outer_field * z0 + inner_field * z1;
                (weight, m * gaussian::ln_2cosh(x) - 0.5 * z1 * z1, x)
            }));
            let ln_sum = gaussian::ln_sum_exp(terms.iter().map(|&(w, e, _)| (w, e)));
            let mut sums = [0.0; 4];
            for &(weight, exponent, x) in &terms {
                let share = weight * libm::exp(exponent - ln_sum);
                let (t, s) = gaussian::tanh_sech2(x);
                for (sum, value) in sums.iter_mut().zip([gaussian::ln_2cosh(x), t, t * t, s]) {
                    *sum += share * value;
                }
            }
            [(ln_sum + ln_norm) / m, sums[0], sums[1] * sums[1], sums[2], sums[3]]
        });
        let norm = q1 + complement;
        Entropic { ln_sum, ln_2cosh, q0, q1: Overlap::from_parts(q1 / norm, complement / norm) }
    }

    fn point(&self, q_hat0: f64, q_hat1: f64, m: f64) -> Point {
        let s = self.entropic(q_hat0, q_hat1, m);
        let (q0, q1) = (s.q0, s.q1.value());
        let e = self.energy.averages(Overlap::new(q0), s.q1, m);
        let covariance = &self.energy.covariance;
        let alpha = q_hat1 / (covariance.first(s.q1) * e.j1);
        let mismatch =
            if self.even { 0.0 } else { libm::log(q_hat0 / (covariance.first(q0) * e.j0) / alpha) };
        let product = 0.5 * (q_hat0 * q0 - q_hat1 * q1);
        let phi = -0.5 * q_hat1 * s.q1.complement() + m * product + s.ln_sum + alpha * e.g_e;
        let by_m = product + (s.ln_2cosh - s.ln_sum + alpha * (e.ln_h - e.g_e)) / m;
        Point { alpha, residual: [mismatch, by_m, phi], q0, q1, q_hat0, q_hat1, m }
    }

    fn solve(&self, start: [f64; 3]) -> Option<[f64; 3]> {
        let finite = |r: &[f64]| r.iter().all(|x| x.is_finite());
        if self.even {
            let f = |x: &[f64; 2]| {
                let r = self.at(&[f64::NEG_INFINITY, x[0], x[1]])?.residual;
                finite(&r).then_some([r[1], r[2]])
            };
            let found = newton(f, [start[1], start[2]], 1e-11, 40)?;
            Some([f64::NEG_INFINITY, found[0], found[1]])
        } else {
            let f = |x: &[f64; 3]| {
                let r = self.at(x)?.residual;
                finite(&r).then_some(r)
            };
            newton(f, start, 1e-11, 40)
        }
    }

    /// At (ln q̂0, ln(q̂1−q̂0), logit m); `None` far outside.
    fn at(&self, x: &[f64; 3]) -> Option<Point> {
        if x[0] > 8.0 || x[1].abs() > 8.0 || x[2].abs() > 12.0 {
            return None;
        }
        let q_hat0 = libm::exp(x[0]);
        Some(self.point(q_hat0, q_hat0 + libm::exp(x[1]), Overlap::from_logit(x[2]).value()))
    }
}

/// The one-step capacity.
///
/// # Errors
/// `NotConverged` if no one-step solution with 0 < m < 1 and a load below the replica-symmetric
/// one is found.
pub fn capacity(activation: Activation, kappa: f64) -> Outcome<Capacity> {
    let symmetric = symmetric_capacity::binary_replica_symmetric(activation, kappa)?;
    let field = symmetric
        .order_parameters
        .iter()
        .find(|(name, _)| *name == "q_hat")
        .map_or(1.0, |&(_, value)| value);
    let rough = Theory::new(activation, kappa, ROUGH);
    let mut best: Option<([f64; 3], f64)> = None;
    for share in [0.3, 0.6, 1.2] {
        for logit in [-1.5, 0.0, 1.5] {
            let start = [
                libm::log(field * (1.0 - 0.5 * share)),
                libm::log(field * if rough.even { 1.0 + share } else { share }),
                logit,
            ];
            let Some(found) = rough.solve(start) else { continue };
            let Some(point) = rough.at(&found) else { continue };
            let proper = point.q1 - point.q0 > 1e-3 && point.alpha < symmetric.alpha + 1e-4;
            if proper && best.is_none_or(|(_, alpha)| point.alpha < alpha) {
                best = Some((found, point.alpha));
            }
        }
        // The starts differ in reach only: one hit is enough.
        if best.is_some() {
            break;
        }
    }
    let missing = || {
        TheoryError::NotConverged(format!(
            "no one-step solution for binary {} at kappa = {kappa}; its replica-symmetric \
             capacity {} is unstable",
            activation.name(),
            symmetric.alpha
        ))
    };
    let (start, _) = best.ok_or_else(missing)?;
    let refine = |nodes: usize, from| {
        let theory = Theory::new(activation, kappa, nodes);
        let at = theory.solve(from)?;
        Some((at, theory.at(&at)?))
    };
    let (at, coarse) = refine(COARSE, start).ok_or_else(missing)?;
    let (_, fine) = refine(FINE, at).ok_or_else(missing)?;
    if fine.alpha > symmetric.alpha || fine.q1 - fine.q0 < 1e-3 {
        return Err(missing());
    }
    Ok(Capacity {
        alpha: fine.alpha,
        error: (fine.alpha - coarse.alpha).abs() + floor(fine.alpha),
        rsb: 1,
        order_parameters: vec![
            ("q0", fine.q0),
            ("q1", fine.q1),
            ("m", fine.m),
            ("q_hat0", fine.q_hat0),
            ("q_hat1", fine.q_hat1),
        ],
        // Beyond a continuous instability every finite number of steps is unstable.
        stable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Just below the replica-symmetric value, for the even and for a general activation.
    #[test]
    fn one_step_where_replica_symmetry_is_unstable() {
        for (activation, kappa) in
            [(Activation::Quadratic, 0.0), (Activation::LeakyRelu { slope: -0.9 }, 2.0)]
        {
            let symmetric =
                symmetric_capacity::binary_replica_symmetric(activation, kappa).unwrap();
            assert!(!symmetric.stable);
            let broken = capacity(activation, kappa).unwrap();
            let ratio = broken.alpha / symmetric.alpha;
            assert!(ratio < 1.0 && ratio > 0.95, "{symmetric:?} {broken:?}");
            assert!(broken.error < 1e-6 * broken.alpha, "{broken:?}");
        }
    }

    /// The saddle-point equations against numerical derivatives of φ by q̂0, q̂1 and m, through
    /// the entropic part: ∂/∂q̂1 and ∂/∂q̂0 vanish at fixed q by construction of q0, q1.
    #[test]
    fn entropic_averages_are_derivatives() {
        let theory = Theory::new(Activation::Relu, 0.0, 30);
        let (q_hat0, q_hat1, m) = (0.6, 1.9, 0.4);
        let s = theory.entropic(q_hat0, q_hat1, m);
        let step = 1e-4;
        let by_q_hat1 = (theory.entropic(q_hat0, q_hat1 + step, m).ln_sum
            - theory.entropic(q_hat0, q_hat1 - step, m).ln_sum)
            / (2.0 * step);
        // ½(1−q1) + ½m q1.
        let expected = 0.5 * s.q1.complement() + 0.5 * m * s.q1.value();
        assert!((by_q_hat1 - expected).abs() < 1e-8, "{by_q_hat1} {expected}");
        let by_q_hat0 = (theory.entropic(q_hat0 + step, q_hat1, m).ln_sum
            - theory.entropic(q_hat0 - step, q_hat1, m).ln_sum)
            / (2.0 * step);
        assert!((by_q_hat0 + 0.5 * m * s.q0).abs() < 1e-8);
    }
}
