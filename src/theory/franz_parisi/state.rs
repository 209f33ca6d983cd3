//! Where the continuation of the saddle in the distance stands, and where it leads.

use crate::theory::covariance::Overlap;

/// Where the continuation stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) distance: f64,
    pub(super) q: Overlap,
    pub(super) t: f64,
    pub(super) p_hat: f64,
    /// d/d ln d of (ln(1−q), t, p̂), for extrapolation.
    pub(super) trend: [f64; 3],
}

impl State {
    /// The guess at `distance`.
    pub(super) fn extrapolated(&self, distance: f64) -> Self {
        let x = libm::log(distance / self.distance);
        let complement = self.q.complement() * libm::exp(self.trend[0] * x);
        Self {
            distance,
            q: Overlap::from_complement(complement),
            t: self.t + self.trend[1] * x,
            p_hat: self.p_hat + self.trend[2] * x,
            ..*self
        }
    }

    /// The distance where 1 − q vanishes at its present slope, where that is near.
    pub(super) fn vanishing(&self) -> Option<f64> {
        let end = self.distance * (1.0 - 1.0 / self.trend[0]);
        // 1 − q vanishes with d in any case: inward, only where it falls much faster.
        let near = self.q.complement() < 0.25
            && (end - self.distance).abs() < 0.1
            && end > 0.3 * self.distance;
        near.then_some(end)
    }

    /// Whether hardly any freedom is left: q is within 0.005 of 1.
    pub(super) fn is_nearly_frozen(&self) -> bool {
        self.q.complement() < 5e-3
    }

    /// Whether `target` lies clearly beyond that.
    pub(super) fn vanishes_before(&self, target: f64) -> bool {
        self.q.complement() < 0.1
            && self.vanishing().is_some_and(|end| {
                (target - end) * (end - self.distance).signum() > 0.3 * (end - self.distance).abs()
            })
    }

    /// With the trend from `before` to here.
    pub(super) fn following(self, before: &Self) -> Self {
        let x = libm::log(self.distance / before.distance);
        if x.abs() < 1e-9 {
            return Self { trend: before.trend, ..self };
        }
        let trend = [
            libm::log(self.q.complement() / before.q.complement()) / x,
            (self.t - before.t) / x,
            (self.p_hat - before.p_hat) / x,
        ];
        Self { trend, ..self }
    }
}
