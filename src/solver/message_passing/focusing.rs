//! What moves the magnetisations from the posterior mean to one dense region: focusing and
//! reinforcement.
//!
//! Focusing couples the machine to R−1 others that see the same patterns, all analytic: with
//! t = tanh γ, the field of weight i gains atanh(t·tanh[(R−1) atanh(t·tanh h)]) (Baldassi et al.,
//! PNAS 113, E7655). A protocol says how (t, R) follow a control parameter x:
//! * pseudo-reinforcement: t = √x, R−1 = 1/(1−x);
//! * standard reinforcement: t = 1, R = 1/(1−x): the field is multiplied by 1/(1−x);
//! * scoping: γ = x at fixed R; R = ∞ gives t·sign(h).
//!
//! Reinforcement (rBP; Braunstein, Zecchina, PRL 96, 030201) adds x times the previous total field.
//! None of these changes the sign of h (rBP's total field has its own). f64, pinned `libm`;
//! deterministic.

use serde::{Deserialize, Serialize};

/// How focusing grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// γ = atanh √ρ, R − 1 = 1/(1−ρ).
    #[default]
    PseudoReinforcement,
    /// γ = ∞, R = 1/(1−ρ).
    StandardReinforcement,
    /// γ grows at fixed R.
    Scoping,
}

/// The coupling to the other replicas at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Focus {
    /// t = tanh γ with R − 1 replicas.
    Replicas {
        /// tanh γ.
        tanh_gamma: f64,
        /// R − 1, may be infinite.
        others: f64,
    },
    /// The total field is h + ρ·(previous total field).
    Reinforce {
        /// ρ.
        rho: f64,
    },
}

/// ρ stays below 1 by this much.
const LEAST_GAP: f64 = 1e-6;

/// Arguments of atanh stay below 1 by this much.
const ATANH_GAP: f64 = 1e-12;

impl Protocol {
    /// The focus at control parameter `x` ≥ 0; `replicas` = R is used by scoping alone.
    pub fn focus(self, x: f64, replicas: f64) -> Focus {
        let rho = x.min(1.0 - LEAST_GAP);
        let (tanh_gamma, others) = match self {
            Protocol::PseudoReinforcement => (rho.sqrt(), 1.0 / (1.0 - rho)),
            Protocol::StandardReinforcement => (1.0, rho / (1.0 - rho)),
            Protocol::Scoping => (libm::tanh(x), replicas - 1.0),
        };
        Focus::Replicas { tanh_gamma, others }
    }
}

impl Focus {
    /// tanh of the total field of a weight with field `h`; `total` keeps the total field from sweep
    /// to sweep (reinforcement only).
    #[inline(always)]
    pub fn magnetization(self, h: f64, total: &mut f32) -> f64 {
        match self {
            Focus::Reinforce { rho } => {
                *total = (h + rho * f64::from(*total)) as f32;
                libm::tanh(f64::from(*total))
            }
            Focus::Replicas { tanh_gamma, others } => {
                let limit = 1.0 - ATANH_GAP;
                let own = libm::tanh(h);
                let seen = (tanh_gamma * own).clamp(-limit, limit);
                // tanh[(R−1) atanh x] from ((1+x)/(1−x))^(R−1).
                let exponent = others * (libm::log1p(seen) - libm::log1p(-seen));
                let drawn = if exponent.is_nan() { 0.0 } else { tanh_gamma * half_tanh(exponent) };
                (own + drawn) / (1.0 + own * drawn)
            }
        }
    }
}

/// tanh(x/2).
#[inline(always)]
fn half_tanh(x: f64) -> f64 {
    let e = libm::expm1(-x.abs());
    (-e / (2.0 + e)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(h: f64, t: f64, others: f64) -> f64 {
        let inner = libm::atanh((t * libm::tanh(h)).clamp(-1.0 + 1e-12, 1.0 - 1e-12));
        let drawn = libm::atanh((t * libm::tanh(others * inner)).clamp(-1.0 + 1e-15, 1.0 - 1e-15));
        libm::tanh(h + drawn)
    }

    #[test]
    fn composed_form_equals_the_formula() {
        for x in [0.0, 0.01, 0.3, 0.7, 0.99] {
            for protocol in
                [Protocol::PseudoReinforcement, Protocol::StandardReinforcement, Protocol::Scoping]
            {
                let Focus::Replicas { tanh_gamma, others } = protocol.focus(x, 7.0) else {
                    panic!("a protocol focuses")
                };
                for h in [-4.0, -0.3, -1e-7, 0.0, 1e-5, 0.2, 3.0] {
                    let got = Focus::Replicas { tanh_gamma, others }.magnetization(h, &mut 0.0);
                    let expected = direct(h, tanh_gamma, others);
                    assert!(
                        (got - expected).abs() < 1e-11,
                        "{protocol:?} {x} {h}: {got} {expected}"
                    );
                }
            }
        }
    }

    /// Standard reinforcement multiplies the field; infinitely many replicas give ±γ.
    #[test]
    fn limits_of_the_protocols() {
        let standard = Protocol::StandardReinforcement.focus(0.75, 0.0);
        let m = standard.magnetization(0.2, &mut 0.0);
        assert!((m - libm::tanh(0.8)).abs() < 1e-11);
        let infinite = Protocol::Scoping.focus(0.4, f64::INFINITY);
        for h in [-0.1, 0.1] {
            let m = infinite.magnetization(h, &mut 0.0);
            assert!((m - libm::tanh(h + 0.4 * h.signum())).abs() < 1e-12);
        }
        assert_eq!(infinite.magnetization(0.0, &mut 0.0), 0.0);
    }

    #[test]
    fn reinforcement_accumulates() {
        let mut total = 0.0;
        for _ in 0..100 {
            Focus::Reinforce { rho: 0.5 }.magnetization(0.3, &mut total);
        }
        // Geometric series 0.3/(1 − 0.5).
        assert!((total - 0.6).abs() < 1e-6);
    }
}
