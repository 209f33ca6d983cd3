//! Differing bits of two rows: Harley–Seal (Muła, Kurz, Lemire, Comput. J. 61, 111).

#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// Words of a register.
const WORDS: usize = 4;

/// |a xor b|.
pub(in crate::simd) fn differing(a: &[u64], b: &[u64]) -> u64 {
    // SAFETY: selected by an `Isa`, so AVX2 is there.
    unsafe { differing_avx2(a, b) }
}

#[target_feature(enable = "avx2,popcnt")]
fn differing_avx2(a: &[u64], b: &[u64]) -> u64 {
    let zero = _mm256_setzero_si256();
    let (mut ones, mut twos, mut fours, mut eights) = (zero, zero, zero, zero);
    let mut total = zero;
    let (blocks_a, blocks_b) = (a.chunks_exact(16 * WORDS), b.chunks_exact(16 * WORDS));
    let (rest_a, rest_b) = (blocks_a.remainder(), blocks_b.remainder());
    for (a, b) in blocks_a.zip(blocks_b) {
        let x = |k: usize| load(&a[k * WORDS..][..WORDS], &b[k * WORDS..][..WORDS]);
        let (twos_a, fours_a, fours_b, eights_a, eights_b, sixteens);
        let mut twos_b;
        let mut pair;
        (ones, pair) = add(ones, x(0), x(1));
        (ones, twos_b) = add(ones, x(2), x(3));
        (twos, fours_a) = add(twos, pair, twos_b);
        (ones, pair) = add(ones, x(4), x(5));
        (ones, twos_b) = add(ones, x(6), x(7));
        (twos, fours_b) = add(twos, pair, twos_b);
        (fours, eights_a) = add(fours, fours_a, fours_b);
        (ones, pair) = add(ones, x(8), x(9));
        (ones, twos_b) = add(ones, x(10), x(11));
        let (t, f) = add(twos, pair, twos_b);
        (ones, pair) = add(ones, x(12), x(13));
        (ones, twos_a) = add(ones, x(14), x(15));
        let (t, g) = add(t, pair, twos_a);
        twos = t;
        (fours, eights_b) = add(fours, f, g);
        (eights, sixteens) = add(eights, eights_a, eights_b);
        total = _mm256_add_epi64(total, count(sixteens));
    }
    total = _mm256_slli_epi64::<4>(total);
    let weighted = |x, shift: i32| _mm256_sll_epi64(count(x), _mm_cvtsi32_si128(shift));
    total = _mm256_add_epi64(total, weighted(eights, 3));
    total = _mm256_add_epi64(total, weighted(fours, 2));
    total = _mm256_add_epi64(total, weighted(twos, 1));
    total = _mm256_add_epi64(total, count(ones));
    let (four_a, four_b) = (rest_a.chunks_exact(WORDS), rest_b.chunks_exact(WORDS));
    let (tail_a, tail_b) = (four_a.remainder(), four_b.remainder());
    for (a, b) in four_a.zip(four_b) {
        total = _mm256_add_epi64(total, count(load(a, b)));
    }
    let mut lanes = [0u64; WORDS];
    // SAFETY: 32 bytes; no alignment is asked for.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), total) };
    let tail: u64 = tail_a.iter().zip(tail_b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
    lanes.iter().sum::<u64>() + tail
}

/// a xor b of four words.
#[target_feature(enable = "avx2")]
#[inline]
fn load(a: &[u64], b: &[u64]) -> __m256i {
    let (a, b): (&[u64; WORDS], &[u64; WORDS]) =
        (a.try_into().expect("four words"), b.try_into().expect("four words"));
    // SAFETY: four words each; no alignment is asked for.
    unsafe {
        let a = _mm256_loadu_si256(a.as_ptr().cast());
        _mm256_xor_si256(a, _mm256_loadu_si256(b.as_ptr().cast()))
    }
}

/// Carry-save adder: sum and carry of each bit of a + b + c.
#[target_feature(enable = "avx2")]
#[inline]
fn add(a: __m256i, b: __m256i, c: __m256i) -> (__m256i, __m256i) {
    let half = _mm256_xor_si256(a, b);
    let carry = _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(half, c));
    (_mm256_xor_si256(half, c), carry)
}

/// Bits set in each 64-bit lane.
#[target_feature(enable = "avx2")]
#[inline]
fn count(x: __m256i) -> __m256i {
    let table = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3,
        3, 4,
    );
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, nibble));
    let high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16::<4>(x), nibble));
    _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256())
}
