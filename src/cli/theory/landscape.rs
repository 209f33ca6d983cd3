//! Which solutions a verb is about: typical ones, or dense ones at a mutual distance.

use crate::error::TheoryError;
use crate::theory::Outcome;
use crate::theory::local_entropy::{DenseRegion, Resolution};
use crate::theory::model::Model;
use crate::theory::reference::covariance_below_capacity;

/// Runs `f` on the dense region (m → ∞) of `model` and its δ.
///
/// # Errors
/// `Domain` without a distance; `Absent` beyond capacity or where the local entropy is negative;
/// what `f` returns.
pub(super) fn with_dense_region<T>(
    model: &Model,
    quantity: &str,
    alpha: f64,
    distance: Option<f64>,
    f: impl FnOnce(&DenseRegion<'_>, f64) -> Outcome<T>,
) -> Outcome<T> {
    let distance = distance.ok_or_else(|| TheoryError::Domain {
        argument: "distance",
        value: "none".into(),
        expected: "the mutual distance of dense solutions".into(),
    })?;
    let covariance = covariance_below_capacity(model, quantity, alpha)?;
    let region = DenseRegion::new(&covariance, model.weights, model.kappa, alpha, distance)?;
    let solution = region.solve_limit(Resolution::Fine)?;
    let empty =
        model.weights == crate::model::weights::WeightKind::Binary && solution.entropy < 0.0;
    if empty || !solution.delta.is_finite() {
        return Err(TheoryError::Absent(format!(
            "dense solutions at alpha = {alpha}, distance = {distance}: local entropy {:.6}",
            solution.entropy
        )));
    }
    f(&region, solution.delta)
}

/// Refuses a distance where it has no meaning.
///
/// # Errors
/// `Domain`.
pub(super) fn refuse_distance(distance: Option<f64>) -> Outcome<()> {
    match distance {
        None => Ok(()),
        Some(value) => Err(TheoryError::Domain {
            argument: "distance",
            value: value.to_string(),
            expected: "no distance with typical solutions".into(),
        }),
    }
}
