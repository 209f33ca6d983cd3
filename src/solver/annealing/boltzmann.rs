//! Boltzmann factors of single flips at one (β, γ), from tables.
//!
//! With integer energies E of a replica a, w its weight at site i and S = Σ_a w_iᵃ, a flip
//! w → −w multiplies the weight of the ensemble by e^{−βΔE}·ρ,
//!   traced centre    ρ = cosh γ(S − 2w) / cosh γS,
//!   explicit centre  ρ = e^{−2γ w^c w},
//! and is accepted with min(1, e^{−βΔE}ρ). The explicit centre itself has
//! P(w^c = +1) = 1/(1 + e^{−2γS}). Tables: e^{−βk} for integer k as far as an acceptance can exceed
//! 2^−60, ρ and P for all S. Deterministic (pinned `libm`); O(1) a decision.

use crate::rng::Stream;
use crate::solver::rsgd::Center;

/// −ln 2^−60: rarer acceptances than a 53-bit uniform number resolves.
const REACH: f64 = 41.6;

/// The tables.
#[derive(Clone, Debug)]
pub struct Boltzmann {
    center: Center,
    replicas: usize,
    /// Largest |ΔE|.
    most: usize,
    beta: f64,
    gamma: f64,
    /// e^{−βk}, k = 0, 1, …
    factors: Vec<f64>,
    /// ρ at index 2·(replicas with w = −1 at the site) + [w = −1] of a traced centre,
    /// [w ≠ w^c] of an explicit one.
    ratios: Vec<f64>,
    /// P(w^c = −1) by the number of replicas with w = −1.
    negative: Vec<f64>,
}

impl Boltzmann {
    /// For y = `replicas` and |ΔE| ≤ `most`, at β = γ = 0.
    pub fn new(center: Center, replicas: usize, most: usize) -> Self {
        let mut tables = Self {
            center,
            replicas,
            most,
            beta: f64::NAN,
            gamma: f64::NAN,
            factors: Vec::with_capacity(most + 1),
            ratios: vec![1.0; 2 * replicas + 2],
            negative: vec![0.5; replicas + 1],
        };
        tables.set(0.0, 0.0);
        tables
    }

    /// Entries of the table e^{−βk}.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.factors.len()
    }

    /// Takes β (of one unit of the integer energy) and γ.
    pub fn set(&mut self, beta: f64, gamma: f64) {
        if (beta, gamma) == (self.beta, self.gamma) {
            return;
        }
        (self.beta, self.gamma) = (beta, gamma);
        self.factors.clear();
        for k in 0..=self.most {
            let exponent = beta * k as f64;
            // ρ ≤ e^{2γ}: beyond this k an increase is never accepted, a decrease always.
            if exponent > REACH + 2.0 * gamma {
                break;
            }
            self.factors.push(libm::exp(-exponent));
        }
        match self.center {
            Center::Traced => {
                for negatives in 0..=self.replicas {
                    let sum = self.replicas as f64 - 2.0 * negatives as f64;
                    for (own, w) in [(0, 1.0), (1, -1.0)] {
                        let change = ln_cosh(gamma * (sum - 2.0 * w)) - ln_cosh(gamma * sum);
                        self.ratios[2 * negatives + own] = libm::exp(change);
                    }
                }
            }
            Center::Explicit => {
                self.ratios[0] = libm::exp(-2.0 * gamma);
                self.ratios[1] = libm::exp(2.0 * gamma);
            }
        }
        for (negatives, p) in self.negative.iter_mut().enumerate() {
            let sum = self.replicas as f64 - 2.0 * negatives as f64;
            *p = 1.0 / (1.0 + libm::exp(2.0 * gamma * sum));
        }
    }

    /// ρ of a flip at a site where `negatives` replicas have w = −1, this one if `own`, and the
    /// explicit centre if `center`.
    #[inline]
    pub fn ratio(&self, negatives: u16, own: bool, center: bool) -> f64 {
        match self.center {
            Center::Traced => self.ratios[2 * usize::from(negatives) + usize::from(own)],
            Center::Explicit => self.ratios[usize::from(own != center)],
        }
    }

    /// Metropolis decision on a flip with ΔE = `change` and ρ = `ratio`.
    #[inline]
    pub fn accepts(&self, change: i64, ratio: f64, stream: &mut Stream) -> bool {
        let factor = self.factors.get(change.unsigned_abs() as usize);
        if change <= 0 {
            ratio >= 1.0 || factor.is_none_or(|factor| stream.uniform() * factor < ratio)
        } else {
            factor.is_some_and(|factor| stream.uniform() < factor * ratio)
        }
    }

    /// The probability of [`Self::accepts`].
    #[inline]
    pub fn chance(&self, change: i64, ratio: f64) -> f64 {
        let factor = self.factors.get(change.unsigned_abs() as usize);
        if change <= 0 {
            factor.map_or(1.0, |factor| (ratio / factor).min(1.0))
        } else {
            factor.map_or(0.0, |factor| (ratio * factor).min(1.0))
        }
    }

    /// A draw of the explicit centre's weight, true if −1.
    #[inline]
    pub fn draw_center(&self, negatives: u16, stream: &mut Stream) -> bool {
        stream.uniform() < self.negative[usize::from(negatives)]
    }
}

