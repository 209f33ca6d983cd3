//! Weighted linear least squares, with the response of every coefficient to every datum.
//!
//! Minimises χ² = Σ_i (y_i − Σ_j c_j A_ij)²/e_i² by a modified Gram–Schmidt factorisation of the rows
//! divided by their errors, A/e = Q R. The coefficients are linear in the data, c = B y with
//! B = R⁻¹Qᵀ/e; from B follow standard errors, √Σ_i (B_ji e_i)², and the coefficients of resampled
//! data without another fit. Cost O(M k²) for M data and k columns. Deterministic.

/// A factorised problem.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    /// `columns[j][i]` is A_ij.
    columns: Vec<Vec<f64>>,
    /// `response[j][i]` = B_ji = ∂c_j/∂y_i.
    response: Vec<Vec<f64>>,
    /// e_i.
    errors: Vec<f64>,
}

impl LeastSquares {
    /// `columns[j][i]`: column j at datum i; `errors`: standard errors, positive. `None` if a column
    /// depends on those before it to 1e-10, or with fewer data than columns.
    pub fn new(columns: Vec<Vec<f64>>, errors: &[f64]) -> Option<Self> {
        if columns.len() > errors.len() {
            return None;
        }
        let (mut q, mut r): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
        for column in &columns {
            let mut rest: Vec<f64> = column.iter().zip(errors).map(|(a, e)| a / e).collect();
            let length = norm(&rest);
            let mut row = vec![0.0; q.len()];
            // Twice: the second pass removes what rounding left of the first.
            for _ in 0..2 {
                for (sum, known) in row.iter_mut().zip(&q) {
                    let c: f64 = known.iter().zip(&rest).map(|(a, b)| a * b).sum();
                    rest.iter_mut().zip(known).for_each(|(v, a)| *v -= c * a);
                    *sum += c;
                }
            }
            let left = norm(&rest);
            if left.is_nan() || left <= 1e-10 * length {
                return None;
            }
            rest.iter_mut().for_each(|x| *x /= left);
            row.push(left);
            q.push(rest);
            r.push(row);
        }
        // Back substitution R B = Qᵀ/e, from the last coefficient up.
        let mut response = q;
        for row in &mut response {
            row.iter_mut().zip(errors).for_each(|(b, e)| *b /= e);
        }
        for j in (0..response.len()).rev() {
            let (above, from) = response.split_at_mut(j);
            let row = &mut from[0];
            row.iter_mut().for_each(|b| *b /= r[j][j]);
            for (i, target) in above.iter_mut().enumerate() {
                target.iter_mut().zip(row.iter()).for_each(|(t, b)| *t -= r[j][i] * b);
            }
        }
        Some(Self { columns, response, errors: errors.to_vec() })
    }

    /// c = B y.
    pub fn coefficients(&self, y: &[f64]) -> Vec<f64> {
        self.response.iter().map(|row| dot(row, y)).collect()
    }

    /// χ² of `y` about the fit with `coefficients`.
    pub fn chi2(&self, y: &[f64], coefficients: &[f64]) -> f64 {
        let fitted =
            |i: usize| self.columns.iter().zip(coefficients).map(|(a, c)| c * a[i]).sum::<f64>();
        (0..y.len()).map(|i| ((y[i] - fitted(i)) / self.errors[i]).powi(2)).sum()
    }

    /// Columns of A.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// B, coefficient by coefficient.
    pub fn response(&self) -> &[Vec<f64>] {
        &self.response
    }
}

/// Standard error of a quantity with `response` to data of standard `errors`.
pub fn propagated(response: &[f64], errors: &[f64]) -> f64 {
    response.iter().zip(errors).map(|(b, e)| (b * e).powi(2)).sum::<f64>().sqrt()
}

/// Σ a b.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A straight line with unequal errors against the textbook sums.
    #[test]
    fn straight_line() {
        let x = [1.0, 2.0, 4.0, 7.0];
        let (y, e) = ([1.1, 1.9, 4.2, 6.8], [0.1, 0.2, 0.1, 0.4]);
        let fit = LeastSquares::new(vec![vec![1.0; 4], x.to_vec()], &e).unwrap();
        let sum = |f: &dyn Fn(usize) -> f64| (0..4).map(|i| f(i) / (e[i] * e[i])).sum::<f64>();
        let (s, sx, sy) = (sum(&|_| 1.0), sum(&|i| x[i]), sum(&|i| y[i]));
        let (sxx, sxy) = (sum(&|i| x[i] * x[i]), sum(&|i| x[i] * y[i]));
        let delta = s * sxx - sx * sx;
        let c = fit.coefficients(&y);
        assert!((c[0] - (sxx * sy - sx * sxy) / delta).abs() < 1e-12);
        assert!((c[1] - (s * sxy - sx * sy) / delta).abs() < 1e-12);
        assert!((propagated(&fit.response()[0], &e) - (sxx / delta).sqrt()).abs() < 1e-12);
        let expected = sum(&|i| (y[i] - c[0] - c[1] * x[i]).powi(2));
        assert!((fit.chi2(&y, &c) - expected).abs() < 1e-10);
    }

    #[test]
    fn dependent_columns_have_no_fit() {
        let one = vec![1.0; 3];
        assert!(LeastSquares::new(vec![one.clone(), one.clone()], &[1.0; 3]).is_none());
        assert!(LeastSquares::new(vec![one; 4], &[1.0; 3]).is_none());
    }
}
