//! Local entropy: the densest regions of solutions, by large deviations.
//!
//! m replicas of the solution with mutual overlap q1 = 1 − 2d are weighted by their number:
//!
//! $$ \varphi(m) = \frac{1}{mN}\ \mathbb E \ln Z_m, \qquad
//!    S_I = \frac{\partial}{\partial m}\left[m \varphi(m)\right], \qquad S_E = m (\varphi - S_I) : $$
//!
//! internal entropy S_I, of one replica among the others; external entropy S_E, logarithm of the number
//! of such regions. S_E falls
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

/// Beyond, the number of replicas is as good as infinite.
const MOST_REPLICAS: f64 = 1e6;

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
    /// `Absent` where S_E stays positive up to 10⁶ replicas (then m → ∞ is the answer) or is negative
    /// from m = 1 on, or where S_I is negative at m*; `Unavailable` for spherical weights;
    /// `NotConverged`.
    pub fn critical(&self) -> Outcome<LocalEntropy> {
        let Some(solution) = self.solve_critical(Resolution::Fine)? else {
            return Err(TheoryError::Absent(format!(
                "the external entropy is positive up to {MOST_REPLICAS:e} replicas at least at {}; use \
                 --replicas inf",
                self.place()
            )));
        };
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

    /// The finite-m solution at m*; its S_I may be negative. `None` where m* exceeds [`MOST_REPLICAS`]
    /// or S_E stays positive up to m → ∞: then that limit is the densest region.
    ///
    /// # Errors
    /// `Absent` where S_E is negative from m = 1 on; `Unavailable` for spherical weights;
    /// `NotConverged`.
    pub fn solve_critical(
        &self,
        resolution: Resolution,
    ) -> Outcome<Option<finite::FiniteSolution>> {
        self.require_binary()?;
        let limit = self.solve_limit(resolution)?;
        if limit.external_entropy >= 0.0 {
            return Ok(None);
        }
        // S_E falls with m: walk to smaller m from where it is surely negative.
        let mut start = limit.start();
        let mut external = |inverse: f64| -> Outcome<f64> {
            let solution = self.solve_finite(1.0 / inverse, start, resolution)?;
            start = Some((solution.delta, solution.lambda));
            Ok(solution.external_entropy)
        };
        let mut low = (0.0, limit.external_entropy);
        let mut inverse: f64 = 0.03;
        let mut high = loop {
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
        // Bracketed by m → ∞ itself: S_E is close to a straight line at small 1/m, so its half-way point
        // to the root is soon below 0.
        while low.0 == 0.0 {
            let guess = 0.5 * high.0 * low.1 / (low.1 - high.1);
            if guess < 1.0 / MOST_REPLICAS {
                return Ok(None);
            }
            let value = external(guess)?;
            if value < 0.0 {
                low = (guess, value);
            } else {
                high = (guess, value);
            }
        }
        let root = root::brent_from(&mut external, low, high, 1e-11)?;
        Ok(Some(self.solve_finite(1.0 / root, start, resolution)?))
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
mod tests;
