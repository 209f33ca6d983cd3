//! What `/results` stores of a column: its values over the samples of one cell, condensed by the
//! column's [`Estimator`].

use super::{Interval, ONE_SIGMA, binomial, censored, moments::Moments};
use crate::record::{Column, Estimator, Kind, Value};
use serde::{Deserialize, Serialize};

/// Statistics of one component of one column in one cell. What the data do not define is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Samples that have a value.
    pub count: u64,
    /// Fraction, mean or Kaplan–Meier median.
    pub mean: Option<f64>,
    /// Half-width of the 68 % interval; for [`Estimator::Mean`] the standard error.
    pub error: Option<f64>,
    /// Lower end of the 68 % interval.
    pub lower: Option<f64>,
    /// Upper end of the 68 % interval.
    pub upper: Option<f64>,
}

/// Condenses the `values` of `column` over the samples of one cell; `censored` tells for each
/// sample whether its solver stopped at its limit (used by [`Estimator::Survival`] alone).
///
/// One entry for a scalar column, one a component for a vector (each over the samples that have
/// it), none for columns that are not condensed. The result does not depend on the order of the
/// samples.
///
/// # Panics
/// If `values` and `censored` differ in length, or a value does not fit the column.
pub fn summary(column: &Column, values: &[&Value], censored: &[bool]) -> Vec<Summary> {
    assert_eq!(values.len(), censored.len(), "one censoring flag a sample");
    if column.estimator == Estimator::None {
        return Vec::new();
    }
    let components = match &column.kind {
        Kind::Bool | Kind::Count | Kind::Real => 1,
        Kind::Vector(axis) => axis.values.len(),
        Kind::Bytes(_) => return Vec::new(),
    };
    (0..components)
        .map(|component| {
            let present: Vec<(f64, bool)> = values
                .iter()
                .zip(censored)
                .filter_map(|(value, &flag)| Some((number(value, component)?, flag)))
                .collect();
            condense(column.estimator, &present)
        })
        .collect()
}

fn number(value: &Value, component: usize) -> Option<f64> {
    match value {
        Value::Missing => None,
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Count(count) => Some(*count as f64),
        Value::Real(x) => Some(*x),
        Value::Vector(_) | Value::Partial(_) => value.component(component),
        Value::Bytes(_) => unreachable!("bytes are not condensed"),
    }
}

fn condense(estimator: Estimator, samples: &[(f64, bool)]) -> Summary {
    let count = samples.len() as u64;
    match estimator {
        Estimator::Fraction => {
            let successes = samples.iter().filter(|s| s.0 != 0.0).count() as u64;
            let interval = binomial::wilson(successes, count, ONE_SIGMA);
            Summary {
                count,
                mean: (count > 0).then(|| successes as f64 / count as f64),
                error: interval.map(Interval::half_width),
                lower: interval.map(|i| i.lower),
                upper: interval.map(|i| i.upper),
            }
        }
        Estimator::Mean => {
            let values: Vec<f64> = samples.iter().map(|s| s.0).collect();
            let moments = Moments::of(&values);
            let mean = moments.map(|m| m.mean);
            let error = moments.and_then(|m| m.error());
            let end = |sign: f64| Some(mean? + sign * error?);
            Summary { count, mean, error, lower: end(-1.0), upper: end(1.0) }
        }
        Estimator::Survival => {
            let m = censored::median(samples, ONE_SIGMA);
            let interval = match (m.lower, m.upper) {
                // A single sample has a median but no spread.
                _ if count < 2 => None,
                (Some(lower), Some(upper)) => Some(Interval { lower, upper }),
                _ => None,
            };
            Summary {
                count,
                mean: m.median,
                error: interval.map(Interval::half_width),
                lower: m.lower.filter(|_| count > 1),
                upper: m.upper.filter(|_| count > 1),
            }
        }
        Estimator::None => Summary::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Axis;

    fn column(kind: Kind, estimator: Estimator) -> Column {
        Column::new("x", "x", kind, estimator)
    }

    fn scalar(kind: Kind, estimator: Estimator, values: &[Value], censored: &[bool]) -> Summary {
        let refs: Vec<&Value> = values.iter().collect();
        let all = summary(&column(kind, estimator), &refs, censored);
        assert_eq!(all.len(), 1);
        all[0]
    }

    #[test]
    fn fraction_is_wilson() {
        let values = [Value::Bool(true), Value::Bool(false), Value::Missing, Value::Bool(true)];
        let s = scalar(Kind::Bool, Estimator::Fraction, &values, &[false; 4]);
        assert_eq!((s.count, s.mean), (3, Some(2.0 / 3.0)));
        let w = binomial::wilson(2, 3, 1.0).unwrap();
        assert_eq!((s.lower, s.upper), (Some(w.lower), Some(w.upper)));
        let none = scalar(Kind::Bool, Estimator::Fraction, &[Value::Missing], &[false]);
        assert_eq!(none, Summary::default());
    }

    #[test]
    fn mean_has_no_error_below_two_samples() {
        let s = scalar(Kind::Count, Estimator::Mean, &[Value::Count(4)], &[false]);
        assert_eq!(s, Summary { count: 1, mean: Some(4.0), ..Summary::default() });
        let two = [Value::Count(4), Value::Count(6)];
        let s = scalar(Kind::Count, Estimator::Mean, &two, &[false; 2]);
        assert_eq!(
            (s.mean, s.error, s.lower, s.upper),
            (Some(5.0), Some(1.0), Some(4.0), Some(6.0))
        );
    }

    #[test]
    fn survival_uses_the_flags_and_stays_undefined_beyond_half() {
        let values: Vec<Value> = (1..=5).map(Value::Count).collect();
        let median = |flags: &[bool]| scalar(Kind::Count, Estimator::Survival, &values, flags).mean;
        assert_eq!(median(&[false; 5]), Some(3.0));
        assert_eq!(median(&[false, true, false, false, false]), Some(4.0));
        assert_eq!(median(&[false, false, true, true, true]), None);
        let s = scalar(Kind::Count, Estimator::Survival, &values[..1], &[false]);
        assert_eq!((s.mean, s.error, s.lower), (Some(1.0), None, None));
    }

    #[test]
    fn vectors_go_component_by_component() {
        let axis = Axis { name: "d".into(), units: "1".into(), values: vec![0.1, 0.2, 0.3] };
        let values = [
            Value::Vector(vec![1.0, 5.0]),
            Value::Vector(vec![3.0]),
            Value::Missing,
            Value::Vector(vec![5.0, 6.0]),
        ];
        let refs: Vec<&Value> = values.iter().collect();
        let all = summary(&column(Kind::Vector(axis), Estimator::Mean), &refs, &[false; 4]);
        assert_eq!(all.iter().map(|s| s.count).collect::<Vec<_>>(), [3, 2, 0]);
        assert_eq!(all.iter().map(|s| s.mean).collect::<Vec<_>>(), [Some(3.0), Some(5.5), None]);
    }

    #[test]
    fn uncondensed_columns_have_no_summary() {
        let bytes = Value::Bytes(vec![1]);
        assert!(summary(&column(Kind::Bytes(1), Estimator::None), &[&bytes], &[false]).is_empty());
    }
}
