//! Binary or spherical weights with K sign units at finite odd K: the energetic part.
//!
//! A pattern with margin κ is stored iff at least m = ⌊(K + κ√K)/2⌋ + 1 units agree with the label
//! (κ = 0: the majority). With ω_l = √q x_l, σ = √(1−q), p_l = H(−ω_l/σ):
//! G_E = ∫ΠDx_l ln P, P = Prob(at least m of K), a Poisson-binomial tail;
//! J = −2 dG_E/dq; C = Σ_{ll'} E[(∂_l ∂_l' ln P)²], with ∂P/∂p_l = Prob(exactly m−1 of the others)
//! and ∂²P/∂p_l∂p_l' = Prob(exactly m−2 of the others) − Prob(exactly m−1).
//!
//! K-fold trapezoid over multisets of nodes, walked as a tree: each branch carries the distribution
//! of the count of agreements and its derivative by q, so that a leaf costs two products and a
//! logarithm. The trapezoid converges like e^{−2πy/step}, y ≈ 2 the distance of the singularities
//! of ln P from the real axis, and needs only the nodes inside a ball: at K = 9 a step of 0.6 leaves
//! 2e-12 in G_E, where 13 Gauss–Hermite nodes leave 2e-7 at equal cost. All terms of P are
//! positive, nothing cancels. Source: Barkai, Hansel, Sompolinsky, PRA 45, 4146 (1992). 0.5 ms
//! (K = 3) to 0.15 s (K = 9). Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::gaussian;
use super::multiset::{Multiset, multisets};
use super::quadrature::{Rule, trapezoid};
use super::replica_symmetric::{Energy, Resolutions};
use crate::error::TheoryError;

/// Largest K of the multiset quadrature.
pub const LARGEST: usize = 9;

/// Half-width of the trapezoid: outside the ball of this radius ∫|ln P| is below 1e-12.
const REACH: f64 = 8.6;
/// Branches of smaller weight are dropped: their sum is below the rounding of the total.
const NEGLIGIBLE: f64 = 1e-22;
/// Step of the rule for the replicon kernel, which decides a flag: 1e-6 at K ≤ 5, 2e-4 at K = 9.
const KERNEL_STEP: [f64; 5] = [0.3, 0.4, 0.6, 0.8, 1.0];

/// The energetic part of K sign units.
#[derive(Clone, Debug)]
pub struct SignEnergy {
    units: usize,
    needed: usize,
    rule: Rule,
    /// A coarser rule for the replicon kernel.
    kernel_rule: Rule,
}

/// m, the number of units that must agree with the label.
///
/// # Errors
/// `Domain` for even K or K outside 1 … `largest`; `Absent` if every or no pattern is stored.
pub fn needed(units: usize, kappa: f64, largest: usize) -> Outcome<usize> {
    if units.is_multiple_of(2) || units > largest {
        return Err(TheoryError::Domain {
            argument: "hidden",
            value: units.to_string(),
            expected: format!(
                "an odd number up to {largest}, or inf (an even number of sign units ties)"
            ),
        });
    }
    let count = units as f64;
    let needed = libm::floor(0.5 * (count + kappa * count.sqrt())) + 1.0;
    if needed > count || needed <= 0.0 {
        let what = if needed > count { "no pattern" } else { "every pattern" };
        return Err(TheoryError::Absent(format!(
            "{units} sign units store {what} at kappa = {kappa}"
        )));
    }
    Ok(needed as usize)
}

