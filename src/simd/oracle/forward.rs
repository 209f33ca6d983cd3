//! The binary forward pass.

use super::*;

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
    // Behind an odd entry: no alignment may be assumed.
    let mut h = vec![0; table.len(&block) + 1];
    let h = &mut h[1..];
    // Twice, the second time with old content: nothing may be left over.
    for _ in 0..2 {
        block.gather(isa, &rows, &indices);
        preactivations(isa, &block, &table, h);
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
            // Less than eight bytes, eight, more (h in a byte), and counts that are widened.
            for n in [21, 64, 127, 200] {
                check_preactivations(isa, n, 3, batch % 2 == 0, 1 + batch % 7, batch);
            }
        }
        for y in 1..=17 {
            check_preactivations(isa, 321, 5, y % 2 == 0, y, 80);
        }
    });
}

/// More units than are treated together, in one and in several pieces of 31 bytes.
#[test]
fn preactivations_of_many_units() {
    every_isa(|isa| {
        for full in [false, true] {
            check_preactivations(isa, 321, 20, full, 5, 70);
            check_preactivations(isa, 321, 13, full, 1, 130);
            check_preactivations(isa, 9, 300, full, 2, 40);
            check_preactivations(isa, 2049, 3, full, 2, 70);
        }
    });
}

#[test]
fn preactivations_of_extreme_lengths() {
    every_isa(|isa| {
        for n in [63, 64, 120, 127, 128, 32_760, 32_767usize] {
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
