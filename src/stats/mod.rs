//! Statistics over disorder samples: pure functions, deterministic on every host, no I/O.
//!
//! A sample is one disorder realisation, and errors come from the spread between samples:
//! [`moments`] for real quantities, [`binomial`] for success probabilities, [`censored`] for
//! right-censored efforts, [`response`] for success against alpha, [`least_squares`] for laws linear
//! in their coefficients, [`resample`] for everything derived from them. [`summary()`] condenses a column of records into what `/results` stores.
//! Every result is independent of the order in which the samples arrive, to the last bit.

pub mod binomial;
pub mod censored;
pub mod least_squares;
pub mod link;
pub mod moments;
pub mod overdispersion;
pub mod resample;
pub mod response;
mod summary;

pub use summary::{Summary, summary};

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// Half of the width: the error that is quoted where one number is wanted.
    pub fn half_width(self) -> f64 {
        0.5 * (self.upper - self.lower)
    }

    /// Whether `value` lies inside, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// Normal quantile of the central 68.27 % interval: every interval of `/results` is of this level.
pub const ONE_SIGMA: f64 = 1.0;
