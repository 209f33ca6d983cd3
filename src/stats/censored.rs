//! Median of right-censored efforts: epochs to solution, where some samples hit their limit.
//!
//! A mean over the solved samples alone is biased low, the more so the harder the cell; the
//! Kaplan–Meier estimate of the survival function S(t) = P(effort > t) is not,
//!
//! $$ S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{r_i}\right) , $$
//!
//! d_i events among r_i samples at risk
//! (E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53, 457 (1958)). Its median is the least t with
//! S ≤ 1/2 (the middle of the step where S = 1/2 exactly, as for an ordinary median). The interval
//! collects the t that ln(−ln S), with Greenwood's variance
//! V = Σ d_i / (r_i (r_i − d_i)), does not tell from 1/2
//! (R. Brookmeyer and J. Crowley, Biometrics 38, 29 (1982)). An end that the data do not reach,
//! or a median beyond half of censored samples, is undefined rather than guessed.
//! Cost M log M. Deterministic, independent of the order of the samples.

/// Kaplan–Meier median and the ends of its interval, each where the data define it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Median {
    /// Samples, censored ones included.
    pub count: u64,
    /// Samples that were censored.
    pub censored: u64,
    /// The median; undefined when S stays above 1/2.
    pub median: Option<f64>,
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// Upper end of the interval; often undefined with heavy censoring.
    pub upper: Option<f64>,
}

/// One step of the survival function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Time of the events.
    pub time: f64,
    /// S just after it.
    pub survival: f64,
    /// Greenwood's sum V, so that the variance of S is S² V; infinite at S = 0.
    pub greenwood: f64,
}

/// Steps of the Kaplan–Meier survival function of `samples` = (time, censored), times finite.
/// A sample censored at t counts as at risk at t.
pub fn kaplan_meier(samples: &[(f64, bool)]) -> Vec<Step> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let mut steps = Vec::new();
    let mut start = 0;
    while start < sorted.len() {
        let time = sorted[start].0;
        let at_risk = (sorted.len() - start) as f64;
        let tied = sorted[start..].iter().take_while(|s| s.0 == time);
        let (mut all, mut events) = (0, 0);
        for sample in tied {
            all += 1;
            events += usize::from(!sample.1);
        }
        if events > 0 {
            let d = events as f64;
            survival *= (at_risk - d) / at_risk;
            greenwood += d / (at_risk * (at_risk - d));
            steps.push(Step { time, survival, greenwood });
        }
        start += all;
    }
    steps
}

/// Median of `samples` = (time, censored) and its interval at normal quantile `z`.
pub fn median(samples: &[(f64, bool)], z: f64) -> Median {
    let steps = kaplan_meier(samples);
    let crossing = |curve: &dyn Fn(&Step) -> f64| {
        // Products of exact fractions round: 1/2 within 1e-12 is 1/2.
        let first = steps.iter().position(|s| curve(s) <= 0.5 + 1e-12)?;
        let tie = (curve(&steps[first]) - 0.5).abs() <= 1e-12;
        match (tie, steps.get(first + 1)) {
            (true, Some(next)) => Some(0.5 * (steps[first].time + next.time)),
            _ => Some(steps[first].time),
        }
    };
    Median {
        count: samples.len() as u64,
        censored: samples.iter().filter(|s| s.1).count() as u64,
        median: crossing(&|s| s.survival),
        lower: crossing(&|s| band(s, -z)),
        upper: crossing(&|s| band(s, z)),
    }
}

/// S shifted by `z` standard errors of ln(−ln S): upwards for positive `z`.
fn band(step: &Step, z: f64) -> f64 {
    if step.survival <= 0.0 {
        return 0.0;
    }
    let log = libm::log(step.survival);
    libm::exp(log * libm::exp(z * step.greenwood.sqrt() / log))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// The 6-MP arm of the leukaemia data (E. A. Gehan, Biometrika 52, 203 (1965)), in every text
    /// book: S = .857 .807 .753 .690 .627 .538 .448, median 23.
    #[test]
    fn textbook_data() {
        let events = [6, 6, 6, 7, 10, 13, 16, 22, 23];
        let censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
        let samples: Vec<(f64, bool)> = events
            .iter()
            .map(|&t| (f64::from(t), false))
            .chain(censored.iter().map(|&t| (f64::from(t), true)))
            .collect();
        let steps = kaplan_meier(&samples);
        let expected = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482];
        assert_eq!(steps.len(), expected.len());
        for (step, s) in steps.iter().zip(expected) {
            assert!((step.survival - s).abs() < 5e-5, "{step:?}");
        }
        // Greenwood's standard error at t = 23 is 0.1346.
        let last = steps.last().unwrap();
        assert!((last.survival * last.greenwood.sqrt() - 0.1346).abs() < 5e-5);
        // R's survfit(conf.type = "log-log"): median 23, 95 % interval 13 to undefined.
        let m = median(&samples, 1.959_964);
        assert_eq!((m.median, m.lower, m.upper), (Some(23.0), Some(13.0), None));
        assert_eq!((m.count, m.censored), (21, 12));
    }

    #[test]
    fn without_censoring_it_is_the_ordinary_median() {
        let m = |v: &[f64]| median(&v.iter().map(|&t| (t, false)).collect::<Vec<_>>(), 1.0).median;
        assert_eq!(m(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(m(&[3.0, 1.0, 2.0, 8.0]), Some(2.5));
        assert_eq!(m(&[5.0, 5.0, 5.0]), Some(5.0));
        assert_eq!(m(&[]), None);
        assert_eq!(median(&[(4.0, true), (4.0, true)], 1.0).median, None);
    }

    /// Exponential efforts of median ln 2, 40 % of them censored: the Kaplan–Meier interval covers
    /// the truth as often as it says, the median over the solved samples hardly ever does.
    #[test]
    fn coverage_under_censoring() {
        let (truth, replicas, size) = (libm::log(2.0), 1000, 80);
        let (mut covered, mut naive) = (0, 0);
        for replica in 0..replicas {
            let mut stream = Stream::new(7, Purpose::Test, &[41, replica]);
            let mut draw = |rate: f64| -libm::log(1.0 - stream.uniform()) / rate;
            let samples: Vec<(f64, bool)> = (0..size)
                .map(|_| {
                    let (effort, limit) = (draw(1.0), draw(2.0 / 3.0));
                    (effort.min(limit), limit < effort)
                })
                .collect();
            let covers = |m: Median| {
                m.lower.is_some_and(|l| l <= truth) && m.upper.is_none_or(|u| truth <= u)
            };
            covered += usize::from(covers(median(&samples, 1.0)));
            let solved: Vec<_> = samples.into_iter().filter(|s| !s.1).collect();
            naive += usize::from(covers(median(&solved, 1.0)));
        }
        // 68.27 %, binomial error 1.5 %; the interval is conservative by one step of the estimate.
        let fraction = covered as f64 / replicas as f64;
        assert!((0.64..0.75).contains(&fraction), "{fraction}");
        assert!((naive as f64) < 0.2 * replicas as f64, "the test has no power: {naive}");
    }
}
