//! A few equations in as many unknowns: Newton's method with Broyden's update.
//!
//! The Jacobian is taken by differences at the start and whenever progress stalls, and updated
//! by C. G. Broyden, Math. Comp. 19, 577 (1965), in between; steps are halved until the residual
//! falls. For saddle points near a good start, where a root costs about one evaluation a digit
//! and a half; a failure is reported, and callers then fall back on nested one-dimensional roots.
//! Own code: the crates at hand need a linear-algebra stack for two unknowns. Deterministic.

use super::Outcome;
use crate::error::TheoryError;

/// Evaluations allowed.
const EVALUATIONS: usize = 60;

/// The root of `f` near `start` to max |f_i| ≤ `tolerance`; `steps` are the differences of the
/// first Jacobian.
///
/// # Errors
/// What `f` returns at `start`; `NotConverged` if no step reduces the residual. An error of `f`
/// elsewhere counts as an infinite residual.
pub fn solve<const N: usize>(
    mut f: impl FnMut([f64; N]) -> Outcome<[f64; N]>,
    start: [f64; N],
    steps: [f64; N],
    tolerance: f64,
) -> Outcome<[f64; N]> {
    let (mut x, mut value) = (start, f(start)?);
    let mut evaluations = 1;
    let mut jacobian: Option<[[f64; N]; N]> = None;
    let mut fresh = false;
    while size(&value) > tolerance {
        if evaluations > EVALUATIONS {
            return Err(stalled(&x, &value));
        }
        let matrix = match jacobian {
            Some(matrix) => matrix,
            None => {
                fresh = true;
                evaluations += N;
                differences(&mut f, x, value, steps)?
            }
        };
        let Some(step) = linear_solve(matrix, value.map(|v| -v)) else {
            return Err(stalled(&x, &value));
        };
        let mut scale = 1.0;
        let accepted = loop {
            let next: [f64; N] = std::array::from_fn(|i| x[i] + scale * step[i]);
            evaluations += 1;
            match f(next) {
                Ok(there) if size(&there) < size(&value) => break Some((next, there)),
                _ if scale < 0.1 => break None,
                _ => scale *= 0.4,
            }
        };
        let Some((next, there)) = accepted else {
            if fresh {
                return Err(stalled(&x, &value));
            }
            jacobian = None;
            continue;
        };
        // B += (Δf − BΔx) Δxᵀ/|Δx|².
        let change: [f64; N] = std::array::from_fn(|i| next[i] - x[i]);
        let square: f64 = change.iter().map(|c| c * c).sum();
        let mut updated = matrix;
        for (i, row) in updated.iter_mut().enumerate() {
            let predicted: f64 = row.iter().zip(&change).map(|(b, c)| b * c).sum();
            let excess = (there[i] - value[i] - predicted) / square;
            for (b, c) in row.iter_mut().zip(&change) {
                *b += excess * c;
            }
        }
        jacobian = Some(updated);
        fresh = false;
        (x, value) = (next, there);
    }
    Ok(x)
}

fn stalled(x: &[f64], value: &[f64]) -> TheoryError {
    TheoryError::NotConverged(format!("root search stalled at {x:?}, residuals {value:?}"))
}

/// max |v_i|; infinite if any is not finite.
fn size(values: &[f64]) -> f64 {
    let finite = values.iter().all(|v| v.is_finite());
    if finite { values.iter().fold(0.0, |max, v| f64::max(max, v.abs())) } else { f64::INFINITY }
}

fn differences<const N: usize>(
    f: &mut impl FnMut([f64; N]) -> Outcome<[f64; N]>,
    x: [f64; N],
    value: [f64; N],
    steps: [f64; N],
) -> Outcome<[[f64; N]; N]> {
    let mut matrix = [[0.0; N]; N];
    for j in 0..N {
        let mut shifted = x;
        shifted[j] += steps[j];
        let there = f(shifted)?;
        for i in 0..N {
            matrix[i][j] = (there[i] - value[i]) / steps[j];
        }
    }
    Ok(matrix)
}

/// Gaussian elimination with partial pivoting; `None` if singular.
fn linear_solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot =
            (column..N).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))?;
        a.swap(column, pivot);
        b.swap(column, pivot);
        if a[column][column] == 0.0 || !a[column][column].is_finite() {
            return None;
        }
        let top = a[column];
        for row in column + 1..N {
            let factor = a[row][column] / top[column];
            for (value, above) in a[row].iter_mut().zip(&top) {
                *value -= factor * above;
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..N).rev() {
        let rest: f64 = (row + 1..N).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - rest) / a[row][row];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_small_systems() {
        let mut evaluations = 0;
        let circle = |[x, y]: [f64; 2]| {
            evaluations += 1;
            Ok([x * x + y * y - 4.0, libm::exp(x) + y - 1.0])
        };
        let [x, y] = solve(circle, [1.0, -1.7], [1e-6; 2], 1e-13).unwrap();
        assert!((x * x + y * y - 4.0).abs() < 1e-12 && (libm::exp(x) + y - 1.0).abs() < 1e-12);
        assert!(evaluations < 15, "{evaluations}");
        let linear = |[x, y, z]: [f64; 3]| Ok([y - 2.0, x + y + z - 6.0, 2.0 * x - z + 1.0]);
        let root = solve(linear, [0.0; 3], [1e-3; 3], 1e-12).unwrap();
        for (value, expected) in root.iter().zip([1.0, 2.0, 3.0]) {
            assert!((value - expected).abs() < 1e-11);
        }
    }

    #[test]
    fn failures_are_errors() {
        assert!(solve(|[x]: [f64; 1]| Ok([x * x + 1.0]), [0.7], [1e-6], 1e-12).is_err());
        let fails = |_: [f64; 1]| Err(TheoryError::Absent("x".into()));
        assert_eq!(solve(fails, [0.0], [1e-6], 1e-9), Err(TheoryError::Absent("x".into())));
    }
}
