//! Minima of a few variables: quasi-Newton (BFGS) with differences for the gradient.
//!
//! The objectives here are smooth to rounding, with at most six variables of order one. With
//! three points the gradient has an error of about 1e-6, and the *value* at the minimum an error
//! of its square; with five points the gradient is good to about 1e-11, and so is the place. Nocedal, Wright, *Numerical Optimization*, ch. 6, with
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
    /// Whether the gain fell below the tolerance within the budget.
    pub converged: bool,
}

/// Points of the central differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stencil {
    /// Two evaluations a variable: for searches.
    Three,
    /// Four evaluations a variable: where the place of the minimum is reported.
    Five,
}

/// Step of the central differences.
const DIFFERENCE: f64 = 1e-3;
/// Longest step in any variable, so that a poor model cannot leave the neighbourhood.
const LONGEST: f64 = 1.0;

/// So many iterations in a row must gain little: along a flat valley one may by chance.
const IDLE: usize = 3;

/// Minimises `f` from `start` until iterations gain less than `gain` (relative to the value).
/// `f` may return +∞ outside its domain, but not at `start`.
pub fn quasi_newton(
    mut f: impl FnMut(&[f64]) -> f64,
    start: &[f64],
    gain: f64,
    iterations: usize,
    stencil: Stencil,
) -> Minimum {
    let n = start.len();
    let mut at = start.to_vec();
    let a_gradient = n * if stencil == Stencil::Five { 4 } else { 2 };
    let mut evaluations = 1 + a_gradient;
    let mut value = f(&at);
    let mut slope = gradient(&mut f, &at, stencil);
    let mut inverse = identity(n);
    let mut idle = 0;
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
        let next_slope = gradient(&mut f, &next, stencil);
        evaluations += a_gradient;
        let step: Vec<f64> = next.iter().zip(&at).map(|(x, y)| x - y).collect();
        let change: Vec<f64> = next_slope.iter().zip(&slope).map(|(x, y)| x - y).collect();
        update(&mut inverse, &step, &change, fresh);
        fresh = false;
        (at, value, slope) = (next, next_value, next_slope);
        idle = if gained <= gain * value.abs() { idle + 1 } else { 0 };
        if idle == IDLE {
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

/// Central differences; zero where a neighbour is outside the domain: the barrier holds it.
fn gradient(f: &mut impl FnMut(&[f64]) -> f64, at: &[f64], stencil: Stencil) -> Vec<f64> {
    let mut point = at.to_vec();
    let mut slope = Vec::with_capacity(at.len());
    for i in 0..at.len() {
        let mut difference = |step: f64| {
            point[i] = at[i] + step;
            let above = f(&point);
            point[i] = at[i] - step;
            let below = f(&point);
            point[i] = at[i];
            (above - below) / (2.0 * step)
        };
        let near = difference(DIFFERENCE);
        let component = match stencil {
            Stencil::Three => near,
            Stencil::Five => (4.0 * near - difference(2.0 * DIFFERENCE)) / 3.0,
        };
        slope.push(if component.is_finite() { component } else { 0.0 });
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
        let found = quasi_newton(rosenbrock, &[-1.2, 1.0], 1e-15, 200, Stencil::Three);
        assert!(found.converged && found.evaluations < 450, "{found:?}");
        assert!((found.value - 1.0).abs() < 1e-6 && (found.at[0] - 1.0).abs() < 1e-2);
        let bowl = |x: &[f64]| {
            2.0 + x
                .iter()
                .zip([1.0, 30.0, 0.01])
                .map(|(v, c)| c * (v - 0.5) * (v - 0.5))
                .sum::<f64>()
        };
        let found = quasi_newton(bowl, &[3.0; 3], 1e-14, 100, Stencil::Three);
        assert!(found.converged && (found.value - 2.0).abs() < 1e-12, "{found:?}");
    }

    /// Five points place the minimum of a skew valley to 1e-9, three do not.
    #[test]
    fn five_points_place_the_minimum() {
        let f = |x: &[f64]| libm::exp(3.0 * x[0]) - 3.0 * libm::exp(0.7) * x[0];
        let exact = 0.7 / 3.0;
        let place = |stencil| quasi_newton(f, &[0.0], 1e-15, 100, stencil).at[0];
        assert!((place(Stencil::Five) - exact).abs() < 1e-9);
        assert!((place(Stencil::Three) - exact).abs() > 1e-8);
    }

    /// A barrier (+∞ outside the domain) is respected, and a budget that is too small is reported.
    #[test]
    fn barriers_and_budgets() {
        let f = |x: &[f64]| if x[0] < 0.5 { f64::INFINITY } else { x[0] + x[1] * x[1] };
        let found = quasi_newton(f, &[2.0, 1.0], 1e-12, 100, Stencil::Three);
        assert!(found.value >= 0.5 && found.value < 0.502, "{found:?}");
        let quartic = |x: &[f64]| x[0] * x[0] * x[0] * x[0] + 1.0;
        assert!(!quasi_newton(quartic, &[2.0], 1e-15, 2, Stencil::Three).converged);
    }
}
