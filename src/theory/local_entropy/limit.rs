//! Local entropy as m → ∞.
//!
//! q0 = q1 − δ/m, q̂1 = q̂0 + Λ/m, and the inner averages become maxima:
//! S_I = ext over (q̂0, Λ, δ) of −q̂0(1−q1+δ)/2 − Λq1/2 +
//! E_z0 max_z[−z²/2 + ln 2cosh(√q̂0 z0 + √Λ z)] +
//! α E_z0 max_z[−z²/2 + ln H((κ − √F z0 − √(F'δ) z)/s)], F, F', s at q1.
//! The maxima are removed by changes of variables. Entropic: τ = tanh u, b = u − Λτ = √q̂0 z0;
//! density 2G(b/√q̂0)(1 − Λ sech²u)/√q̂0 on u > u_min (the positive root of u = Λ tanh u if Λ > 1,
//! else 0), value −Λτ²/2 + ln 2cosh u. Energetic: w = (v − κ)/s with v the maximising field,
//! g = φ(w)/Φ(w), D = F'δ/s², w0 = w − Dg of law N(−κ/s, F/s²), Jacobian 1 + Dg(w+g), value
//! −Dg²/2 + ln Φ(w).
//! Saddle: q̂0 = α(F'/s²)E g²; q1 = Eτ² gives Λ; δ = E(bτ)/q̂0 − (1−q1), one root in ln δ.
//! Spherical: the entropic part is ½[ln(1−q1) + q1/(1−q1+δ)].
//! S_E is the order 1/m of φ. Source: Baldassi et al., PNAS 117, 161 (2020), supplement; S_E and
//! κ ≠ 0 derived here. About 5 ms a point. Deterministic.

use super::super::gaussian;
use super::super::quadrature::{Legendre, Rule};
use super::super::{Outcome, root};
use super::{DenseRegion, Resolution};
use crate::error::TheoryError;
use crate::model::weights::WeightKind;

/// Half-width of the law of b, in standard deviations.
const HALF_WIDTH: f64 = 9.0;
/// Range of ln δ that is searched. Beyond the upper end S_I equals the bound to 1e-30.
const LN_DELTA: (f64, f64) = (-14.0, 80.0);

/// The saddle point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitSolution {
    /// q̂0 (spherical: the response α(F'/s²)E g²).
    pub q_hat0: f64,
    /// Λ; 0 for spherical weights, which have no such parameter.
    pub lambda: f64,
    /// δ; infinite where S_I equals the bound.
    pub delta: f64,
    /// S_I.
    pub entropy: f64,
    /// S_E.
    pub external_entropy: f64,
    /// dS_I/dq1.
    pub slope: f64,
}

impl LimitSolution {
    /// (δ, Λ), from which finite m is searched.
    pub(super) fn start(&self) -> Option<(f64, f64)> {
        (self.delta.is_finite() && self.lambda > 0.0).then_some((self.delta, self.lambda))
    }
}

/// Averages over w.
#[derive(Clone, Copy, Debug)]
struct Energetic {
    norm: f64,
    value: f64,
    g: f64,
    g2: f64,
    /// E[(w0 + κ/s) g].
    field_g: f64,
    ln_jacobian: f64,
}

/// Averages over u.
#[derive(Clone, Copy, Debug)]
struct Entropic {
    norm: f64,
    tau2: f64,
    b_tau: f64,
    ln_2cosh: f64,
    ln_jacobian: f64,
}

