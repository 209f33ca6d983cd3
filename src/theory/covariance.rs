//! The Gaussian covariance of the activation, all that the K → ∞ theory knows of it.
//!
//! For standard normal u, v with correlation q,
//!
//! $$ Q(q) = \mathbb E[g(u)g(v)] - (\mathbb E g)^2, \qquad \Delta(q) = Q(1) - Q(q), \qquad
//!    Q^\prime = \mathbb E[g^\prime g^\prime], \qquad
//!    Q^{\prime\prime} = \mathbb E[g^{\prime\prime}g^{\prime\prime}] ; $$
//!
//! Qd = Q(1), f1 = Q'(1). Closed forms, by [`crate::model::Kernel`]: leaky ReLU with slope a (a = 0 is
//! ReLU, a = 1 the identity, a = −1 the modulus),
//!
//! $$ Q(q) = \left(\frac{1+a}{2}\right)^2 q + \left(\frac{1-a}{2}\right)^2 \frac{2}{\pi}
//!    \left(\sqrt{1-q^2} + q \arcsin q - 1\right) , $$
//!
//! erf(s x), of which s = ∞ is sign, with f1 = ∞, and x²,
//!
//! $$ Q(q) = \frac{2}{\pi} \arcsin(r q), \quad r = \frac{2s^2}{1+2s^2} ; \qquad Q(q) = 2q^2 ; $$
//!
//! any other analytic g: its Hermite series ([`super::hermite_series`]).
//!
//! [`Overlap`] carries q and 1 − q, so that nothing cancels as q → 1. Deterministic; 5–20 ns for
//! the closed forms, under 1 µs for the series.

use super::hermite_series::HermiteSeries;
use crate::model::activation::{self, Activation};
use std::f64::consts::{FRAC_2_PI, PI};

/// An overlap q together with 1 − q, both to full relative accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    value: f64,
    complement: f64,
}

impl Overlap {
    /// From q.
    pub fn new(q: f64) -> Self {
        Self { value: q, complement: 1.0 - q }
    }

    /// From 1 − q.
    pub fn from_complement(complement: f64) -> Self {
        Self { value: 1.0 - complement, complement }
    }

    /// From ln(q/(1−q)).
    pub fn from_logit(logit: f64) -> Self {
        let e = libm::exp(-logit.abs());
        let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
        if logit >= 0.0 {
            Self { value: large, complement: small }
        } else {
            Self { value: small, complement: large }
        }
    }

    /// From both, when both are known without cancellation; their sum is 1.
    pub fn from_parts(value: f64, complement: f64) -> Self {
        debug_assert!((value + complement - 1.0).abs() < 1e-12);
        Self { value, complement }
    }

    /// q.
    pub fn value(self) -> f64 {
        self.value
    }

    /// 1 − q.
    pub fn complement(self) -> f64 {
        self.complement
    }

    /// 1 − q², without cancellation.
    fn sine_squared(self) -> f64 {
        self.complement * (1.0 + self.value)
    }
}

impl From<f64> for Overlap {
    fn from(q: f64) -> Self {
        Self::new(q)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Kernel {
    /// A q + B (2/π)(√(1−q²) + q asin q − 1).
    Rectifier {
        linear: f64,
        arc: f64,
    },
    /// (2/π) asin(r q), with 1 − r.
    ArcSine {
        r: f64,
        complement: f64,
    },
    /// 2 q².
    Quadratic,
    Series(HermiteSeries),
}

/// Q and its relatives for one activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    kernel: Kernel,
}

impl Covariance {
    /// The covariance of `activation`.
    pub fn new(activation: Activation) -> Self {
        let kernel = match activation.kernel() {
            activation::Kernel::Rectifier { slope } => Kernel::Rectifier {
                linear: (0.5 * (1.0 + slope)) * (0.5 * (1.0 + slope)),
                arc: (0.5 * (1.0 - slope)) * (0.5 * (1.0 - slope)),
            },
            activation::Kernel::ArcSine { scale } => {
                // In terms of 1/(2s²), so that a huge scale does not overflow.
                let inverse = 0.5 / scale / scale;
                Kernel::ArcSine { r: 1.0 / (1.0 + inverse), complement: inverse / (1.0 + inverse) }
            }
            activation::Kernel::Square => Kernel::Quadratic,
            activation::Kernel::Series => {
                Kernel::Series(HermiteSeries::new(|x| activation.value(x)))
            }
        };
        Self { kernel }
    }

    /// Whether it is exact: a series may not have converged ([`HermiteSeries::is_converged`]).
    pub fn is_exact(&self) -> bool {
        match &self.kernel {
            Kernel::Series(series) => series.is_converged(),
            _ => true,
        }
    }