impl SignEnergy {
    /// `units` = K odd up to 9, with a trapezoid of step `step` in each field.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn new(units: usize, kappa: f64, step: f64) -> Outcome<Self> {
        let needed = needed(units, kappa, LARGEST)?;
        let kernel_rule = trapezoid(REACH, KERNEL_STEP[units / 2]);
        Ok(Self { units, needed, rule: trapezoid(REACH, step), kernel_rule })
    }

    /// At three resolutions.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn resolutions(units: usize, kappa: f64) -> Outcome<Resolutions<Self>> {
        let [fine, check, coarse] = match units {
            1 => [0.2, 0.3, 0.5],
            3 => [0.3, 0.36, 0.6],
            5 => [0.45, 0.52, 0.8],
            7 => [0.52, 0.6, 1.0],
            _ => [0.6, 0.68, 1.1],
        };
        let energy = |step| Self::new(units, kappa, step);
        Ok(Resolutions { fine: energy(fine)?, check: energy(check)?, coarse: energy(coarse)? })
    }
}

/// A node: its weight, p and dp/dq.
#[derive(Clone, Copy, Debug)]
struct Node {
    weight: f64,
    p: f64,
    by_q: f64,
}

/// The walk over multisets of nodes i_1 ≤ … ≤ i_K.
struct Walk<'a> {
    nodes: &'a [Node],
    units: usize,
    needed: usize,
    /// G_E and dG_E/dq so far.
    sums: [f64; 2],
}

/// Probabilities of 0, 1, … agreements, each with its derivative by q.
type Counts = [[f64; 2]; LARGEST + 1];

impl Walk<'_> {
    /// Adds all multisets whose first `depth` nodes, of total weight `weight`, have the
    /// distribution `counts` and end with `run` times the node before `first`, or with `first`.
    fn extend(&mut self, depth: usize, first: usize, run: usize, weight: f64, counts: &Counts) {
        // Prob(at least m) and Prob(exactly m − 1) of the nodes so far.
        let mut reached = [0.0; 2];
        for count in &counts[self.needed..=depth.max(self.needed)] {
            reached[0] += count[0];
            reached[1] += count[1];
        }
        let short = counts[self.needed - 1];
        for i in first..self.nodes.len() {
            let node = self.nodes[i];
            let run = if depth > 0 && i == first { run + 1 } else { 1 };
            // (depth + 1)/run builds up K!/Π m_i!.
            let weight = weight * node.weight * (depth + 1) as f64 / run as f64;
            if weight < NEGLIGIBLE {
                continue;
            }
            if depth + 1 == self.units {
                let tail = reached[0] + short[0] * node.p;
                let by_q = reached[1] + short[1] * node.p + short[0] * node.by_q;
                self.sums[0] += weight * libm::log(tail);
                self.sums[1] += weight * by_q / tail;
                continue;
            }
            let mut next = [[0.0; 2]; LARGEST + 1];
            for k in 0..=depth + 1 {
                let stay = counts[k];
                let rise = if k > 0 { counts[k - 1] } else { [0.0; 2] };
                next[k] = [
                    stay[0] * (1.0 - node.p) + rise[0] * node.p,
                    stay[1] * (1.0 - node.p) + rise[1] * node.p + (rise[0] - stay[0]) * node.by_q,
                ];
            }
            self.extend(depth + 1, i, run, weight, &next);
        }
    }
}

/// Probabilities of 0, 1, …, K agreements among the units not left out.
fn counts(p: &[f64], left_out: &[usize], out: &mut [f64]) {
    out.fill(0.0);
    out[0] = 1.0;
    let mut seen = 0;
    for (l, &pl) in p.iter().enumerate() {
        if left_out.contains(&l) {
            continue;
        }
        seen += 1;
        for k in (1..=seen).rev() {
            out[k] = out[k] * (1.0 - pl) + out[k - 1] * pl;
        }
        out[0] *= 1.0 - pl;
    }
}

