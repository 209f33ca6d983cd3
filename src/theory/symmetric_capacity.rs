//! Replica-symmetric capacities.
//!
//! Binary: the load where the entropy of the branch of [`super::replica_symmetric`] vanishes, the
//! first fall of S along ln q̂ (the branch can fold later); of finite ReLU machines, whose branch does not
//! fold, the least −G_S/G_E. For an even Q whose uncorrelated solution q = 0 reaches S = 0 first,
//! α_c = −ln 2/ln H(κ/√Qd).
//! $$ \text{binary:}\quad S(\alpha_c) = \varphi = 0 ; \qquad \text{spherical } (q \to 1): \quad
//!    \alpha_c = \frac{f_1}{Q_d \left[(1+t^2) H(-t) + t G(t)\right]}, \quad
//!    t = \frac{\kappa}{\sqrt{Q_d}} ; $$
//!
//! the latter at κ = 0: 2 f1/Qd. The replicon there tends to α_c H(−t) + Q''(1)/f1, infinite for the ReLU
//! family.
//! Error: the change under refined quadrature and what both quadratures share; φ is stationary there, so
//! that an error of the search enters α_c in the second order only. At finite K of ReLU units q is good to
//! 1e-6. 10 ms at K → ∞. Deterministic.

use super::Outcome;
use super::capacity::{Capacity, floor};
use super::covariance::{Covariance, Overlap};
use super::energetic::WideEnergy;
use super::energy::{Energy, Resolutions, Search};
use super::gaussian;
use super::replica_symmetric::{ReplicaSymmetric, RsPoint};
use super::root;
use crate::error::TheoryError;
use crate::model::activation::Activation;
use crate::model::weights::WeightKind;
use std::f64::consts::LN_2;

/// Nodes a panel of the value reported, and of the coarser one that gives its error.
const FINE: usize = 200;
const COARSE: usize = 100;

/// The replica-symmetric capacity of binary weights at K → ∞.
///
/// # Errors
/// `NotConverged` if the entropy has no zero on the branch.
pub fn binary_replica_symmetric(activation: Activation, kappa: f64) -> Outcome<Capacity> {
    let energy = |nodes| WideEnergy::new(activation, kappa, nodes);
    let (fine, check) = (energy(FINE), energy(COARSE));
    binary_from(Resolutions { fine, coarse: check.clone(), check })
}

/// The replica-symmetric capacity of binary weights from an energetic part: searched on the coarse
/// one, then on the check, α on the fine one; the difference from the check is the error.
///
/// # Errors
/// `NotConverged` if the entropy has no zero on the branch or the search for it does not settle.
pub fn binary_from<E: Energy>(energies: Resolutions<E>) -> Outcome<Capacity> {
    let theory = |energy, nodes| ReplicaSymmetric::new(WeightKind::Binary, energy, nodes);
    let coarse = theory(energies.coarse, COARSE);
    let check = theory(energies.check, FINE);
    let fine = theory(energies.fine, FINE);
    let zero = match fine.energy().search() {
        Search::Load => None,
        Search::SmallOverlap => Some(Zero::Along(small_overlap(&coarse)?)),
        Search::Entropy => Some(zero_entropy(&coarse)?),
    };
    let (point, change) = match zero {
        None => by_load([&fine, &check, &coarse])?,
        Some(Zero::Uncorrelated(alpha)) => (fine.at_load(alpha)?, 0.0),
        Some(Zero::Along(mut zero)) => {
            let near = zero.by_entropy(&check, 1e-3)?;
            let alpha = zero.by_entropy(&fine, 1e-5)?;
            (fine.capacity_at(zero.at, alpha), (alpha - near).abs())
        }
    };
    let replicon = fine.replicon(&point);
    Ok(Capacity {
        alpha: point.alpha,
        error: change + fine.energy().common_error() * point.alpha + 2.0 * floor(point.alpha),
        rsb: 0,
        order_parameters: vec![
            ("q", point.q.value()),
            ("q_hat", point.q_hat),
            ("replicon", replicon),
        ],
        stable: replicon <= 1.0,
        note: None,
    })
}

/// Where the entropy of binary weights first vanishes.
enum Zero {
    /// Near this point of the branch.
    Along(Approach),
    /// On the solution q = 0, at this load.
    Uncorrelated(f64),
}

