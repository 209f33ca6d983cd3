//! Differing bits of two rows.

use super::*;

#[test]
fn distances_at_all_lengths() {
    every_isa(|isa| {
        for words in 0..=4 * 64 + 9 {
            let mut stream = stream(&[words as u64]);
            let [a, b] = [0, 1].map(|_| random_rows(64 * words.max(1), 1, 1, &mut stream));
            // Starts at odd words: no alignment may be assumed.
            for from in 0..words.min(3) {
                let (a, b) = (&a[from..words], &b[from..words]);
                let expected = (0..64 * a.len()).filter(|&i| sign(a, i) != sign(b, i)).count();
                assert_eq!(differing(isa, a, b), expected as u64, "{isa:?} {words} words");
            }
            let (zeros, ones) = (vec![0; words], vec![u64::MAX; words]);
            assert_eq!(differing(isa, &zeros, &ones), 64 * words as u64, "{isa:?}");
        }
    });
}
