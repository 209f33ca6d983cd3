//! Data collapse: whether the success curves of all N are one curve of a scaled variable.
//!
//! x = (α − α(N)) N^{1/ν}, with α(N) the chosen law of approach, so that nothing but ν is fitted.
//! The quality (J. Houdayer and A. K. Hartmann, Phys. Rev. B 70, 014418 (2004)) compares each point
//! with the line through the neighbours of the other sizes:
//! S = ⟨(y − Y)²/(dy² + dY²)⟩, Y ± dY from a weighted straight line through, for each other size, the
//! two points on either side of x. S ≈ 1 is a collapse within the errors; S ≫ 1 is none. The
//! interval of ν is S ≤ min S + 1. Points without any spread of outcomes (all or none) say nothing on
//! the shape and are left out; points of one sample at several α are correlated, so that S is a
//! measure, not a χ².
//! Cost: some 100 evaluations of points × sizes. Deterministic.

use super::data::{Data, Size};
use super::threshold::outcomes;
use crate::stats::ONE_SIGMA;
use crate::stats::binomial::wilson;
use serde::Serialize;

/// Exponents 1/ν tried: 1/2 is the mean-field width N^(−1/2).
const INVERSE_NU: (f64, f64) = (0.1, 2.0);
const STEPS: usize = 191;
/// Fewest comparisons that make a quality.
const FEWEST: usize = 5;

/// A collapse of the curves of one K.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collapse {
    /// ν of the best collapse.
    pub nu: f64,
    /// ν with S ≤ min S + 1; an end at the edge of the scan, 1/2 or 10, is open.
    pub nu_interval: (f64, f64),
    /// S at the best ν.
    pub quality: f64,
    /// Points that were compared with others.
    pub compared: usize,
    /// The points at the best ν, by size and x.
    #[serde(skip)]
    pub points: Vec<CollapsePoint>,
}

/// A measured success fraction in the scaled variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollapsePoint {
    /// N.
    pub inputs: u64,
    /// (α − α(N)) N^{1/ν}.
    pub x: f64,
    /// Success fraction.
    pub success: f64,
    /// Half of Wilson's 68 % interval.
    pub error: f64,
}

/// One size: N, α(N) and (α, success, error), α ascending.
struct Set {
    inputs: u64,
    center: f64,
    points: Vec<(f64, f64, f64)>,
}

impl Set {
    fn at(&self, inverse_nu: f64) -> Vec<CollapsePoint> {
        let scale = libm::pow(self.inputs as f64, inverse_nu);
        let place = |&(alpha, success, error): &(f64, f64, f64)| CollapsePoint {
            inputs: self.inputs,
            x: (alpha - self.center) * scale,
            success,
            error,
        };
        self.points.iter().map(place).collect()
    }
}

/// Collapses `sizes`, each with its α(N); `None` if fewer than two sizes overlap.
pub fn collapse(sizes: &[(&Size, f64)]) -> Option<Collapse> {
    let sets: Vec<Set> = sizes
        .iter()
        .map(|&(size, center)| Set { inputs: size.inputs, center, points: fractions(size) })
        .collect();
    let scan: Vec<(f64, f64, usize)> = (0..STEPS)
        .filter_map(|i| {
            let part = i as f64 / (STEPS - 1) as f64;
            let inverse_nu = INVERSE_NU.0 + part * (INVERSE_NU.1 - INVERSE_NU.0);
            let (quality, compared) = quality(&sets, inverse_nu)?;
            Some((inverse_nu, quality, compared))
        })
        .collect();
    // A scale that tears the curves apart compares few points: only those that compare about as many
    // as the best are in question.
    let most = scan.iter().map(|s| s.2).max()?;
    let fair: Vec<_> = scan.into_iter().filter(|s| 2 * s.2 >= most).collect();
    let best = *fair.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let inside = fair.iter().filter(|s| s.1 <= best.1 + 1.0).map(|s| s.0);
    let (low, high) = inside.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    Some(Collapse {
        nu: 1.0 / best.0,
        nu_interval: (1.0 / high, 1.0 / low),
        quality: best.1,
        compared: best.2,
        points: sets.iter().flat_map(|set| set.at(best.0)).collect(),
    })
}

/// Success fractions with errors where some samples, but not all, are solved.
fn fractions(size: &Size) -> Vec<(f64, f64, f64)> {
    let counts: Vec<(f64, u64, u64)> = match &size.data {
        Data::Solved { alphas, rows } => outcomes(alphas, rows, |_| 1.0)
            .iter()
            .map(|o| (o.alpha, o.successes as u64, o.trials as u64))
            .collect(),
        Data::Exact(stored) => {
            let most = stored.iter().map(|s| s.patterns).max().unwrap_or(0);
            let held = |p| stored.iter().filter(|s| s.patterns >= p).count() as u64;
            let count = stored.len() as u64;
            (1..=most).map(|p| (p as f64 / size.inputs as f64, held(p), count)).collect()
        }
    };
    let point = |&(alpha, k, m): &(f64, u64, u64)| {
        let interval = wilson(k, m, ONE_SIGMA).filter(|_| 0 < k && k < m)?;
        Some((alpha, k as f64 / m as f64, 0.5 * (interval.upper - interval.lower)))
    };
    counts.iter().filter_map(point).collect()
}

