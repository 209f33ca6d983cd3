//! Spherical weights with K sign units, K odd: capacities.
//!
//! At capacity a pattern costs the least Σ_l (δω_l)² that makes m = ⌊(K + κ√K)/2⌋ + 1 units agree
//! with its label: the smallest squared negative fields still needed. Replica-symmetric:
//! α_c = 1/E(cost), λ_l ~ N(0,1). A unit at −x is turned iff at most m − 1 of the others lie above
//! it, so
//!
//! $$ \frac{1}{\alpha_c} = K \int_0^\infty x^2 G(x)
//!    \mathrm{Prob}\left(\mathrm{Bin}(K-1, \Phi(x)) \le m - 1\right) dx , $$
//!
//! a single integral for every K. α_c grows like √(72K/π). One step, K = 3, m = 2:
//!
//! $$ \alpha_c = \min_{q_0, \mu} \frac{\frac12 \left[\ln\left(1 + \mu(1-q_0)\right) +
//!    \frac{\mu q_0}{1 + \mu(1-q_0)}\right]}
//!    {-\mathbb E_\omega \ln \mathbb E_\lambda\ e^{-\mu\ \mathrm{cost}/2}} , $$
//!
//! ω_l = √q0 z_l, λ_l ~ N(ω_l, 1−q0). With −x the second largest field, density p_i, distribution F_k and
//! A_j(x) = Prob(λ_j > 0) + ∫₀^x p_j(−y) e^{−μy²/2} dy (closed),
//! E_λ = Prob(at least two > 0) + ∫₀^∞ dx e^{−μx²/2} Σ_i p_i(−x) Σ_{j≠i} A_j(x) F_k(−x).
//! Sources: Barkai, Hansel, Sompolinsky, PRA 45, 4146 (1992); Engel et al., PRA 45, 7590 (1992);
//! Monasson, Zecchina, PRL 75, 2432 (1995). 1 ms, one step 0.2 s. Deterministic.

use super::Outcome;
use super::capacity::{Capacity, floor};
use super::covariance::Overlap;
use super::finite_sign::needed;
use super::gaussian;
use super::k_step::KStepFunctional;
use super::minimum::{Stencil, quasi_newton};
use super::multiset::{Multiset, multisets};
use super::quadrature::{Legendre, Rule, trapezoid};
use crate::error::TheoryError;

/// Largest K.
const LARGEST: usize = 201;

/// The capacity with `steps` = 0 or, for K = 3 and κ = 0, 1.
///
/// # Errors
/// `Domain` for even K or K > 201; `Absent` if every or no pattern is stored; `Unavailable` for
/// other steps.
pub fn capacity(units: usize, kappa: f64, steps: usize) -> Outcome<Capacity> {
    let needed = needed(units, kappa, LARGEST)?;
    match (steps, units, needed) {
        (0, ..) => {
            let alpha = |nodes| 1.0 / mean_cost(units, needed, nodes);
            let (fine, coarse) = (alpha(100), alpha(60));
            Ok(Capacity {
                alpha: fine,
                error: (fine - coarse).abs() + floor(fine),
                rsb: 0,
                order_parameters: vec![("q", 1.0)],
                // The cheapest way to satisfy a pattern jumps with its fields, so the response
                // diverges as q → 1.
                stable: false,
                note: None,
            })
        }
        (1, 3, 2) => three_units_one_step(),
        _ => Err(TheoryError::Unavailable(format!(
            "{steps} steps of breaking for spherical sign units at K = {units}; --rsb 1 is known \
             for K = 3, kappa = 0"
        ))),
    }
}

/// E(cost).
fn mean_cost(units: usize, needed: usize, nodes: usize) -> f64 {
    let others = units - 1;
    let rule = Legendre::new(nodes).panels(&[0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 12.0]);
    let ln_choose: Vec<f64> = (0..needed.min(units))
        .map(|k| {
            let ln_factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
            ln_factorial(others) - ln_factorial(k) - ln_factorial(others - k)
        })
        .collect();
    let cost = rule.mean(|x| {
        let (ln_above, ln_below) = (gaussian::ln_cdf(x), gaussian::ln_tail(x));
        let few: f64 = ln_choose
            .iter()
            .enumerate()
            .map(|(k, choose)| {
                libm::exp(choose + k as f64 * ln_above + (others - k) as f64 * ln_below)
            })
            .sum();
        x * x * gaussian::density(x) * few
    });
    units as f64 * cost
}

/// The one-step functional of three units.
struct ThreeUnits {
    nodes: Vec<f64>,
    multisets: Vec<Multiset>,
    line: Rule,
}

impl ThreeUnits {
    fn new(step: f64, line_nodes: usize) -> Self {
        let rule = trapezoid(8.0, step);
        let line =
            Legendre::new(line_nodes).panels(&[0.0, 0.15, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 24.0]);
        Self {
            nodes: rule.nodes().iter().map(|&(x, _)| x).collect(),
            multisets: multisets(&rule, 3),
            line,
        }
    }

