//! Local entropy: the densest regions of solutions, by large deviations.
//!
//! m replicas of the solution with mutual overlap q1 = 1 − 2d are weighted by their number:
//! φ(m) = (1/mN) E ln Z_m. Internal entropy S_I = ∂_m(mφ): entropy of one replica among the
//! others; external entropy S_E = m(φ − S_I): logarithm of the number of such regions. S_E falls
//! with m; below zero no region is left, so that the densest ones that exist are at m*, where
//! S_E = 0 ([`DenseRegion::critical`]); [`limit`] is m → ∞, [`finite`] any m.
//! A negative S_I says that there are no such regions.
//!
//! Replica-symmetric between regions, K → ∞; any margin κ. At α = 0 and m → ∞, S_I is
//! [`DenseRegion::bound`], the entropy of the sphere of radius d_c = (1 − √q1)/2 around the
//! barycentre. Sources: Baldassi et al., PRL 115, 128101 (2015), PNAS 113, E7655 (2016) and
//! PNAS 117, 161 (2020). Deterministic.

pub mod finite;
pub mod limit;

use super::Outcome;
use super::covariance::{Covariance, Overlap};
use super::gaussian;
use super::root;
use crate::error::TheoryError;
use crate::model::weights::WeightKind;

/// Resolution of the quadratures, and a coarser one from whose result an error is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// For error estimates.
    Coarse,
    /// For results.
    Fine,
}

/// Solutions with a given mutual distance: the machine, its load and the covariance at q1.
#[derive(Clone, Debug)]
pub struct DenseRegion<'a> {
    covariance: &'a Covariance,
    weights: WeightKind,
    kappa: f64,
    alpha: f64,
    /// q1 = 1 − 2d.
    q1: Overlap,
    /// F(q1).
    signal: f64,
    /// F'(q1).
    slope: f64,
    /// F''(q1).
    curvature: f64,
    /// s² = Qd − F(q1).
    gap: f64,
}

/// A local entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalEntropy {
    /// m; infinite in the limit.
    pub replicas: f64,
    /// S_I, nats per weight (spherical: relative to the whole sphere).
    pub entropy: f64,
    /// S_E, nats per weight; −∞ where it is below every resolved value.
    pub external_entropy: f64,
    /// Error estimate of S_I: change under refined quadrature.
    pub error: f64,
}

impl<'a> DenseRegion<'a> {
    /// Solutions at mutual distance `distance` in (0, 1/2) and load `alpha`.
    ///
    /// # Errors
    /// `Domain`.
    pub fn new(
        covariance: &'a Covariance,
        weights: WeightKind,
        kappa: f64,
        alpha: f64,
        distance: f64,
    ) -> Outcome<Self> {
        if !(distance > 0.0 && distance < 0.5) {
            return Err(TheoryError::Domain {
                argument: "distance",
                value: distance.to_string(),
                expected: "a mutual distance between 0 and 1/2, both excluded".into(),
            });
        }
        let q1 = Overlap::from_complement(2.0 * distance);
        Ok(Self {
            covariance,
            weights,
            kappa,
            alpha,
            q1,
            signal: covariance.value(q1),
            slope: covariance.first(q1),
            curvature: covariance.second(q1),
            gap: covariance.gap(q1),
        })
    }

    /// Refuses distances from `typical` = d* = (1−q̃)/2 on: m replicas gather below it only, and the
    /// saddle point, whose q0 lies between q̃ and q1, vanishes there (at d* itself q0 = q1 = q̃, and
    /// the entropy is the typical one).
    ///
    /// # Errors
    /// `Absent`.
    pub fn below(self, typical: f64) -> Outcome<Self> {
        if self.distance() < typical * (1.0 - 1e-9) {
            return Ok(self);
        }
        Err(TheoryError::Absent(format!(
            "dense regions at {}: solutions are closer to each other than typical ones in them, and \
             these have distance {typical:.6}",
            self.place()
        )))
    }

    /// d = (1 − q1)/2, the mutual distance.
    pub fn distance(&self) -> f64 {
        0.5 * self.q1.complement()
    }

    /// q1.
    pub fn overlap(&self) -> Overlap {
        self.q1
    }

    /// The covariance.
    pub fn covariance(&self) -> &Covariance {
        self.covariance
    }

    /// κ.
    pub fn kappa(&self) -> f64 {
        self.kappa
    }

    /// s = √(Qd − F(q1)).
    pub fn spread(&self) -> f64 {
        self.gap.sqrt()
    }

    /// F(q1).
    pub fn signal(&self) -> f64 {
        self.signal
    }

    /// F'(q1).
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// d_c = (1 − √q1)/2, the distance from the barycentre.
    pub fn distance_from_center(&self) -> f64 {
        0.5 * self.q1.complement() / (1.0 + self.q1.value().sqrt())
    }

    /// S_I at α = 0, m → ∞: the entropy of binary weights at distance d_c of a point, H_b(d_c), or
    /// ½ ln(1 − q1) on the sphere.
    pub fn bound(&self) -> f64 {
        match self.weights {
            WeightKind::Binary => gaussian::binary_entropy(self.distance_from_center()),
            WeightKind::Spherical => 0.5 * libm::log(self.q1.complement()),
        }
    }