/// The first zero of the entropy, from the entropy.
fn zero_entropy<E: Energy>(theory: &ReplicaSymmetric<E>) -> Outcome<Zero> {
    let (lowest, highest) = theory.parameter_range();
    let entropy = |t: f64| Ok(theory.branch(t).entropy);
    if let Some(limit) = theory.energy().uncorrelated_limit()
        && theory.entropy_at_zero_load() + limit * theory.energy().ln_annealed() <= 0.0
    {
        return Ok(annealed(theory));
    }
    // At very negative margins q is tiny at capacity: start where the entropy is still positive.
    let mut start = theory.energy().start();
    while entropy(start)? <= 0.0 {
        start -= 1.0;
        if start < lowest {
            return Ok(annealed(theory));
        }
    }
    match root::first_fall(entropy, start, highest, theory.energy().scan_step())? {
        Some((before, after)) => {
            let at = root::brent_from(entropy, before, after, 1e-6)?;
            Ok(Zero::Along(Approach { at, slope: slope_of_entropy(theory, at) }))
        }
        None => Err(TheoryError::NotConverged(
            "the entropy does not vanish along the replica-symmetric branch".into(),
        )),
    }
}

/// dS/d ln q̂.
fn slope_of_entropy<E: Energy>(theory: &ReplicaSymmetric<E>, at: f64) -> f64 {
    const STEP: f64 = 1e-3;
    let entropy = |t| theory.branch(t).entropy;
    (entropy(at + STEP) - entropy(at - STEP)) / (2.0 * STEP)
}

/// The zero of the entropy on this resolution, from where it would be if q were 0 in G_E and J.
fn small_overlap<E: Energy>(theory: &ReplicaSymmetric<E>) -> Outcome<Approach> {
    let (g_e, response) = theory.energy().at(Overlap::new(0.0));
    let at = libm::log(-theory.entropy_at_zero_load() / g_e * response);
    // There q̂ is proportional to α.
    let mut zero = Approach { at, slope: -LN_2 };
    zero.by_entropy(theory, 1e-3)?;
    Ok(zero)
}

/// The zero on the solution q = 0.
fn annealed<E: Energy>(theory: &ReplicaSymmetric<E>) -> Zero {
    Zero::Uncorrelated(-theory.entropy_at_zero_load() / theory.energy().ln_annealed())
}

/// A zero of the entropy along ln q̂, approached on one resolution after the other.
struct Approach {
    /// ln q̂.
    at: f64,
    /// dS/d ln q̂, about.
    slope: f64,
}

impl Approach {
    /// Newton's method, after long steps with the secant, up to a step below `tolerance`: the load there.
    fn by_entropy<E: Energy>(
        &mut self,
        theory: &ReplicaSymmetric<E>,
        tolerance: f64,
    ) -> Outcome<f64> {
        let mut here = theory.branch(self.at);
        for _ in 0..MOVES {
            let step = (-here.entropy / self.slope).clamp(-0.3, 0.3);
            if !step.is_finite() {
                break;
            }
            self.at += step;
            if step.abs() < tolerance {
                return Ok(theory.least_load_without_entropy(&here, step));
            }
            let next = theory.branch(self.at);
            if step.abs() > 1e-4 {
                self.slope = (next.entropy - here.entropy) / step;
            }
            here = next;
        }
        Err(moves(here.alpha))
    }
}

/// Moves of Newton's method.
const MOVES: usize = 12;

fn moves(alpha: f64) -> TheoryError {
    TheoryError::NotConverged(format!(
        "the search for the zero of the entropy does not settle near alpha = {alpha:?}"
    ))
}

