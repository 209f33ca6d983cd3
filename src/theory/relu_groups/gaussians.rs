//! Gaussians along points that repeat with a period.
//!
//! With x = u − c, of f(u) = a e^{−x²/2V} one period w on
//!
//! $$ f(u + w) = f(u)\,\rho(u), \qquad \rho(u) = e^{-w(2x + w)/2V}, \qquad \rho(u + w) = \rho(u) e^{-w^2/V}: $$
//!
//! two products instead of an exponential. Errors grow with the square of the number of periods (100: 1e-12).

use super::{Lanes, map};
use crate::theory::elementary::exp;

/// Gaussians for eight centres side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaussian {
    /// a.
    pub(super) size: f64,
    /// c.
    pub(super) centre: Lanes,
    /// V.
    pub(super) variance: f64,
}

/// Some Gaussians at the points of one period.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaussians {
    points: usize,
    /// One Gaussian after the other.
    values: Vec<Lanes>,
    /// ρ at the first point, of each Gaussian.
    ratios: Vec<Lanes>,
    /// ρ by that at the point before, one Gaussian after the other.
    steps: Vec<f64>,
    /// e^{−w²/V} of each.
    decays: Vec<f64>,
}

impl Gaussians {
    /// On the first period, of length `period`.
    #[inline(always)]
    pub(super) fn start(&mut self, gaussians: &[Gaussian], points: &[f64], period: f64) {
        let Self { values, ratios, steps, decays, .. } = self;
        values.clear();
        ratios.clear();
        steps.clear();
        decays.clear();
        self.points = points.len();
        let Some(first) = points.first() else { return };
        for Gaussian { size, centre, variance } in gaussians {
            let rate = -0.5 / variance;
            let mut before = first;
            for u in points {
                let x = map(|i| u - centre[i]);
                values.push(normal(&map(|i| size * exp(rate * (x[i] * x[i])))));
                steps.push(exp(2.0 * rate * period * (u - before)));
                before = u;
            }
            ratios.push(map(|i| exp(rate * period * (2.0 * (first - centre[i]) + period))));
            decays.push(exp(2.0 * rate * period * period));
        }
    }

    /// Goes on to the next period.
    #[inline(always)]
    pub(super) fn advance(&mut self) {
        let Self { points, values, ratios, steps, decays } = self;
        if *points == 0 {
            return;
        }
        let of_points = values.chunks_exact_mut(*points).zip(steps.chunks_exact(*points));
        for ((values, steps), (ratio, decay)) in of_points.zip(ratios.iter_mut().zip(decays)) {
            let mut here = *ratio;
            for (value, step) in values.iter_mut().zip(steps) {
                here = map(|i| here[i] * step);
                *value = normal(&map(|i| value[i] * here[i]));
            }
            *ratio = map(|i| ratio[i] * *decay);
        }
    }

    /// The values of Gaussian `number` on this period.
    #[inline(always)]
    pub(super) fn values(&self, number: usize) -> &[Lanes] {
        &self.values[number * self.points..(number + 1) * self.points]
    }
}

/// Without numbers so small that products of them would be subnormal, which are slow, or 0.
#[inline(always)]
pub(super) fn normal(values: &Lanes) -> Lanes {
    const LEAST: f64 = 1e-290;
    map(|i| if values[i].abs() > LEAST { values[i] } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred periods on, up and down again.
    #[test]
    fn periods_later() {
        let centre: Lanes = std::array::from_fn(|i| 9.0 * i as f64 - 20.0);
        let (points, period) = ([0.1, 0.3], 0.4);
        let gaussians = [2.0, 12.0].map(|variance| Gaussian { size: 3.0, centre, variance });
        let mut here = Gaussians::default();
        here.start(&gaussians, &points, period);
        for step in 0..100 {
            for (number, Gaussian { variance, .. }) in gaussians.iter().enumerate() {
                for (u, values) in points.iter().zip(here.values(number)) {
                    for (value, c) in values.iter().zip(centre) {
                        let x = u + period * f64::from(step) - c;
                        let exact = 3.0 * libm::exp(-0.5 * x * x / variance);
                        if exact > 1e-280 {
                            assert!((value / exact - 1.0).abs() < 2e-12, "{step} {value} {exact}");
                        }
                    }
                }
            }
            here.advance();
        }
    }
}