impl Energy for SignEnergy {
    fn at(&self, q: Overlap) -> (f64, f64) {
        let (p, complement) = (q.value().max(0.0), q.complement());
        let ratio = (p / complement).sqrt();
        // d√(q/(1−q))/dq.
        let ratio_by_q = 0.5 / (p.sqrt() * complement * complement.sqrt());
        let nodes: Vec<Node> = self
            .rule
            .nodes()
            .iter()
            .map(|&(x, weight)| {
                let u = ratio * x;
                let by_q = gaussian::density(u) * x * ratio_by_q;
                Node { weight, p: gaussian::tail(-u), by_q }
            })
            .collect();
        let mut counts = [[0.0; 2]; LARGEST + 1];
        counts[0] = [1.0, 0.0];
        let mut walk =
            Walk { nodes: &nodes, units: self.units, needed: self.needed, sums: [0.0; 2] };
        walk.extend(0, 0, 0, 1.0, &counts);
        (walk.sums[0], -2.0 * walk.sums[1])
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        let units = self.units;
        let (root_q, variance) = (q.value().max(0.0).sqrt(), q.complement());
        let sigma = variance.sqrt();
        // p and dp/dω at every node.
        let table: Vec<(f64, f64)> = self
            .kernel_rule
            .nodes()
            .iter()
            .map(|&(x, _)| {
                let u = root_q * x / sigma;
                (gaussian::tail(-u), gaussian::density(u) / sigma)
            })
            .collect();
        let (mut p, mut distribution) = ([0.0; LARGEST], [0.0; LARGEST + 1]);
        let (mut exactly, mut slope) = ([0.0; LARGEST], [0.0; LARGEST]);
        let mut kernel = 0.0;
        let multisets = multisets(&self.kernel_rule, units);
        // Multisets too rare to matter there are skipped.
        for multiset in multisets.iter().filter(|m: &&Multiset| m.weight > 1e-10) {
            let indices = multiset.indices();
            for (slot, &i) in p.iter_mut().zip(indices) {
                *slot = table[usize::from(i)].0;
            }
            counts(&p[..units], &[], &mut distribution);
            let tail: f64 = distribution[self.needed..=units].iter().sum();
            for l in 0..units {
                counts(&p[..units], &[l], &mut distribution);
                slope[l] = table[usize::from(indices[l])].1;
                exactly[l] = distribution[self.needed - 1] / tail;
            }
            for l in 0..units {
                let omega = root_q * self.kernel_rule.nodes()[usize::from(indices[l])].0;
                let first = exactly[l] * slope[l];
                let own = -first * omega / variance - first * first;
                kernel += multiset.weight * own * own;
                for k in 0..l {
                    counts(&p[..units], &[k, l], &mut distribution);
                    let below = if self.needed >= 2 { distribution[self.needed - 2] } else { 0.0 };
                    let mixed = (below - distribution[self.needed - 1]) / tail;
                    let term = slope[l] * slope[k] * (mixed - exactly[l] * exactly[k]);
                    kernel += 2.0 * multiset.weight * term * term;
                }
            }
        }
        kernel
    }

    fn scan_step(&self) -> f64 {
        0.5
    }

