//! Probability that a stored pattern's output flips when its bits, or the weights, are perturbed.
//!
//! Flipping each input bit, or each ±1 weight, at rate η leaves the overlap p = 1 − 2η with the
//! original (spherical weights: a random rotation to overlap p). Fields of the perturbed machine
//! given those of the stored pattern, F = Q, F1 = Qd:
//! - typical solution: t = pq̃, a = F(t)/√F(q̃), b = (F(p)−F(t))/s̃, variance σ² = F1 − a² − b²,
//!
//!   $$ \varepsilon = \int Dx \int_{y > -X} Dy\ \frac{H\left((ax + by)/\sigma\right)}{H(-X)}, \qquad
//!   X = \frac{\sqrt{F(\tilde q)} x - \kappa}{\tilde s} ; $$
//! - member of a dense region (m → ∞): w of law ρ, w0 = w − Dg, z0 = (w0 + κ/s)s/√F(q1),
//!   z* = √D g; mean [F(pq1)/√F(q1)]z0 + [pF'(pq1)√δ/√F'(q1)]z* + by, b = (F(p)−F(pq1))/s, y > −w,
//!   variance F1 − F(pq1)²/F(q1) − b²;
//! - its barycentre, normalised: mean [F(p√q1)/√F(q1)]z0 + [pF'(p√q1)√δ/(√q1√F'(q1))]z*,
//!   variance F1 − F(p√q1)²/F(q1).
//!
//! For κ > 0 a pattern is stored with margin κ, and a flip is still Δ < 0. 1–5 ms a rate.
//! Deterministic.

use super::covariance::{Covariance, Overlap};
use super::gaussian;
use super::local_entropy::{DenseRegion, Resolution};
use super::quadrature::Legendre;
use super::reference::Reference;
use super::{Outcome, root};
use crate::error::TheoryError;

/// Reach of the truncated normal above its lower end or 0, whichever is larger.
const REACH: f64 = 9.0;

/// p = 1 − 2η.
///
/// # Errors
/// `Domain` unless 0 ≤ η ≤ 1/2.
fn overlap(rate: f64) -> Outcome<Overlap> {
    if (0.0..=0.5).contains(&rate) {
        return Ok(Overlap::from_complement(2.0 * rate));
    }
    Err(TheoryError::Domain {
        argument: "rate",
        value: rate.to_string(),
        expected: "a flip rate between 0 and 1/2".into(),
    })
}

/// A stored pattern of a negative margin may have the wrong sign already.
///
/// # Errors
/// `Unavailable` for κ < 0.
fn require_margin(kappa: f64) -> Outcome<()> {
    if kappa < 0.0 {
        return Err(TheoryError::Unavailable(format!(
            "robustness at kappa = {kappa}: with a negative margin a stored pattern need not have \
             the right output"
        )));
    }
    Ok(())
}

/// E[H((mean + b y)/σ)] over a standard normal y truncated to y > `from`; σ may vanish.
fn flip_given(legendre: &Legendre, mean: f64, b: f64, sigma: f64, from: f64) -> f64 {
    let top = from.max(0.0) + REACH;
    let (layer, width) = (-mean / b, sigma / b);
    let mut breaks = vec![from, top];
    let steps = [-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0].map(|x| layer + x * width.abs());
    let coarse = [0.5, 1.5, 3.0, 5.0].map(|x| from.max(-REACH) + x);
    breaks.extend(steps.into_iter().chain(coarse).filter(|y| *y > from && *y < top));
    // Below −REACH nothing is truncated.
    if from < -REACH {
        breaks[0] = -REACH;
        breaks.retain(|y| *y >= -REACH);
    }
    // G(y)/H(from), together, so that neither underflows.
    let ln_norm = gaussian::ln_tail(from);
    let sum = legendre
        .panels(&breaks)
        .mean(|y| libm::exp(-0.5 * y * y - ln_norm) * gaussian::tail((mean + b * y) / sigma));
    sum * gaussian::INV_SQRT_2PI
}