impl DenseRegion<'_> {
    /// The saddle point as m → ∞.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn solve_limit(&self, resolution: Resolution) -> Outcome<LimitSolution> {
        let legendre = Legendre::new(match resolution {
            Resolution::Coarse => 24,
            Resolution::Fine => 40,
        });
        let residual = |ln_delta: f64| self.residual(&legendre, libm::exp(ln_delta));
        match root::first_fall(residual, LN_DELTA.0, LN_DELTA.1, 1.0)? {
            Some((before, after)) => {
                let ln_delta = root::brent_from(residual, before, after, 1e-13)?;
                self.assemble(&legendre, libm::exp(ln_delta))
            }
            // A small load: regions of which every member is a solution, in the first order.
            None if residual(LN_DELTA.1)? > 0.0 => Ok(LimitSolution {
                q_hat0: 0.0,
                lambda: f64::NAN,
                delta: f64::INFINITY,
                entropy: self.bound(),
                external_entropy: f64::NEG_INFINITY,
                slope: f64::NAN,
            }),
            None => Err(TheoryError::NotConverged(format!(
                "no saddle point of the local entropy as m -> infinity at {}",
                self.place()
            ))),
        }
    }

    /// Positive below the root in δ, negative above.
    fn residual(&self, legendre: &Legendre, delta: f64) -> Outcome<f64> {
        let q_hat0 = self.q_hat0(&self.energetic(legendre, delta));
        let complement = self.q1.complement();
        let updated = match self.weights {
            WeightKind::Binary => {
                let lambda = self.lambda(legendre, q_hat0)?;
                entropic(legendre, q_hat0, lambda).b_tau / q_hat0 - complement
            }
            WeightKind::Spherical => (self.q1.value() / q_hat0).sqrt() - complement,
        };
        Ok((updated - delta) / (updated.abs() + delta))
    }

    fn q_hat0(&self, energetic: &Energetic) -> f64 {
        self.alpha * self.slope / self.gap * energetic.g2
    }

    /// Λ from q1 = Eτ², which grows with Λ.
    fn lambda(&self, legendre: &Legendre, q_hat0: f64) -> Outcome<f64> {
        // In terms of 1 − q1, which stays accurate as q1 → 1.
        let missing = |lambda: f64| {
            let e = entropic(legendre, q_hat0, lambda);
            Ok((e.norm - e.tau2) / self.q1.complement() - 1.0)
        };
        let mut low = (0.0, missing(0.0)?);
        let direction = if low.1 >= 0.0 { 1.0 } else { -1.0 };
        let mut step = direction;
        loop {
            let next = low.0 + step;
            let high = (next, missing(next)?);
            if high.1 * low.1 <= 0.0 {
                return root::brent_from(missing, low, high, 1e-14);
            }
            if next.abs() > 1e6 {
                return Err(TheoryError::NotConverged(format!(
                    "no Lambda gives q1 = {} at {}",
                    self.q1.value(),
                    self.place()
                )));
            }
            low = high;
            step *= 1.5;
        }
    }

    fn assemble(&self, legendre: &Legendre, delta: f64) -> Outcome<LimitSolution> {
        let e = self.energetic(legendre, delta);
        let (q1, complement) = (self.q1.value(), self.q1.complement());
        let q_hat0 = self.q_hat0(&e);
        let (lambda, g_s, external_s, slope_s, norm) = match self.weights {
            WeightKind::Binary => {
                let lambda = self.lambda(legendre, q_hat0)?;
                let s = entropic(legendre, q_hat0, lambda);
                let g_s = -0.5 * q_hat0 * (complement + delta)
                    - 0.5 * lambda * q1
                    - 0.5 * lambda * s.tau2
                    + s.ln_2cosh;
                let external = -0.5 * lambda * complement - 0.5 * s.ln_jacobian;
                (lambda, g_s, external, 0.5 * (q_hat0 - lambda), s.norm)
            }
            WeightKind::Spherical => {
                let total = complement + delta;
                let g_s = 0.5 * (libm::log(complement) + q1 / total);
                let external = 0.5 * (libm::log(total / complement) - delta / total);
                let slope = 0.5 * (-1.0 / complement + (1.0 + delta) / (total * total));
                (0.0, g_s, external, slope, 1.0)
            }
        };
        if (e.norm - 1.0).abs() > 1e-9 || (norm - 1.0).abs() > 1e-9 {
            return Err(TheoryError::NotConverged(format!(
                "quadrature norms {} and {norm} differ from 1 at {}",
                e.norm,
                self.place()
            )));
        }
        let (f, f1, f2, s2) = (self.signal, self.slope, self.curvature, self.gap);
        let external_e = -0.25 * f2 * delta * delta * e.g2 / s2
            - 0.5 * f1 * delta * e.field_g / f
            - 0.5 * e.ln_jacobian;
        let slope_e = 0.5
            * (e.field_g * f1 * (s2 + f) / (f * s2)
                + e.g2 * delta * (f2 / s2 + f1 * f1 / (s2 * s2))
                - e.g * self.kappa * f1 / (s2 * s2.sqrt()));
        Ok(LimitSolution {
            q_hat0,
            lambda,
            delta,
            entropy: g_s + self.alpha * e.value,
            external_entropy: external_s + self.alpha * external_e,
            slope: slope_s + self.alpha * slope_e,
        })
    }

    /// Nodes w with the weight ρ(w)dw, ρ the law of the maximising field of a pattern; `delta` as
    /// in the solution.
    pub fn field_rule(&self, resolution: Resolution, delta: f64) -> Rule {
        self.field_rule_split(resolution, delta, &[])
    }

    /// [`Self::field_rule`] with panels split at `splits` too.
    pub fn field_rule_split(&self, resolution: Resolution, delta: f64, splits: &[f64]) -> Rule {
        let nodes = match resolution {
            Resolution::Coarse => 24,
            Resolution::Fine => 40,
        };
        self.fields(&Legendre::new(nodes), delta, splits)
    }

    /// D = F'δ/s².
    pub fn stretch(&self, delta: f64) -> f64 {
        self.slope * delta / self.gap
    }

    fn fields(&self, legendre: &Legendre, delta: f64, splits: &[f64]) -> Rule {
        let s = self.gap.sqrt();
        let (mean, deviation) = (-self.kappa / s, self.signal.sqrt() / s);
        let stretch = self.stretch(delta);
        // One panel a standard deviation of w0, and small ones around the knee where D g(w+g) = 1,
        // where w leaves w0.
        let mut breaks: Vec<f64> =
            (-9..=9).map(|k| preimage(mean + f64::from(k) * deviation, stretch)).collect();
        let (low, high) = (breaks[0], breaks[breaks.len() - 1]);
        let knee = preimage(0.0, stretch);
        let width = 1.0 / (1.0 + knee);
        let around = [-4.0, -1.5, 0.0, 1.5, 4.0, 10.0].map(|x| knee + x * width);
        let inside = around.iter().chain(splits).filter(|w| (low..high).contains(*w));
        breaks.extend(inside);
        let nodes = legendre
            .panels(&breaks)
            .nodes()
            .iter()
            .map(|&(w, weight)| {
                let g = gaussian::ratio(w);
                let x = (w - stretch * g - mean) / deviation;
                (w, weight * gaussian::density(x) / deviation * (1.0 + stretch * g * (w + g)))
            })
            .collect();
        Rule::from_nodes(nodes)
    }

    fn energetic(&self, legendre: &Legendre, delta: f64) -> Energetic {
        let shift = self.kappa / self.gap.sqrt();
        let stretch = self.stretch(delta);
        let [norm, value, g, g2, field_g, ln_jacobian] =
            self.fields(legendre, delta, &[]).means(|w| {
                let g = gaussian::ratio(w);
                let field = w - stretch * g + shift;
                let value = -0.5 * stretch * g * g + gaussian::ln_cdf(w);
                [1.0, value, g, g * g, field * g, libm::log1p(stretch * g * (w + g))]
            });
        Energetic { norm, value, g, g2, field_g, ln_jacobian }
    }
}