    /// The point in words, for messages.
    fn place(&self) -> String {
        format!("alpha = {}, distance = {}", self.alpha, self.distance())
    }

    /// Local entropy of m → ∞ replicas.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn limit(&self) -> Outcome<LocalEntropy> {
        let (coarse, fine) =
            (self.solve_limit(Resolution::Coarse)?, self.solve_limit(Resolution::Fine)?);
        Ok(LocalEntropy {
            replicas: f64::INFINITY,
            entropy: fine.entropy,
            external_entropy: fine.external_entropy,
            error: error_estimate(fine.entropy, coarse.entropy),
        })
    }

    /// Local entropy of `replicas` replicas.
    ///
    /// # Errors
    /// `Domain` for m < 1, `Unavailable` for spherical weights, `NotConverged`.
    pub fn finite(&self, replicas: f64) -> Outcome<LocalEntropy> {
        let limit = self.solve_limit(Resolution::Coarse)?;
        let fine = self.solve_finite(replicas, limit.start(), Resolution::Fine)?;
        self.with_error(&fine)
    }

    /// Local entropy at m*, where S_E = 0.
    ///
    /// # Errors
    /// `Absent` where S_E stays positive up to m → ∞ (then m → ∞ is the answer) or is negative
    /// from m = 1 on, or where S_I is negative at m*; `Unavailable` for spherical weights;
    /// `NotConverged`.
    pub fn critical(&self) -> Outcome<LocalEntropy> {
        let solution = self.solve_critical(Resolution::Fine)?;
        if solution.entropy < 0.0 {
            return Err(TheoryError::Absent(format!(
                "the local entropy at the critical number of replicas, {:.4}, is negative ({:.6}): \
                 there are no such regions at {}",
                solution.replicas,
                solution.entropy,
                self.place()
            )));
        }
        self.with_error(&solution)
    }

    /// The finite-m solution at m*; its S_I may be negative.
    ///
    /// # Errors
    /// As [`Self::critical`].
    pub fn solve_critical(&self, resolution: Resolution) -> Outcome<finite::FiniteSolution> {
        self.require_binary()?;
        let limit = self.solve_limit(resolution)?;
        if limit.external_entropy >= 0.0 {
            return Err(TheoryError::Absent(format!(
                "the external entropy stays positive up to an infinite number of replicas at {}; \
                 use --replicas inf",
                self.place()
            )));
        }
        // S_E falls with m: walk to smaller m from where it is surely negative.
        let mut start = limit.start();
        let mut external = |inverse: f64| -> Outcome<f64> {
            let solution = self.solve_finite(1.0 / inverse, start, resolution)?;
            start = Some((solution.delta, solution.lambda));
            Ok(solution.external_entropy)
        };
        // S_E(1/m) is close to a straight line at small 1/m.
        let mut low = (0.0, limit.external_entropy);
        let mut inverse: f64 = 0.03;
        let high = loop {
            let value = external(inverse)?;
            if value >= 0.0 {
                break (inverse, value);
            }
            low = (inverse, value);
            if inverse >= 1.0 {
                return Err(TheoryError::Absent(format!(
                    "the external entropy is negative for every number of replicas at {}",
                    self.place()
                )));
            }
            inverse = (2.0 * inverse).min(1.0);
        };
        let root = if low.0 == 0.0 {
            // Bracketed by m → ∞ itself: halve until the lower end is a finite m.
            let mut upper = high;
            loop {
                let half = 0.5 * upper.0;
                if half < 1e-6 {
                    return Err(TheoryError::NotConverged(format!(
                        "the critical number of replicas exceeds 10^6 at {}",
                        self.place()
                    )));
                }
                let value = external(half)?;
                if value < 0.0 {
                    break root::brent_from(&mut external, (half, value), upper, 1e-11)?;
                }
                upper = (half, value);
            }
        } else {
            root::brent_from(&mut external, low, high, 1e-11)?
        };
        self.solve_finite(1.0 / root, start, resolution)
    }

    fn with_error(&self, fine: &finite::FiniteSolution) -> Outcome<LocalEntropy> {
        let start = Some((fine.delta, fine.lambda));
        let coarse = self.solve_finite(fine.replicas, start, Resolution::Coarse)?;
        Ok(LocalEntropy {
            replicas: fine.replicas,
            entropy: fine.entropy,
            external_entropy: fine.external_entropy,
            error: error_estimate(fine.entropy, coarse.entropy),
        })
    }

    fn require_binary(&self) -> Outcome<()> {
        match self.weights {
            WeightKind::Binary => Ok(()),
            WeightKind::Spherical => Err(TheoryError::Unavailable(
                "local entropy of spherical weights at finite m; use --replicas inf".into(),
            )),
        }
    }
}

/// The change under refinement, not below what rounding leaves.
fn error_estimate(fine: f64, coarse: f64) -> f64 {
    (fine - coarse).abs() + 1e-14
}

#[cfg(test)]
mod tests {
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
            let solution =
                region(&covariance, 0.0, 0.6, 0.1).solve_limit(Resolution::Fine).unwrap();
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
            assert!(
                (2.0 * at_b - at_a - expected).abs() < 1e-5,
                "{} {expected}",
                2.0 * at_b - at_a
            );
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
}
