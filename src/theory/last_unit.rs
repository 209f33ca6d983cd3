//! One sign unit given all others: ∫Dx ln(A + B p(x)), tabulated.
//!
//! p(x) = H(−√(q/(1−q)) x) is the probability that a unit agrees with the label. With A and B fixed
//! by the other units,
//!
//! $$ \int Dx \ln(A + B p(x)) = \ln A + T\left(\ln\frac BA\right), \qquad
//!    T(y) = \int Dx \ln(1 + e^y p(x)) , $$
//!
//! whose derivatives by y are averages of derivatives of the logistic function: quintic Hermite
//! interpolation of T, dT/dy and ∂T/∂q. 1e-12 with the fine steps. 0.5 ms a table, 10 ns a value.
//! Deterministic.

use super::covariance::Overlap;
use super::gaussian;
use super::quadrature::trapezoid;

/// Half-width of the trapezoids.
pub const REACH: f64 = 8.6;
/// Steps of the trapezoid over the last unit's field and of the table: for results.
pub const FINE: (f64, f64) = (0.25, 0.1);
/// For searches.
pub const COARSE: (f64, f64) = (0.4, 0.3);
/// p is kept above, so that no product of them underflows; reached beyond q ≈ 0.9 only.
pub const LEAST: f64 = 1e-55;
/// p and dp/dq of one unit at field x.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// p, kept above [`LEAST`].
    pub p: f64,
    /// dp/dq.
    pub by_q: f64,
}

/// The map x → p at one overlap.
#[derive(Clone, Copy, Debug)]
pub struct Agreement {
    /// √(q/(1−q)) and its derivative by q.
    ratio: f64,
    ratio_by_q: f64,
}

impl Agreement {
    /// At overlap `q`.
    pub fn new(q: Overlap) -> Self {
        let (p, complement) = (q.value().max(1e-30), q.complement());
        let ratio = (p / complement).sqrt();
        Self { ratio, ratio_by_q: 0.5 / (p.sqrt() * complement * complement.sqrt()) }
    }

    /// The unit at field `x`.
    pub fn at(self, x: f64) -> Unit {
        let u = self.ratio * x;
        let p = gaussian::tail(-u);
        if p < LEAST {
            return Unit { p: LEAST, by_q: 0.0 };
        }
        Unit { p, by_q: gaussian::density(u) * x * self.ratio_by_q }
    }
}

/// T(y), dT/dy and ∂T/∂q, by quintic Hermite interpolation.
#[derive(Clone, Debug)]
pub struct LastUnit {
    /// T and its first three derivatives, ∂T/∂q and its first two, by y, at y = [`Self::LOW`] + i·`step`.
    table: Vec<[f64; 7]>,
    step: f64,
}

impl LastUnit {
    /// T ≈ e^y below, nothing to rounding.
    const LOW: f64 = -38.0;

    /// A table up to y = `high`, `steps` as [`FINE`].
    pub fn new(agreement: Agreement, high: f64, steps: (f64, f64)) -> Self {
        let units: Vec<(f64, Unit)> = trapezoid(REACH, steps.0)
            .nodes()
            .iter()
            .map(|&(x, weight)| (weight, agreement.at(x)))
            .collect();
        let count = libm::ceil((high - Self::LOW) / steps.1) as usize + 2;
        let table = (0..count)
            .map(|i| {
                let e = libm::exp(Self::LOW + i as f64 * steps.1);
                let mut sums = [0.0; 7];
                for &(weight, unit) in &units {
                    let odds = e * unit.p;
                    // The logistic function of y + ln p and its derivatives.
                    let s = odds / (1.0 + odds);
                    let first = s / (1.0 + odds);
                    let second = first * (1.0 - 2.0 * s);
                    let rate = unit.by_q / unit.p;
                    let values = [
                        libm::log1p(odds),
                        s,
                        first,
                        second,
                        rate * s,
                        rate * first,
                        rate * second,
                    ];
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += weight * value;
                    }
                }
                sums
            })
            .collect();
        Self { table, step: steps.1 }
    }

    /// (T, dT/dy, ∂T/∂q) at `y`.
    pub fn at(&self, y: f64) -> [f64; 3] {
        let z = ((y - Self::LOW) / self.step).max(0.0);
        let i = (z as usize).min(self.table.len() - 2);
        let (a, b) = (&self.table[i], &self.table[i + 1]);
        let t = z - i as f64;
        let (square, cube) = (t * t, t * t * t);
        let first = cube * (10.0 - 15.0 * t + 6.0 * square);
        let left = self.step * (t - cube * (6.0 - 8.0 * t + 3.0 * square));
        let right = self.step * cube * (-4.0 + 7.0 * t - 3.0 * square);
        let half = 0.5 * self.step * self.step;
        let bend = half * (square - cube * (3.0 - 3.0 * t + square));
        let curl = half * cube * (1.0 - 2.0 * t + square);
        [0, 1, 4].map(|k| {
            a[k] + first * (b[k] - a[k])
                + left * a[k + 1]
                + right * b[k + 1]
                + bend * a[k + 2]
                + curl * b[k + 2]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T and its derivatives against the plain integral, also far out.
    #[test]
    fn table_equals_the_integral() {
        let (q, step) = (0.45, 1e-5);
        let agreement = |q: f64| Agreement::new(Overlap::new(q));
        let exact = |q: f64, y: f64| {
            let agreement = agreement(q);
            trapezoid(REACH, 0.05).mean(|x| libm::log1p(libm::exp(y) * agreement.at(x).p))
        };
        for (steps, tolerance) in [(FINE, 5e-11), (COARSE, 2e-7)] {
            let table = LastUnit::new(agreement(q), 30.0, steps);
            for y in [-30.03, -7.7, -1.234, 0.01, 2.345, 11.1, 29.9] {
                let [value, by_y, by_q] = table.at(y);
                let scale = value.max(1e-12);
                assert!((value - exact(q, y)).abs() < tolerance * scale, "{y} {value}");
                let slope = (exact(q, y + step) - exact(q, y - step)) / (2.0 * step);
                assert!((by_y - slope).abs() < 1e-6 * scale.min(1.0), "{y} {by_y} {slope}");
                let slope = (exact(q + step, y) - exact(q - step, y)) / (2.0 * step);
                assert!((by_q - slope).abs() < 1e-6 * scale.max(1e-3), "{y} {by_q} {slope}");
            }
        }
    }
}
