//! Newton's method for a few equations, with differences for the Jacobian and backtracking.
//!
//! For saddle points whose good starts are known: at most four unknowns of order one. Own code:
//! linear algebra of this size needs no crate. Deterministic.

/// Step of the central differences.
const DIFFERENCE: f64 = 1e-4;
/// Longest step in any unknown.
const LONGEST: f64 = 0.5;

/// Solves f(x) = 0 from `start` until every residual is below `tolerance`; `None` if it does not
/// get there. `f` returns `None` outside its domain.
pub fn newton<const N: usize>(
    mut f: impl FnMut(&[f64; N]) -> Option<[f64; N]>,
    start: [f64; N],
    tolerance: f64,
    iterations: usize,
) -> Option<[f64; N]> {
    let norm = |r: &[f64; N]| r.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut at = start;
    let mut residual = f(&at)?;
    for _ in 0..iterations {
        if residual.iter().all(|r| r.abs() < tolerance) {
            return Some(at);
        }
        let mut matrix = [[0.0; N]; N];
        for j in 0..N {
            let (mut above, mut below) = (at, at);
            above[j] += DIFFERENCE;
            below[j] -= DIFFERENCE;
            let (above, below) = (f(&above)?, f(&below)?);
            for i in 0..N {
                matrix[i][j] = (above[i] - below[i]) / (2.0 * DIFFERENCE);
            }
        }
        let mut step = eliminate(matrix, residual)?;
        let longest = step.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
        if longest > LONGEST {
            step.iter_mut().for_each(|s| *s *= LONGEST / longest);
        }
        let mut length = 1.0;
        let mut improved = false;
        for _ in 0..12 {
            let next: [f64; N] = std::array::from_fn(|i| at[i] - length * step[i]);
            if let Some(there) = f(&next)
                && norm(&there) < norm(&residual)
            {
                (at, residual) = (next, there);
                improved = true;
                break;
            }
            length *= 0.5;
        }
        if !improved {
            break;
        }
    }
    residual.iter().all(|r| r.abs() < 100.0 * tolerance).then_some(at)
}

/// Gaussian elimination with partial pivoting; `None` for a singular matrix.
fn eliminate<const N: usize>(mut matrix: [[f64; N]; N], mut rhs: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N)
            .max_by(|&i, &j| matrix[i][column].abs().total_cmp(&matrix[j][column].abs()))?;
        if !matrix[pivot][column].is_normal() {
            return None;
        }
        matrix.swap(column, pivot);
        rhs.swap(column, pivot);
        for row in column + 1..N {
            let factor = matrix[row][column] / matrix[column][column];
            let (upper, lower) = matrix.split_at_mut(row);
            for (x, y) in lower[0].iter_mut().zip(&upper[column]).skip(column) {
                *x -= factor * y;
            }
            rhs[row] -= factor * rhs[column];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|j| matrix[row][j] * rhs[j]).sum();
        rhs[row] = (rhs[row] - known) / matrix[row][row];
    }
    Some(rhs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_curves_cross() {
        let f = |x: &[f64; 2]| Some([x[0] * x[0] + x[1] * x[1] - 4.0, libm::exp(x[0]) - x[1]]);
        let root = newton(f, [0.3, 1.0], 1e-12, 50).unwrap();
        assert!(f(&root).unwrap().iter().all(|r| r.abs() < 1e-12));
        assert!(newton(|x: &[f64; 1]| Some([x[0] * x[0] + 1.0]), [0.7], 1e-12, 50).is_none());
        assert!(newton(|_: &[f64; 1]| None, [0.7], 1e-12, 50).is_none());
    }
}
