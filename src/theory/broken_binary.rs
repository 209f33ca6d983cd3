//! Binary weights with one step of breaking, for machines whose replica-symmetric solution is
//! unstable: entropy at a load, and the load where it vanishes.
//!
//! $$ \varphi = -\frac{\hat q_1}{2}(1-q_1) + \frac m2 (\hat q_0 q_0 - \hat q_1 q_1) +
//!    \frac1m \int Dz_0 \ln \int Dz_1 [2\cosh X]^m + \alpha \mathcal G_E, \quad
//!    X = \sqrt{\hat q_0} z_0 + \sqrt{\hat q_1 - \hat q_0} z_1 $$
//!
//! with G_E of [`super::one_step_energetic`]. At given (q0, q1, m) the
//! conjugates maximise G_S: q1 = ∫⟨tanh² X⟩, q0 = ∫⟨tanh X⟩². In (q0, q1, m) the solution is the
//! minimum of φ (the n → 0 exchange of maximum and minimum), where q̂0 = αQ'(q0)J0,
//! q̂1 = αQ'(q1)J1 and ∂_m φ = 0. The complexity vanishes there and φ is the entropy within a
//! state; hence the capacity is α_c = min G_S/(−G_E) over 0 ≤ q0 ≤ q1 < 1, 0 < m < 1, as for
//! spherical weights. The search variables are (ln q̂0, ln(q̂1−q̂0), logit m), from which q0 and q1
//! follow: an unconstrained minimum of three variables. The replica-symmetric value is attained
//! where q0 = q1, so a value that is not below it is no solution.
//!
//! For an even Q, where q0 = 0 is stationary too, the minimum has q0 ≈ q1/3 near the transition, as
//! in the Sherrington–Kirkpatrick model without a field (Parisi, J. Phys. A 13, 1101 (1980)).
//!
//! Stability by the two replicon eigenvalues, between states and within a state:
//! ρ0 = α[Q'(q0)²C0 + Q''(q0)J0]∫Dz0(⟨sech²⟩ + m(⟨tanh²⟩−⟨tanh⟩²))²,
//! ρ1 = α[Q'(q1)²C1 + Q''(q1)J1]∫Dz0⟨sech⁴⟩. Error: change under refined quadrature. About 1 s.
//! Deterministic.

use super::Outcome;
use super::capacity::{Capacity, floor};
use super::covariance::{Covariance, Overlap};
use super::gaussian;
use super::minimum::{Minimum, Stencil, quasi_newton};
use super::one_step::OneStepPoint;
use super::one_step_energetic::OneStepEnergy;
use super::quadrature::Legendre;
use super::symmetric_capacity;
use crate::error::TheoryError;
use crate::model::activation::Activation;

/// Nodes a panel: search, then two whose difference is the error.
const ROUGH: usize = 7;
const COARSE: usize = 10;
const FINE: usize = 14;
/// Smallest relative fall below replica symmetry that is a solution.
const GAIN: f64 = 1e-10;

/// Entropic averages with one step.
struct Entropic {
    /// (1/m)∫Dz0 ln∫Dz1 [2cosh X]^m.
    ln_sum: f64,
    q0: f64,
    q1: Overlap,
    /// R0 and R1 of the replicons.
    r0: f64,
    r1: f64,
}

struct Theory {
    energy: OneStepEnergy,
    legendre: Legendre,
    /// Step of the trapezoid over z1, in units of the integrand's width.
    step: f64,
}

/// A point of the search space.
#[derive(Clone, Copy, Debug)]
struct Place {
    q_hat0: f64,
    q_hat1: f64,
    m: f64,
}

impl Place {
    /// At (ln q̂0, ln(q̂1−q̂0), logit m); `None` far outside.
    fn new(x: &[f64]) -> Option<Self> {
        if x[0].abs() > 12.0 || x[1].abs() > 12.0 || x[2].abs() > 9.0 {
            return None;
        }
        let q_hat0 = libm::exp(x[0]);
        let m = Overlap::from_logit(x[2]).value();
        Some(Self { q_hat0, q_hat1: q_hat0 + libm::exp(x[1]), m })
    }
}