/// S and the number of points that have neighbours of other sizes.
fn quality(sets: &[Set], inverse_nu: f64) -> Option<(f64, usize)> {
    let scaled: Vec<Vec<CollapsePoint>> = sets.iter().map(|set| set.at(inverse_nu)).collect();
    let (mut sum, mut compared) = (0.0, 0);
    for (own, points) in scaled.iter().enumerate() {
        for point in points {
            let others = scaled.iter().enumerate().filter(|(i, _)| *i != own);
            let neighbours: Vec<CollapsePoint> = others
                .filter_map(|(_, other)| {
                    let after = other.partition_point(|p| p.x < point.x);
                    (0 < after && after < other.len()).then(|| [other[after - 1], other[after]])
                })
                .flatten()
                .collect();
            if let Some((y, variance)) = line(&neighbours, point.x) {
                let off = point.success - y;
                sum += off * off / (point.error * point.error + variance);
                compared += 1;
            }
        }
    }
    (compared >= FEWEST).then(|| (sum / compared as f64, compared))
}

/// The weighted straight line through `points` at `x`, with its variance.
fn line(points: &[CollapsePoint], x: f64) -> Option<(f64, f64)> {
    let (mut w, mut wx, mut wy, mut wxx, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for p in points {
        // About x, so that the value is the intercept.
        let (weight, from) = (1.0 / (p.error * p.error), p.x - x);
        w += weight;
        wx += weight * from;
        wy += weight * p.success;
        wxx += weight * from * from;
        wxy += weight * from * p.success;
    }
    let determinant = w * wxx - wx * wx;
    (determinant > 1e-12 * w * wxx)
        .then(|| ((wxx * wy - wx * wxy) / determinant, wxx / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::scaling::Row;
    use crate::stats::link::Link;

    /// Independent outcomes of success Φ((α(N) − α) N^{1/ν}).
    fn size(inputs: u64, inverse_nu: f64, skew: f64) -> (Size, f64) {
        let center = 0.5 - 1.0 / inputs as f64;
        let scale = libm::pow(inputs as f64, inverse_nu);
        let alphas: Vec<f64> = (-8..=8)
            .map(|j| center + 0.25 * f64::from(j) / libm::pow(inputs as f64, 0.5))
            .collect();
        let mut stream = Stream::new(8, Purpose::Test, &[50, inputs]);
        let rows = (0..400)
            .map(|sample| {
                let solved = |&alpha: &f64| {
                    let x = (center - alpha) * scale;
                    Some(stream.uniform() < Link::Probit.probability(x + skew * x * x))
                };
                Row { sample, solved: alphas.iter().map(solved).collect() }
            })
            .collect();
        (Size { inputs, hidden: 1, data: Data::Solved { alphas, rows } }, center)
    }

    fn collapsed(inverse_nu: f64, skew: impl Fn(u64) -> f64) -> Collapse {
        let sizes = [64u64, 128, 256, 512].map(|n| size(n, inverse_nu, skew(n)));
        let sizes: Vec<(&Size, f64)> = sizes.iter().map(|(s, c)| (s, *c)).collect();
        collapse(&sizes).unwrap()
    }

    #[test]
    fn the_planted_exponent_collapses_the_curves() {
        for inverse_nu in [0.5, 0.62] {
            let found = collapsed(inverse_nu, |_| 0.0);
            assert!((found.nu * inverse_nu - 1.0).abs() < 0.08, "{} {inverse_nu}", found.nu);
            assert!((0.6..1.5).contains(&found.quality), "{}", found.quality);
            assert!(found.nu_interval.0 <= found.nu && found.nu <= found.nu_interval.1);
            assert!(found.compared > 40, "{}", found.compared);
        }
    }

    /// Curves whose shape changes with N do not collapse at any ν.
    #[test]
    fn curves_of_another_shape_do_not_collapse() {
        let found = collapsed(0.5, |n| if n < 200 { 0.6 } else { -0.6 });
        assert!(found.quality > 3.0, "{}", found.quality);
    }

    #[test]
    fn one_size_has_nothing_to_collapse_with() {
        let (only, center) = size(64, 0.5, 0.0);
        assert_eq!(collapse(&[(&only, center)]), None);
    }
}
