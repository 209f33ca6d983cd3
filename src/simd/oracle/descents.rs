//! Sums of sign vectors in bytes, and the step of hidden weights.

use super::*;

#[test]
fn sign_counts_at_all_lengths() {
    every_isa(|isa| {
        // A word is two registers of bytes.
        for words in 0..=9 {
            let mut stream = stream(&[64, words as u64]);
            let rows: Vec<Vec<u64>> = (0..9)
                .map(|_| random_rows(64 * words.max(1), 1, 1, &mut stream)[..words].to_vec())
                .collect();
            let mut expected = vec![0i8; 64 * words];
            // Behind an odd entry: no alignment may be assumed.
            let mut counts = vec![0i8; 64 * words + 1];
            for (k, row) in rows.iter().enumerate() {
                let negate = k % 3 == 1;
                for (i, count) in expected.iter_mut().enumerate() {
                    *count += (sign(row, i) * if negate { -1 } else { 1 }) as i8;
                }
                count_signs(isa, row, negate, &mut counts[1..]);
            }
            assert_eq!(counts[1..], expected, "{isa:?} {words} words");
        }
    });
}

#[test]
fn sign_counts_wrap_alike() {
    every_isa(|isa| {
        let mut counts = vec![127i8; 64];
        count_signs(isa, &[0x5], false, &mut counts);
        assert_eq!(counts[..4], [126, -128, 126, -128], "{isa:?}");
        count_signs(isa, &[0x5], true, &mut counts);
        assert_eq!(counts, [127; 64], "{isa:?}");
    });
}

/// One step of `start` at all lanes, by the formula.
fn check_descent(inputs: usize, descent: Descent, counts: &[i8], pulls: &[f32], start: &[f32]) {
    let lanes = 64 * inputs.div_ceil(64);
    every_isa(|isa| {
        let (mut fields, mut bits) = (start.to_vec(), vec![u64::MAX; lanes / 64]);
        descend(isa, descent, inputs, counts, pulls, &mut fields, &mut bits);
        for i in 0..lanes {
            let bit = bits[i / 64] >> (i % 64) & 1 == 1;
            if i >= inputs {
                assert!(!bit, "padding");
                continue;
            }
            let h = start[i] + descent.eta * f32::from(counts[i]);
            let expected = h + (pulls[i] - descent.own.copysign(h));
            let what = format!("{isa:?} {i} of {inputs}: {}", start[i]);
            assert_eq!(fields[i].to_bits(), expected.to_bits(), "{what}");
            assert_eq!(bit, expected.is_sign_negative(), "{what}");
        }
    });
}

/// The same with the pulls behind votes, which must follow the signs.
fn check_voted(y: i16, inputs: usize, descent: Descent, counts: &[i8], start: &[f32]) {
    let mut stream = stream(&[66, inputs as u64, y as u64]);
    let lanes = 64 * inputs.div_ceil(64);
    let own = |h: f32| if h.is_sign_negative() { -1 } else { 1i16 };
    let votes: Vec<i16> = start
        .iter()
        .map(|&h| (1..y).map(|_| 1 - 2 * stream.below(2) as i16).sum::<i16>() + own(h))
        .collect();
    let pull_of: Vec<f32> = (0..=y).map(|_| stream.normal() as f32).collect();
    let mut register = [f32::NAN; 8];
    for (index, &pull) in pull_of.iter().enumerate() {
        register[((2 * index as i16 - y) >> 1 & 7) as usize] = pull;
    }
    every_isa(|isa| {
        let (mut fields, mut bits, mut after) =
            (start.to_vec(), vec![7; lanes / 64], votes.clone());
        let voted = (&register, &mut after[..]);
        descend_voted(isa, descent, inputs, counts, voted, &mut fields, &mut bits);
        for i in 0..inputs {
            let h = start[i] + descent.eta * f32::from(counts[i]);
            let pull = pull_of[((votes[i] + y) / 2) as usize];
            let expected = h + (pull - descent.own.copysign(h));
            let what = format!("{isa:?} {i} of {inputs}, y {y}: {}", start[i]);
            assert_eq!(fields[i].to_bits(), expected.to_bits(), "{what}");
            assert_eq!(bits[i / 64] >> (i % 64) & 1 == 1, expected.is_sign_negative(), "{what}");
            assert_eq!(after[i], votes[i] - own(start[i]) + own(expected), "{what}");
        }
        assert!((inputs..lanes).all(|i| bits[i / 64] >> (i % 64) & 1 == 0), "padding");
    });
}

#[test]
fn descents_at_all_lengths() {
    let mut stream = stream(&[65]);
    // Four registers of eight lanes and one lane more, and around whole words.
    for inputs in (1..=4 * 8 + 1).chain([63, 64, 65, 127, 128, 129, 321]) {
        let lanes = 64 * usize::div_ceil(inputs, 64);
        let counts: Vec<i8> = (0..lanes).map(|_| stream.bits() as i8).collect();
        let pulls: Vec<f32> = (0..lanes).map(|_| stream.normal() as f32).collect();
        let start: Vec<f32> = (0..lanes).map(|_| 20.0 * stream.normal() as f32).collect();
        let descent = Descent { eta: 0.3, own: 0.75 };
        check_descent(inputs, descent, &counts, &pulls, &start);
        for y in 1..=7 {
            check_voted(y, inputs, descent, &counts, &start);
        }
    }
}

#[test]
fn descents_at_extreme_values() {
    let values = [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1), 1e38, -1e38, 127.5, -128.0];
    let start: Vec<f32> = (0..64).map(|i| values[i % 8]).collect();
    let counts: Vec<i8> = (0..64).map(|i| [0, 127, -128, 1][i / 8 % 4]).collect();
    for (eta, own) in [(1.0, 0.0), (2.0, 0.75), (1e36, 1e38)] {
        check_descent(64, Descent { eta, own }, &counts, &[0.0; 64], &start);
        check_voted(7, 64, Descent { eta, own }, &counts, &start);
    }
}
