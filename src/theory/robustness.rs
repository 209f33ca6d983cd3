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
//! - its centre, by the field that the members share: mean
//!   [F(p√q1)/√F(q1)]z0 + [pF'(p√q1)√δ/(√q1√F'(q1))]z*, variance F1 − F(p√q1)²/F(q1);
//! - the normalised mean of its members, whose field follows theirs also where the pattern pushes
//!   them apart from the shared one: the same with (δ + 1 − q1)/√δ in place of √δ. Of linear units the
//!   mean then stores what its members store.
//!
//! The variances are written with the gaps v = F1 − F(p), u = F(q) − F(t), so that no digits are lost as
//! η → 0: F1 − F(t)²/F(q) − b² = 2v − u²/F(q) − (v−u)²/s².
//! For κ > 0 a pattern is stored with margin κ, and a flip is still Δ < 0. 1–5 ms a rate.
//! Deterministic.

use super::covariance::{Covariance, Overlap};
use super::gaussian;
use super::local_entropy::{DenseRegion, Resolution};
use super::quadrature::{Legendre, splits_around};
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
    // Below −REACH nothing is truncated.
    let (low, top) = (from.max(-REACH), from.max(0.0) + REACH);
    let (layer, width) = (-mean / b, sigma / b);
    let mut breaks = vec![low, top];
    let steps = [-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0].map(|x| layer + x * width.abs());
    // The law itself: the bulk of the normal, then its fall beyond the lower end.
    let bulk = [-5.0, -3.0, -1.0, 1.0, 3.0, 5.0];
    let fall = [0.5, 1.5, 3.0, 5.0].map(|x| low.max(0.0) + x);
    let inside = steps.into_iter().chain(bulk).chain(fall).filter(|y| *y > low && *y < top);
    breaks.extend(inside);
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
    let Own { b, sigma } = Own::new(covariance, p, root * root, covariance.value(t), spread)?;
    let legendre = Legendre::new(24);
    let centre = if root > 0.0 { kappa / root } else { 0.0 };
    let outer = legendre.gaussian(9.0, &splits_around(centre, &[-4.0, -1.5, 0.0, 1.5, 4.0]));
    Ok(outer.mean(|x| flip_given(&legendre, a * x, b, sigma, (kappa - root * x) / spread)))
}

/// The part of a perturbed field that belongs to the perturbed solution alone: the slope b in its own
/// field and the width σ of what remains.
struct Own {
    b: f64,
    sigma: f64,
}

impl Own {
    /// At overlap p with the original, F(q) = `signal`, F(t) = `cross`, s = `spread`.
    fn new(
        covariance: &Covariance,
        p: Overlap,
        signal: f64,
        cross: f64,
        spread: f64,
    ) -> Outcome<Self> {
        let v = covariance.gap(p);
        let u = signal - cross;
        let shared = if signal > 0.0 { u * u / signal } else { 0.0 };
        let variance = 2.0 * v - shared - (v - u) * (v - u) / (spread * spread);
        if variance > 0.0 {
            return Ok(Self { b: spread + (u - v) / spread, sigma: variance.sqrt() });
        }
        Err(TheoryError::NotConverged(format!(
            "the variance of the perturbed field, {variance:e}, is lost to rounding"
        )))
    }
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
    let Own { b, sigma } =
        Own::new(covariance, p, region.signal(), covariance.value(t), region.spread())?;
    let legendre = Legendre::new(16);
    let fields = Fields::new(region, delta);
    Ok(region.field_rule(Resolution::Coarse, delta).mean(|w| {
        let (z0, star) = fields.at(w);
        flip_given(&legendre, a * z0 + push * star, b, sigma, -w)
    }))
}

/// ε(η) of the centre of `region` by the members' shared field; at η = 0 the probability that it fails
/// a pattern.
///
/// # Errors
/// As [`typical`].
pub fn dense_center(region: &DenseRegion<'_>, delta: f64, rate: f64) -> Outcome<f64> {
    center(region, delta, delta, rate)
}

