//! Quadrature rules: Gauss–Legendre panels with prescribed splits, Gauss–Hermite, trapezoid.
//!
//! A [`Rule`] is a list of (node, weight); rules "of the Gaussian measure" carry G(z) in the
//! weight, so that [`Rule::mean`] is ∫Dz f(z). Nodes come from the crate `gauss-quad` (Bogaert's
//! O(n) Legendre nodes; Golub–Welsch for Hermite), checked in the tests against moments. The
//! integrands of the theory are smooth apart from one layer of known place and width, so panels
//! split there reach 1e-13 with 150 nodes each; unsplit Gauss–Hermite fails as q → 1.
//! Deterministic.

use super::gaussian;
use std::num::NonZeroUsize;

/// Half-width of the Gaussian measure in panels: G(12) = 2e-32.
pub const HALF_WIDTH: f64 = 12.0;

/// A list of nodes with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    nodes: Vec<(f64, f64)>,
}

impl Rule {
    /// From explicit (node, weight) pairs.
    pub fn from_nodes(nodes: Vec<(f64, f64)>) -> Self {
        Self { nodes }
    }

    /// The (node, weight) pairs.
    pub fn nodes(&self) -> &[(f64, f64)] {
        &self.nodes
    }

    /// Σ_i w_i f(x_i).
    pub fn mean(&self, mut f: impl FnMut(f64) -> f64) -> f64 {
        self.nodes.iter().map(|&(x, weight)| weight * f(x)).sum()
    }

    /// Σ_i w_i f(x_i) for M functions computed together.
    pub fn means<const M: usize>(&self, mut f: impl FnMut(f64) -> [f64; M]) -> [f64; M] {
        let mut sums = [0.0; M];
        for &(x, weight) in &self.nodes {
            for (sum, value) in sums.iter_mut().zip(f(x)) {
                *sum += weight * value;
            }
        }
        sums
    }
}

/// The n-point Gauss–Legendre rule on [−1, 1], from which panels are built.
#[derive(Clone, Debug, PartialEq)]
pub struct Legendre {
    nodes: Vec<(f64, f64)>,
}

impl Legendre {
    /// `points` ≥ 1 nodes.
    pub fn new(points: usize) -> Self {
        let degree = NonZeroUsize::new(points).expect("a quadrature rule has at least one node");
        let rule = gauss_quad::legendre::GaussLegendre::new(degree);
        Self { nodes: rule.as_node_weight_pairs().to_vec() }
    }

    /// Panels between consecutive `breaks` (sorted here; repeated and non-finite ones dropped),
    /// Lebesgue measure.
    pub fn panels(&self, breaks: &[f64]) -> Rule {
        let mut breaks: Vec<f64> = breaks.iter().copied().filter(|x| x.is_finite()).collect();
        breaks.sort_by(f64::total_cmp);
        breaks.dedup();
        let mut nodes = Vec::with_capacity(self.nodes.len() * breaks.len().saturating_sub(1));
        for pair in breaks.windows(2) {
            let (middle, half) = (0.5 * (pair[0] + pair[1]), 0.5 * (pair[1] - pair[0]));
            nodes.extend(self.nodes.iter().map(|&(x, w)| (middle + half * x, half * w)));
        }
        Rule { nodes }
    }

    /// Panels on [−half_width, half_width] with `splits` (those inside), Gaussian measure.
    pub fn gaussian(&self, half_width: f64, splits: &[f64]) -> Rule {
        let mut breaks = vec![-half_width, half_width];
        breaks.extend(splits.iter().copied().filter(|z| z.abs() < half_width));
        let mut rule = self.panels(&breaks);
        for (z, weight) in &mut rule.nodes {
            *weight *= gaussian::density(*z);
        }
        rule
    }
}

/// Splits at `centre` + `offsets`, where the integrand has its structure, and across the bulk of the
/// Gaussian measure where that lies elsewhere.
pub fn splits_around(centre: f64, offsets: &[f64]) -> Vec<f64> {
    let reach = offsets.iter().fold(0.0, |reach: f64, x| reach.max(x.abs()));
    let bulk = [-5.0, -3.0, -1.0, 1.0, 3.0, 5.0].into_iter();
    let outside = bulk.filter(|x: &f64| (x - centre).abs() > reach.max(5.0));
    offsets.iter().map(|x| centre + x).chain(outside).collect()
}

