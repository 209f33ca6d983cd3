//! The mean of ln P over pairs of points, products no longer than they need to be.

use super::{Group, largest, products};
use crate::simd::Work;
use crate::theory::elementary::{ln, ln_complement};
use crate::theory::relu_groups::{LANES, Lanes};

/// P is kept above.
const LEAST: f64 = 1e-300;

/// Σ weights · ln P over all pairs of eight points with the smaller group.
pub(super) struct MeanLog<'a> {
    pub(super) weights: &'a Lanes,
    pub(super) row: &'a [Lanes],
    pub(super) smaller: &'a Group,
    /// Nodes a panel.
    pub(super) panel: usize,
    pub(super) cut: f64,
    pub(super) complement: bool,
    pub(super) total: &'a mut f64,
}

impl MeanLog<'_> {
    /// What the mass of the density beyond the first panels is of the mass before: one ratio a panel but
    /// the last. Small masses are summed first, as they can meet a large F.
    #[inline(always)]
    fn beyond(&self) -> Vec<f64> {
        let panels = self.row.chunks(self.panel).map(|panel| {
            let mut mass = [0.0; LANES];
            for entry in panel {
                for i in 0..LANES {
                    mass[i] += entry[i];
                }
            }
            mass
        });
        let panels: Vec<Lanes> = panels.collect();
        let mut after = panels.clone();
        for p in (1..after.len()).rev() {
            let beyond = after[p];
            for (mass, beyond) in after[p - 1].iter_mut().zip(beyond) {
                *mass += beyond;
            }
        }
        let mut before = [0.0; LANES];
        let ratio = |(panel, after): (&Lanes, &Lanes)| {
            let mut ratios = [0.0; LANES];
            for i in 0..LANES {
                before[i] += panel[i];
                if self.weights[i] > 0.0 {
                    ratios[i] = after[i] / before[i];
                }
            }
            largest(&ratios)
        };
        panels.iter().zip(&after[1..]).map(ratio).collect()
    }
}

impl Work for MeanLog<'_> {
    /// Distributions grow along the grid: where F at its begin times the mass before exceeds the mass
    /// beyond by far, the rest of the product is left out.
    #[inline(always)]
    fn run(self) {
        let beyond = self.beyond();
        let Self { weights, row, smaller, panel, cut, complement, total } = self;
        let heaviest = largest(weights);
        let mut lanes = [0.0; LANES];
        let blocks = smaller.within(weights, cut);
        for (block, others) in smaller.weights[..blocks].iter().enumerate() {
            let other = smaller.rows[0].block(block);
            let least = other[0].iter().copied().fold(f64::INFINITY, f64::min);
            // What a pair may be off, by its weight.
            let error = (0.001 * cut / (heaviest * others[0])).clamp(1e-13, 1e-3);
            let panels = 1 + beyond.partition_point(|ratio| *ratio > error * least);
            let length = (panels * panel).min(row.len());
            for from in [0, 4] {
                let sums = products(&row[..length], &other[..length], from);
                for (l, sums) in sums.iter().enumerate() {
                    for i in 0..LANES {
                        let log = if complement {
                            ln_complement(sums[i])
                        } else {
                            ln(if sums[i] > LEAST { sums[i] } else { LEAST })
                        };
                        lanes[i] += others[from + l] * log;
                    }
                }
            }
        }
        for (lane, weight) in lanes.iter().zip(weights) {
            *total += weight * lane;
        }
    }
}
