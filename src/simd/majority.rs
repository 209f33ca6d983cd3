//! Majority of replicas, bit by bit: the binarised centre.
//!
//! Counters are bit-sliced: plane k holds bit k of the counts of 64 weights a word, and a replica is
//! added by a ripple of half adders, O(log y) instructions a word. Integer, exact, deterministic;
//! cost O(y log y · N/64). Bound: the vector ports, by the two logical operations of a half adder.

use super::isa::{Isa, Work};

/// Words counted side by side: two registers of AVX2.
const WIDTH: usize = 8;

/// Most planes: counts below 2^16.
const MOST: usize = 16;

/// `out` gets the bit that more than half of `replicas` have, and that of `ties` where exactly half
/// of them have it: all zeros lets +1 win ties, a replica lets that replica decide.
///
/// # Panics
/// If a length differs from that of `out`, or there are no or above 65,535 replicas.
pub fn majority(isa: Isa, replicas: &[&[u64]], ties: &[u64], out: &mut [u64]) {
    assert!((1..1 << MOST).contains(&replicas.len()), "{} replicas", replicas.len());
    let equal = replicas.iter().all(|bits| bits.len() == out.len()) && ties.len() == out.len();
    assert!(equal, "words of a replica");
    // Few planes stay in registers.
    match usize::BITS - replicas.len().leading_zeros() {
        0..=2 => isa.run(Majority::<2> { replicas, ties, out }),
        3 => isa.run(Majority::<3> { replicas, ties, out }),
        4 => isa.run(Majority::<4> { replicas, ties, out }),
        5 => isa.run(Majority::<5> { replicas, ties, out }),
        _ => isa.run(Majority::<MOST> { replicas, ties, out }),
    }
}

struct Majority<'a, const PLANES: usize> {
    replicas: &'a [&'a [u64]],
    ties: &'a [u64],
    out: &'a mut [u64],
}

impl<const PLANES: usize> Work for Majority<'_, PLANES> {
    #[inline(always)]
    fn run(self) {
        let y = self.replicas.len();
        let decisive = if y.is_multiple_of(2) { u64::MAX } else { 0 };
        for (block, out) in self.out.chunks_mut(WIDTH).enumerate() {
            let at = block * WIDTH;
            let mut planes = [[0u64; WIDTH]; PLANES];
            for bits in self.replicas {
                let mut carry = words(&bits[at..at + out.len()]);
                for plane in &mut planes {
                    for k in 0..WIDTH {
                        let both = plane[k] & carry[k];
                        plane[k] ^= carry[k];
                        carry[k] = both;
                    }
                }
            }
            // Count against ⌊y/2⌋, from the highest plane.
            let (mut more, mut equal) = ([0u64; WIDTH], [u64::MAX; WIDTH]);
            for (bit, plane) in planes.iter().enumerate().rev() {
                let half = if (y / 2) >> bit & 1 == 1 { u64::MAX } else { 0 };
                for k in 0..WIDTH {
                    more[k] |= equal[k] & plane[k] & !half;
                    equal[k] &= !(plane[k] ^ half);
                }
            }
            let ties = words(&self.ties[at..at + out.len()]);
            let mut result = [0; WIDTH];
            for k in 0..WIDTH {
                result[k] = more[k] | (equal[k] & ties[k] & decisive);
            }
            out.copy_from_slice(&result[..out.len()]);
        }
    }
}

/// Up to WIDTH words, zero behind.
#[inline(always)]
fn words(bits: &[u64]) -> [u64; WIDTH] {
    match bits.try_into() {
        Ok(words) => words,
        Err(_) => {
            let mut words = [0; WIDTH];
            words[..bits.len()].copy_from_slice(bits);
            words
        }
    }
}
