//! Which solutions a verb is about: typical ones, or dense ones at a mutual distance; and the
//! arguments that name the place.

use crate::error::TheoryError;
use crate::theory::Outcome;
use crate::theory::local_entropy::{DenseRegion, Resolution};
use crate::theory::model::Model;
use crate::theory::reference::{Reference, covariance_below_capacity};

/// A load and the distances of a curve.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct CurveArgs {
    /// Load α = P/N
    #[arg(long, allow_negative_numbers = true)]
    pub(super) alpha: f64,
    /// Distances, separated by commas: from the typical solution, or of the replicas from each other
    #[arg(long, required = true, value_delimiter = ',', allow_negative_numbers = true)]
    pub(super) distance: Vec<f64>,
}

/// The point of a curve at `distance`, or why it has none. Errors of arguments concern all points.
///
/// # Errors
/// `Domain` and `Unavailable` of `found`.
pub(super) fn or_reason<T>(found: Outcome<T>) -> Outcome<std::result::Result<T, TheoryError>> {
    match found {
        Err(error @ (TheoryError::Absent(_) | TheoryError::NotConverged(_))) => Ok(Err(error)),
        Err(error) => Err(error),
        Ok(point) => Ok(Ok(point)),
    }
}

/// A curve some of whose points may be missing: the first reason, if any; an error if none is left.
///
/// # Errors
/// The first reason if all points are missing.
pub(super) fn first_reason<'a>(
    reasons: impl ExactSizeIterator<Item = Option<&'a TheoryError>>,
) -> Outcome<Option<TheoryError>> {
    let points = reasons.len();
    let reasons: Vec<&TheoryError> = reasons.flatten().collect();
    match reasons.first() {
        Some(&first) if reasons.len() == points => Err(first.clone()),
        first => Ok(first.map(|&first| first.clone())),
    }
}

/// A load and, for dense solutions, their distance.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct RegionArgs {
    /// Load α = P/N
    #[arg(long, allow_negative_numbers = true)]
    pub(super) alpha: f64,
    /// Mutual distance of dense solutions
    #[arg(long, allow_negative_numbers = true)]
    pub(super) distance: Option<f64>,
}

/// Runs `f` on the dense region (m → ∞) of `model` and its δ.
///
/// # Errors
/// `Domain` without a distance; `Absent` beyond capacity or where the local entropy is negative;
/// what `f` returns.
pub(super) fn with_dense_region<T>(
    model: &Model,
    quantity: &str,
    region: &RegionArgs,
    f: impl FnOnce(&DenseRegion<'_>, f64) -> Outcome<T>,
) -> Outcome<T> {
    let &RegionArgs { alpha, distance } = region;
    let distance = distance.ok_or_else(|| TheoryError::Domain {
        argument: "distance",
        value: "none".into(),
        expected: "the mutual distance of dense solutions".into(),
    })?;
    let (covariance, typical) = covariance_below_capacity(model, quantity, alpha)?;
    let region = DenseRegion::new(&covariance, model.weights, model.kappa, alpha, distance)?
        .below(typical)?;
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

/// The typical solution, which takes no distance.
///
/// # Errors
/// `Domain`; as [`Reference::new`].
pub(super) fn typical(model: &Model, quantity: &str, region: &RegionArgs) -> Outcome<Reference> {
    match region.distance {
        None => Reference::new(model, quantity, region.alpha),
        Some(value) => Err(TheoryError::Domain {
            argument: "distance",
            value: value.to_string(),
            expected: "no distance with typical solutions".into(),
        }),
    }
}