/// Everything at a place.
struct Point {
    place: Place,
    g_s: f64,
    g_e: f64,
    q0: f64,
    q1: f64,
    /// ρ0/α and ρ1/α.
    replicons: [f64; 2],
    /// α of the two conjugate equations.
    #[cfg(test)]
    alphas: [f64; 2],
}

impl Point {
    fn one_step(&self, alpha: f64, error: f64) -> OneStepPoint {
        OneStepPoint {
            entropy: self.g_s + alpha * self.g_e,
            error,
            q0: self.q0,
            q1: self.q1,
            m: self.place.m,
        }
    }
}

impl Theory {
    fn new(activation: Activation, kappa: f64, nodes: usize) -> Self {
        let energy = OneStepEnergy::new(Covariance::new(activation), kappa, nodes);
        Self { energy, legendre: Legendre::new(nodes), step: 5.6 / nodes as f64 }
    }

    fn entropic(&self, place: Place) -> Entropic {
        let Place { q_hat0, q_hat1, m } = place;
        let (outer_field, inner_field) = (q_hat0.sqrt(), (q_hat1 - q_hat0).sqrt());
        // Even in z0. Over z1 everything is analytic up to the poles of tanh, at a distance
        // (π/2)/√(q̂1−q̂0), and the weight moves out to |z1| ≈ m√(q̂1−q̂0): a trapezoid.
        let outer = self.legendre.panels(&[0.0, 0.6, 1.5, 3.0, 5.0, 8.0, 12.0]);
        let reach = 9.0 + m * inner_field;
        let count = (reach / (self.step * (1.1f64).min(0.8 / inner_field))).ceil() as i32;
        let step = reach / f64::from(count);
        let mut terms: Vec<(f64, f64, f64)> = Vec::with_capacity(2 * count as usize + 1);
        let ln_norm = libm::log(gaussian::INV_SQRT_2PI * step);
        let [ln_sum, q0, q1, complement, r0, r1] = outer.means(|z0| {
            terms.clear();
            terms.extend((-count..=count).map(|i| {
                let z1 = f64::from(i) * step;
                let x = outer_field * z0 + inner_field * z1;
                (1.0, m * gaussian::ln_2cosh(x) - 0.5 * z1 * z1, x)
            }));
            let ln_sum = gaussian::ln_sum_exp(terms.iter().map(|&(w, e, _)| (w, e)));
            let mut sums = [0.0; 4];
            for &(weight, exponent, x) in &terms {
                let share = weight * libm::exp(exponent - ln_sum);
                let (t, s) = gaussian::tanh_sech2(x);
                for (sum, value) in sums.iter_mut().zip([t, t * t, s, s * s]) {
                    *sum += share * value;
                }
            }
            let [t, t2, s, s2] = sums;
            let response = s + m * (t2 - t * t);
            let density = gaussian::density(z0);
            [(ln_sum + ln_norm) / m, t * t, t2, s, response * response, s2].map(|v| density * v)
        });
        let norm = q1 + complement;
        Entropic {
            ln_sum: ln_sum / norm,
            q0: q0 / norm,
            q1: Overlap::from_parts(q1 / norm, complement / norm),
            r0: r0 / norm,
            r1: r1 / norm,
        }
    }

    fn point(&self, place: Place) -> Point {
        let Place { q_hat0, q_hat1, m } = place;
        let s = self.entropic(place);
        let (q0, q1) = (Overlap::new(s.q0), s.q1);
        let e = self.energy.averages(q0, q1, m);
        let covariance = &self.energy.covariance;
        let product = 0.5 * (q_hat0 * q0.value() - q_hat1 * q1.value());
        let replicon = |q: Overlap, curvature: f64, response: f64, factor: f64| {
            let first = covariance.first(q);
            (first * first * curvature + covariance.second(q) * response) * factor
        };
        Point {
            place,
            g_s: -0.5 * q_hat1 * q1.complement() + m * product + s.ln_sum,
            g_e: e.g_e,
            q0: q0.value(),
            q1: q1.value(),
            replicons: [replicon(q0, e.c0, e.j0, s.r0), replicon(q1, e.c1, e.j1, s.r1)],
            #[cfg(test)]
            alphas: [
                q_hat0 / (covariance.first(q0) * e.j0),
                q_hat1 / (covariance.first(q1) * e.j1),
            ],
        }
    }

