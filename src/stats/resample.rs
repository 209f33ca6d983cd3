//! Bootstrap over disorder samples.
//!
//! A replicate draws M of the M samples with replacement; every quantity derived from the samples
//! is computed again with these multiplicities (B. Efron, Ann. Stat. 7, 1 (1979)). All quantities
//! that share disorder must share the draw: patterns are nested, so one sample enters at every
//! alpha, and K and activation see the same patterns too; the stream is therefore keyed by
//! (N, replicate) alone. Cost M a replicate. Deterministic.

use super::Interval;
use super::moments::{Moments, quantile};
use crate::rng::{Purpose, Stream};

/// How often each of `out.len()` samples occurs in bootstrap `replicate` of size N = `inputs`.
pub fn multiplicities(seed: u64, inputs: u64, replicate: u64, out: &mut [u32]) {
    out.fill(0);
    let mut stream = Stream::new(seed, Purpose::Bootstrap, &[inputs, replicate]);
    for _ in 0..out.len() {
        out[stream.below(out.len() as u64) as usize] += 1;
    }
}

/// Spread of an estimate over bootstrap replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Standard deviation of the replicates.
    pub error: f64,
    /// Central 68.27 % of the replicates.
    pub one_sigma: Interval,
    /// Central 95 % of the replicates.
    pub ninety_five: Interval,
}

impl Spread {
    /// Spread of `replicates` (finite); `None` with fewer than two.
    pub fn of(replicates: &[f64]) -> Option<Self> {
        let error = Moments::of(replicates)?.variance?.sqrt();
        let mut sorted = replicates.to_vec();
        sorted.sort_by(f64::total_cmp);
        let central = |tail: f64| Interval {
            lower: quantile(&sorted, tail),
            upper: quantile(&sorted, 1.0 - tail),
        };
        // 0.158655… = Φ(−1).
        Some(Self { error, one_sigma: central(0.158_655_253_931_457), ninety_five: central(0.025) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplicities_conserve_the_number_and_depend_on_their_key() {
        let draw = |inputs, replicate| {
            let mut out = vec![9; 50];
            multiplicities(1, inputs, replicate, &mut out);
            assert_eq!(out.iter().sum::<u32>(), 50);
            out
        };
        assert_eq!(draw(64, 0), draw(64, 0));
        assert_ne!(draw(64, 0), draw(64, 1));
        assert_ne!(draw(64, 0), draw(65, 0));
    }

    /// The bootstrap spread of a mean is its standard error times √((M−1)/M): 2000 replicates know
    /// it to 1.6 %. One draw shared between two anticorrelated columns makes their sum exact, an
    /// independent draw does not.
    #[test]
    fn spread_of_a_mean_and_joint_resampling() {
        let mut stream = Stream::new(5, Purpose::Test, &[43]);
        let x: Vec<f64> = (0..60).map(|_| stream.normal()).collect();
        let mean = |weights: &[u32], sign: f64| {
            weights.iter().zip(&x).map(|(&w, v)| f64::from(w) * sign * v).sum::<f64>() / 60.0
        };
        let (mut means, mut joint, mut apart) = (vec![], vec![], vec![]);
        let (mut w, mut other) = (vec![0; 60], vec![0; 60]);
        for replicate in 0..2000 {
            multiplicities(5, 10, replicate, &mut w);
            multiplicities(5, 11, replicate, &mut other);
            means.push(mean(&w, 1.0));
            joint.push(mean(&w, 1.0) + mean(&w, -1.0));
            apart.push(mean(&w, 1.0) + mean(&other, -1.0));
        }
        let expected = Moments::of(&x).unwrap().error().unwrap() * (59.0f64 / 60.0).sqrt();
        let spread = Spread::of(&means).unwrap();
        assert!((spread.error / expected - 1.0).abs() < 0.05, "{spread:?} {expected}");
        assert!((spread.one_sigma.half_width() / expected - 1.0).abs() < 0.1);
        assert!(Spread::of(&joint).unwrap().error < 1e-15);
        assert!(Spread::of(&apart).unwrap().error > expected);
    }
}
