//! Rejection-free selection: the attempts up to the next accepted one, drawn at once.
//!
//! With a_i the probability that an attempt at site i is accepted, an attempt at a random site is
//! with probability p = (1/N) Σ_i a_i. The attempts refused before one is have the geometric law
//! (1 − p)^k p, and the site accepted is i with probability a_i/Σ a: after every attempt the law of
//! the state is the one of attempt by attempt (A. B. Bortz, M. H. Kalos, J. L. Lebowitz, J. Comput.
//! Phys. 17, 10 (1975)). All N ΔE are needed anew after a flip; they stay while nothing is accepted,
//! whatever β and γ do meanwhile. Cost: N proposals a flip, N look-ups a sweep.

use super::boltzmann::Boltzmann;
use crate::rng::Stream;

/// ΔE of all flips of one replica, and their chances.
#[derive(Clone, Debug)]
pub struct Waiting {
    changes: Vec<i64>,
    /// Whether `changes` belong to the present weights.
    fresh: bool,
    /// Σ_{j ≤ i} a_j.
    sums: Vec<f64>,
}

impl Waiting {
    /// For `sites` = N.
    pub fn new(sites: usize) -> Self {
        Self { changes: vec![0; sites], fresh: false, sums: vec![0.0; sites] }
    }

    /// The weights have changed.
    pub fn forget(&mut self) {
        self.fresh = false;
    }

    /// The attempts refused before the next accepted one and its site, or `None` if the next `left`
    /// are all refused. `propose` gives ΔE of a site, `ratio` its ρ.
    pub fn next(
        &mut self,
        boltzmann: &Boltzmann,
        left: u64,
        stream: &mut Stream,
        propose: impl Fn(usize) -> i64,
        ratio: impl Fn(usize) -> f64,
    ) -> Option<(u64, usize)> {
        if !self.fresh {
            self.changes.iter_mut().enumerate().for_each(|(site, x)| *x = propose(site));
            self.fresh = true;
        }
        let mut total = 0.0;
        for (site, (sum, &change)) in self.sums.iter_mut().zip(&self.changes).enumerate() {
            total += boltzmann.chance(change, ratio(site));
            *sum = total;
        }
        if total == 0.0 {
            return None;
        }
        let p = total / self.sums.len() as f64;
        // p = 1 gives −∞ and no wait.
        let refused = (libm::log1p(-stream.uniform()) / libm::log1p(-p.min(1.0))).floor();
        if refused >= left as f64 {
            return None;
        }
        let mark = stream.uniform() * total;
        // The last sum may be the mark after rounding: then the last site with a chance.
        let site = self.sums.partition_point(|&sum| sum <= mark);
        let site = site.min(self.sums.partition_point(|&sum| sum < total));
        Some((refused as u64, site))
    }
}
