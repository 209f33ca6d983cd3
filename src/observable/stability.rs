//! Distribution of the stabilities σΔ of a solution over its patterns: histogram and moments.
//!
//! $$ P(\Delta) = \frac1P \sum_{\mu=1}^P \delta\left(\Delta - \sigma^\mu \Delta^\mu(W)\right) $$
//!
//! The histogram is a density: counts over P times the width of a bin, so that it compares with the
//! theory's P(Δ); bins are closed below. With binary weights the stabilities of integer activations
//! lie on a lattice (spacing 1/√N for ReLU and identity, 2/√K for sign units), which bins
//! narrower than it show. Cost O(PN).

use super::{Observable, Solution};
use crate::record::{Axis, Column, Estimator, Kind, Value};
use crate::solver::Extent;
use serde::{Deserialize, Serialize};

/// Parameters of the stability distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stability {
    /// Lower end of the histogram.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Number of bins.
    pub bins: u32,
}

impl Default for Stability {
    fn default() -> Self {
        Self { from: 0.0, to: 4.0, bins: 40 }
    }
}

/// Most bins: more would only store empty ones.
const MOST_BINS: u32 = 10_000;

impl Stability {
    fn width(&self) -> f64 {
        (self.to - self.from) / f64::from(self.bins)
    }
}

impl Observable for Stability {
    fn validate(&self, _extent: &Extent) -> Result<(), (String, String)> {
        if !(self.from.is_finite() && self.to.is_finite() && self.from < self.to) {
            let message =
                format!("{}: expected a finite number above from = {}", self.to, self.from);
            return Err(("to".into(), message));
        }
        if !(1..=MOST_BINS).contains(&self.bins) {
            return Err(("bins".into(), format!("{}: expected 1 to {MOST_BINS}", self.bins)));
        }
        Ok(())
    }

    fn columns(&self, _extent: &Extent) -> Vec<Column> {
        let middle = |bin| self.from + (f64::from(bin) + 0.5) * self.width();
        let values = (0..self.bins).map(middle).collect();
        let axis = Axis { name: "stability".into(), units: "1".into(), values };
        let real =
            |name: &str, long_name: &str| Column::new(name, long_name, Kind::Real, Estimator::Mean);
        vec![
            Column::new(
                "stability_density",
                "density of patterns at a stability",
                Kind::Vector(axis),
                Estimator::Mean,
            ),
            real("stability_outside", "fraction of patterns outside the histogram"),
            real("stability_mean", "mean stability"),
            real("stability_variance", "variance of the stabilities"),
            real("stability_skewness", "skewness of the stabilities"),
            real("stability_minimum", "least stability"),
        ]
    }

    fn measure(&self, solution: &Solution) -> Vec<Value> {
        let (storage, patterns) = (&solution.instance.storage, &solution.instance.patterns);
        let stabilities: Vec<f64> = (0..patterns.count())
            .map(|mu| {
                let output = storage.output(patterns, solution.weights, mu);
                f64::from(patterns.label(mu)) * output
            })
            .collect();
        let (count, width) = (stabilities.len() as f64, self.width());
        let mut bins = vec![0u64; self.bins as usize];
        let mut outside = 0u64;
        for &stability in &stabilities {
            let bin = ((stability - self.from) / width).floor();
            match bins.get_mut(bin as usize) {
                Some(bin_count) if bin >= 0.0 => *bin_count += 1,
                _ => outside += 1,
            }
        }
        let mean = stabilities.iter().sum::<f64>() / count;
        let central = |power: i32| {
            stabilities.iter().map(|x| (0..power).fold(1.0, |p, _| p * (x - mean))).sum::<f64>()
                / count
        };
        let variance = central(2);
        let skewness = match variance {
            v if v > 0.0 => Value::Real(central(3) / (v * v.sqrt())),
            _ => Value::Missing,
        };
        vec![
            Value::Vector(bins.iter().map(|&bin| bin as f64 / (count * width)).collect()),
            Value::Real(outside as f64 / count),
            Value::Real(mean),
            Value::Real(variance),
            skewness,
            Value::Real(stabilities.iter().copied().fold(f64::INFINITY, f64::min)),
        ]
    }
}
