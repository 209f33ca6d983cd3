//! Finite-size scaling: from samples to an extrapolated threshold with an honest error.
//!
//! [`analyse`] takes a [`Study`], plain data from a result file, through
//! success against alpha → threshold α_c(N, K) ([`threshold`]) → limit N → ∞ at each K
//! ([`extrapolation`], laws in [`power_law`]), with the [`collapse`] of the curves → limit K → ∞, one after
//! the other and in one fit ([`joint`]). Exact data have a third estimator, the zero of the entropy
//! ([`zero_entropy`]). Whatever the data cannot support is left out and said in a warning that names the
//! run which would cure it ([`warnings`]).
//! Pure and deterministic: the bootstrap draws from the job's seed.

mod analysis;
pub mod collapse;
pub mod data;
pub mod extrapolation;
pub mod joint;
pub mod power_law;
#[cfg(test)]
mod tests;
pub mod threshold;
#[cfg(test)]
mod validation;
mod warnings;
pub mod zero_entropy;

pub use analysis::{Extrapolation, Options, Scaling, analyse};
pub use data::{Data, Row, Size, Stored, Study, ThresholdKind};
pub use extrapolation::Approach;
