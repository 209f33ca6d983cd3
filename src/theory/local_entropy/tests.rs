//! Limits, bounds and independent routes of the local entropy.

use super::*;
use crate::model::activation::Activation;

fn region(covariance: &Covariance, kappa: f64, alpha: f64, distance: f64) -> DenseRegion<'_> {
    DenseRegion::new(covariance, WeightKind::Binary, kappa, alpha, distance).unwrap()
}

const DISTANCES: [f64; 4] = [0.03, 0.05, 0.1, 0.2];
/// (activation, α, S_I as m → ∞ at [`DISTANCES`]).
const LIMITS: [(Activation, f64, [f64; 4]); 6] = [
    (Activation::Relu, 0.4, [0.07881, 0.11838, 0.19439, 0.29612]),
    (Activation::Sign, 0.4, [0.07843, 0.11481, 0.17834, 0.27173]),
    (Activation::Relu, 0.6, [0.07632, 0.10574, 0.14893, 0.20514]),
    (Activation::Sign, 0.6, [0.07308, 0.09313, 0.11960, 0.17632]),
    (Activation::Relu, 0.8, [0.05779, 0.06173, 0.06097, 0.07645]),
    (Activation::Sign, 0.8, [0.05510, 0.04823, 0.03430, 0.06050]),
];

#[test]
fn documented_limits() {
    let bounds = [0.07885, 0.11931, 0.20664, 0.35213];
    for (activation, alpha, entropies) in LIMITS {
        let covariance = Covariance::new(activation);
        for ((d, expected), bound) in DISTANCES.into_iter().zip(entropies).zip(bounds) {
            let region = region(&covariance, 0.0, alpha, d);
            let limit = region.limit().unwrap();
            assert!((limit.entropy - expected).abs() < 6e-6, "{activation:?} {alpha} {d}");
            assert!(limit.error < 1e-10, "{limit:?}");
            assert!((region.bound() - bound).abs() < 6e-6);
            assert!(limit.entropy < region.bound());
        }
    }
    for (activation, expected, external) in [
        (Activation::Relu, [0.151989, 1.340450, 1.702508], -0.170547),
        (Activation::Sign, [0.135926, 1.352526, 1.808854], -0.311910),
    ] {
        let covariance = Covariance::new(activation);
        let solution = region(&covariance, 0.0, 0.6, 0.1).solve_limit(Resolution::Fine).unwrap();
        let actual = [solution.q_hat0, solution.lambda, solution.delta];
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 6e-7, "{actual:?}");
        }
        assert!((solution.external_entropy - external).abs() < 6e-7);
    }
}

#[test]
fn documented_critical_values() {
    for (activation, alpha, d, entropy, replicas, digits) in [
        (Activation::Relu, 0.4, 0.05, 0.11685, 79.0, 0.6),
        (Activation::Sign, 0.4, 0.05, 0.10439, 24.0, 0.6),
        (Activation::Relu, 0.6, 0.05, 0.09465, 13.1, 0.06),
        (Activation::Sign, 0.6, 0.05, 0.06099, 8.8, 0.06),
        (Activation::Relu, 0.8, 0.05, 0.03319, 4.2, 0.06),
        (Activation::Relu, 0.4, 0.1, 0.19199, 40.0, 0.6),
        (Activation::Sign, 0.4, 0.1, 0.17157, 24.0, 0.6),
        (Activation::Relu, 0.6, 0.1, 0.14357, 14.4, 0.06),
        (Activation::Sign, 0.6, 0.1, 0.10702, 11.0, 0.06),
        (Activation::Relu, 0.8, 0.1, 0.05239, 5.0, 0.06),
        (Activation::Sign, 0.8, 0.1, 0.01582, 6.1, 0.06),
    ] {
        let covariance = Covariance::new(activation);
        let found = region(&covariance, 0.0, alpha, d).critical().unwrap();
        assert!((found.entropy - entropy).abs() < 6e-6, "{activation:?} {alpha} {d} {found:?}");
        assert!((found.replicas - replicas).abs() < digits, "{found:?}");
        assert!(found.external_entropy.abs() < 1e-7 && found.error < 1e-9, "{found:?}");
    }
    let sign = Covariance::new(Activation::Sign);
    let missing = region(&sign, 0.0, 0.8, 0.05).critical();
    assert!(matches!(missing, Err(TheoryError::Absent(_))), "{missing:?}");
    let positive = region(&sign, 0.0, 0.8, 0.2).critical();
    assert!(matches!(positive, Err(TheoryError::Absent(_))), "{positive:?}");
}