/// ε(η) of a typical solution.
///
/// # Errors
/// `Domain` for a rate outside [0, 1/2], `Unavailable` for κ < 0.
pub fn typical(reference: &Reference, rate: f64) -> Outcome<f64> {
    let p = overlap(rate)?;
    let kappa = reference.model().kappa;
    require_margin(kappa)?;
    if rate == 0.0 {
        return Ok(0.0);
    }
    let covariance = reference.covariance();
    let (root, spread) = (reference.root_signal(), reference.spread());
    let t = p.value() * reference.overlap().value();
    let a = reference.projection(t);
    let b = (covariance.value(p) - covariance.value(t)) / spread;
    let sigma = residual(covariance, a, b)?;
    let legendre = Legendre::new(24);
    let centre = if root > 0.0 { kappa / root } else { 0.0 };
    let outer = legendre.gaussian(9.0, &[-4.0, -1.5, 0.0, 1.5, 4.0].map(|x| centre + x));
    Ok(outer.mean(|x| flip_given(&legendre, a * x, b, sigma, (kappa - root * x) / spread)))
}

/// √(F1 − a² − b²).
fn residual(covariance: &Covariance, a: f64, b: f64) -> Outcome<f64> {
    let variance = covariance.diagonal() - a * a - b * b;
    if variance > 0.0 {
        return Ok(variance.sqrt());
    }
    Err(TheoryError::NotConverged(format!(
        "the variance of the perturbed field, {variance:e}, is lost to rounding"
    )))
}

/// ε(η) of a member of `region`, whose saddle point as m → ∞ has `delta`.
///
/// # Errors
/// As [`typical`].
pub fn dense_member(region: &DenseRegion<'_>, delta: f64, rate: f64) -> Outcome<f64> {
    let p = overlap(rate)?;
    require_margin(region.kappa())?;
    if rate == 0.0 {
        return Ok(0.0);
    }
    let covariance = region.covariance();
    let t = p.value() * region.overlap().value();
    let root = region.signal().sqrt();
    let a = covariance.value(t) / root;
    let push = p.value() * covariance.first(t) * (delta / region.slope()).sqrt();
    let b = (covariance.value(p) - covariance.value(t)) / region.spread();
    let sigma = residual(covariance, a, b)?;
    let legendre = Legendre::new(16);
    let fields = Fields::new(region, delta);
    Ok(region.field_rule(Resolution::Coarse, delta).mean(|w| {
        let (z0, star) = fields.at(w);
        flip_given(&legendre, a * z0 + push * star, b, sigma, -w)
    }))
}

/// ε(η) of the barycentre of `region`; at η = 0 the probability that it fails a pattern.
///
/// # Errors
/// As [`typical`].
pub fn dense_center(region: &DenseRegion<'_>, delta: f64, rate: f64) -> Outcome<f64> {
    let p = overlap(rate)?;
    require_margin(region.kappa())?;
    let covariance = region.covariance();
    let root_q1 = region.overlap().value().sqrt();
    let t = p.value() * root_q1;
    let a = covariance.value(t) / region.signal().sqrt();
    let push = p.value() * covariance.first(t) * (delta / region.slope()).sqrt() / root_q1;
    // Of linear units the barycentre's field is certain: the variance is zero up to rounding.
    let variance = covariance.diagonal() - a * a;
    let sigma = variance.max(1e-28 * covariance.diagonal()).sqrt();
    let fields = Fields::new(region, delta);
    let mean = |w: f64| {
        let (z0, star) = fields.at(w);
        a * z0 + push * star
    };
    // The field rises with w; where σ is small the flip probability falls in a layer around its
    // zero, which gets panels of its own.
    let rule = region.field_rule(Resolution::Fine, delta);
    let ends = [rule.nodes()[0].0, rule.nodes()[rule.nodes().len() - 1].0];
    let Ok(zero) = root::brent(|w| Ok(mean(w)), ends[0], ends[1], 1e-14) else {
        return Ok(rule.mean(|w| gaussian::tail(mean(w) / sigma)));
    };
    let steepness = (mean(zero + 1e-4) - mean(zero - 1e-4)) / 2e-4;
    let width = sigma / steepness;
    let splits = [-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0].map(|x| zero + x * width);
    let rule = region.field_rule_split(Resolution::Fine, delta, &splits);
    Ok(rule.mean(|w| gaussian::tail(mean(w) / sigma)))
}

/// (z0, z*) of a pattern from its maximising field.
struct Fields {
    stretch: f64,
    shift: f64,
    deviation: f64,
}

impl Fields {
    fn new(region: &DenseRegion<'_>, delta: f64) -> Self {
        let spread = region.spread();
        Self {
            stretch: region.stretch(delta),
            shift: region.kappa() / spread,
            deviation: region.signal().sqrt() / spread,
        }
    }