    /// The minimum of `objective` from `start`.
    fn settle(
        &self,
        objective: impl Fn(&Point) -> f64,
        start: &[f64],
        gain: f64,
        stencil: Stencil,
    ) -> Minimum {
        let value = |x: &[f64]| {
            let Some(place) = Place::new(x) else { return f64::INFINITY };
            let value = objective(&self.point(place));
            if value.is_finite() { value } else { f64::INFINITY }
        };
        quasi_newton(value, start, gain, 200, stencil)
    }
}

/// G_S/(−G_E).
fn load(point: &Point) -> f64 {
    let load = point.g_s / -point.g_e;
    if load > 0.0 { load } else { f64::INFINITY }
}

/// Minimises `objective` at three resolutions, from starts around the replica-symmetric conjugate
/// `field`: the point, and its value at the last two.
fn minimise(
    activation: Activation,
    kappa: f64,
    field: f64,
    objective: impl Fn(&Point) -> f64 + Copy,
) -> Option<(Point, [f64; 2])> {
    let [rough, coarse, fine] =
        [ROUGH, COARSE, FINE].map(|nodes| Theory::new(activation, kappa, nodes));
    let start = |share: f64, logit: f64| {
        [libm::log(field * (1.0 - 0.5 * share)), libm::log(field * share), logit]
    };
    let best = [start(0.3, 0.7), start(1.0, -1.0)]
        .iter()
        .map(|start| rough.settle(objective, start, 1e-10, Stencil::Three))
        .min_by(|x, y| x.value.total_cmp(&y.value))?;
    let coarse_best = coarse.settle(objective, &best.at, 1e-14, Stencil::Three);
    let fine_best = fine.settle(objective, &coarse_best.at, 1e-14, Stencil::Five);
    let point = fine.point(Place::new(&fine_best.at)?);
    fine_best.converged.then_some((point, [coarse_best.value, fine_best.value]))
}

/// The one-step capacity.
///
/// # Errors
/// `NotConverged` if no one-step solution below the replica-symmetric load is found.
pub fn capacity(activation: Activation, kappa: f64) -> Outcome<Capacity> {
    let symmetric = symmetric_capacity::binary_replica_symmetric(activation, kappa)?;
    let field = symmetric
        .order_parameters
        .iter()
        .find(|(name, _)| *name == "q_hat")
        .map_or(1.0, |&(_, value)| value);
    let missing = || {
        TheoryError::NotConverged(format!(
            "no one-step solution for binary {} at kappa = {kappa}; its replica-symmetric \
             capacity {} is unstable",
            activation.name(),
            symmetric.alpha
        ))
    };
    let (point, [coarse, alpha]) = minimise(activation, kappa, field, load).ok_or_else(missing)?;
    if alpha > symmetric.alpha * (1.0 - GAIN) || point.q1 <= point.q0 {
        return Err(missing());
    }
    let [between, within] = point.replicons.map(|ratio| ratio * alpha);
    Ok(Capacity {
        alpha,
        error: (alpha - coarse).abs() + floor(alpha),
        rsb: 1,
        order_parameters: vec![
            ("q0", point.q0),
            ("q1", point.q1),
            ("m", point.place.m),
            ("q_hat0", point.place.q_hat0),
            ("q_hat1", point.place.q_hat1),
            ("replicon0", between),
            ("replicon1", within),
        ],
        stable: between <= 1.0 && within <= 1.0,
        note: None,
    })
}

