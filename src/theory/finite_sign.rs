//! Binary or spherical weights with K sign units at finite odd K: the energetic part.
//!
//! A pattern with margin κ is stored iff at least m = ⌊(K + κ√K)/2⌋ + 1 units agree with the label
//! (κ = 0: the majority). With ω_l = √q x_l, σ = √(1−q), p_l = H(−ω_l/σ):
//! G_E = ∫ΠDx_l ln P, P = Prob(at least m of K), a Poisson-binomial tail;
//! J = Σ_l E[(∂_l ln P)²], C = Σ_{ll'} E[(∂_l ∂_l' ln P)²], with
//! ∂P/∂p_l = Prob(exactly m−1 of the others) and
//! ∂²P/∂p_l∂p_l' = Prob(exactly m−2 of the others) − Prob(exactly m−1).
//! K-fold Gauss–Hermite over multisets of nodes; all terms of P, ∂P are positive, nothing cancels.
//! Source: Barkai, Hansel, Sompolinsky, PRA 45, 4146 (1992). 1 ms (K = 3) to 0.1 s (K = 9).
//! Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::gaussian;
use super::multiset::{Multiset, multisets};
use super::quadrature::{Rule, hermite, trapezoid};
use super::replica_symmetric::Energy;
use crate::error::TheoryError;

/// Largest K of the multiset quadrature.
pub const LARGEST: usize = 9;

/// The energetic part of K sign units.
#[derive(Clone, Debug)]
pub struct SignEnergy {
    units: usize,
    needed: usize,
    nodes: Vec<f64>,
    multisets: Vec<Multiset>,
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
    /// `units` = K odd up to 9, with `nodes` Gauss–Hermite nodes a unit.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn new(units: usize, kappa: f64, nodes: usize) -> Outcome<Self> {
        Self::with_rule(units, kappa, &hermite(nodes))
    }

    /// With any rule of the Gaussian measure.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn with_rule(units: usize, kappa: f64, rule: &Rule) -> Outcome<Self> {
        let needed = needed(units, kappa, LARGEST)?;
        let multisets = multisets(rule, units);
        Ok(Self { units, needed, nodes: rule.nodes().iter().map(|&(x, _)| x).collect(), multisets })
    }

    /// A fine and a coarse quadrature.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn pair(units: usize, kappa: f64) -> Outcome<[Self; 2]> {
        if units <= 3 {
            // Few dimensions: the trapezoid converges faster than Gauss–Hermite, whose 48 nodes
            // leave 3e-10 in G_E at K = 3.
            let rule = |width, step| Self::with_rule(units, kappa, &trapezoid(width, step));
            return Ok([rule(9.0, 0.27)?, rule(8.5, 0.36)?]);
        }
        let (fine, coarse) = match units {
            5 => (26, 20),
            7 => (18, 14),
            _ => (13, 11),
        };
        Ok([Self::new(units, kappa, fine)?, Self::new(units, kappa, coarse)?])
    }

    /// p and dp/dω at every node.
    fn agreements(&self, q: Overlap) -> Vec<(f64, f64)> {
        let (root_q, sigma) = (q.value().max(0.0).sqrt(), q.complement().sqrt());
        self.nodes
            .iter()
            .map(|&x| {
                let u = root_q * x / sigma;
                (gaussian::tail(-u), gaussian::density(u) / sigma)
            })
            .collect()
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
        let table = self.agreements(q);
        let units = self.units;
        let (mut p, mut distribution) = ([0.0; LARGEST], [0.0; LARGEST + 1]);
        let (mut g_e, mut response) = (0.0, 0.0);
        for multiset in &self.multisets {
            let indices = multiset.indices();
            for (slot, &i) in p.iter_mut().zip(indices) {
                *slot = table[usize::from(i)].0;
            }
            counts(&p[..units], &[], &mut distribution);
            let tail: f64 = distribution[self.needed..=units].iter().sum();
            g_e += multiset.weight * libm::log(tail);
            let mut sum = 0.0;
            let mut last = 0.0;
            for l in 0..units {
                // Equal nodes are neighbours and have equal terms.
                if l == 0 || indices[l] != indices[l - 1] {
                    counts(&p[..units], &[l], &mut distribution);
                    let slope = distribution[self.needed - 1] * table[usize::from(indices[l])].1;
                    last = (slope / tail) * (slope / tail);
                }
                sum += last;
            }
            response += multiset.weight * sum;
        }
        (g_e, response)
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        let table = self.agreements(q);
        let units = self.units;
        let (root_q, variance) = (q.value().max(0.0).sqrt(), q.complement());
        let (mut p, mut distribution) = ([0.0; LARGEST], [0.0; LARGEST + 1]);
        let (mut exactly, mut slope) = ([0.0; LARGEST], [0.0; LARGEST]);
        let mut kernel = 0.0;
        // Multisets too rare to matter for a stability flag are skipped.
        for multiset in self.multisets.iter().filter(|m| m.weight > 1e-12) {
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
                let omega = root_q * self.nodes[usize::from(indices[l])];
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
        let [fine, coarse] = SignEnergy::pair(units, kappa).unwrap();
        binary_from(fine, coarse).unwrap()
    }

    #[test]
    fn documented_values() {
        // Two rules agree on −.8964004194707; 40 Gauss–Hermite nodes give −.8964004208.
        let [fine, coarse] = SignEnergy::pair(3, 0.0).unwrap();
        for energy in [fine, coarse] {
            let g_e = energy.at(Overlap::new(0.5)).0;
            assert!((g_e + 0.8964004194707).abs() < 2e-11, "{g_e}");
        }
        let hermite = SignEnergy::new(3, 0.0, 40).unwrap().at(Overlap::new(0.5)).0;
        assert!((hermite + 0.8964004208).abs() < 6e-11, "{hermite}");
        let alpha = capacity(3, 0.0);
        assert!((alpha.alpha - 0.9206194010).abs() < 1e-9, "{alpha:?}");
        assert!((alpha.order_parameters[0].1 - 0.384007).abs() < 6e-7);
        let alpha = capacity(5, 0.0);
        assert!((alpha.alpha - 0.93303870).abs() < 1e-8, "{alpha:?}");
    }

    /// J against a difference of G_E; one unit is the perceptron, replicon included.
    #[test]
    fn response_and_single_unit() {
        for (units, kappa) in [(3, 0.0), (3, 0.7), (5, -0.6)] {
            let energy = SignEnergy::new(units, kappa, 24).unwrap();
            let step = 2e-3;
            let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
            let slope =
                (8.0 * (g(step) - g(-step)) - g(2.0 * step) + g(-2.0 * step)) / (12.0 * step);
            let response = energy.at(Overlap::new(0.4)).1;
            assert!((response + 2.0 * slope).abs() < 2e-5, "{units}: {response} {slope}");
        }
        let (one, wide) =
            (SignEnergy::new(1, 0.0, 90).unwrap(), WideEnergy::new(Activation::Identity, 0.0, 150));
        let q = Overlap::new(0.5);
        assert!((one.at(q).0 - wide.at(q).0).abs() < 1e-7);
        assert!((one.at(q).1 - wide.at(q).1).abs() < 1e-5);
        assert!((one.replicon_kernel(q) / wide.replicon_kernel(q) - 1.0).abs() < 1e-4);
    }

    /// α_c and the replicon rise towards K → ∞.
    #[test]
    fn approaches_the_wide_limit() {
        let wide = binary_replica_symmetric(Activation::Sign, 0.0).unwrap();
        let mut previous = 0.833;
        for units in [3, 5, 7] {
            let here = capacity(units, 0.0);
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