/// The w with w − D g(w) = w0. The left-hand side is concave and increases, so that Newton's
/// method from the left is monotone.
fn preimage(w0: f64, stretch: f64) -> f64 {
    let mut w = w0;
    for _ in 0..200 {
        let g = gaussian::ratio(w);
        let step = (w0 - w + stretch * g) / (1.0 + stretch * g * (w + g));
        w += step;
        if step.abs() <= 1e-14 * (1.0 + w.abs()) {
            break;
        }
    }
    w
}

/// The positive root of u = Λ tanh u if Λ > 1, else 0; from the right, where the difference is
/// convex and increases, Newton's method is monotone.
fn turning_point(lambda: f64) -> f64 {
    if lambda <= 1.0 {
        return 0.0;
    }
    let mut u = lambda;
    for _ in 0..500 {
        let (tau, sech2) = gaussian::tanh_sech2(u);
        let step = (u - lambda * tau) / (1.0 - lambda * sech2);
        if !step.is_finite() {
            break;
        }
        u = (u - step).max(0.0);
        if step.abs() <= 1e-15 * u {
            break;
        }
    }
    u
}

/// b at u = low + v, without the cancellation of u against Λ tanh u where b is small:
/// tanh u − tanh low = tanh v (1 − tanh u tanh low).
fn field_at(lambda: f64, low_tau: f64, v: f64, tau: f64) -> f64 {
    v - lambda * libm::tanh(v) * (1.0 - tau * low_tau)
}

/// The v > 0 at which [`field_at`] is `b`.
fn branch_point(b: f64, lambda: f64, low: f64) -> f64 {
    let (low_tau, low_sech2) = gaussian::tanh_sech2(low);
    let mut v = (b / (1.0 - lambda * low_sech2).max(0.0)).min(b + lambda.max(0.0));
    for _ in 0..500 {
        let (tau, sech2) = gaussian::tanh_sech2(low + v);
        let step = (field_at(lambda, low_tau, v, tau) - b) / (1.0 - lambda * sech2);
        if !step.is_finite() {
            break;
        }
        v = (v - step).max(0.0);
        if step.abs() <= 1e-13 * v {
            break;
        }
    }
    v
}

fn entropic(legendre: &Legendre, q_hat0: f64, lambda: f64) -> Entropic {
    let field = q_hat0.sqrt();
    let low = turning_point(lambda);
    let low_tau = libm::tanh(low);
    let reach = branch_point(HALF_WIDTH * field, lambda, low);
    let fractions = [0.0, 0.01, 0.03, 0.08, 0.15, 0.23, 0.32, 0.43, 0.55, 0.7, 0.85, 1.0];
    let rule = legendre.panels(&fractions.map(|x| reach * x));
    let [norm, tau2, b_tau, ln_2cosh, ln_jacobian] = rule.means(|v| {
        let u = low + v;
        let (tau, sech2) = gaussian::tanh_sech2(u);
        let b = field_at(lambda, low_tau, v, tau);
        let jacobian = 1.0 - lambda * sech2;
        let density = 2.0 * gaussian::density(b / field) / field * jacobian;
        let ln_jacobian = if jacobian > 0.0 { libm::log(jacobian) } else { 0.0 };
        [
            density,
            density * tau * tau,
            density * b * tau,
            density * gaussian::ln_2cosh(u),
            density * ln_jacobian,
        ]
    });
    Entropic { norm, tau2, b_tau, ln_2cosh, ln_jacobian }
}
