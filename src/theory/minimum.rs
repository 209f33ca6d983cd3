//! Minima of a few variables: quasi-Newton (BFGS) with differences for the gradient.
//!
//! The objectives here are smooth to rounding, with at most six variables of order one, so a
//! central difference of step 1e-3 has a gradient error of about 1e-6 and the *value* at the
//! minimum an error of its square. Nocedal, Wright, *Numerical Optimization*, ch. 6, with
//! backtracking. Own code: `argmin` reads a clock and its functions carry another error type.
//! Deterministic.

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

/// Step of the central differences.
const DIFFERENCE: f64 = 1e-3;
/// Longest step in any variable, so that a poor model cannot leave the neighbourhood.
const LONGEST: f64 = 1.0;

/// Minimises `f` from `start` until an iteration gains less than `gain` (relative to the value).
/// `f` may return +∞ outside its domain, but not at `start`.
pub fn quasi_newton(
    mut f: impl FnMut(&[f64]) -> f64,
    start: &[f64],
    gain: f64,
    iterations: usize,
) -> Minimum {
    let n = start.len();
    let mut at = start.to_vec();
    let mut evaluations = 1;
    let mut value = f(&at);
    let mut slope = gradient(&mut f, &at);
    evaluations += 2 * n;
    let mut inverse = identity(n);
    // Whether the inverse Hessian is still the start's guess.
    let mut fresh = true;
    for _ in 0..iterations {
        let mut direction: Vec<f64> =
            (0..n).map(|i| -(0..n).map(|j| inverse[i * n + j] * slope[j]).sum::<f64>()).collect();
        if dot(&direction, &slope) >= 0.0 {
            inverse = identity(n);
            direction = slope.iter().map(|g| -g).collect();
            fresh = true;
        }
        let longest = direction.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        if longest > LONGEST {
            direction.iter_mut().for_each(|d| *d *= LONGEST / longest);
        }
        let descent = dot(&direction, &slope);
        let (mut length, mut next, mut next_value) = (1.0, at.clone(), f64::INFINITY);
        for _ in 0..40 {
            next = at.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            next_value = f(&next);
            evaluations += 1;
            if next_value <= value + 1e-4 * length * descent {
                break;
            }
            length *= 0.4;
        }
        let gained = value - next_value;
        if gained.is_nan() || gained <= 0.0 {
            // No descent along a fresh steepest descent: the minimum to rounding.
            if fresh {
                return Minimum { at, value, evaluations, converged: true };
            }
            inverse = identity(n);
            fresh = true;
            continue;
        }
        let next_slope = gradient(&mut f, &next);
        evaluations += 2 * n;
        let step: Vec<f64> = next.iter().zip(&at).map(|(x, y)| x - y).collect();
        let change: Vec<f64> = next_slope.iter().zip(&slope).map(|(x, y)| x - y).collect();
        update(&mut inverse, &step, &change, fresh);
        fresh = false;
        (at, value, slope) = (next, next_value, next_slope);
        if gained <= gain * value.abs() {
            return Minimum { at, value, evaluations, converged: true };
        }
    }
    Minimum { at, value, evaluations, converged: false }
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i % (n + 1) == 0 { 1.0 } else { 0.0 }).collect()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

/// Central differences; one-sided where a neighbour is outside the domain.
fn gradient(f: &mut impl FnMut(&[f64]) -> f64, at: &[f64]) -> Vec<f64> {
    let mut point = at.to_vec();
    let mut slope = Vec::with_capacity(at.len());
    for i in 0..at.len() {
        point[i] = at[i] + DIFFERENCE;
        let above = f(&point);
        point[i] = at[i] - DIFFERENCE;
        let below = f(&point);
        point[i] = at[i];
        slope.push(match (above.is_finite(), below.is_finite()) {
            (true, true) => (above - below) / (2.0 * DIFFERENCE),
            // At a barrier the component is taken to be zero: the barrier holds it.
            _ => 0.0,
        });
    }
    slope
}

/// The BFGS update of the inverse Hessian; skipped where the curvature is not positive.
fn update(inverse: &mut [f64], step: &[f64], change: &[f64], fresh: bool) {
    let n = step.len();
    let curvature = dot(step, change);
    if curvature <= 1e-14 * (dot(step, step) * dot(change, change)).sqrt() {
        return;
    }
    if fresh {
        let scale = curvature / dot(change, change);
        inverse.iter_mut().for_each(|x| *x *= scale);
    }
    let product: Vec<f64> =
        (0..n).map(|i| (0..n).map(|j| inverse[i * n + j] * change[j]).sum()).collect();
    let factor = (1.0 + dot(change, &product) / curvature) / curvature;
    for i in 0..n {
        for j in 0..n {
            inverse[i * n + j] += factor * step[i] * step[j]
                - (product[i] * step[j] + step[i] * product[j]) / curvature;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rosenbrock_and_a_bowl() {
        let rosenbrock = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            1.0 + a * a + 100.0 * b * b
        };
        let found = quasi_newton(rosenbrock, &[-1.2, 1.0], 1e-15, 200);
        assert!(found.converged && found.evaluations < 400, "{found:?}");
        assert!((found.value - 1.0).abs() < 1e-6 && (found.at[0] - 1.0).abs() < 1e-2);
        let bowl = |x: &[f64]| {
            2.0 + x
                .iter()
                .zip([1.0, 30.0, 0.01])
                .map(|(v, c)| c * (v - 0.5) * (v - 0.5))
                .sum::<f64>()
        };
        let found = quasi_newton(bowl, &[3.0; 3], 1e-14, 100);
        assert!(found.converged && (found.value - 2.0).abs() < 1e-12, "{found:?}");
    }

    /// A barrier (+∞ outside the domain) is respected, and a budget that is too small is reported.
    #[test]
    fn barriers_and_budgets() {
        let f = |x: &[f64]| if x[0] < 0.5 { f64::INFINITY } else { x[0] + x[1] * x[1] };
        let found = quasi_newton(f, &[2.0, 1.0], 1e-12, 100);
        assert!(found.value >= 0.5 && found.value < 0.502, "{found:?}");
        let quartic = |x: &[f64]| x[0] * x[0] * x[0] * x[0] + 1.0;
        assert!(!quasi_newton(quartic, &[2.0], 1e-15, 2).converged);
    }
}
