//! Gaussian covariance of a smooth activation by its Hermite series.
//!
//! With the orthonormal Hermite polynomials h_k of the Gaussian measure,
//!
//! $$ g(x) = \sum_k c_k h_k(x), \qquad Q(q) = \sum_{k \ge 1} c_k^2 q^k, \qquad
//!    \Delta(q) = (1-q) \sum_{j \ge 0} q^j \sum_{k > j} c_k^2 : $$
//!
//! all coefficients are non-negative, every derivative is exact, and nothing cancels as q → 1. The c_k
//! decay like e^{−d√k}, d the
//! distance of the nearest singularity from the real axis (π/2 for tanh; GELU is entire), so
//! [`ORDERS`] terms reach the last bit, which the sum rule Σ c_k² = Var g checks in the tests.
//! c_k by the trapezoidal rule (exponentially accurate for analytic g): set-up 0.5 ms, evaluation
//! under 1 µs. Deterministic.

use super::gaussian;

/// Orders computed; those that cannot matter in double precision are dropped afterwards.
const ORDERS: usize = 400;
/// Half-width and step of the trapezoid. h_k(x)G(x) is below e^{−x²/4}.
const HALF_WIDTH: f64 = 13.0;
const STEP: f64 = 1.0 / 32.0;

/// The series of Q for one activation.
#[derive(Clone, Debug, PartialEq)]
pub struct HermiteSeries {
    /// c_k², k = 0, 1, …; element 0 is zero (Q has no constant term).
    power: Vec<f64>,
    /// Σ_{k>j} c_k², j = 0, 1, ….
    above: Vec<f64>,
}

impl HermiteSeries {
    /// The series of `g`, which must be analytic near the real axis and of at most polynomial
    /// growth.
    pub fn new(g: impl Fn(f64) -> f64) -> Self {
        let mut coefficient = vec![0.0; ORDERS];
        let points = (HALF_WIDTH / STEP) as i32;
        for i in -points..=points {
            let x = f64::from(i) * STEP;
            let value = g(x) * STEP;
            let (mut previous, mut current) = (0.0, gaussian::density(x));
            for (k, c) in coefficient.iter_mut().enumerate() {
                *c += value * current;
                let order = k as f64;
                let next = (x * current - order.sqrt() * previous) / (order + 1.0).sqrt();
                previous = current;
                current = next;
            }
        }
        let mut power: Vec<f64> = coefficient.iter().map(|c| c * c).collect();
        power[0] = 0.0;
        let total: f64 = power.iter().sum();
        // k² c_k² enters Q''.
        let last = (0..ORDERS)
            .rev()
            .find(|&k| power[k] * ((k * k) as f64) > 1e-20 * total)
            .unwrap_or(ORDERS - 1);
        power.truncate(last + 1);
        let mut above = vec![0.0; last];
        let mut sum = 0.0;
        for j in (0..last).rev() {
            sum += power[j + 1];
            above[j] = sum;
        }
        Self { power, above }
    }

    /// Whether the last orders do not matter. They do where g has a kink or a singularity close to
    /// the real axis, or grows faster than a polynomial; a constant g has no series either.
    pub fn is_converged(&self) -> bool {
        self.power.len() < ORDERS
    }

    /// Q(q).
    pub fn value(&self, q: f64) -> f64 {
        self.power.iter().rev().fold(0.0, |sum, &c| sum * q + c)
    }

    /// Q'(q).
    pub fn first(&self, q: f64) -> f64 {
        let terms = self.power.iter().enumerate().skip(1).rev();
        terms.fold(0.0, |sum, (k, &c)| sum * q + k as f64 * c)
    }

    /// Q''(q).
    pub fn second(&self, q: f64) -> f64 {
        let terms = self.power.iter().enumerate().skip(2).rev();
        terms.fold(0.0, |sum, (k, &c)| sum * q + (k * (k - 1)) as f64 * c)
    }

    /// Δ = Q(1) − Q(q).
    pub fn gap(&self, q: f64, complement: f64) -> f64 {
        complement * self.above.iter().rev().fold(0.0, |sum, &t| sum * q + t)
    }
}
