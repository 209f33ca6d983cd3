//! Gaussian density, tail and hazard, and the logarithms that must not overflow.
//!
//! $$ G(x) = \frac{e^{-x^2/2}}{\sqrt{2\pi}}, \qquad
//!    H(x) = \frac12 \operatorname{erfc}\frac{x}{\sqrt2}, \qquad h(x) = \frac{G(x)}{H(x)} . $$
//!
//! For x ≥ 0 all three come from the scaled
//! complementary error function erfcx (Johnson's Chebyshev tables, crate `errorfunctions`), where
//! nothing underflows; for x < 0 from H(x) = 1 − H(−x). Relative error below 1e-14, tested against
//! 40-digit values. `exp`, `ln`, `log1p` are those of the pinned `libm` crate. Cost: about 15 ns.

use errorfunctions::RealErrorFunctions;
use std::f64::consts::FRAC_1_SQRT_2;

/// 1/√(2π).
pub const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
/// √(2/π).
pub const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

/// G(x), the Gaussian density.
pub fn density(x: f64) -> f64 {
    INV_SQRT_2PI * libm::exp(-0.5 * x * x)
}

/// H, ln H and h = G/H at one point, computed together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// H(x).
    pub tail: f64,
    /// ln H(x); finite for every finite x.
    pub ln_tail: f64,
    /// h(x) = G(x)/H(x); 0 below x ≈ −38, where G underflows.
    pub hazard: f64,
}

impl Tail {
    /// The three functions at `x`.
    pub fn at(x: f64) -> Self {
        let scaled = erfcx_positive(x.abs() * FRAC_1_SQRT_2);
        let exponential = libm::exp(-0.5 * x * x);
        let small = 0.5 * scaled * exponential;
        if x >= 0.0 {
            Self {
                tail: small,
                ln_tail: libm::log(0.5 * scaled) - 0.5 * x * x,
                hazard: SQRT_2_OVER_PI / scaled,
            }
        } else {
            let tail = 1.0 - small;
            Self { tail, ln_tail: libm::log1p(-small), hazard: INV_SQRT_2PI * exponential / tail }
        }
    }
}

/// erfcx(x) = e^{x²} erfc(x) for x ≥ 0.
fn erfcx_positive(x: f64) -> f64 {
    debug_assert!(x >= 0.0);
    x.erfcx()
}

/// H(x).
pub fn tail(x: f64) -> f64 {
    let small = 0.5 * erfcx_positive(x.abs() * FRAC_1_SQRT_2) * libm::exp(-0.5 * x * x);
    if x >= 0.0 { small } else { 1.0 - small }
}

/// ln H(x).
pub fn ln_tail(x: f64) -> f64 {
    let scaled = erfcx_positive(x.abs() * FRAC_1_SQRT_2);
    if x >= 0.0 {
        libm::log(0.5 * scaled) - 0.5 * x * x
    } else {
        libm::log1p(-0.5 * scaled * libm::exp(-0.5 * x * x))
    }
}

/// h(x) = G(x)/H(x).
pub fn hazard(x: f64) -> f64 {
    let scaled = erfcx_positive(x.abs() * FRAC_1_SQRT_2);
    if x >= 0.0 {
        SQRT_2_OVER_PI / scaled
    } else {
        let exponential = libm::exp(-0.5 * x * x);
        INV_SQRT_2PI * exponential / (1.0 - 0.5 * scaled * exponential)
    }
}

/// Φ(w) = H(−w).
pub fn cdf(w: f64) -> f64 {
    tail(-w)
}

/// ln Φ(w).
pub fn ln_cdf(w: f64) -> f64 {
    ln_tail(-w)
}

/// φ(w)/Φ(w), the inverse Mills ratio of the lower tail.
pub fn ratio(w: f64) -> f64 {
    hazard(-w)
}

/// ln(2 cosh x) = |x| + ln(1 + e^(−2|x|)).
pub fn ln_2cosh(x: f64) -> f64 {
    x.abs() + libm::log1p(libm::exp(-2.0 * x.abs()))
}

/// (tanh x, sech² x), the second without the cancellation of 1 − tanh².
pub fn tanh_sech2(x: f64) -> (f64, f64) {
    let e = libm::exp(-2.0 * x.abs());
    let inverse = 1.0 / (1.0 + e);
    let magnitude = if e > 0.5 { libm::tanh(x.abs()) } else { (1.0 - e) * inverse };
    (magnitude.copysign(x), 4.0 * e * inverse * inverse)
}

/// ln(e^a + e^b), for any finite or −∞ arguments.
pub fn ln_add_exp(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}