/// ln cosh x + ln 2.
fn ln_cosh(x: f64) -> f64 {
    x.abs() + libm::log1p(libm::exp(-2.0 * x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One replica feels no traced centre; ratios there and back multiply to one.
    #[test]
    fn ratios_balance() {
        let mut one = Boltzmann::new(Center::Traced, 1, 10);
        one.set(0.7, 3.0);
        assert_eq!((one.ratio(0, false, false), one.ratio(1, true, false)), (1.0, 1.0));
        let mut traced = Boltzmann::new(Center::Traced, 5, 10);
        traced.set(0.7, 1.3);
        for negatives in 0..5u16 {
            let there = traced.ratio(negatives, false, false);
            let back = traced.ratio(negatives + 1, true, false);
            assert!((there * back - 1.0).abs() < 1e-14);
            let cosh = |s: f64| (1.3 * s).cosh();
            let sum = 5.0 - 2.0 * f64::from(negatives);
            assert!((there - cosh(sum - 2.0) / cosh(sum)).abs() < 1e-13 * there);
        }
        let mut explicit = Boltzmann::new(Center::Explicit, 5, 10);
        explicit.set(0.7, 1.3);
        assert!((explicit.ratio(2, true, true) - (-2.6f64).exp()).abs() < 1e-15);
        assert!((explicit.ratio(2, true, false) * explicit.ratio(2, true, true) - 1.0) < 1e-14);
    }

    /// What lies beyond the table is what an endless table would decide.
    #[test]
    fn table_ends_where_nothing_is_decided() {
        let mut stream = Stream::new(1, crate::rng::Purpose::Test, &[8]);
        let mut tables = Boltzmann::new(Center::Explicit, 3, 1000);
        tables.set(2.0, 1.0);
        let length = tables.factors.len();
        assert!(length < 30 && tables.factors[length - 1] * 2f64.exp() < 1e-15);
        for _ in 0..1000 {
            assert!(!tables.accepts(900, tables.ratio(0, true, false), &mut stream));
            assert!(tables.accepts(-900, tables.ratio(0, false, false), &mut stream));
        }
        tables.set(0.0, 0.0);
        assert_eq!(tables.factors.len(), 1001);
        assert!(tables.accepts(1000, 1.0, &mut stream));
    }

    /// Decisions are made with the probability that is stated.
    #[test]
    fn chances_are_those_of_the_decisions() {
        let mut stream = Stream::new(1, crate::rng::Purpose::Test, &[9]);
        let mut tables = Boltzmann::new(Center::Explicit, 3, 10);
        tables.set(0.4, 0.6);
        for change in [-3, -1, 0, 1, 2] {
            for center in [false, true] {
                let ratio = tables.ratio(1, true, center);
                let chance = tables.chance(change, ratio);
                assert!((chance - (ratio * (-0.4 * change as f64).exp()).min(1.0)).abs() < 1e-12);
                let draws = 20_000;
                let yes = (0..draws).filter(|_| tables.accepts(change, ratio, &mut stream)).count();
                let off = yes as f64 / f64::from(draws) - chance;
                assert!(off.abs() < 5.0 * (0.25 / f64::from(draws)).sqrt(), "{change} {off}");
            }
        }
    }
}