/// The one-step solution at load `alpha`, where the replica-symmetric one, of conjugate
/// `q_hat`, is unstable. Its entropy may be negative.
///
/// # Errors
/// `NotConverged`.
pub fn entropy(
    activation: Activation,
    kappa: f64,
    alpha: f64,
    q_hat: f64,
) -> Outcome<OneStepPoint> {
    let objective = |point: &Point| point.g_s + alpha * point.g_e;
    let (point, [coarse, fine]) =
        minimise(activation, kappa, q_hat, objective).ok_or_else(|| {
            TheoryError::NotConverged(format!(
                "one-step solution of binary {} at alpha = {alpha}",
                activation.name()
            ))
        })?;
    Ok(point.one_step(alpha, (fine - coarse).abs() + floor(fine)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Below the replica-symmetric value wherever that is unstable, however closely; the two
    /// saddle-point equations, which the search does not know, hold at the minimum.
    #[test]
    fn one_step_where_replica_symmetry_is_unstable() {
        for (activation, kappa) in [
            (Activation::Quadratic, 0.0),
            (Activation::Abs, 0.5),
            (Activation::LeakyRelu { slope: -0.9 }, 2.0),
            (Activation::Relu, 2.0),
        ] {
            let symmetric =
                symmetric_capacity::binary_replica_symmetric(activation, kappa).unwrap();
            assert!(!symmetric.stable);
            let broken = capacity(activation, kappa).unwrap();
            let ratio = broken.alpha / symmetric.alpha;
            assert!(ratio < 1.0 && ratio > 0.95, "{symmetric:?} {broken:?}");
            assert!(broken.error < 1e-9 * broken.alpha, "{broken:?}");
            let value = |name: &str| {
                broken.order_parameters.iter().find(|(key, _)| *key == name).unwrap().1
            };
            let place = Place { q_hat0: value("q_hat0"), q_hat1: value("q_hat1"), m: value("m") };
            let [between, within] =
                Theory::new(activation, kappa, FINE).point(place).alphas.map(|x| x / broken.alpha);
            assert!((within - 1.0).abs() < 1e-5, "{activation:?} {within} {broken:?}");
            assert!((between - 1.0).abs() < 1e-5, "{activation:?} {between} {broken:?}");
        }
    }

    /// The averages are derivatives of G_S by the conjugates at fixed overlaps.
    #[test]
    fn entropic_averages_are_derivatives() {
        let theory = Theory::new(Activation::Relu, 0.0, FINE);
        let place = Place { q_hat0: 0.6, q_hat1: 1.9, m: 0.4 };
        let s = theory.entropic(place);
        let step = 1e-4;
        let at = |x: f64, y: f64| {
            let there = Place { q_hat0: place.q_hat0 + x, q_hat1: place.q_hat1 + y, ..place };
            theory.entropic(there).ln_sum
        };
        let by_q_hat1 = (at(0.0, step) - at(0.0, -step)) / (2.0 * step);
        // ½(1−q1) + ½m q1.
        let expected = 0.5 * s.q1.complement() + 0.5 * place.m * s.q1.value();
        assert!((by_q_hat1 - expected).abs() < 1e-8, "{by_q_hat1} {expected}");
        let by_q_hat0 = (at(step, 0.0) - at(-step, 0.0)) / (2.0 * step);
        assert!((by_q_hat0 + 0.5 * place.m * s.q0).abs() < 1e-8);
    }

    /// Where q0 = q1 both eigenvalues are the replica-symmetric replicon.
    #[test]
    fn replicons_merge() {
        use crate::model::weights::WeightKind;
        use crate::theory::energetic::WideEnergy;
        use crate::theory::replica_symmetric::ReplicaSymmetric;
        let symmetric = ReplicaSymmetric::new(
            WeightKind::Binary,
            WideEnergy::new(Activation::Relu, 0.3, 100),
            100,
        );
        let point = symmetric.branch(0.2);
        let expected = symmetric.replicon(&point) / point.alpha;
        let theory = Theory::new(Activation::Relu, 0.3, FINE);
        let place = Place { q_hat0: point.q_hat - 1e-7, q_hat1: point.q_hat, m: 0.5 };
        for replicon in theory.point(place).replicons {
            assert!((replicon / expected - 1.0).abs() < 1e-5, "{replicon} {expected}");
        }
    }
}