/// ln Σ_i w_i e^{x_i} for non-negative weights; −∞ if all weights vanish.
pub fn ln_sum_exp(terms: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let terms = terms.filter(|&(weight, _)| weight > 0.0);
    let high = terms.clone().fold(f64::NEG_INFINITY, |high, (_, exponent)| high.max(exponent));
    if high == f64::NEG_INFINITY {
        return high;
    }
    let sum: f64 = terms.map(|(weight, exponent)| weight * libm::exp(exponent - high)).sum();
    high + libm::log(sum)
}

/// Shannon entropy −p ln p − (1−p) ln(1−p) in nats, `p` in [0, 1].
pub fn binary_entropy(p: f64) -> f64 {
    let term = |x: f64| if x > 0.0 { -x * libm::log(x) } else { 0.0 };
    let rest = if p < 1.0 { -(1.0 - p) * libm::log1p(-p) } else { 0.0 };
    term(p) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_2;

    /// (x, H, ln H, h) from 40-digit arithmetic.
    const REFERENCE: [(f64, f64, f64, f64); 12] = [
        (-37.0, 1.0, -5.725571222524577e-300, 2.1200065515246056e-298),
        (-12.0, 1.0, -1.776482112077679e-33, 2.1463837356630605e-32),
        (-5.5, 0.9999999810104375, -1.8989562646189464e-08, 1.0769760247056311e-07),
        (-1.0, 0.8413447460685429, -0.17275377902344988, 0.2875999709391784),
        (-0.125, 0.5497382248301129, -0.598313068912425, 0.7200475955025254),
        (0.0, 0.5, -LN_2, 0.7978845608028654),
        (0.5, 0.3085375387259869, -1.1759117615936185, 1.1410777703680646),
        (2.25, 0.012224472655044703, -4.404315381153271, 2.596402538686962),
        (5.0, 2.866515718791939e-07, -15.064998393988725, 5.186503967125842),
        (8.75, 1.0667637375474858e-18, -41.381902152945095, 8.861478459734444),
        (20.0, 2.7536241186062337e-89, -203.91715537109727, 20.04975306852785),
        (37.5, 4.605353009581955e-308, -707.6689893175072, 37.526628874883656),
    ];

    fn close(actual: f64, expected: f64, what: &str) {
        let scale = expected.abs().max(f64::MIN_POSITIVE);
        assert!((actual - expected).abs() <= 2e-14 * scale, "{what}: {actual:e} {expected:e}");
    }

    #[test]
    fn tail_functions_against_forty_digits() {
        for (x, h, ln, hazard_x) in REFERENCE {
            let all = Tail::at(x);
            for (tail_x, ln_x, ratio_x) in
                [(all.tail, all.ln_tail, all.hazard), (tail(x), ln_tail(x), hazard(x))]
            {
                close(tail_x, h, &format!("H({x})"));
                close(ln_x, ln, &format!("ln H({x})"));
                close(ratio_x, hazard_x, &format!("h({x})"));
            }
            close(ln_cdf(-x), ln, "ln Φ");
            close(ratio(-x), hazard_x, "φ/Φ");
        }
        assert_eq!(hazard(-40.0), 0.0);
        assert!(ln_tail(1e8).is_finite() && ln_tail(-1e8) == 0.0);
    }

    #[test]
    fn logarithms_without_overflow() {
        assert_eq!(ln_2cosh(1e6), 1e6);
        close(ln_2cosh(0.3), (2.0 * 0.3f64.cosh()).ln(), "ln 2cosh");
        for x in [-30.0, -1.0, -1e-9, 0.0, 0.2, 0.4, 3.0, 30.0] {
            let (t, s) = tanh_sech2(x);
            close(t, libm::tanh(x), "tanh");
            close(s, 1.0 / libm::cosh(x) / libm::cosh(x), "sech²");
        }
        close(ln_add_exp(-1000.0, -1001.0), -1000.0 + libm::log1p(libm::exp(-1.0)), "ln_add_exp");
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, 2.0), 2.0);
        let terms = [(0.5, 1000.0), (0.25, 1001.0), (0.0, 2000.0)];
        let expected = 1000.0 + libm::log(0.5 + 0.25 * std::f64::consts::E);
        close(ln_sum_exp(terms.into_iter()), expected, "ln_sum_exp");
        close(binary_entropy(0.5), LN_2, "entropy");
        assert_eq!(binary_entropy(0.0), 0.0);
        assert_eq!(binary_entropy(1.0), 0.0);
    }
}
