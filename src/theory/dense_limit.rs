//! The load at which the dense region breaks up, α_U, by two criteria.
//!
//! $$ \alpha_U = \sup \lbrace \alpha : \partial_d S_I(d) \ge 0 \rbrace \qquad\text{or}\qquad
//!    \alpha_U = \sup \lbrace \alpha : S_I(d; m^\ast) \ge 0 \rbrace . $$
//!
//! Monotonicity: the largest α for which S_I (m → ∞) grows with d all the way from small d to the
//! distance of typical solutions; beyond it, regions of intermediate size are missing. External:
//! the largest α for which S_I at m*, where S_E = 0, is not negative at any d ≥ 0.005.
//! dS_I/dq1 is a by-product of the saddle point of [`super::local_entropy::limit`].
//! Source: Baldassi et al., PNAS 117, 161 (2020). Deterministic; 5 to 15 s.

use super::covariance::Covariance;
use super::local_entropy::{DenseRegion, Resolution};
use super::model::Model;
use super::reference::Reference;
use super::{Outcome, root};
use crate::error::TheoryError;
use crate::model::weights::WeightKind;

/// Distances of the monotonicity criterion.
const RANGE: (f64, f64) = (0.01, 0.25);
/// Distances of the external criterion: S_I(m*) has its shallow minimum near 0.01 at break-up and
/// tends to 0 with d.
const SMALL: [f64; 3] = [0.005, 0.01, 0.02];

/// α_U by both criteria.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakUp {
    /// By monotonicity of S_I.
    pub monotonicity: f64,
    /// By S_I(m*) ≥ 0.
    pub external: f64,
}

/// α_U of `model`, whose capacity is `capacity`.
///
/// # Errors
/// `Unavailable` at finite K or for spherical weights; `NotConverged`; `Absent` without a break-up.
pub fn break_up(model: &Model, capacity: f64) -> Outcome<BreakUp> {
    model.require_infinite("dense limit")?;
    if model.weights == WeightKind::Spherical {
        return Err(TheoryError::Unavailable("dense limit of spherical weights".into()));
    }
    Ok(BreakUp {
        monotonicity: by_monotonicity(model, capacity)?,
        external: by_external(model, capacity)?,
    })
}

fn by_monotonicity(model: &Model, capacity: f64) -> Outcome<f64> {
    let covariance = Covariance::new(model.activation);
    let steepness = |alpha: f64| least_slope(model, &covariance, alpha);
    crossing(steepness, capacity, "monotonicity of the local entropy")
}

fn by_external(model: &Model, capacity: f64) -> Outcome<f64> {
    let covariance = Covariance::new(model.activation);
    let least = |alpha: f64| least_critical(model, &covariance, alpha);
    crossing(least, capacity, "external entropy")
}

/// The load, up to capacity, where `f` falls through 0.
fn crossing(mut f: impl FnMut(f64) -> Outcome<f64>, capacity: f64, what: &str) -> Outcome<f64> {
    match root::first_fall(&mut f, 0.6 * capacity, 0.999 * capacity, 0.095 * capacity)? {
        Some(((low, _), (high, _))) => root::brent(f, low, high, 1e-5),
        None => Err(TheoryError::Absent(format!("no break-up below capacity by the {what}"))),
    }
}

/// min over d of dS_I/dd.
fn least_slope(model: &Model, covariance: &Covariance, alpha: f64) -> Outcome<f64> {
    let slope = |ln_d: f64| -> Outcome<f64> {
        let region =
            DenseRegion::new(covariance, model.weights, model.kappa, alpha, libm::exp(ln_d))?;
        Ok(-2.0 * region.solve_limit(Resolution::Coarse)?.slope)
    };
    // Beyond the distance of typical solutions there is no dense region to speak of.
    let typical = Reference::new(model, "dense limit", alpha)?.typical_distance();
    let (low, high) = (libm::log(RANGE.0), libm::log(RANGE.1.min(0.8 * typical)));
    let count = 16;
    let step = (high - low) / f64::from(count);
    let mut values = Vec::new();
    for i in 0..=count {
        values.push(slope(low + f64::from(i) * step)?);
    }
    let best = (0..values.len()).min_by(|&i, &j| values[i].total_cmp(&values[j])).unwrap_or(0);
    if best == 0 || best + 1 == values.len() {
        return Ok(values[best]);
    }
    golden(slope, low + (best as f64 - 1.0) * step, low + (best as f64 + 1.0) * step)
}

/// The least value of a function with one minimum in [a, b], by golden sections.
fn golden(mut f: impl FnMut(f64) -> Outcome<f64>, mut a: f64, mut b: f64) -> Outcome<f64> {
    let ratio = 0.618_033_988_749_894_8;
    let (mut x, mut y) = (b - ratio * (b - a), a + ratio * (b - a));
    let (mut fx, mut fy) = (f(x)?, f(y)?);
    for _ in 0..18 {
        if fx < fy {
            (b, y, fy) = (y, x, fx);
            x = b - ratio * (b - a);
            fx = f(x)?;
        } else {
            (a, x, fx) = (x, y, fy);
            y = a + ratio * (b - a);
            fy = f(y)?;
        }
    }
    Ok(fx.min(fy))
}

/// min over small d of S_I(m*).
fn least_critical(model: &Model, covariance: &Covariance, alpha: f64) -> Outcome<f64> {
    let mut least = f64::INFINITY;
    for distance in SMALL {
        let region = DenseRegion::new(covariance, model.weights, model.kappa, alpha, distance)?;
        let entropy = match region.solve_critical(Resolution::Coarse)? {
            Some(solution) => solution.entropy,
            None => region.solve_limit(Resolution::Coarse)?.entropy,
        };
        least = least.min(entropy);
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activation::Activation;
    use crate::theory::model::Hidden;

    #[test]
    fn documented_break_up() {
        let model =
            |activation| Model::new(WeightKind::Binary, activation, 0.0, Hidden::Infinite).unwrap();
        for (activation, capacity, expected) in [
            (Activation::Identity, 0.8331, 0.755),
            (Activation::Sign, 0.9470, 0.7151),
            (Activation::Relu, 0.9040, 0.7915),
        ] {
            let found = by_monotonicity(&model(activation), capacity).unwrap();
            assert!((found - expected).abs() < 5e-4, "{activation:?} {found}");
        }
        // The external criterion costs a second of integration a load: its sign on both sides.
        for (activation, expected) in [(Activation::Sign, 0.68), (Activation::Relu, 0.845)] {
            let covariance = Covariance::new(activation);
            let below = least_critical(&model(activation), &covariance, expected - 0.01).unwrap();
            let above = least_critical(&model(activation), &covariance, expected + 0.01).unwrap();
            assert!(below > 0.0 && above < 0.0, "{activation:?} {below} {above}");
        }
        let spherical =
            Model::new(WeightKind::Spherical, Activation::Relu, 0.0, Hidden::Infinite).unwrap();
        assert!(matches!(break_up(&spherical, 2.6), Err(TheoryError::Unavailable(_))));
    }
}