    /// S/(−E ln E e^{−μ cost/2}).
    fn load(&self, q0: Overlap, mu: f64) -> f64 {
        let (root_q, s) = (q0.value().sqrt(), q0.complement().sqrt());
        let c = 1.0 + mu * q0.complement();
        let root_c = c.sqrt();
        // Per node: Prob(λ > 0); per node and x: p e^{−μx²/2} dx, A, F.
        let positive: Vec<f64> =
            self.nodes.iter().map(|&z| gaussian::cdf(root_q * z / s)).collect();
        let table: Vec<Vec<[f64; 3]>> = self
            .nodes
            .iter()
            .zip(&positive)
            .map(|(&z, &above_zero)| {
                let omega = root_q * z;
                let amplitude = libm::exp(-0.5 * mu * omega * omega / c) / root_c;
                let base = gaussian::tail(omega / (root_c * s));
                self.line
                    .nodes()
                    .iter()
                    .map(|&(x, weight)| {
                        let density = gaussian::density((x + omega) / s) / s;
                        let turned = base - gaussian::tail((x * c + omega) / (root_c * s));
                        [
                            weight * density * libm::exp(-0.5 * mu * x * x),
                            above_zero + amplitude * turned,
                            gaussian::tail((x + omega) / s),
                        ]
                    })
                    .collect()
            })
            .collect();
        let mean: f64 = self
            .multisets
            .iter()
            .map(|multiset| {
                let [i, j, k] = [0, 1, 2].map(|l| usize::from(multiset.indices()[l]));
                let (a, b, d) = (positive[i], positive[j], positive[k]);
                let two = a * b + a * d + b * d - 2.0 * a * b * d;
                let rest: f64 = table[i]
                    .iter()
                    .zip(&table[j])
                    .zip(&table[k])
                    .map(|((x, y), z)| {
                        x[0] * (y[1] * z[2] + z[1] * y[2])
                            + y[0] * (x[1] * z[2] + z[1] * x[2])
                            + z[0] * (x[1] * y[2] + y[1] * x[2])
                    })
                    .sum();
                multiset.weight * libm::log(two + rest)
            })
            .sum();
        KStepFunctional::entropic(&[q0], &[mu]).1 * mu / -mean
    }
}

fn three_units_one_step() -> Outcome<Capacity> {
    let solve = |functional: &ThreeUnits, start: &[f64]| {
        let objective = |point: &[f64]| {
            let load = functional.load(Overlap::from_logit(point[0]), libm::exp(point[1]));
            if load.is_finite() && load > 0.0 { load } else { f64::INFINITY }
        };
        quasi_newton(objective, start, 1e-13, 100, Stencil::Five)
    };
    let coarse = solve(&ThreeUnits::new(0.5, 16), &[0.8, 2.5]);
    let fine = solve(&ThreeUnits::new(0.36, 22), &coarse.at);
    if !fine.converged {
        return Err(TheoryError::NotConverged("the one-step minimum of three sign units".into()));
    }
    Ok(Capacity {
        alpha: fine.value,
        error: (fine.value - coarse.value).abs() + floor(fine.value),
        rsb: 1,
        order_parameters: vec![
            ("q0", Overlap::from_logit(fine.at[0]).value()),
            ("mu", libm::exp(fine.at[1])),
        ],
        stable: false,
        note: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_replica_symmetric_values() {
        for (units, alpha) in [(1, 2.0), (3, 4.025192), (5, 5.768751), (11, 9.998446)] {
            let capacity = capacity(units, 0.0, 0).unwrap();
            assert!((capacity.alpha - alpha).abs() < 6e-7, "{units}: {capacity:?}");
            assert!(capacity.error < 1e-10);
        }
        // √(72K/π) is approached slowly from below.
        let ratio = |units: usize| {
            let asymptote = (72.0 * units as f64 / std::f64::consts::PI).sqrt();
            capacity(units, 0.0, 0).unwrap().alpha / asymptote
        };
        let mut last = (0.0, 0.0);
        for units in (1..=201).step_by(2) {
            let capacity = capacity(units, 0.0, 0).unwrap();
            assert!(capacity.alpha > last.0 && ratio(units) > last.1, "{units} {capacity:?}");
            assert!(ratio(units) < 1.0 && capacity.error < 1e-12 * capacity.alpha);
            last = (capacity.alpha, ratio(units));
        }
        // The rest falls like 1/√K, slowly: (1 − ratio)√K = 1.61 and 1.68.
        assert!((ratio(101) - 0.839449).abs() < 1e-6 && (ratio(201) - 0.881187).abs() < 1e-6);
    }

    /// E[cost] against a product rule over the fields themselves, K = 3, all thresholds.
    #[test]
    fn cost_by_triple_quadrature() {
        let half = Legendre::new(24).gaussian(9.0, &[0.0, 1.5, -1.5]);
        for needed in 1..=3 {
            let mut sum = 0.0;
            for &(a, wa) in half.nodes() {
                for &(b, wb) in half.nodes() {
                    for &(c, wc) in half.nodes() {
                        let mut negative: Vec<f64> =
                            [a, b, c].iter().filter(|x| **x < 0.0).map(|x| x * x).collect();
                        negative.sort_by(f64::total_cmp);
                        let turned = (needed + negative.len()).saturating_sub(3);
                        sum += wa * wb * wc * negative[..turned].iter().sum::<f64>();
                    }
                }
            }
            let single = mean_cost(3, needed, 60);
            // The order of the fields is a kink that the product rule does not resolve.
            assert!((sum / single - 1.0).abs() < 5e-3, "{needed}: {sum} {single}");
        }
    }

    /// Well below the replica-symmetric 4.025, which is the limit μ → 0.
    #[test]
    fn one_step_lowers_three_units() {
        let broken = capacity(3, 0.0, 1).unwrap();
        assert!((3.1..3.2).contains(&broken.alpha), "{broken:?}");
        assert!(broken.error < 1e-6, "{broken:?}");
        let functional = ThreeUnits::new(0.5, 24);
        let limit = functional.load(Overlap::new(0.5), 1e-4);
        assert!((limit - 4.025192).abs() < 1e-2, "{limit}");
        assert!(capacity(5, 0.0, 1).is_err() && capacity(4, 0.0, 0).is_err());
    }
}
