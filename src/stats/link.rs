//! Shape of the success probability as a function of the linear predictor η.
//!
//! Probit: p = Φ(η), the shape of a Gaussian distribution of sample thresholds, which is what the
//! central limit gives for a transition of width N^(−1/2). Logit: p = 1/(1 + e^(−η)), with heavier
//! tails. The difference between the two measures how far a threshold depends on the assumed shape.
//! Constant cost. Deterministic (pure-Rust erfc, exp and log).

use serde::{Deserialize, Serialize};

/// A link between the linear predictor η and a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// p = Φ(η).
    Probit,
    /// p = 1/(1 + exp(−η)).
    Logit,
}

/// What a likelihood needs of a link at one η.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// p(η).
    pub p: f64,
    /// ln p.
    pub log_p: f64,
    /// ln(1 − p).
    pub log_q: f64,
    /// d ln p / dη.
    pub score_p: f64,
    /// −d ln(1 − p) / dη.
    pub score_q: f64,
    /// Fisher information of one trial, p'²/(p(1−p)).
    pub information: f64,
    /// d ln(information) / dη.
    pub information_slope: f64,
}

impl Link {
    /// Name as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Link::Probit => "probit",
            Link::Logit => "logit",
        }
    }

    /// Probability at `eta`.
    pub fn probability(self, eta: f64) -> f64 {
        match self {
            Link::Probit => 0.5 * libm::erfc(-eta * std::f64::consts::FRAC_1_SQRT_2),
            Link::Logit => 1.0 / (1.0 + libm::exp(-eta)),
        }
    }

    /// Probability, logarithms and derivatives at `eta`.
    pub fn response(self, eta: f64) -> Response {
        match self {
            Link::Probit => {
                let (log_p, score_p) = log_phi(eta);
                let (log_q, score_q) = log_phi(-eta);
                let p = self.probability(eta);
                // φ²/(Φ(1−Φ)) = (φ/Φ)(φ/(1−Φ)); its logarithmic slope follows from
                // d ln φ/dη = −η and the two scores.
                let information = score_p * score_q;
                let information_slope = -2.0 * eta - score_p + score_q;
                Response { p, log_p, log_q, score_p, score_q, information, information_slope }
            }
            Link::Logit => {
                let tail = libm::log1p(libm::exp(-eta.abs()));
                let (log_p, log_q) = (eta.min(0.0) - tail, -eta.max(0.0) - tail);
                let (p, q) = (libm::exp(log_p), libm::exp(log_q));
                Response {
                    p,
                    log_p,
                    log_q,
                    score_p: q,
                    score_q: p,
                    information: p * q,
                    information_slope: q - p,
                }
            }
        }
    }
}

/// ln Φ(x) and its derivative φ(x)/Φ(x).
fn log_phi(x: f64) -> (f64, f64) {
    const HALF_LOG_TWO_PI: f64 = 0.918_938_533_204_672_8;
    let log_density = -0.5 * x * x - HALF_LOG_TWO_PI;
    if x > -8.0 {
        let phi = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
        let log = if x > 5.0 {
            libm::log1p(-0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2))
        } else {
            libm::log(phi)
        };
        return (log, libm::exp(log_density) / phi);
    }
    // Laplace's continued fraction of φ/Φ at −x = t: t + 1/(t + 2/(t + 3/…)). Thirty levels are
    // exact to rounding for t ≥ 8.
    let t = -x;
    let ratio = (1..=30).rev().fold(t, |tail, level| t + f64::from(level) / tail);
    (log_density - libm::log(ratio), ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values computed with 30 digits.
    #[test]
    fn log_phi_reference() {
        for (x, log) in [
            (-40.0, -804.608_442_013_754),
            (-8.5, -39.197_396_428_217_67),
            (-2.0, -3.783_184_333_682_032),
            (0.0, -std::f64::consts::LN_2),
            (6.0, -9.865_876_455_243_757e-10),
        ] {
            let (value, _) = log_phi(x);
            assert!((value / log - 1.0).abs() < 1e-12, "{x}: {value:e}");
        }
    }

    /// Both branches agree where they meet.
    #[test]
    fn branches_join() {
        let (a, b) = (log_phi(-8.0 + 1e-12), log_phi(-8.0 - 1e-12));
        assert!((a.0 - b.0).abs() < 1e-10 && (a.1 - b.1).abs() < 1e-10, "{a:?} {b:?}");
    }

    /// Analytic derivatives against central differences.
    #[test]
    fn derivatives() {
        let step = 1e-5;
        for link in [Link::Probit, Link::Logit] {
            for eta in [-9.0, -4.0, -1.3, 0.0, 0.4, 3.0, 9.0] {
                let (low, mid, high) =
                    (link.response(eta - step), link.response(eta), link.response(eta + step));
                let slope = |f: fn(&Response) -> f64| (f(&high) - f(&low)) / (2.0 * step);
                let close = |a: f64, b: f64| (a - b).abs() < 1e-6 * (1.0 + a.abs());
                assert!(close(mid.score_p, slope(|r| r.log_p)), "{link:?} {eta}");
                assert!(close(mid.score_q, -slope(|r| r.log_q)), "{link:?} {eta}");
                assert!(close(mid.information_slope, slope(|r| libm::log(r.information))));
                assert!(close(libm::log(mid.p), mid.log_p));
            }
        }
    }
}