/// ε(η) of the normalised mean of the members of `region`; at η = 0 the probability that it fails a
/// pattern.
///
/// # Errors
/// As [`typical`].
pub fn dense_mean(region: &DenseRegion<'_>, delta: f64, rate: f64) -> Outcome<f64> {
    center(region, delta, delta + region.overlap().complement(), rate)
}

/// A centre whose field answers to the pattern's push by `response`.
fn center(region: &DenseRegion<'_>, delta: f64, response: f64, rate: f64) -> Outcome<f64> {
    let p = overlap(rate)?;
    require_margin(region.kappa())?;
    let covariance = region.covariance();
    let root_q1 = region.overlap().value().sqrt();
    let t = p.value() * root_q1;
    let a = covariance.value(t) / region.signal().sqrt();
    let push =
        p.value() * covariance.first(t) * response / (delta * region.slope()).sqrt() / root_q1;
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

    /// One half at η = 1/2, a rise with η, and the mean of solutions of linear units on the sphere, a
    /// convex set, which is itself a solution.
    #[test]
    fn dense_limits() {
        let rates = [1e-12, 1e-6, 1e-3, 0.02, 0.1, 0.3, 0.45, 0.5];
        for (weights, activation, kappa, alpha, distance) in [
            (WeightKind::Binary, Activation::Relu, 0.0, 0.6, 0.1),
            (WeightKind::Binary, Activation::Sign, 0.5, 0.2, 0.05),
            (WeightKind::Binary, Activation::Identity, 1.0, 0.1, 0.05),
            (WeightKind::Spherical, Activation::Identity, 0.0, 1.8, 0.01),
        ] {
            let covariance = Covariance::new(activation);
            let region = DenseRegion::new(&covariance, weights, kappa, alpha, distance).unwrap();
            let delta = region.solve_limit(Resolution::Fine).unwrap().delta;
            for of in [dense_member, dense_mean] {
                let flips = rates.map(|rate| of(&region, delta, rate).unwrap());
                assert!(flips.is_sorted(), "{activation:?} {flips:?}");
                assert!((flips[7] - 0.5).abs() < 1e-10, "{activation:?} {flips:?}");
            }
            assert!((dense_center(&region, delta, 0.5).unwrap() - 0.5).abs() < 1e-10);
            let failed = dense_mean(&region, delta, 0.0).unwrap();
            assert!(failed <= dense_center(&region, delta, 0.0).unwrap());
            if activation == Activation::Identity {
                assert!(failed < 1e-12, "{failed}");
            }
        }
    }

    /// A member of a dense region of linear units: as for typical solutions, ∫P(Δ)H(pΔ/√(1−p²))dΔ.
    #[test]
    fn dense_perceptron() {
        let covariance = Covariance::new(Activation::Identity);
        for (kappa, alpha, distance) in [(0.0, 0.6, 0.1), (0.5, 0.25, 0.03)] {
            let region =
                DenseRegion::new(&covariance, WeightKind::Binary, kappa, alpha, distance).unwrap();
            let delta = region.solve_limit(Resolution::Fine).unwrap().delta;
            let density = crate::theory::stability::DenseStability::new(&region, delta);
            let axis =
                Legendre::new(60).panels(&[0.0, 0.05, 0.3, 1.0, 3.0, 6.0, 9.0].map(|x| kappa + x));
            for rate in [1e-6f64, 0.001, 0.02, 0.1, 0.3] {
                let p = 1.0 - 2.0 * rate;
                let width = (1.0 - p * p).sqrt();
                let expected = axis.mean(|x| density.density(x) * gaussian::tail(p * x / width));
                let flip = dense_member(&region, delta, rate).unwrap();
                assert!((flip - expected).abs() < 1e-9, "{kappa} {rate} {flip} {expected}");
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
