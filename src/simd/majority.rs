//! Majority of replicas, bit by bit: the binarised centre.
//!
//! Counters are bit-sliced: plane k holds bit k of the counts of 64 weights a word, and a replica is
//! added by a ripple of half adders, O(log y) instructions a word. Integer, exact, deterministic;
//! cost O(y log y · N/64), bound by the three logical operations of a half adder.

use super::isa::{Isa, Work};

/// Words counted side by side: two registers of AVX2.
const WIDTH: usize = 8;

/// Planes: counts below 2^16.
const PLANES: usize = 16;

/// `out` gets the bit that more than half of `replicas` have, and that of `ties` where exactly half
/// of them have it: all zeros lets +1 win ties, a replica lets that replica decide.
///
/// # Panics
/// If a length differs from that of `out`, or there are no or above 65,535 replicas.
pub fn majority(isa: Isa, replicas: &[&[u64]], ties: &[u64], out: &mut [u64]) {
    assert!((1..1 << PLANES).contains(&replicas.len()), "{} replicas", replicas.len());
    let equal = replicas.iter().all(|bits| bits.len() == out.len()) && ties.len() == out.len();
    assert!(equal, "words of a replica");
    isa.run(Majority { replicas, ties, out });
}

struct Majority<'a> {
    replicas: &'a [&'a [u64]],
    ties: &'a [u64],
    out: &'a mut [u64],
}

impl Work for Majority<'_> {
    #[inline(always)]
    fn run(self) {
        let y = self.replicas.len();
        let planes_used = (usize::BITS - y.leading_zeros()) as usize;
        for (block, out) in self.out.chunks_mut(WIDTH).enumerate() {
            let at = block * WIDTH;
            let mut planes = [[0u64; WIDTH]; PLANES];
            for (index, bits) in self.replicas.iter().enumerate() {
                let mut carry = words(&bits[at..at + out.len()]);
                // The count so far is at most `index`: higher planes cannot be reached.
                let reach = (usize::BITS - (index + 1).leading_zeros()) as usize;
                for plane in &mut planes[..reach] {
                    for (plane, carry) in plane.iter_mut().zip(&mut carry) {
                        (*plane, *carry) = (*plane ^ *carry, *plane & *carry);
                    }
                }
            }
            // Count against ⌊y/2⌋, from the highest plane.
            let (mut more, mut equal) = ([0u64; WIDTH], [u64::MAX; WIDTH]);
            for (k, plane) in planes[..planes_used].iter().enumerate().rev() {
                let half = if (y / 2) >> k & 1 == 1 { u64::MAX } else { 0 };
                for ((more, equal), plane) in more.iter_mut().zip(&mut equal).zip(plane) {
                    *more |= *equal & plane & !half;
                    *equal &= !(plane ^ half);
                }
            }
            let ties = words(&self.ties[at..at + out.len()]);
            let decisive = if y.is_multiple_of(2) { u64::MAX } else { 0 };
            for (k, out) in out.iter_mut().enumerate() {
                *out = more[k] | (equal[k] & ties[k] & decisive);
            }
        }
    }
}

/// Up to WIDTH words, zero behind.
#[inline(always)]
fn words(bits: &[u64]) -> [u64; WIDTH] {
    let mut words = [0; WIDTH];
    for (word, &bits) in words.iter_mut().zip(bits) {
        *word = bits;
    }
    words
}
