//! Products of a ±1 bit matrix with a real vector by tables of partial sums ("four Russians").
//!
//! [`accumulate`] adds Σ_j ξ_j x_j over up to 64 inputs to each of many accumulators. Every eight
//! inputs get the table of their 256 signed sums, so that eight multiplications become one look-up:
//! the cost for `rows` rows is 256·⌈len/8⌉ additions for the tables and rows·⌈len/8⌉ look-ups.
//! With rows = patterns it is the forward product of one unit, with rows = inputs the transposed
//! one. The order of the additions is fixed (a balanced tree over bytes, low and high nibble
//! first), so the result has the same bits everywhere.

/// Table of the signed sums of eight inputs: bit j of the index set means −x_j.
type Table = [f32; 256];

/// Tables of one word: 64 inputs, 8 KiB.
pub struct Tables(Box<[Table; 8]>);

impl Default for Tables {
    fn default() -> Self {
        Self(Box::new([[0.0; 256]; 8]))
    }
}

impl Tables {
    /// Adds Σ_j ξ_j `values`[j] to `sums`[r] for every row r, ξ_j = −1 where bit j of `words`[r] is
    /// set; bits beyond `values` must be zero.
    ///
    /// # Panics
    /// If there are more than 64 values, or `words` and `sums` differ in length.
    #[inline(always)]
    pub fn accumulate(&mut self, values: &[f32], words: &[u64], sums: &mut [f32]) {
        assert!(values.len() <= 64 && words.len() == sums.len());
        let tables = &mut *self.0;
        let used = values.len().div_ceil(8);
        for (table, chunk) in tables.iter_mut().zip(values.chunks(8)) {
            let mut eight = [0.0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            fill(table, &eight);
        }
        match used {
            0 => {}
            1 => look_up::<1>(tables, words, sums),
            2 => look_up::<2>(tables, words, sums),
            3 => look_up::<3>(tables, words, sums),
            4 => look_up::<4>(tables, words, sums),
            5 => look_up::<5>(tables, words, sums),
            6 => look_up::<6>(tables, words, sums),
            7 => look_up::<7>(tables, words, sums),
            _ => look_up::<8>(tables, words, sums),
        }
    }
}

#[inline(always)]
fn fill(table: &mut Table, values: &[f32; 8]) {
    let low = nibble([values[0], values[1], values[2], values[3]]);
    let high = nibble([values[4], values[5], values[6], values[7]]);
    for (row, &upper) in table.chunks_exact_mut(16).zip(&high) {
        for (entry, &lower) in row.iter_mut().zip(&low) {
            *entry = upper + lower;
        }
    }
}

#[inline(always)]
fn nibble(x: [f32; 4]) -> [f32; 16] {
    let pair = |a: f32, b: f32| [a + b, b - a, a - b, -a - b];
    let (low, high) = (pair(x[0], x[1]), pair(x[2], x[3]));
    std::array::from_fn(|index| high[index >> 2] + low[index & 3])
}

#[inline(always)]
fn look_up<const BYTES: usize>(tables: &[Table; 8], words: &[u64], sums: &mut [f32]) {
    for (sum, &word) in sums.iter_mut().zip(words) {
        let mut parts = [0.0f32; 8];
        for byte in 0..BYTES {
            parts[byte] = tables[byte][(word >> (8 * byte) & 255) as usize];
        }
        let left = (parts[0] + parts[1]) + (parts[2] + parts[3]);
        let right = (parts[4] + parts[5]) + (parts[6] + parts[7]);
        *sum += left + right;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn matches_plain_sums_for_every_length() {
        let mut stream = Stream::new(1, Purpose::Test, &[70]);
        let mut tables = Tables::default();
        for len in 0..=64usize {
            let values: Vec<f32> = (0..len).map(|_| stream.normal() as f32).collect();
            let mask = if len == 64 { u64::MAX } else { (1 << len) - 1 };
            let words: Vec<u64> = (0..33).map(|_| stream.bits() & mask).collect();
            let mut sums = vec![0.25f32; words.len()];
            tables.accumulate(&values, &words, &mut sums);
            for (&sum, &word) in sums.iter().zip(&words) {
                let exact: f64 = 0.25
                    + values
                        .iter()
                        .enumerate()
                        .map(
                            |(j, &x)| if word >> j & 1 == 1 { -f64::from(x) } else { f64::from(x) },
                        )
                        .sum::<f64>();
                // Seven additions of terms of size ≤ 64·4.
                assert!((f64::from(sum) - exact).abs() < 2e-5, "{len}: {sum} {exact}");
            }
        }
    }
}
