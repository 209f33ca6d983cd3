//! Mean and standard error of the sample-to-sample spread.
//!
//! $$ \bar x = \frac1M \sum_i x_i, \qquad s^2 = \frac{1}{M-1} \sum_i (x_i - \bar x)^2, \qquad
//!    \text{error} = \frac{s}{\sqrt M} $$
//!
//! Two passes over the values in
//! ascending order with Neumaier's compensated sum (A. Neumaier, Z. Angew. Math. Mech. 54, 39
//! (1974)): accurate where the mean is far larger than the spread, and the same bits for any order
//! of the input. Cost M log M. Deterministic.

/// Mean and standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Number of values M.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Unbiased variance of one value; missing when M < 2.
    pub variance: Option<f64>,
}

impl Moments {
    /// Moments of `values` (finite); `None` for an empty slice.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sum(sorted.iter().copied()) / count;
        // The first-order remainder Σ(x − x̄) corrects the rounding of x̄ itself.
        let remainder = sum(sorted.iter().map(|x| x - mean));
        let squares = sum(sorted.iter().map(|x| (x - mean) * (x - mean)));
        let variance = (sorted.len() > 1)
            .then(|| ((squares - remainder * remainder / count) / (count - 1.0)).max(0.0));
        Some(Self { count: sorted.len() as u64, mean: mean + remainder / count, variance })
    }

    /// Standard error of the mean; missing when there are fewer than two values.
    pub fn error(&self) -> Option<f64> {
        self.variance.map(|variance| (variance / self.count as f64).sqrt())
    }
}

/// Compensated sum in the order given.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0f64);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    total + lost
}

/// The `probability` quantile of `sorted` (ascending, not empty) with linear interpolation between
/// order statistics (type 7 of R. J. Hyndman and Y. Fan, Am. Stat. 50, 361 (1996)).
///
/// # Panics
/// If `sorted` is empty.
pub fn quantile(sorted: &[f64], probability: f64) -> f64 {
    assert!(!sorted.is_empty(), "no values have no quantile");
    let position = probability.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor();
    let (low, high) = (sorted[below as usize], sorted[(below as usize + 1).min(sorted.len() - 1)]);
    low + (position - below) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn small_cases_by_hand() {
        let one = Moments::of(&[3.5]).unwrap();
        assert_eq!((one.count, one.mean, one.error()), (1, 3.5, None));
        let m = Moments::of(&[1.0, 2.0, 4.0, 5.0]).unwrap();
        assert_eq!((m.mean, m.variance), (3.0, Some(10.0 / 3.0)));
        assert!((m.error().unwrap() - (10.0f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(Moments::of(&[]), None);
        assert_eq!(Moments::of(&[0.1; 7]).unwrap().variance, Some(0.0));
    }

    /// An offset of 2^40 leaves 12 bits of fraction: Σx² − M x̄² would have no correct digit.
    #[test]
    fn a_large_offset_does_not_spoil_the_variance() {
        let offset = (1u64 << 40) as f64;
        let base = [0.0, 0.25, 0.5, 1.0, 7.75];
        let shifted: Vec<f64> = base.iter().map(|x| x + offset).collect();
        let (a, b) = (Moments::of(&base).unwrap(), Moments::of(&shifted).unwrap());
        assert!((a.variance.unwrap() - b.variance.unwrap()).abs() < 1e-9);
        let mean = shifted.iter().sum::<f64>() / 5.0;
        let naive = shifted.iter().map(|x| x * x).sum::<f64>() / 4.0 - mean * mean * 1.25;
        assert!((naive - a.variance.unwrap()).abs() > 1.0, "the naive formula must fail here");
    }

    #[test]
    fn order_changes_no_bit() {
        let mut stream = Stream::new(1, Purpose::Test, &[40]);
        let mut values: Vec<f64> = (0..999).map(|_| stream.normal() * 1e6 + 1e3).collect();
        let first = Moments::of(&values).unwrap();
        for _ in 0..5 {
            stream.shuffle(&mut values);
            assert_eq!(Moments::of(&values).unwrap(), first);
        }
    }

    #[test]
    fn compensated_sum_keeps_what_a_plain_sum_loses() {
        let values = [1.0, 1e100, 1.0, -1e100];
        assert_eq!(sum(values), 2.0);
        assert_eq!(values.iter().sum::<f64>(), 0.0);
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 4.0];
        for (p, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert_eq!(quantile(&sorted, p), expected);
        }
    }
}
