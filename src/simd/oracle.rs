//! One runner for every kernel and every instruction set: each is compared with the definition,
//! written entry by entry, at all lengths around the registers' multiples.

use super::*;
use crate::rng::{Purpose, Stream};

/// Runs `check` for every instruction set of this processor.
fn every_isa(check: impl Fn(Isa)) {
    for isa in Isa::all() {
        check(isa);
    }
}

fn stream(ids: &[u64]) -> Stream {
    Stream::new(3, Purpose::Test, ids)
}

/// Row-packed ±1 entries with zero padding: `count` × `groups` × ⌈n/64⌉ words.
fn random_rows(n: usize, groups: usize, count: usize, stream: &mut Stream) -> Vec<u64> {
    let words = n.div_ceil(64);
    (0..count * groups * words)
        .map(|at| {
            let left = n - at % words * 64;
            let mask = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
            // Half of the words are all ones or all zeros: the extreme counts must not overflow.
            mask & match stream.below(4) {
                0 => 0,
                1 => u64::MAX,
                _ => stream.bits(),
            }
        })
        .collect()
}

fn sign(words: &[u64], i: usize) -> i32 {
    1 - 2 * (words[i / 64] >> (i % 64) & 1) as i32
}

/// h of one unit, entry by entry.
fn field(x: &[u64], w: &[u64], n: usize) -> i32 {
    (0..n).map(|i| sign(x, i) * sign(w, i)).sum()
}

fn check_preactivations(isa: Isa, n: usize, units: usize, full: bool, y: usize, batch: usize) {
    let (words, groups) = (n.div_ceil(64), if full { 1 } else { units });
    let mut stream = stream(&[n as u64, units as u64, full.into(), y as u64, batch as u64]);
    let count = batch + 3;
    let rows = random_rows(n, groups, count, &mut stream);
    let indices: Vec<u32> = (0..batch).map(|_| stream.below(count as u64) as u32).collect();
    let weights: Vec<Vec<u64>> = (0..y).map(|_| random_rows(n, units, 1, &mut stream)).collect();
    let mut block = PatternBlock::new(n, groups, batch);
    let mut table = WeightTable::new(n, units, y);
    for (replica, weights) in weights.iter().enumerate() {
        table.set(replica, weights);
    }
    let mut h = vec![0; table.len(&block)];
    // Twice, the second time with old content: nothing may be left over.
    for _ in 0..2 {
        block.gather(isa, &rows, &indices);
        preactivations(isa, &block, &table, &mut h);
    }
    for (replica, weights) in weights.iter().enumerate() {
        for unit in 0..units {
            let w = &weights[unit * words..][..words];
            for (&mu, &h) in indices.iter().zip(&h[table.at(&block, replica, unit)]) {
                let group = if full { 0 } else { unit };
                let x = &rows[(mu as usize * groups + group) * words..][..words];
                assert_eq!(i32::from(h), field(x, w, n), "{isa:?} n {n} y {y} pattern {mu}");
            }
        }
    }
}

#[test]
fn preactivations_at_all_lengths() {
    every_isa(|isa| {
        for n in 1..=4 * 256 + 1 {
            if n < 140 || [0, 1, 7, 8, 63].contains(&(n % 64)) || n % 248 < 2 {
                check_preactivations(isa, n, 1, false, 1, 3);
            }
        }
    });
}

#[test]
fn preactivations_of_all_batch_and_replica_counts() {
    every_isa(|isa| {
        for batch in 0..=4 * 32 + 1 {
            check_preactivations(isa, 21, 3, batch % 2 == 0, 1 + batch % 7, batch);
        }
        for y in 1..=17 {
            check_preactivations(isa, 321, 5, y % 2 == 0, y, 80);
        }
    });
}

#[test]
fn preactivations_of_extreme_lengths() {
    every_isa(|isa| {
        for n in [32_767usize, 32_760] {
            let words = vec![0u64; n.div_ceil(64)];
            let mut block = PatternBlock::new(n, 1, 1);
            block.gather(isa, &words, &[0]);
            let mut table = WeightTable::new(n, 1, 2);
            let all: Vec<u64> =
                (0..words.len()).map(|w| crate::model::weights::tail_mask(n, w)).collect();
            table.set(1, &all);
            let mut h = vec![0; table.len(&block)];
            preactivations(isa, &block, &table, &mut h);
            assert_eq!((h[0], h[block.stride()]), (n as i16, -(n as i16)), "{isa:?}");
        }
    });
}