/// Documented finite m; both searches; S_I by a numerical derivative of mφ; m = 1 is the
/// replica-symmetric entropy (0.2523705757 at α = 0.6); m → ∞ extrapolates to the limit.
#[test]
fn finite_m_by_independent_routes() {
    let relu = Covariance::new(Activation::Relu);
    let region = region(&relu, 0.0, 0.6, 0.1);
    let solve = |m: f64, start| region.solve_finite(m, start, Resolution::Fine).unwrap();
    let limit = region.solve_limit(Resolution::Fine).unwrap();
    let at20 = solve(20.0, limit.start());
    assert!((at20.entropy - 0.1457325).abs() < 6e-8);
    assert!((at20.external_entropy + 0.0363981).abs() < 6e-8);
    assert!((at20.q0 - 0.7094578).abs() < 6e-8);
    assert!((solve(20.0, None).entropy - at20.entropy).abs() < 1e-9);
    for m in [3.0, 20.0] {
        let total = |x: f64| x * solve(x, None).free_entropy;
        let h = 0.01 * m;
        let derivative = (8.0 * (total(m + h) - total(m - h)) - total(m + 2.0 * h)
            + total(m - 2.0 * h))
            / (12.0 * h);
        assert!((derivative - solve(m, None).entropy).abs() < 1e-7, "{m} {derivative}");
    }
    assert!((solve(1.0, None).free_entropy - 0.2523705757).abs() < 1e-9);
    // Richardson in 1/m.
    let (a, b) = (solve(1000.0, limit.start()), solve(2000.0, limit.start()));
    for (at_a, at_b, expected) in [
        (a.entropy, b.entropy, limit.entropy),
        (a.external_entropy, b.external_entropy, limit.external_entropy),
    ] {
        assert!((2.0 * at_b - at_a - expected).abs() < 1e-5, "{} {expected}", 2.0 * at_b - at_a);
    }
    assert!(region.finite(0.5).is_err());
}

/// dS_I/dq1 by differences, every activation, with and without margin, both weight spaces.
#[test]
fn slope_in_every_machine() {
    for activation in [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.3 },
        Activation::Sign,
        Activation::Erf { scale: 1.5 },
        Activation::Tanh,
        Activation::Gelu,
        Activation::Quadratic,
        Activation::Abs,
    ] {
        let covariance = Covariance::new(activation);
        for weights in [WeightKind::Binary, WeightKind::Spherical] {
            for kappa in [0.0, 0.2] {
                let at = |d: f64| {
                    DenseRegion::new(&covariance, weights, kappa, 0.4, d)
                        .unwrap()
                        .solve_limit(Resolution::Fine)
                        .unwrap()
                };
                let (d, h) = (0.12, 1e-3);
                let slope = -(at(d + h).entropy - at(d - h).entropy) / (4.0 * h);
                let here = at(d);
                assert!(
                    (slope - here.slope).abs() < 3e-4 * slope.abs().max(0.1),
                    "{activation:?} {weights:?} {kappa}: {slope} {here:?}"
                );
            }
        }
    }
}

#[test]
fn distances_outside_the_domain() {
    let relu = Covariance::new(Activation::Relu);
    for d in [0.0, 0.5, -0.1, f64::NAN] {
        assert!(DenseRegion::new(&relu, WeightKind::Binary, 0.0, 0.4, d).is_err());
    }
    let spherical = DenseRegion::new(&relu, WeightKind::Spherical, 0.0, 0.4, 0.1).unwrap();
    assert!(matches!(spherical.critical(), Err(TheoryError::Unavailable(_))));
}
