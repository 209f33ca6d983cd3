//! Symmetric Gaussian integrals over n variables on a dense lattice.
//!
//! With V the volume of a cell,
//!
//! $$ \int \prod_{l=1}^n Dx_l\ f(x_1, \dots, x_n) \approx
//!    V \sum_{x \in \Lambda} f(x) \prod_{l=1}^n G(x_l) . $$
//!
//! The error is the sum of
//! the Fourier transform of the integrand over the other points of the dual lattice, so that the
//! best Λ of a given density is the one whose dual has the longest shortest vector. Against the
//! cubic grid of step h/√2, whose shortest dual vector is as long:
//! - D_n^* = hZ^n ∪ h(Z^n + (½ … ½)), dual to D_n, has 2^(n/2 − 1) times fewer points;
//! - E8, of n = 8, its points of even index sum (h/2 counted apart), has 16 times fewer.
//!
//! Conway, Sloane, *Sphere Packings, Lattices and Groups*, ch. 4. f is symmetric, so that only
//! multisets of nodes i_1 ≤ … ≤ i_n are visited, as a tree whose branches carry what f needs of the
//! nodes so far. Branches of negligible weight are cut. Deterministic.

use super::gaussian;

/// Half-width: beyond, the Gaussian weight is below every cut.
const REACH: f64 = 8.6;

/// A lattice in n variables.
#[derive(Clone, Debug)]
pub struct Lattice {
    variables: usize,
    cosets: [Vec<Node>; 2],
    cell: f64,
    cut: f64,
}

/// A coordinate of the lattice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// x.
    pub x: f64,
    /// G(x) h.
    pub weight: f64,
    odd: bool,
}

/// What a branch of the tree carries.
pub trait Branch: Sized {
    /// The branch with one more variable, at node `node` of coset `coset`.
    fn extend(&self, coset: usize, node: usize) -> Self;
}

impl Lattice {
    /// `variables` = n ≥ 1, step h; points of weight below `cut` are left out.
    pub fn new(variables: usize, step: f64, cut: f64) -> Self {
        let half = (REACH / step).floor() as i32;
        let coset = |shift: f64| {
            let node = |k: i32| {
                let x = (f64::from(k) + shift) * step;
                Node { x, weight: gaussian::density(x) * step, odd: k.rem_euclid(2) == 1 }
            };
            (-half..=half).map(node).collect()
        };
        let cell = if variables == 8 { 1.0 } else { 0.5 };
        Self { variables, cosets: [coset(0.0), coset(0.5)], cell, cut }
    }

    /// The coordinates of the two cosets.
    pub fn cosets(&self) -> &[Vec<Node>; 2] {
        &self.cosets
    }

    /// The volume that a point stands for, in units of the step.
    pub fn cell(&self) -> f64 {
        self.cell
    }

    /// Calls `leaf` with the branch of every multiset, from `root`, and its weight.
    pub fn visit<B: Branch>(&self, root: &B, mut leaf: impl FnMut(&B, f64)) {
        for coset in 0..2 {
            self.descend(root, coset, 0, 0, 0, self.cell, false, &mut leaf);
        }
    }

    /// All multisets whose first `depth` nodes are chosen and end with `run` times node `first`.
    #[allow(clippy::too_many_arguments)]
    fn descend<B: Branch>(
        &self,
        branch: &B,
        coset: usize,
        depth: usize,
        first: usize,
        run: usize,
        weight: f64,
        odd: bool,
        leaf: &mut impl FnMut(&B, f64),
    ) {
        if depth == self.variables {
            leaf(branch, weight);
            return;
        }
        let nodes = &self.cosets[coset];
        let last = depth + 1 == self.variables;
        // Of E8, points of even index sum only.
        let paired = last && self.variables == 8;
        let skip = usize::from(paired && odd != nodes[first].odd);
        for i in (first + skip..nodes.len()).step_by(if paired { 2 } else { 1 }) {
            let run = if depth > 0 && i == first { run + 1 } else { 1 };
            // (depth + 1)/run builds up n!/Π m_i!.
            let weight = weight * nodes[i].weight * (depth + 1) as f64 / run as f64;
            if weight < self.cut {
                continue;
            }
            let next = branch.extend(coset, i);
            self.descend(&next, coset, depth + 1, i, run, weight, odd != nodes[i].odd, leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σx², Σ cos(x)… of the nodes so far.
    struct Sums<'a> {
        lattice: &'a Lattice,
        sum: f64,
    }

    impl Branch for Sums<'_> {
        fn extend(&self, coset: usize, node: usize) -> Self {
            let x = self.lattice.cosets()[coset][node].x;
            Self { lattice: self.lattice, sum: self.sum + x }
        }
    }

    /// Norm, and E cos(t Σx/√n) = e^{−t²/2}, for every n; a cubic grid of the same number of points
    /// would miss the norm by 1e-3 at n = 8.
    #[test]
    fn gaussian_integrals() {
        for variables in 1..=8 {
            let lattice = Lattice::new(variables, 1.0, 1e-17);
            let (mut norm, mut wave, mut points) = (0.0, 0.0, 0);
            lattice.visit(&Sums { lattice: &lattice, sum: 0.0 }, |branch, weight| {
                norm += weight;
                wave += weight * libm::cos(1.5 * branch.sum / (variables as f64).sqrt());
                points += 1;
            });
            // The shortest dual vectors: 2π√2 each, 2π of one variable alone.
            let tolerance = if variables == 1 { 3e-8 } else { 1e-11 };
            assert!((norm - 1.0).abs() < tolerance, "{variables}: {norm} {points}");
            let exact = libm::exp(-0.5 * 1.5 * 1.5);
            assert!((wave - exact).abs() < 3e-4 * exact, "{variables}: {wave}");
        }
    }
}
