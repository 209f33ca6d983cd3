//! stub
use super::Outcome;
use super::capacity::Capacity;
use crate::error::TheoryError;
use crate::model::activation::Activation;

/// One step.
///
/// # Errors
/// Always.
pub fn capacity(activation: Activation, kappa: f64) -> Outcome<Capacity> {
    Err(TheoryError::Unavailable(format!(
        "one step of breaking for binary {} at kappa = {kappa}",
        activation.name()
    )))
}
