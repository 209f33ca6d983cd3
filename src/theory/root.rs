//! Roots of one variable: Brent's method over fallible functions, and scans for a sign change.
//!
//! Own code because the crates at hand do not fit: `roots` 0.0.8 evaluates the function twice an
//! iteration and takes no function that can fail; `argmin` reads a clock. Brent, *Algorithms for
//! Minimization without Derivatives* (1973), ch. 4. Deterministic.

use super::Outcome;
use crate::error::TheoryError;

/// (x, f(x)).
pub type Point = (f64, f64);

/// Iterations allowed; Brent needs about ten, bisection of any interval of doubles under 100.
const ITERATIONS: usize = 200;

/// The root of `f` between `a` and `b`, where f must change sign, to |x| accuracy
/// `tolerance` + 4 ulp.
///
/// # Errors
/// What `f` returns; `NotConverged` without a sign change or at a value that is not finite.
pub fn brent(
    mut f: impl FnMut(f64) -> Outcome<f64>,
    a: f64,
    b: f64,
    tolerance: f64,
) -> Outcome<f64> {
    let (fa, fb) = (f(a)?, f(b)?);
    brent_from(f, (a, fa), (b, fb), tolerance)
}

/// [`brent`] from points whose values are known.
///
/// # Errors
/// As [`brent`].
pub fn brent_from(
    mut f: impl FnMut(f64) -> Outcome<f64>,
    (mut a, mut fa): Point,
    (mut b, mut fb): Point,
    tolerance: f64,
) -> Outcome<f64> {
    if fa * fb > 0.0 || (fa * fb).is_nan() {
        return Err(TheoryError::NotConverged(format!(
            "no sign change: f({a}) = {fa}, f({b}) = {fb}"
        )));
    }
    let (mut c, mut fc) = (a, fa);
    let mut step = b - a;
    let mut previous = step;
    for _ in 0..ITERATIONS {
        if fb * fc > 0.0 {
            (c, fc) = (a, fa);
            step = b - a;
            previous = step;
        }
        if fc.abs() < fb.abs() {
            (a, fa) = (b, fb);
            (b, fb) = (c, fc);
            (c, fc) = (a, fa);
        }
        let limit = 2.0 * f64::EPSILON * b.abs() + 0.5 * tolerance;
        let half = 0.5 * (c - b);
        if half.abs() <= limit || fb == 0.0 {
            return Ok(b);
        }
        if previous.abs() >= limit && fa.abs() > fb.abs() {
            let s = fb / fa;
            let (mut p, mut q) = if a == c {
                (2.0 * half * s, 1.0 - s)
            } else {
                let (u, v) = (fa / fc, fb / fc);
                (
                    s * (2.0 * half * u * (u - v) - (b - a) * (v - 1.0)),
                    (u - 1.0) * (v - 1.0) * (s - 1.0),
                )
            };
            if p > 0.0 {
                q = -q;
            }
            p = p.abs();
            if 2.0 * p < (3.0 * half * q - (limit * q).abs()).min((previous * q).abs()) {
                previous = step;
                step = p / q;
            } else {
                step = half;
                previous = half;
            }
        } else {
            step = half;
            previous = half;
        }
        (a, fa) = (b, fb);
        b += if step.abs() > limit { step } else { limit.copysign(half) };
        fb = f(b)?;
        if !fb.is_finite() {
            return Err(TheoryError::NotConverged(format!("f({b}) = {fb} in a root search")));
        }
    }
    Err(TheoryError::NotConverged(format!("root search stopped near {b}, f = {fb}")))
}

/// Walks from `from` in steps of `step` up to `to` and returns the first pair of neighbours
/// (x, f(x)) with f > 0 at the first and f ≤ 0 at the second; `None` if there is none.
///
/// # Errors
/// What `f` returns.
pub fn first_fall(
    mut f: impl FnMut(f64) -> Outcome<f64>,
    from: f64,
    to: f64,
    step: f64,
) -> Outcome<Option<(Point, Point)>> {
    let steps = ((to - from) / step).floor() as usize;
    let mut last = (from, f(from)?);
    for i in 1..=steps {
        let x = from + i as f64 * step;
        let next = (x, f(x)?);
        if last.1 > 0.0 && next.1 <= 0.0 {
            return Ok(Some((last, next)));
        }
        last = next;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_roots() {
        let root = brent(|x| Ok(x * x * x - 2.0), 0.0, 2.0, 1e-15).unwrap();
        assert!((root - libm::cbrt(2.0)).abs() < 1e-15);
        let root = brent(|x| Ok(libm::cos(x) - x), 0.0, 1.0, 1e-15).unwrap();
        assert!((root - 0.739_085_133_215_160_6).abs() < 1e-15);
        // A nearly flat root, Brent's hard case.
        let root = brent(|x| Ok(x.powi(9)), -1.0, 4.0, 1e-12).unwrap();
        assert!(root.abs() < 1e-1);
    }

    #[test]
    fn failures_are_errors() {
        assert!(brent(|x| Ok(x * x + 1.0), -1.0, 1.0, 1e-12).is_err());
        assert!(brent(|x| Ok(if x < 0.2 { x - 0.1 } else { f64::NAN }), 0.0, 1.0, 1e-12).is_err());
        let failing = brent(
            |x| if x > 0.4 { Err(TheoryError::Absent("x".into())) } else { Ok(-1.0) },
            0.0,
            1.0,
            1e-9,
        );
        assert_eq!(failing, Err(TheoryError::Absent("x".into())));
    }

    #[test]
    fn first_fall_finds_the_first() {
        let found = first_fall(|x| Ok(libm::sin(x)), 0.5, 20.0, 0.1).unwrap().unwrap();
        assert!(found.0.0 < std::f64::consts::PI && found.1.0 >= std::f64::consts::PI);
        assert!(first_fall(|_| Ok(1.0), 0.0, 3.0, 0.1).unwrap().is_none());
    }
}