    fn ln_annealed(&self) -> f64 {
        let mut distribution = [0.0; LARGEST + 1];
        counts(&[0.5; LARGEST][..self.units], &[], &mut distribution);
        libm::log(distribution[self.needed..=self.units].iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activation::Activation;
    use crate::theory::energetic::WideEnergy;
    use crate::theory::symmetric_capacity::{binary_from, binary_replica_symmetric};

    fn capacity(units: usize, kappa: f64) -> crate::theory::capacity::Capacity {
        binary_from(SignEnergy::resolutions(units, kappa).unwrap()).unwrap()
    }

    #[test]
    fn documented_values() {
        // 40 Gauss–Hermite nodes give −.8964004208 for G_E, which has not converged.
        for step in [0.25, 0.3, 0.35] {
            let g_e = SignEnergy::new(3, 0.0, step).unwrap().at(Overlap::new(0.5)).0;
            assert!((g_e + 0.8964004194707).abs() < 2e-11, "{g_e}");
        }
        let alpha = capacity(3, 0.0);
        assert!((alpha.alpha - 0.9206194010).abs() < 6e-11, "{alpha:?}");
        assert!((alpha.order_parameters[0].1 - 0.384007).abs() < 6e-7);
        let alpha = capacity(5, 0.0);
        assert!((alpha.alpha - 0.93303870).abs() < 6e-9, "{alpha:?}");
    }

    /// G_E against an unordered product of Gauss–Legendre panels, K = 3.
    #[test]
    fn walk_equals_a_product_rule() {
        let q = Overlap::new(0.4);
        let rule = crate::theory::quadrature::Legendre::new(14)
            .gaussian(8.6, &[-5.0, -2.5, -1.0, 0.0, 1.0, 2.5, 5.0]);
        let nodes: Vec<(f64, f64)> = rule
            .nodes()
            .iter()
            .map(|&(x, w)| (gaussian::tail(-x * (0.4f64 / 0.6).sqrt()), w))
            .collect();
        let mut sum = 0.0;
        for &(a, wa) in &nodes {
            for &(b, wb) in &nodes {
                for &(c, wc) in &nodes {
                    sum += wa * wb * wc * libm::log(a * b + a * c + b * c - 2.0 * a * b * c);
                }
            }
        }
        let walked = SignEnergy::new(3, 0.0, 0.35).unwrap().at(q).0;
        assert!((walked - sum).abs() < 1e-10, "{walked} {sum}");
    }

    /// J against a difference of G_E; one unit is the perceptron, replicon included.
    #[test]
    fn response_and_single_unit() {
        for (units, kappa) in [(3, 0.0), (3, 0.7), (5, -0.6)] {
            let energy = SignEnergy::new(units, kappa, 0.45).unwrap();
            let step = 2e-3;
            let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
            let slope =
                (8.0 * (g(step) - g(-step)) - g(2.0 * step) + g(-2.0 * step)) / (12.0 * step);
            let response = energy.at(Overlap::new(0.4)).1;
            assert!((response + 2.0 * slope).abs() < 1e-8, "{units}: {response} {slope}");
        }
        let (one, wide) = (
            SignEnergy::new(1, 0.0, 0.1).unwrap(),
            WideEnergy::new(Activation::Identity, 0.0, 150),
        );
        let q = Overlap::new(0.5);
        assert!((one.at(q).0 - wide.at(q).0).abs() < 1e-12);
        assert!((one.at(q).1 - wide.at(q).1).abs() < 1e-11);
        assert!((one.replicon_kernel(q) / wide.replicon_kernel(q) - 1.0).abs() < 1e-6);
    }

    /// α_c and the replicon rise towards K → ∞.
    #[test]
    fn approaches_the_wide_limit() {
        let wide = binary_replica_symmetric(Activation::Sign, 0.0).unwrap();
        let mut previous = 0.833;
        for units in [3, 5, 7, 9] {
            let here = capacity(units, 0.0);
            assert!(here.error < 1e-9, "{here:?}");
            assert!(here.alpha > previous && here.alpha < wide.alpha && here.stable);
            previous = here.alpha;
        }
        // The gap to the limit closes like 1/K.
        let scaled = |units: usize| (wide.alpha - capacity(units, 0.0).alpha) * units as f64;
        assert!((scaled(7) / scaled(5) - 1.0).abs() < 0.05, "{} {}", scaled(5), scaled(7));
    }

    #[test]
    fn margins_shift_the_majority() {
        assert_eq!(needed(3, 0.0, 9).unwrap(), 2);
        assert_eq!(needed(3, 0.6, 9).unwrap(), 3);
        assert!(matches!(needed(3, 2.0, 9), Err(TheoryError::Absent(_))));
        assert!(matches!(needed(3, -2.0, 9), Err(TheoryError::Absent(_))));
        assert!(matches!(needed(4, 0.0, 9), Err(TheoryError::Domain { .. })));
        assert!(matches!(needed(11, 0.0, 9), Err(TheoryError::Domain { .. })));
    }
}
