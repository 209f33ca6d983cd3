//! Binary or spherical weights with K sign units at finite odd K: the energetic part.
//!
//! A pattern with margin κ is stored iff at least m = ⌊(K + κ√K)/2⌋ + 1 units agree with the label
//! (κ = 0: the majority). With ω_l = √q x_l, σ = √(1−q),
//!
//! $$ \mathcal G_E = \int \prod_{l=1}^K Dx_l\ \ln P, \qquad
//!    P = \mathrm{Prob}(\text{at least } m \text{ of } K), \qquad p_l = H(-\omega_l/\sigma) , $$
//!
//! a Poisson-binomial tail;
//! J = −2 dG_E/dq; C = Σ_{ll'} E[(∂_l ∂_l' ln P)²], with ∂P/∂p_l = Prob(exactly m−1 of the others)
//! and ∂²P/∂p_l∂p_l' = Prob(exactly m−2 of the others) − Prob(exactly m−1).
//!
//! The last unit is integrated apart: with A = Prob(at least m of the other K−1 agree) and
//! B = Prob(exactly m−1 do), ∫Dx ln(A + Bp) = ln A + T(ln(B/A)), T(y) = ∫Dx ln(1 + e^y p), a function
//! of one variable that is tabulated. The others are summed over a dense lattice
//! ([`super::lattice`]: D_n^* for K−1 = 2, 4, 6, E8 for 8), walked as a tree whose branches carry the
//! distribution of the number of agreements and its derivative by q. The sum converges like
//! e^{−2πy√2/step}, y ≈ 2 the distance of the singularities of ln P from the real axis: at K = 9 a
//! step of 0.9 leaves 1e-10 in G_E from 4e4 points. All terms of P are positive, nothing cancels.
//! Source: Barkai, Hansel, Sompolinsky, PRA 45, 4146 (1992). 1 ms (K = 3) to 6 ms (K = 9).
//! Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::energy::{Energy, Resolutions};
use super::gaussian;
use super::last_unit::{Agreement, COARSE, FINE, LEAST, LastUnit, REACH, Unit};
use super::lattice::{Branch, Lattice};
use super::quadrature::trapezoid;
use crate::error::TheoryError;

/// Largest K of the multiset quadrature.
pub const LARGEST: usize = 9;

/// Steps of the lattice of the replicon kernel, which decides a flag.
const KERNEL_STEP: [f64; 5] = [0.3, 0.8, 1.1, 1.3, 1.4];

/// The energetic part of K sign units.
#[derive(Clone, Debug)]
pub struct SignEnergy {
    units: usize,
    needed: usize,
    /// Over all units but the last.
    lattice: Lattice,
    /// Steps in x and y of the table of the last unit.
    last: (f64, f64),
    /// Over all units, coarse, for the replicon kernel.
    kernel_lattice: Lattice,
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
    /// `units` = K odd up to 9, on a lattice of step `step` without points of weight below `cut`;
    /// the other tables follow the cut.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn new(units: usize, kappa: f64, step: f64, cut: f64) -> Outcome<Self> {
        let needed = needed(units, kappa, LARGEST)?;
        let kernel_lattice = Lattice::new(units, KERNEL_STEP[units / 2], 1e-9);
        let lattice = Lattice::new((units - 1).max(1), step, cut);
        let last = if cut < 1e-12 { FINE } else { COARSE };
        Ok(Self { units, needed, lattice, last, kernel_lattice })
    }

    /// At three resolutions.
    ///
    /// # Errors
    /// As [`needed`].
    pub fn resolutions(units: usize, kappa: f64) -> Outcome<Resolutions<Self>> {
        let [fine, check] = match units {
            1 | 3 => [0.35, 0.4],
            5 => [0.52, 0.58],
            7 => [0.68, 0.76],
            _ => [0.8, 0.88],
        };
        let energy = |step, cut| Self::new(units, kappa, step, cut);
        Ok(Resolutions {
            fine: energy(fine, 1e-16)?,
            check: energy(check, 1e-15)?,
            coarse: energy(1.3, 1e-10)?,
        })
    }
}

/// The numbers of agreements among the units so far: probabilities of 0, 1, …, each with its
/// derivative by q.
struct Agreements<'a> {
    cosets: &'a [Vec<Unit>; 2],
    seen: usize,
    counts: [[f64; 2]; LARGEST],
}

impl Branch for Agreements<'_> {
    fn extend(&self, coset: usize, node: usize) -> Self {
        let Unit { p, by_q } = self.cosets[coset][node];
        let rest = 1.0 - p;
        let mut counts = [[0.0; 2]; LARGEST];
        counts[0] = [self.counts[0][0] * rest, self.counts[0][1] * rest - self.counts[0][0] * by_q];
        for (next, pair) in counts[1..].iter_mut().zip(self.counts.windows(2)).take(self.seen + 1) {
            let [rise, stay] = [pair[0], pair[1]];
            *next = [
                stay[0] * rest + rise[0] * p,
                stay[1] * rest + rise[1] * p + (rise[0] - stay[0]) * by_q,
            ];
        }
        Self { cosets: self.cosets, seen: self.seen + 1, counts }
    }
}

impl SignEnergy {
    /// (G_E, dG_E/dq) where every unit must agree: K ∫Dx ln p.
    fn unanimous(&self, agreement: Agreement) -> (f64, f64) {
        let [value, slope] = trapezoid(REACH, 0.5 * self.last.0).means(|x| {
            let unit = agreement.at(x);
            [libm::log(unit.p), unit.by_q / unit.p]
        });
        let units = self.units as f64;
        (units * value, units * slope)
    }