/// The least α = −G_S/G_E along ln q̂, and its error from `check`: α falls as long as the entropy
/// is positive, dα/d ln q̂ ∝ −S. Newton's method:
/// derivatives from four neighbours on `coarse`, then the slope from two on `check`, which are so close that
/// the higher derivatives of `coarse` do for the rest. `fine` has its least load there as well, to the second
/// order of the difference.
fn by_load<E: Energy>([fine, check, coarse]: [&ReplicaSymmetric<E>; 3]) -> Outcome<(RsPoint, f64)> {
    const STEP: f64 = 0.05;
    const CLOSE: f64 = 2e-4;
    const FAR: f64 = 4e-4;
    let newton = |slope: f64, curvature: f64, third: f64| {
        if curvature <= 0.0 {
            return 0.3f64.copysign(-slope);
        }
        // The root of slope + curvature·x + third·x²/2.
        let root = (curvature * curvature - 2.0 * slope * third).max(0.0).sqrt();
        (-2.0 * slope / (curvature + root)).clamp(-0.3, 0.3)
    };
    let (mut at, mut curvature, mut third) = (coarse.energy().start(), 0.0, 0.0);
    let (mut settled, mut last) = (false, f64::NAN);
    for _ in 0..MOVES {
        let neighbours = [-2.0, -1.0, 1.0, 2.0].map(|i| at + i * STEP);
        let [a, b, c, d] = coarse.loads_without_entropy(neighbours);
        third = (d - 2.0 * (c - b) - a) / (2.0 * STEP * STEP * STEP);
        curvature = (a - b - c + d) / (3.0 * STEP * STEP);
        let step = newton((8.0 * (c - b) - (d - a)) / (12.0 * STEP), curvature, third);
        last = 0.5 * (b + c);
        if !step.is_finite() {
            break;
        }
        at += step;
        settled = curvature > 0.0 && step.abs() < 1.6 * STEP;
        curvature += third * step;
        if settled {
            break;
        }
    }
    if !settled || curvature <= 0.0 {
        return Err(moves(last));
    }
    for _ in 0..MOVES {
        let [a, c] = check.loads_without_entropy([at - CLOSE, at + CLOSE]);
        let slope = (c - a) / (2.0 * CLOSE) - third * CLOSE * CLOSE / 6.0;
        let step = newton(slope, curvature, third);
        last = 0.5 * (a + c - curvature * CLOSE * CLOSE);
        if !step.is_finite() {
            break;
        }
        at += step;
        curvature += third * step;
        if step.abs() < FAR {
            let near = last + 0.5 * slope * step - third * step.powi(3) / 12.0;
            let alpha = fine.load_without_entropy(at);
            return Ok((fine.capacity_at(at, alpha), (alpha - near).abs()));
        }
    }
    Err(moves(last))
}

/// C of the spherical capacity, the mean squared distance to satisfaction E[(κ − √Qd z)²₊].
pub fn mean_squared_deficit(diagonal: f64, kappa: f64) -> f64 {
    let t = kappa / diagonal.sqrt();
    if t < -5.0 {
        // (1+t²)H(−t) + tG(t) with H(|t|) ≈ G/|t| cancels: C = Qd ∫_{|t|}^∞ (z−|t|)² Dz.
        let rule = super::quadrature::Legendre::new(100).panels(&[0.0, 4.0, 12.0]);
        let u = -t;
        return diagonal * rule.mean(|y| y * y * gaussian::density(u + y));
    }
    diagonal * ((1.0 + t * t) * gaussian::tail(-t) + t * gaussian::density(t))
}

/// The replica-symmetric capacity of spherical weights.
///
/// # Errors
/// `Absent` when f1 is infinite (sign): the capacity then grows without bound with K.
pub fn spherical_replica_symmetric(activation: Activation, kappa: f64) -> Outcome<Capacity> {
    let covariance = Covariance::new(activation);
    let slope = finite_slope(&covariance)?;
    let diagonal = covariance.diagonal();
    let deficit = mean_squared_deficit(diagonal, kappa);
    let alpha = slope / deficit;
    if !alpha.is_finite() {
        return Err(TheoryError::NotConverged(format!(
            "kappa = {kappa} is so negative that the capacity overflows"
        )));
    }
    let curvature = covariance.second(Overlap::from_complement(0.0));
    let replicon = alpha * gaussian::tail(-kappa / diagonal.sqrt()) + curvature / slope;
    Ok(Capacity {
        alpha,
        error: 16.0 * floor(alpha),
        rsb: 0,
        order_parameters: vec![("q", 1.0)],
        // The perceptron at κ = 0 is exactly marginal.
        stable: replicon <= 1.0 + 1e-12,
        note: None,
    })
}

