//! Every random stream of the program, keyed by the object it belongs to.
//!
//! A stream is Xoshiro256++ whose 256 bits of state are
//! SHA-256(domain tag, seed, purpose, ids…), all integers fixed-width little-endian. Ids name
//! physical objects (N, sample, pattern …), never a rank, a time or a position in the grid: this is
//! what makes results independent of ranks and schedules. Conversions to floats, bounded integers,
//! normals and shuffles live here, with golden vectors in the tests, because those of `rand` may
//! change between releases. Deterministic on every host: no host libm.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Domain tag of the streams; a change of any stream changes it.
const DOMAIN: &[u8] = b"reluscape/streams/1";

/// What a stream is for. Discriminants are part of the reproducibility contract: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Pattern μ and its label; ids: pattern length, sample, μ.
    Pattern = 1,
    /// A solver's own randomness; ids: see [`crate::solver::Instance::solver_stream`].
    Solver = 2,
    /// An observable's own randomness (flips, directions); ids as the solver's plus the observable.
    Observable = 3,
    /// Uniform choice among enumerated solutions; ids as the solver's.
    TypicalSolution = 4,
    /// Bootstrap resampling of disorder samples; ids: N, replicate.
    Bootstrap = 5,
    /// Random data of tests and benchmarks; ids: free.
    Test = 6,
}

/// One random stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of `purpose` for the object named by `ids` under `seed`.
    pub fn new(seed: u64, purpose: Purpose, ids: &[u64]) -> Self {
        let mut hash = Sha256::new();
        hash.update((DOMAIN.len() as u64).to_le_bytes());
        hash.update(DOMAIN);
        hash.update(seed.to_le_bytes());
        hash.update((purpose as u64).to_le_bytes());
        hash.update((ids.len() as u64).to_le_bytes());
        for id in ids {
            hash.update(id.to_le_bytes());
        }
        Self(Xoshiro256PlusPlus::from_seed(hash.finalize().into()))
    }

    /// 64 fair bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1): the top 53 bits times 2^−53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in 0..bound (Lemire's multiply-shift with rejection: exact).
    ///
    /// # Panics
    /// If `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "an empty range has no element");
        let mut product = u128::from(self.bits()) * u128::from(bound);
        if (product as u64) < bound {
            let reject_below = bound.wrapping_neg() % bound;
            while (product as u64) < reject_below {
                product = u128::from(self.bits()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// Standard normal (Marsaglia's polar method; the second value is dropped so that a stream's
    /// state is its 256 bits alone).
    pub fn normal(&mut self) -> f64 {
        loop {
            let u = 2.0 * self.uniform() - 1.0;
            let v = 2.0 * self.uniform() - 1.0;
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * (-2.0 * libm::log(s) / s).sqrt();
            }
        }
    }

    /// A number of mean 0 and variance 1, near a normal one, for Langevin dynamics: the sum of 64 fair
    /// signs over 8 (kurtosis 3 − 1/32), some twenty times cheaper than [`Self::normal`].
    #[inline]
    pub fn noise(&mut self) -> f32 {
        (self.bits().count_ones() as f32 - 32.0) * 0.25
    }

    /// Fisher–Yates shuffle, from the last element down.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    /// `count` distinct indices of 0..`len`, uniform without order bias (Floyd's algorithm),
    /// ascending. Cost O(count + len/64).
    ///
    /// # Panics
    /// If `count > len`.
    pub fn choose(&mut self, len: usize, count: usize) -> Vec<usize> {
        assert!(count <= len, "cannot choose {count} of {len}");
        let mut taken = vec![0u64; len.div_ceil(64)];
        for upper in len - count..len {
            let candidate = self.below(upper as u64 + 1) as usize;
            let free = taken[candidate / 64] >> (candidate % 64) & 1 == 0;
            let index = if free { candidate } else { upper };
            taken[index / 64] |= 1 << (index % 64);
        }
        let mut chosen = Vec::with_capacity(count);
        for (word, &bits) in taken.iter().enumerate() {
            let mut left = bits;
            while left != 0 {
                chosen.push(64 * word + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
        chosen
    }

    /// 64 independent bits, each 1 with probability `threshold`/2^64: uniform numbers are compared
    /// with the threshold bit after bit, all 64 at once, until all are decided (about eight words).
    #[inline]
    pub fn flips(&mut self, threshold: u64) -> u64 {
        let (mut below, mut undecided, mut left) = (0, u64::MAX, threshold);
        // A number that agrees with all remaining bits of the threshold is not below it.
        while left != 0 && undecided != 0 {
            let digits = self.bits();
            if left >> 63 == 1 {
                below |= undecided & !digits;
                undecided &= digits;
            } else {
                undecided &= !digits;
            }
            left <<= 1;
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream::new(20191023, Purpose::Test, &[1, 2, 3])
    }

    #[test]
    fn ids_separate_streams() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..4 {
            for purpose in [Purpose::Pattern, Purpose::Solver, Purpose::Test] {
                for ids in [&[][..], &[0], &[0, 0], &[1], &[1, 0], &[0, 1]] {
                    assert!(seen.insert(Stream::new(seed, purpose, ids).bits()));
                }
            }
        }
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let (mut s, count) = (stream(), 200_000);
        let (mut u1, mut n1, mut n2, mut z1, mut z2) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for _ in 0..count {
            let z = f64::from(s.noise());
            z1 += z;
            z2 += z * z;
            u1 += s.uniform();
            let x = s.normal();
            n1 += x;
            n2 += x * x;
        }
        let c = f64::from(count);
        // Five standard errors each.
        assert!((u1 / c - 0.5).abs() < 5.0 * (1.0 / 12.0f64 / c).sqrt());
        assert!((n1 / c).abs() < 5.0 / c.sqrt());
        assert!((n2 / c - 1.0).abs() < 5.0 * (2.0 / c).sqrt());
        assert!((z1 / c).abs() < 5.0 / c.sqrt());
        assert!((z2 / c - 1.0).abs() < 5.0 * (2.0 / c).sqrt());
    }

    #[test]
    fn below_is_exact_and_uniform() {
        let mut s = stream();
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[s.below(7) as usize] += 1;
        }
        // chi² with 6 degrees of freedom: 99.99 % quantile 27.9.
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - 1e4).powi(2) / 1e4).sum();
        assert!(chi2 < 27.9, "{counts:?}");
    }

    #[test]
    fn flips_have_their_rate_in_every_place() {
        let mut s = stream();
        for rate in [0.0, 0.01, 0.3, 0.5, 0.999] {
            let threshold = (rate * 18446744073709551616.0) as u64;
            let (words, mut counts) = (20_000, [0u32; 64]);
            for _ in 0..words {
                let bits = s.flips(threshold);
                counts.iter_mut().enumerate().for_each(|(i, c)| *c += (bits >> i & 1) as u32);
            }
            // Five standard errors in each of the 64 places.
            let error = (rate * (1.0 - rate) / f64::from(words)).sqrt();
            for count in counts {
                let found = f64::from(count) / f64::from(words);
                assert!((found - rate).abs() <= 5.0 * error, "{rate}: {found}");
            }
        }
    }

    #[test]
    fn choose_gives_distinct_sorted_indices() {
        let mut s = stream();
        for count in 0..=10 {
            let chosen = s.choose(10, count);
            assert_eq!(chosen.len(), count);
            assert!(chosen.windows(2).all(|w| w[0] < w[1]) && chosen.iter().all(|&i| i < 10));
        }
    }
}
