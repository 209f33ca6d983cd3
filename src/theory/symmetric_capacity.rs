//! Replica-symmetric capacities.
//!
//! Binary: the load where the entropy of the branch of [`super::replica_symmetric`] vanishes, the
//! first fall of S along ln q̂ (the branch can fold later). For an even Q whose uncorrelated
//! solution q = 0 reaches S = 0 first, α_c = −ln 2/ln H(κ/√Qd).
//! $$ \text{binary:}\quad S(\alpha_c) = \varphi = 0 ; \qquad \text{spherical } (q \to 1): \quad
//!    \alpha_c = \frac{f_1}{Q_d \left[(1+t^2) H(-t) + t G(t)\right]}, \quad
//!    t = \frac{\kappa}{\sqrt{Q_d}} ; $$
//!
//! the latter at κ = 0: 2 f1/Qd. The replicon there tends to α_c H(−t) + Q''(1)/f1, infinite for the ReLU
//! family.
//! Error: the change under refined quadrature; φ is stationary there, so that an error of the search
//! enters α_c in the second order only. 10 ms at K → ∞. Deterministic.

use super::Outcome;
use super::capacity::{Capacity, floor};
use super::covariance::{Covariance, Overlap};
use super::energetic::WideEnergy;
use super::gaussian;
use super::replica_symmetric::{Energy, ReplicaSymmetric, Resolutions, RsPoint};
use super::root;
use crate::error::TheoryError;
use crate::model::activation::Activation;
use crate::model::weights::WeightKind;

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
/// one, placed by the check, where α = −G_S/G_E is taken on the fine one; the difference is the
/// error.
///
/// # Errors
/// `NotConverged` if the entropy has no zero on the branch.
pub fn binary_from<E: Energy>(energies: Resolutions<E>) -> Outcome<Capacity> {
    let theory = |energy, nodes| ReplicaSymmetric::new(WeightKind::Binary, energy, nodes);
    let coarse = theory(energies.coarse, COARSE);
    let check = theory(energies.check, FINE);
    let fine = theory(energies.fine, FINE);
    let rough = zero_entropy(&coarse)?;
    let (point, change) = if rough.q_hat == 0.0 {
        (fine.at_load(rough.alpha)?, 0.0)
    } else {
        let (mut ln_q_hat, rough) = place_zero(&check, &rough)?;
        if fine.energy().has_exact_response() {
            // α is stationary there, the overlap is not: one step of Newton's method on the entropy,
            // so small that the coarse slope serves.
            let h = 1e-2;
            let entropy = |t| coarse.branch(t).entropy;
            let slope = (entropy(ln_q_hat + h) - entropy(ln_q_hat - h)) / (2.0 * h);
            ln_q_hat -= fine.branch(ln_q_hat).entropy / slope;
        }
        let point = fine.without_entropy(ln_q_hat);
        (point, point.alpha - rough)
    };
    let replicon = fine.replicon(&point);
    Ok(Capacity {
        alpha: point.alpha,
        error: change.abs() + 2.0 * floor(point.alpha),
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
fn zero_entropy<E: Energy>(theory: &ReplicaSymmetric<E>) -> Outcome<RsPoint> {
    const START: f64 = -3.0;
    let (lowest, highest) = theory.parameter_range();
    let entropy = |t: f64| Ok(theory.branch(t).entropy);
    let ln_annealed = theory.energy().ln_annealed();
    let annealed = || theory.at_load(-theory.entropy_at_zero_load() / ln_annealed);
    if let Some(limit) = theory.energy().uncorrelated_limit()
        && theory.entropy_at_zero_load() + limit * ln_annealed <= 0.0
    {
        return annealed();
    }
    // At very negative margins q is tiny at capacity: start where the entropy is still positive.
    let mut start = START;
    while entropy(start)? <= 0.0 {
        start -= 1.0;
        if start < lowest {
            return annealed();
        }
    }
    match root::first_fall(entropy, start, highest, theory.energy().scan_step())? {
        Some((before, after)) => Ok(theory.branch(root::brent_from(entropy, before, after, 1e-3)?)),
        None => Err(TheoryError::NotConverged(
            "the entropy does not vanish along the replica-symmetric branch".into(),
        )),
    }
}

/// ln q̂ of the same zero on `check`, and α there. α = −G_S/G_E is stationary there along ln q̂:
/// Newton's method with derivatives from four neighbours.
fn place_zero<E: Energy>(check: &ReplicaSymmetric<E>, rough: &RsPoint) -> Outcome<(f64, f64)> {
    const STEP: f64 = 0.02;
    const MOVES: usize = 12;
    let load = |t| check.without_entropy(t).alpha;
    let mut middle = libm::log(rough.q_hat);
    for _ in 0..MOVES {
        let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(|i| load(middle + i * STEP));
        let slope = (8.0 * (c - b) - (d - a)) / (12.0 * STEP);
        let curvature = (a - b - c + d) / (3.0 * STEP * STEP);
        let third = (d - 2.0 * (c - b) - a) / (2.0 * STEP * STEP * STEP);
        // The root of slope + curvature·x + third·x²/2.
        let root = (curvature * curvature - 2.0 * slope * third).max(0.0).sqrt();
        let step = -2.0 * slope / (curvature + root.copysign(curvature));
        middle += step.clamp(-0.3, 0.3);
        if step.abs() < 0.5 * STEP {
            return Ok((middle, load(middle)));
        }
    }
    Err(TheoryError::NotConverged(format!(
        "the zero of the entropy near alpha = {} moves under refined quadrature",
        rough.alpha
    )))
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