/// f1, where it is finite.
///
/// # Errors
/// `Absent` for sign, with the explanation.
pub fn finite_slope(covariance: &Covariance) -> Outcome<f64> {
    let slope = covariance.slope_at_one();
    if slope.is_finite() {
        return Ok(slope);
    }
    Err(TheoryError::Absent(
        "spherical weights with a discontinuous activation (f1 = Q'(1) = infinity) have no finite \
         capacity at K -> infinity: it diverges like sqrt(72 K/pi) replica-symmetrically and like \
         (16/pi) sqrt(ln K) with one step of breaking; use --hidden with an odd K"
            .into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual / expected - 1.0).abs() < tolerance, "{actual} instead of {expected}");
    }

    fn parameter(capacity: &Capacity, name: &str) -> f64 {
        capacity.order_parameters.iter().find(|(key, _)| *key == name).unwrap().1
    }

    #[test]
    fn documented_binary_capacities() {
        for (activation, kappa, alpha, q, q_hat) in [
            (Activation::Relu, 0.0, 0.9039862813, 0.448705, 1.347165),
            (Activation::Sign, 0.0, 0.9469524269, 0.308769, 0.617194),
            (Activation::Identity, 0.0, 0.8330785997, 0.563949, 2.576351),
            (Activation::Relu, 0.1, 0.7350431498, f64::NAN, f64::NAN),
        ] {
            let capacity = binary_replica_symmetric(activation, kappa).unwrap();
            relative(capacity.alpha, alpha, 1e-10);
            assert!(capacity.error < 1e-10 && capacity.stable);
            if kappa == 0.0 {
                assert!((parameter(&capacity, "q") - q).abs() < 6e-7);
                assert!((parameter(&capacity, "q_hat") - q_hat).abs() < 6e-7);
            }
        }
        let relu = binary_replica_symmetric(Activation::Relu, 0.0).unwrap();
        assert!((parameter(&relu, "replicon") - 0.651).abs() < 6e-4);
    }

    /// The overlap at the zero of the entropy is that of the branch at this load, to its digits.
    #[test]
    fn overlaps_at_capacity() {
        for activation in [Activation::Relu, Activation::Identity, Activation::Gelu] {
            for kappa in [0.0, 0.4] {
                let capacity = binary_replica_symmetric(activation, kappa).unwrap();
                let energy = WideEnergy::new(activation, kappa, FINE);
                let theory = ReplicaSymmetric::new(WeightKind::Binary, energy, FINE);
                let point = theory.at_load(capacity.alpha - 1e-12).unwrap();
                relative(parameter(&capacity, "q"), point.q.value(), 1e-10);
                relative(parameter(&capacity, "q_hat"), point.q_hat, 1e-10);
            }
        }
    }

    #[test]
    fn spherical_capacities() {
        let relu = spherical_replica_symmetric(Activation::Relu, 0.0).unwrap();
        assert!((relu.alpha - 2.933884).abs() < 6e-7 && !relu.stable);
        let identity = spherical_replica_symmetric(Activation::Identity, 0.0).unwrap();
        relative(identity.alpha, 2.0, 1e-14);
        assert!(identity.stable);
        assert!(!spherical_replica_symmetric(Activation::Identity, -0.5).unwrap().stable);
        assert!(matches!(
            spherical_replica_symmetric(Activation::Sign, 0.0),
            Err(TheoryError::Absent(_))
        ));
        // The two forms of C agree where they meet, and C → Qd t² for a large margin.
        let plain = |t: f64| (1.0 + t * t) * gaussian::tail(-t) + t * gaussian::density(t);
        relative(mean_squared_deficit(1.0, -5.000_001), plain(-5.000_001), 1e-6);
        relative(mean_squared_deficit(2.0, 50.0), 2.0 + 2500.0, 1e-12);
    }

    /// q → 1 at finite α approaches the closed capacity, an independent route.
    #[test]
    fn spherical_branch_ends_at_the_capacity() {
        for (activation, kappa) in
            [(Activation::Identity, 0.7), (Activation::Gelu, -0.2), (Activation::Tanh, 0.0)]
        {
            let closed = spherical_replica_symmetric(activation, kappa).unwrap().alpha;
            let energy = WideEnergy::new(activation, kappa, 150);
            let theory = ReplicaSymmetric::new(WeightKind::Spherical, energy, 150);
            let (near, nearer) = (theory.branch(10.0).alpha, theory.branch(14.0).alpha);
            relative(nearer, closed, 3e-3);
            assert!((nearer - closed).abs() < (near - closed).abs());
        }
    }

    /// Even Q: both branches, and the first-moment bound α_c ≤ 1 at κ = 0.
    #[test]
    fn even_activations() {
        for activation in [Activation::Quadratic, Activation::Abs] {
            let capacity = binary_replica_symmetric(activation, 0.0).unwrap();
            assert!(capacity.alpha < 1.0 && parameter(&capacity, "q") > 0.0);
            // A very negative margin keeps q = 0 up to the annealed capacity.
            let loose = binary_replica_symmetric(activation, -6.0).unwrap();
            assert_eq!(parameter(&loose, "q"), 0.0);
            let energy = WideEnergy::new(activation, -6.0, 100);
            relative(loose.alpha, -std::f64::consts::LN_2 / energy.ln_annealed(), 1e-12);
        }
    }
}