    /// (G_E, dG_E/dq).
    fn g_e(&self, q: Overlap) -> (f64, f64) {
        let agreement = Agreement::new(q);
        if self.needed == self.units {
            return self.unanimous(agreement);
        }
        let cosets = self
            .lattice
            .cosets()
            .each_ref()
            .map(|nodes| nodes.iter().map(|node| agreement.at(node.x)).collect::<Vec<Unit>>());
        // B/A is largest where all the others disagree: about m/((K−m) p).
        let least = cosets.iter().map(|units| units[0].p).fold(1.0, f64::min);
        let last = LastUnit::new(agreement, libm::log(self.units as f64 / least), self.last);
        let mut counts = [[0.0; 2]; LARGEST];
        counts[0][0] = 1.0;
        let root = Agreements { cosets: &cosets, seen: 0, counts };
        let (mut total, mut slope) = (0.0, 0.0);
        self.lattice.visit(&root, |branch, weight| {
            let mut reached = [0.0; 2];
            for count in &branch.counts[self.needed..self.units] {
                reached[0] += count[0];
                reached[1] += count[1];
            }
            let short = branch.counts[self.needed - 1];
            let ln_reached = libm::log(reached[0]);
            let [value, by_y, by_q] = last.at(libm::log(short[0]) - ln_reached);
            let (rate, short_rate) = (reached[1] / reached[0], short[1] / short[0]);
            total += weight * (ln_reached + value);
            slope += weight * (rate + by_y * (short_rate - rate) + by_q);
        });
        (total, slope)
    }
}

/// The nodes of a point of the lattice.
#[derive(Clone, Copy, Debug, Default)]
struct Chosen {
    coset: usize,
    seen: usize,
    indices: [u8; LARGEST],
}

impl Branch for Chosen {
    fn extend(&self, coset: usize, node: usize) -> Self {
        let mut next = Self { coset, seen: self.seen + 1, ..*self };
        next.indices[self.seen] = node as u8;
        next
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
        let (g_e, slope) = self.g_e(q);
        (g_e, -2.0 * slope)
    }

    fn replicon_kernel(&self, q: Overlap) -> f64 {
        let units = self.units;
        let (root_q, variance) = (q.value().max(0.0).sqrt(), q.complement());
        let sigma = variance.sqrt();
        // ω, p and dp/dω at every node.
        let table = self.kernel_lattice.cosets().each_ref().map(|nodes| {
            let at = |x: f64| {
                let u = root_q * x / sigma;
                [root_q * x, gaussian::tail(-u).max(LEAST), gaussian::density(u) / sigma]
            };
            nodes.iter().map(|node| at(node.x)).collect::<Vec<[f64; 3]>>()
        });
        let (mut p, mut distribution) = ([0.0; LARGEST], [0.0; LARGEST + 1]);
        let (mut exactly, mut slope) = ([0.0; LARGEST], [0.0; LARGEST]);
        let mut kernel = 0.0;
        self.kernel_lattice.visit(&Chosen::default(), |chosen, weight| {
            let unit = |l: usize| table[chosen.coset][usize::from(chosen.indices[l])];
            for (l, slot) in p[..units].iter_mut().enumerate() {
                *slot = unit(l)[1];
            }
            counts(&p[..units], &[], &mut distribution);
            let tail: f64 = distribution[self.needed..=units].iter().sum();
            let mut sum = 0.0;
            for l in 0..units {
                counts(&p[..units], &[l], &mut distribution);
                slope[l] = unit(l)[2];
                exactly[l] = distribution[self.needed - 1] / tail;
            }
            for l in 0..units {
                let first = exactly[l] * slope[l];
                let own = -first * unit(l)[0] / variance - first * first;
                sum += own * own;
                for k in 0..l {
                    counts(&p[..units], &[k, l], &mut distribution);
                    let below = if self.needed >= 2 { distribution[self.needed - 2] } else { 0.0 };
                    let mixed = (below - distribution[self.needed - 1]) / tail;
                    let term = slope[l] * slope[k] * (mixed - exactly[l] * exactly[k]);
                    sum += 2.0 * term * term;
                }
            }
            kernel += weight * sum;
        });
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
            let g_e = SignEnergy::new(3, 0.0, step, 1e-17).unwrap().at(Overlap::new(0.5)).0;
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
        let walked = SignEnergy::new(3, 0.0, 0.6, 1e-16).unwrap().at(q).0;
        assert!((walked - sum).abs() < 1e-10, "{walked} {sum}");
    }

    /// J against a difference of G_E; one unit is the perceptron, replicon included.
    #[test]
    fn response_and_single_unit() {
        for (units, kappa) in [(3, 0.0), (3, 0.7), (5, -0.6)] {
            let energy = SignEnergy::new(units, kappa, 0.7, 1e-16).unwrap();
            let step = 2e-3;
            let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
            let slope =
                (8.0 * (g(step) - g(-step)) - g(2.0 * step) + g(-2.0 * step)) / (12.0 * step);
            let response = energy.at(Overlap::new(0.4)).1;
            assert!((response + 2.0 * slope).abs() < 1e-8, "{units}: {response} {slope}");
        }
        let (one, wide) = (
            SignEnergy::new(1, 0.0, 0.6, 1e-16).unwrap(),
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