/// Results of all vectors `x` (replica-major, unit next), rows in order.
fn products(isa: Isa, matrix: &SignMatrix, units: usize, x: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let y = x.len() / units;
    let mut table = SumTable::new(matrix.columns(), units, y);
    for (index, x) in x.iter().enumerate() {
        table.set(isa, index / units, index % units, x);
    }
    let mut out = vec![f32::NAN; table.len(matrix)];
    sign_product(isa, matrix, &table, &mut out);
    (0..x.len()).map(|index| out[table.at(matrix, index / units, index % units)].to_vec()).collect()
}

/// Both orientations of random patterns against f64 sums, entry by entry; and the same bits from
/// every instruction set, from one replica alone and from one row alone.
fn check_sign_product(n: usize, units: usize, full: bool, y: usize, batch: usize) {
    let (groups, words, scale) = (if full { 1 } else { units }, n.div_ceil(64), 3.0);
    let mut stream = stream(&[n as u64, units as u64, full.into(), y as u64, batch as u64]);
    let count = batch + 3;
    let rows = random_rows(n, groups, count, &mut stream);
    let indices: Vec<u32> = (0..batch).map(|_| stream.below(count as u64) as u32).collect();
    let entry = |mu: usize, group: usize, i: usize| {
        f64::from(sign(&rows[(indices[mu] as usize * groups + group) * words..][..words], i))
    };
    let mut forward = SignMatrix::new(groups, batch, n);
    forward.gather(&rows, &indices);
    let mut transposed = SignMatrix::new(groups, n, batch);
    transposed.gather_transposed(&rows, &indices);
    for (matrix, is_forward) in [(&forward, true), (&transposed, false)] {
        let columns = matrix.columns();
        let mut normal = || (scale * stream.normal()) as f32;
        let x: Vec<Vec<f32>> =
            (0..y * units).map(|_| (0..columns).map(|_| normal()).collect()).collect();
        let reference = products(Isa::SCALAR, matrix, units, &x);
        // √C terms of size `scale`, 2^−24 a rounding: 20 of these is generous, while one wrong
        // sign (2·scale typically) is far outside.
        let bound = 20.0 * scale * (columns as f64 + 1.0).sqrt() / f64::from(1 << 24);
        for (index, (x, sums)) in x.iter().zip(&reference).enumerate() {
            let group = if full { 0 } else { index % units };
            for (r, &sum) in sums.iter().enumerate() {
                let sign = |c| if is_forward { entry(r, group, c) } else { entry(c, group, r) };
                let expected: f64 =
                    x.iter().enumerate().map(|(c, &x)| sign(c) * f64::from(x)).sum();
                let off = (f64::from(sum) - expected).abs();
                assert!(off <= bound, "n {n} y {y} batch {batch}: {sum} for {expected}");
            }
        }
        every_isa(|isa| {
            assert_eq!(bits(&products(isa, matrix, units, &x)), bits(&reference), "{isa:?}");
            let last = &x[(y - 1) * units..];
            let alone = products(isa, matrix, units, last);
            assert_eq!(bits(&alone), bits(&reference[(y - 1) * units..]), "{isa:?}");
            if is_forward && batch > 0 {
                let mut single = SignMatrix::new(groups, 1, n);
                single.gather(&rows, &indices[batch - 1..]);
                for (one, all) in products(isa, &single, units, &x).iter().zip(&reference) {
                    assert_eq!(one[0].to_bits(), all[batch - 1].to_bits(), "{isa:?}");
                }
            }
        });
    }
}

fn bits(values: &[Vec<f32>]) -> Vec<Vec<u32>> {
    values.iter().map(|v| v.iter().map(|x| x.to_bits()).collect()).collect()
}

#[test]
fn sign_products_at_all_lengths() {
    for n in 1..=4 * 32 + 1 {
        check_sign_product(n, 1, false, 1, 3);
        check_sign_product(5, 2, n % 2 == 0, 1, n);
    }
    for n in [511, 512, 513, 1023, 1025, 2049] {
        check_sign_product(n, 1, false, 2, 9);
    }
}

#[test]
fn sign_products_of_all_batch_and_replica_counts() {
    for batch in 0..=4 * 8 + 1 {
        check_sign_product(37, 3, batch % 2 == 0, 1 + batch % 5, batch);
    }
    for y in 1..=17 {
        check_sign_product(65, 2, y % 2 == 0, y, 20);
    }
}
