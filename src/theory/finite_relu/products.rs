//! Scalar products of rows, no longer than they need to be.

use crate::theory::relu_groups::{LANES, Lanes};

/// Scalar products of the rows of two blocks, four of the second.
#[inline(always)]
pub(super) fn products(a: &[Lanes], b: &[Lanes], from: usize) -> [Lanes; 4] {
    let mut sums = [[0.0; LANES]; 4];
    for (x, y) in a.iter().zip(b) {
        for (l, sums) in sums.iter_mut().enumerate() {
            for i in 0..LANES {
                sums[i] += x[i] * y[from + l];
            }
        }
    }
    sums
}

/// How the mass of eight densities is spread along the grid.
pub(super) struct Tails {
    /// The mass of each panel, and what lies beyond it; no mass where there is no weight.
    panels: Vec<(Lanes, Lanes)>,
    /// Nodes a panel.
    nodes: usize,
    /// Entries of a row.
    entries: usize,
}

impl Tails {
    /// Of `row`, a block of densities with `weights`, in panels of `nodes`. Small masses are summed
    /// first, as they can meet a large F.
    #[inline(always)]
    pub(super) fn new(row: &[Lanes], weights: &Lanes, nodes: usize) -> Self {
        let panels = row.chunks(nodes).map(|entries| {
            let mut mass = [0.0; LANES];
            for entry in entries {
                for i in 0..LANES {
                    mass[i] += if weights[i] > 0.0 { entry[i] } else { 0.0 };
                }
            }
            (mass, [0.0; LANES])
        });
        let mut panels: Vec<(Lanes, Lanes)> = panels.collect();
        for p in (1..panels.len()).rev() {
            let (mass, beyond) = panels[p];
            for i in 0..LANES {
                panels[p - 1].1[i] = mass[i] + beyond[i];
            }
        }
        Self { panels, nodes, entries: row.len() }
    }

    /// Entries that decide a product with the distributions `other`, to the relative `error`: F
    /// grows along the grid, so that a panel adds at least its mass times F at its first node, and what is
    /// beyond at most its mass.
    #[inline(always)]
    pub(super) fn length(&self, error: f64, other: &[Lanes]) -> usize {
        let mut least = [0.0; LANES];
        for (p, ((mass, beyond), first)) in
            self.panels.iter().zip(other.iter().step_by(self.nodes)).enumerate()
        {
            let mut smallest = first[0];
            for f in first {
                smallest = if *f < smallest { *f } else { smallest };
            }
            let mut open = 0.0;
            for i in 0..LANES {
                least[i] += mass[i] * smallest;
                open += if beyond[i] > error * least[i] { 1.0 } else { 0.0 };
            }
            if open == 0.0 {
                return ((p + 1) * self.nodes).min(self.entries);
            }
        }
        self.entries
    }
}