/// The n-point Gauss–Hermite rule of the Gaussian measure Dz.
pub fn hermite(points: usize) -> Rule {
    let degree = NonZeroUsize::new(points).expect("a quadrature rule has at least one node");
    let rule = gauss_quad::hermite::GaussHermite::new(degree);
    let nodes: Vec<(f64, f64)> = rule
        .as_node_weight_pairs()
        .iter()
        .map(|&(x, w)| (x * std::f64::consts::SQRT_2, w / std::f64::consts::PI.sqrt()))
        .collect();
    Rule { nodes }
}

/// Trapezoid of the Gaussian measure on [−half_width, half_width], step at most `step`: for
/// analytic integrands exponentially accurate in 1/step.
pub fn trapezoid(half_width: f64, step: f64) -> Rule {
    let half = (half_width / step).ceil() as i32;
    let step = half_width / f64::from(half);
    let nodes = (-half..=half)
        .map(|i| {
            let z = f64::from(i) * step;
            (z, step * gaussian::density(z))
        })
        .collect();
    Rule { nodes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments of the Gaussian measure, an independent check of nodes and weights.
    fn check_moments(rule: &Rule, tolerance: f64, what: &str) {
        let mut exact = 1.0;
        for power in 0..6 {
            let moment = rule.mean(|z| (0..2 * power).fold(1.0, |product, _| product * z));
            assert!((moment / exact - 1.0).abs() < tolerance, "{what} z^{}: {moment}", 2 * power);
            exact *= f64::from(2 * power + 1);
        }
        assert!(rule.mean(|z| z * z * z).abs() < 1e-13);
    }

    #[test]
    fn gaussian_moments() {
        for points in [20, 64, 128] {
            check_moments(&hermite(points), 2e-13, "hermite");
        }
        check_moments(&Legendre::new(150).gaussian(HALF_WIDTH, &[]), 1e-13, "legendre");
        check_moments(&Legendre::new(60).gaussian(HALF_WIDTH, &[0.1, -3.0, 99.0]), 1e-13, "split");
        check_moments(&trapezoid(9.6, 0.12), 1e-13, "trapezoid");
    }

    /// A step is exact with a split at its place and poor without: why panels are split.
    #[test]
    fn splits_resolve_a_step() {
        let step = |z: f64| if z > 0.7 { 1.0 } else { 0.0 };
        let exact = gaussian::tail(0.7);
        let legendre = Legendre::new(40);
        let split = legendre.gaussian(HALF_WIDTH, &[0.7]).mean(step);
        assert!((split - exact).abs() < 1e-14);
        let unsplit = legendre.gaussian(HALF_WIDTH, &[]).mean(step);
        assert!((unsplit - exact).abs() > 1e-4);
    }

    /// A layer far outside leaves the bulk resolved.
    #[test]
    fn splits_cover_the_bulk_too() {
        let legendre = Legendre::new(10);
        for centre in [0.0, 6.6, -20.0, 1e3] {
            let rule = legendre.gaussian(8.5, &splits_around(centre, &[-4.0, -1.5, 0.0, 1.5, 4.0]));
            let norm = rule.mean(|_| 1.0);
            assert!((norm - 1.0).abs() < 1e-8, "{centre}: {norm}");
        }
    }

    #[test]
    fn panels_ignore_order_repeats_and_infinities() {
        let legendre = Legendre::new(8);
        let rule = legendre.panels(&[2.0, 0.0, 1.0, 1.0, f64::INFINITY]);
        assert_eq!(rule.nodes().len(), 16);
        assert!((rule.mean(|x| x * x) - 8.0 / 3.0).abs() < 1e-14);
        let [one, x] = rule.means(|x| [1.0, x]);
        assert!((one - 2.0).abs() < 1e-14 && (x - 2.0).abs() < 1e-14);
    }
}