    fn at(&self, w: f64) -> (f64, f64) {
        let g = gaussian::ratio(w);
        ((w - self.stretch * g + self.shift) / self.deviation, self.stretch.sqrt() * g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activation::Activation;
    use crate::model::weights::WeightKind;
    use crate::theory::model::{Hidden, Model};

    fn reference(weights: WeightKind, activation: Activation, alpha: f64) -> Reference {
        let model = Model::new(weights, activation, 0.0, Hidden::Infinite).unwrap();
        Reference::new(&model, "robustness", alpha).unwrap()
    }

    #[test]
    fn documented_typical_values() {
        let rates = [0.001, 0.01, 0.05, 0.1, 0.2];
        for (activation, alpha, values) in [
            (Activation::Relu, 0.4, [0.0267, 0.0826, 0.1776, 0.2448, 0.3350]),
            (Activation::Sign, 0.4, [0.0964, 0.1723, 0.2600, 0.3115, 0.3760]),
            (Activation::Relu, 0.6, [0.0285, 0.0873, 0.1852, 0.2528, 0.3418]),
            (Activation::Sign, 0.6, [0.0994, 0.1772, 0.2661, 0.3176, 0.3808]),
        ] {
            let reference = reference(WeightKind::Binary, activation, alpha);
            for (rate, expected) in rates.into_iter().zip(values) {
                let flip = typical(&reference, rate).unwrap();
                assert!((flip - expected).abs() < 6e-5, "{activation:?} {alpha} {rate} {flip}");
            }
        }
    }

    #[test]
    fn documented_dense_values() {
        for (activation, member, center) in [
            (Activation::Relu, [0.0483, 0.1375, 0.2140], [4.5e-5, 0.0079, 0.0971, 0.1907]),
            (Activation::Sign, [0.0964, 0.1922, 0.2645], [0.0052, 0.0236, 0.1357, 0.2363]),
        ] {
            let covariance = Covariance::new(activation);
            let region = DenseRegion::new(&covariance, WeightKind::Binary, 0.0, 0.6, 0.1).unwrap();
            let delta = region.solve_limit(Resolution::Fine).unwrap().delta;
            for (rate, expected) in [0.01, 0.05, 0.1].into_iter().zip(member) {
                let flip = dense_member(&region, delta, rate).unwrap();
                assert!((flip - expected).abs() < 6e-5, "{activation:?} {rate} {flip}");
            }
            for (rate, expected) in [0.0, 0.01, 0.05, 0.1].into_iter().zip(center) {
                let flip = dense_center(&region, delta, rate).unwrap();
                let digits = if expected < 1e-4 { 6e-7 } else { 6e-5 };
                assert!((flip - expected).abs() < digits, "center {activation:?} {rate} {flip}");
            }
        }
    }

    /// The perceptron as an independent closed form: fields of correlation p, so that
    /// ε = ∫P(Δ)H(pΔ/√(1−p²))dΔ. Then limits: monotone in η, one half at η = 1/2.
    #[test]
    fn perceptron_and_limits() {
        for weights in [WeightKind::Binary, WeightKind::Spherical] {
            let reference = reference(weights, Activation::Identity, 0.5);
            let density = crate::theory::stability::TypicalStability::new(&reference);
            let axis = Legendre::new(60).panels(&[0.0, 0.05, 0.3, 1.0, 3.0, 6.0, 9.0]);
            let mut last = 0.0;
            for rate in [0.001f64, 0.02, 0.1, 0.3] {
                let p = 1.0 - 2.0 * rate;
                let width = (1.0 - p * p).sqrt();
                let expected = axis.mean(|x| density.density(x) * gaussian::tail(p * x / width));
                let flip = typical(&reference, rate).unwrap();
                assert!((flip - expected).abs() < 1e-9, "{rate} {flip} {expected}");
                assert!(flip > last);
                last = flip;
            }
            assert!((typical(&reference, 0.5).unwrap() - 0.5).abs() < 1e-12);
            assert_eq!(typical(&reference, 0.0).unwrap(), 0.0);
            assert!(typical(&reference, 0.6).is_err());
        }
        let even = self::reference(WeightKind::Binary, Activation::Abs, 0.5);
        let flip = typical(&even, 0.05).unwrap();
        assert!(flip > 0.05 && flip < 0.5, "{flip}");
    }
}
