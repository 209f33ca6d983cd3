//! What moves the magnetisations from the posterior mean to one dense region: focusing and
//! reinforcement.
//!
//! Focusing couples the machine to R−1 others that see the same patterns, all analytic: with
//! t = tanh γ the field of weight i becomes
//!
//! $$ h_{\mathrm{tot}} = h + \operatorname{artanh}\left(t \tanh\left[(R-1)
//!    \operatorname{artanh}(t \tanh h)\right]\right) $$
//!
//! (Baldassi et al., PNAS 113, E7655). A protocol says how (t, R) follow a control parameter x:
//! * pseudo-reinforcement: t = √x, R−1 = 1/(1−x);
//! * standard reinforcement: t = 1, R = 1/(1−x): the field is multiplied by 1/(1−x);
//! * scoping: γ = x at fixed R; R = ∞ gives t·sign(h).
//!
//! Reinforcement (rBP; Braunstein, Zecchina, PRL 96, 030201) adds x times the previous total field.
//! None of these changes the sign of h (rBP's total field has its own). f32, the kernels' functions;
//! deterministic.

use crate::simd::functions::{ln, tanh};
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

/// What makes total fields of the fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Focus {
    /// Coupling to other replicas.
    Replicas(Replicas),
    /// Reinforcement.
    Reinforce(Reinforce),
}

/// The coupling to R − 1 other replicas at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replicas {
    /// t = tanh γ.
    pub tanh_gamma: f32,
    /// R − 1, may be infinite.
    pub others: f32,
}

/// The total field is h + ρ·(previous total field).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reinforce {
    /// ρ.
    pub rho: f32,
}

/// A rule for one weight; a type, so that it is inlined and vectorised.
pub trait Field: Copy {
    /// tanh of the total field of a weight with field `h`; `total` keeps the total field from sweep
    /// to sweep (reinforcement only).
    fn magnetization(self, h: f32, total: &mut f32) -> f32;
}

/// ρ stays below 1 by this much.
const LEAST_GAP: f64 = 1e-6;

/// Arguments of atanh stay below 1 by this much.
const ATANH_GAP: f32 = f32::EPSILON / 2.0;

impl Protocol {
    /// The focus at control parameter `x` ≥ 0; `replicas` = R is used by scoping alone.
    pub fn focus(self, x: f64, replicas: f64) -> Focus {
        let rho = x.min(1.0 - LEAST_GAP);
        let (tanh_gamma, others) = match self {
            Protocol::PseudoReinforcement => (rho.sqrt(), 1.0 / (1.0 - rho)),
            Protocol::StandardReinforcement => (1.0, rho / (1.0 - rho)),
            Protocol::Scoping => (libm::tanh(x), replicas - 1.0),
        };
        Focus::Replicas(Replicas { tanh_gamma: tanh_gamma as f32, others: others as f32 })
    }
}

impl Field for Replicas {
    #[inline(always)]
    fn magnetization(self, h: f32, _: &mut f32) -> f32 {
        let limit = 1.0 - ATANH_GAP;
        let own = tanh(h);
        let seen = (self.tanh_gamma * own).clamp(-limit, limit);
        let exponent = self.others * atanh(seen);
        // R = ∞ and h = 0.
        let exponent = if exponent.is_nan() { 0.0 } else { exponent };
        let drawn = self.tanh_gamma * tanh(exponent);
        (own + drawn) / (1.0 + own * drawn)
    }
}

impl Field for Reinforce {
    #[inline(always)]
    fn magnetization(self, h: f32, total: &mut f32) -> f32 {
        *total = h + self.rho * *total;
        tanh(*total)
    }
}

/// atanh x, |x| < 1: relative error below 4e-7.
#[inline(always)]
fn atanh(x: f32) -> f32 {
    let t = x * x;
    let p = 1.0 / 7.0 + t * (1.0 / 9.0 + t * (1.0 / 11.0 + t * (1.0 / 13.0)));
    let near = x + (x * t) * (1.0 / 3.0 + t * (1.0 / 5.0 + t * p));
    let far = 0.5 * (ln(1.0 + x) - ln(1.0 - x));
    if t < 0.0625 { near } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(h: f64, t: f64, others: f64) -> f64 {
        let inner = libm::atanh((t * libm::tanh(h)).clamp(-1.0 + 1e-12, 1.0 - 1e-12));
        let drawn = libm::atanh((t * libm::tanh(others * inner)).clamp(-1.0 + 1e-15, 1.0 - 1e-15));
        libm::tanh(h + drawn)
    }

    fn replicas(focus: Focus) -> Replicas {
        match focus {
            Focus::Replicas(replicas) => replicas,
            Focus::Reinforce(_) => panic!("a protocol focuses"),
        }
    }

    #[test]
    fn composed_form_equals_the_formula() {
        for x in [0.0, 0.01, 0.3, 0.7, 0.99] {
            for protocol in
                [Protocol::PseudoReinforcement, Protocol::StandardReinforcement, Protocol::Scoping]
            {
                let focus = replicas(protocol.focus(x, 7.0));
                for h in [-4.0f32, -0.3, -1e-7, 0.0, 1e-5, 0.2, 3.0] {
                    let got = f64::from(focus.magnetization(h, &mut 0.0));
                    let (t, others) = (f64::from(focus.tanh_gamma), f64::from(focus.others));
                    let expected = direct(f64::from(h), t, others);
                    assert!(
                        (got - expected).abs() <= 2e-6 * expected.abs(),
                        "{protocol:?} {x} {h}: {got} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn atanh_is_accurate_where_its_branches_meet_and_elsewhere() {
        for step in -999..1000 {
            let x = step as f32 / 1000.0;
            let exact = libm::atanh(f64::from(x));
            let error = (f64::from(atanh(x)) - exact).abs();
            assert!(error <= 4e-7 * exact.abs(), "{x}: {error}");
        }
    }

    /// Standard reinforcement multiplies the field; infinitely many replicas give ±γ.
    #[test]
    fn limits_of_the_protocols() {
        let standard = replicas(Protocol::StandardReinforcement.focus(0.75, 0.0));
        let m = standard.magnetization(0.2, &mut 0.0);
        assert!((f64::from(m) - libm::tanh(0.8)).abs() < 1e-6);
        let infinite = replicas(Protocol::Scoping.focus(0.4, f64::INFINITY));
        for h in [-0.1f32, 0.1] {
            let m = f64::from(infinite.magnetization(h, &mut 0.0));
            let h = f64::from(h);
            assert!((m - libm::tanh(h + 0.4 * h.signum())).abs() < 1e-6);
        }
        assert_eq!(infinite.magnetization(0.0, &mut 0.0), 0.0);
    }

    #[test]
    fn reinforcement_accumulates() {
        let mut total = 0.0;
        for _ in 0..100 {
            Reinforce { rho: 0.5 }.magnetization(0.3, &mut total);
        }
        // Geometric series 0.3/(1 − 0.5).
        assert!((total - 0.6).abs() < 1e-6);
    }
}