    /// Q(q), −1 ≤ q ≤ 1.
    pub fn value(&self, q: impl Into<Overlap>) -> f64 {
        let overlap = q.into();
        let q = overlap.value;
        match &self.kernel {
            Kernel::Rectifier { linear, arc } => {
                // √(1−q²) − 1 without cancellation at small q.
                let root = overlap.sine_squared().sqrt();
                linear * q + arc * FRAC_2_PI * (q * arc_sine(overlap) - q * q / (1.0 + root))
            }
            Kernel::ArcSine { r, complement } => {
                FRAC_2_PI * arc_sine(scaled(overlap, *r, *complement))
            }
            Kernel::Quadratic => 2.0 * q * q,
            Kernel::Series(series) => series.value(q),
        }
    }

    /// Q'(q). Infinite at q = 1 for sign.
    pub fn first(&self, q: impl Into<Overlap>) -> f64 {
        let overlap = q.into();
        match &self.kernel {
            Kernel::Rectifier { linear, arc } => linear + arc * FRAC_2_PI * arc_sine(overlap),
            Kernel::ArcSine { r, complement } => {
                FRAC_2_PI * r / scaled(overlap, *r, *complement).sine_squared().sqrt()
            }
            Kernel::Quadratic => 4.0 * overlap.value,
            Kernel::Series(series) => series.first(overlap.value),
        }
    }

    /// Q''(q). Infinite at q = 1 for sign and the ReLU family.
    pub fn second(&self, q: impl Into<Overlap>) -> f64 {
        let overlap = q.into();
        match &self.kernel {
            Kernel::Rectifier { arc, .. } if *arc == 0.0 => 0.0,
            Kernel::Rectifier { arc, .. } => arc * FRAC_2_PI / overlap.sine_squared().sqrt(),
            Kernel::ArcSine { r, complement } => {
                let rq = scaled(overlap, *r, *complement);
                let square = rq.sine_squared();
                FRAC_2_PI * r * r * rq.value / (square * square.sqrt())
            }
            Kernel::Quadratic => 4.0,
            Kernel::Series(series) => series.second(overlap.value),
        }
    }

    /// Δ(q) = Qd − Q(q), to full relative accuracy as q → 1 when q is given by its complement.
    pub fn gap(&self, q: impl Into<Overlap>) -> f64 {
        let overlap = q.into();
        let p = overlap.complement;
        match &self.kernel {
            Kernel::Rectifier { linear, arc } => {
                linear * p + arc * (p + FRAC_2_PI * theta_cosine_minus_sine(arc_cosine(overlap)))
            }
            Kernel::ArcSine { r, complement } => {
                if overlap.value < 0.5 {
                    return self.diagonal() - self.value(overlap);
                }
                // asin r − asin rq = asin of a quotient of sums.
                let rq = scaled(overlap, *r, *complement);
                let root = rq.sine_squared().sqrt();
                let root_at_one = (complement * (1.0 + r)).sqrt();
                let sine = r * overlap.sine_squared() / (root + overlap.value * root_at_one);
                FRAC_2_PI * libm::asin(sine.min(1.0))
            }
            Kernel::Quadratic => 2.0 * overlap.sine_squared(),
            Kernel::Series(series) => series.gap(overlap.value, p),
        }
    }

    /// Qd = Q(1), the variance of g.
    pub fn diagonal(&self) -> f64 {
        self.value(Overlap::from_complement(0.0))
    }

    /// f1 = Q'(1) = E[g'²]; infinite for sign.
    pub fn slope_at_one(&self) -> f64 {
        self.first(Overlap::from_complement(0.0))
    }

