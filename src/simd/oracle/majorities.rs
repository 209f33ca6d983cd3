//! Majority of replicas.

use super::*;

fn check(isa: Isa, y: usize, words: usize) {
    let mut stream = stream(&[y as u64, words as u64]);
    let rows: Vec<Vec<u64>> =
        (0..y).map(|_| random_rows(64 * (words + 1), 1, 1, &mut stream)).collect();
    // From the second word on: no alignment may be assumed.
    let replicas: Vec<&[u64]> = rows.iter().map(|row| &row[1..]).collect();
    let ties: Vec<u64> = (0..words).map(|_| stream.bits()).collect();
    let mut out = vec![0xaaaa; words];
    majority(isa, &replicas, &ties, &mut out);
    for i in 0..64 * words {
        let sum: i32 = replicas.iter().map(|row| sign(row, i)).sum();
        let expected = if sum == 0 { sign(&ties, i) } else { sum.signum() };
        assert_eq!(sign(&out, i), expected, "{isa:?} y {y} words {words} weight {i}");
    }
}

#[test]
fn majority_of_all_lengths_and_replica_counts() {
    every_isa(|isa| {
        for words in 0..=4 * 8 + 1 {
            check(isa, 1 + words % 8, words);
        }
        for y in (1..=33).chain([63, 64, 127, 128, 255, 256, 1000]) {
            check(isa, y, 3);
        }
    });
}

/// Counts that differ from a half by one replica, at the largest count of a plane.
#[test]
fn one_replica_decides() {
    every_isa(|isa| {
        for y in [2usize, 3, 16, 17, 65_534, 65_535] {
            for ones in [y / 2 - usize::from(y % 2 == 0), y / 2, y / 2 + 1] {
                let rows: Vec<&[u64]> =
                    (0..y).map(|r| if r < ones { &[u64::MAX][..] } else { &[0][..] }).collect();
                let mut out = [7];
                majority(isa, &rows, &[5], &mut out);
                let expected = match (2 * ones).cmp(&y) {
                    std::cmp::Ordering::Less => 0,
                    std::cmp::Ordering::Equal => 5,
                    std::cmp::Ordering::Greater => u64::MAX,
                };
                assert_eq!(out, [expected], "{isa:?} {ones} of {y}");
            }
        }
    });
}
