//! Minima of a few variables without derivatives: Nelder–Mead.
//!
//! Nelder, Mead, Comput. J. 7, 308 (1965), with the standard coefficients (1, 2, ½, ½). The
//! objectives here are smooth with at most six variables, so that the *value* at the minimum is
//! accurate to the square of the simplex size. Own code: `argmin` reads a clock and its functions
//! carry another error type. Deterministic.

/// A minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// Where.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Function evaluations used.
    pub evaluations: usize,
    /// Whether the simplex shrank below the tolerances within the budget.
    pub converged: bool,
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Largest extent of the simplex in any variable.
    pub size: f64,
    /// Largest relative difference of the values on the simplex.
    pub value: f64,
    /// Function evaluations allowed.
    pub evaluations: usize,
}

/// Minimises `f` from `start` with an initial simplex of edges `edges`. `f` may return +∞ outside
/// its domain, but not at `start`.
pub fn nelder_mead(
    mut f: impl FnMut(&[f64]) -> f64,
    start: &[f64],
    edges: &[f64],
    tolerance: Tolerance,
) -> Minimum {
    let dimension = start.len();
    let mut simplex: Vec<(Vec<f64>, f64)> = Vec::with_capacity(dimension + 1);
    simplex.push((start.to_vec(), f(start)));
    for i in 0..dimension {
        let mut point = start.to_vec();
        point[i] += edges[i];
        let value = f(&point);
        simplex.push((point, value));
    }
    let mut evaluations = dimension + 1;
    loop {
        simplex.sort_by(|x, y| x.1.total_cmp(&y.1));
        let size = (0..dimension)
            .map(|i| {
                simplex.iter().map(|(p, _)| (p[i] - simplex[0].0[i]).abs()).fold(0.0, f64::max)
            })
            .fold(0.0, f64::max);
        let spread = (simplex[dimension].1 - simplex[0].1).abs();
        let converged = size <= tolerance.size
            && spread <= tolerance.value * simplex[0].1.abs().max(f64::MIN_POSITIVE);
        if converged || evaluations >= tolerance.evaluations {
            let (at, value) = simplex.swap_remove(0);
            return Minimum { at, value, evaluations, converged };
        }
        let centre: Vec<f64> = (0..dimension)
            .map(|i| simplex[..dimension].iter().map(|(p, _)| p[i]).sum::<f64>() / dimension as f64)
            .collect();
        let worst = simplex[dimension].clone();
        let along = |t: f64| -> Vec<f64> {
            centre.iter().zip(&worst.0).map(|(c, w)| c + t * (w - c)).collect()
        };
        let reflected = along(-1.0);
        let value = f(&reflected);
        evaluations += 1;
        let replacement = if value < simplex[0].1 {
            let expanded = along(-2.0);
            let further = f(&expanded);
            evaluations += 1;
            Some(if further < value { (expanded, further) } else { (reflected, value) })
        } else if value < simplex[dimension - 1].1 {
            Some((reflected, value))
        } else {
            let outside = value < worst.1;
            let contracted = along(if outside { -0.5 } else { 0.5 });
            let inner = f(&contracted);
            evaluations += 1;
            (inner < value.min(worst.1)).then_some((contracted, inner))
        };
        if let Some(point) = replacement {
            simplex[dimension] = point;
        } else {
            let best = simplex[0].0.clone();
            for (point, value) in &mut simplex[1..] {
                for (x, b) in point.iter_mut().zip(&best) {
                    *x = b + 0.5 * (*x - b);
                }
                *value = f(point);
            }
            evaluations += dimension;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIGHT: Tolerance = Tolerance { size: 1e-8, value: 1e-14, evaluations: 4000 };

    #[test]
    fn rosenbrock_and_a_bowl() {
        let rosenbrock = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            1.0 + a * a + 100.0 * b * b
        };
        let found = nelder_mead(rosenbrock, &[-1.2, 1.0], &[0.5, 0.5], TIGHT);
        assert!(found.converged);
        assert!((found.value - 1.0).abs() < 1e-14 && (found.at[0] - 1.0).abs() < 1e-6);
        let bowl = |x: &[f64]| {
            2.0 + x.iter().enumerate().map(|(i, v)| (v - i as f64).powi(2)).sum::<f64>()
        };
        let found = nelder_mead(bowl, &[3.0; 5], &[0.3; 5], TIGHT);
        assert!(found.converged && (found.value - 2.0).abs() < 1e-13);
    }

    /// A barrier (+∞ outside the domain) is respected, and a budget that is too small is reported.
    #[test]
    fn barriers_and_budgets() {
        let f = |x: &[f64]| if x[0] < 0.5 { f64::INFINITY } else { x[0] };
        let found = nelder_mead(f, &[2.0], &[0.7], TIGHT);
        assert!((found.value - 0.5).abs() < 1e-7);
        let short = Tolerance { evaluations: 5, ..TIGHT };
        assert!(!nelder_mead(|x| x[0] * x[0] + 1.0, &[2.0], &[0.7], short).converged);
    }
}