    /// Whether Q is even, so that q = 0 always solves the saddle-point equations.
    pub fn is_even(&self) -> bool {
        self.first(0.0) == 0.0
    }
}

/// r q with its complement 1 − rq = (1 − r) + r(1 − q).
fn scaled(q: Overlap, r: f64, r_complement: f64) -> Overlap {
    Overlap { value: r * q.value, complement: r_complement + r * q.complement }
}

/// acos q from whichever of q, 1 − q is better conditioned.
fn arc_cosine(q: Overlap) -> f64 {
    if q.value < 0.5 {
        libm::acos(q.value.max(-1.0))
    } else {
        2.0 * libm::asin((0.5 * q.complement.max(0.0)).sqrt())
    }
}

/// asin q.
fn arc_sine(q: Overlap) -> f64 {
    if q.value < 0.5 { libm::asin(q.value.max(-1.0)) } else { 0.5 * PI - arc_cosine(q) }
}

/// θ cos θ − sin θ = Σ_n (−1)^n 2n θ^{2n+1}/(2n+1)!, by its series where the difference cancels.
fn theta_cosine_minus_sine(theta: f64) -> f64 {
    if theta > 0.1 {
        return theta * libm::cos(theta) - libm::sin(theta);
    }
    let t = theta * theta;
    theta * t * (-1.0 / 3.0 + t * (1.0 / 30.0 + t * (-1.0 / 840.0 + t / 45_360.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activation::tests::ALL;
    use crate::theory::quadrature::trapezoid;

    fn close(actual: f64, expected: f64, tolerance: f64, what: &str) {
        let scale = 1.0f64.max(expected.abs());
        assert!((actual - expected).abs() <= tolerance * scale, "{what}: {actual} {expected}");
    }

    #[test]
    fn documented_numbers_of_relu() {
        let relu = Covariance::new(Activation::Relu);
        close(relu.diagonal(), 0.3408450569, 5e-11, "Qd");
        close(relu.value(0.5), 0.1453439474, 5e-11, "Q");
        close(relu.first(0.5), 1.0 / 3.0, 1e-15, "Q'");
        close(relu.second(0.5), 0.1837762985, 5e-11, "Q''");
        close(relu.slope_at_one(), 0.5, 1e-15, "f1");
        assert_eq!(Covariance::new(Activation::Sign).slope_at_one(), f64::INFINITY);
    }

    /// The definition E[g(u)g(v)] − (E g)² by a 2-D trapezoid, for the analytic activations; also
    /// Δ = ½E[(g(u) − g(v))²].
    #[test]
    fn definition_by_double_quadrature() {
        let line = trapezoid(9.6, 0.08);
        for activation in [
            Activation::Tanh,
            Activation::Gelu,
            Activation::Quadratic,
            Activation::Erf { scale: 0.8 },
        ] {
            let covariance = Covariance::new(activation);
            for q in [-0.4f64, 0.1, 0.6, 0.97] {
                let (sum, difference) = ((0.5 * (1.0 + q)).sqrt(), (0.5 * (1.0 - q)).sqrt());
                let (mut mean, mut product, mut square) = (0.0, 0.0, 0.0);
                for &(a, weight_a) in line.nodes() {
                    for &(b, weight_b) in line.nodes() {
                        let weight = weight_a * weight_b;
                        let u = activation.value(sum * a + difference * b);
                        let v = activation.value(sum * a - difference * b);
                        mean += weight * u;
                        product += weight * u * v;
                        square += weight * 0.5 * (u - v) * (u - v);
                    }
                }
                let name = activation.name();
                close(covariance.value(q), product - mean * mean, 1e-13, &format!("Q {name} {q}"));
                close(covariance.gap(q), square, 1e-13, &format!("Δ {name} {q}"));
            }
        }
    }

    /// The Hermite series against the closed form of erf, also where its tail is longest.
    #[test]
    fn series_reproduces_a_closed_form() {
        let activation = Activation::Erf { scale: 0.8 };
        let closed = Covariance::new(activation);
        let series =
            Covariance { kernel: Kernel::Series(HermiteSeries::new(|x| activation.value(x))) };
        for q in [-0.9, 0.0, 0.3, 0.9, 1.0 - 1e-6, 1.0] {
            close(series.value(q), closed.value(q), 1e-14, "Q");
            close(series.first(q), closed.first(q), 1e-14, "Q'");
            close(series.second(q), closed.second(q), 1e-13, "Q''");
        }
        for complement in [1e-3, 1e-8, 1e-13] {
            let q = Overlap::from_complement(complement);
            let ratio = series.gap(q) / closed.gap(q);
            close(ratio, 1.0, 1e-14, "Δ ratio");
        }
    }

    /// Derivatives by differences; Δ against Qd − Q; Δ → f1(1−q) as q → 1, to full accuracy.
    #[test]
    fn derivatives_gap_and_limit() {
        for activation in ALL {
            let c = Covariance::new(activation);
            let name = activation.name();
            for q in [-0.6, -0.1, 0.0, 0.2, 0.5, 0.77, 0.95] {
                let step = 1e-3;
                let stencil = |f: &dyn Fn(f64) -> f64| {
                    (8.0 * (f(q + step) - f(q - step)) - f(q + 2.0 * step) + f(q - 2.0 * step))
                        / (12.0 * step)
                };
                close(c.first(q), stencil(&|x| c.value(x)), 3e-6, &format!("Q' {name} {q}"));
                close(c.second(q), stencil(&|x| c.first(x)), 3e-4, &format!("Q'' {name} {q}"));
                close(c.gap(q), c.diagonal() - c.value(q), 3e-15, &format!("Δ {name} {q}"));
            }
            assert_eq!(c.value(0.0), 0.0, "{name}");
            assert!(c.is_exact(), "{name}");
            if activation != Activation::Sign {
                let tiny = 1e-13;
                let ratio = c.gap(Overlap::from_complement(tiny)) / (c.slope_at_one() * tiny);
                close(ratio, 1.0, 1e-6, &format!("Δ/f1(1−q) {name}"));
            }
        }
        // Exact at any gap for sign: Δ = (4/π) asin √((1−q)/2).
        let sign = Covariance::new(Activation::Sign);
        for p in [1e-16f64, 1e-9, 1e-3, 0.3, 0.7, 1.0] {
            let exact = 4.0 / PI * libm::asin((0.5 * p).sqrt());
            close(sign.gap(Overlap::from_complement(p)) / exact, 1.0, 1e-14, "sign Δ");
        }
        // erf of a large scale tends to sign, without overflow at an absurd one.
        for scale in [1e6, 1e200] {
            let erf = Covariance::new(Activation::Erf { scale });
            close(erf.gap(0.9), sign.gap(0.9), 1e-5, "erf → sign");
            close(erf.diagonal(), 1.0, 1e-5, "erf → sign");
        }
    }
}
