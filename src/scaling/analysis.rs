//! The whole extrapolation, step by step.

use super::collapse::{Collapse, collapse};
use super::data::{Size, Study, ThresholdKind};
use super::extrapolation::{BandPoint, Limit, Member, Model, distinct_sizes, extrapolate};
use super::power_law::{Exponent, Form, Point, fit};
use super::threshold::{Curve, Draws, Estimate, Threshold, better_link, estimate};
use super::warnings;
use crate::stats::link::Link;
use serde::Serialize;
use std::collections::BTreeMap;

/// How to extrapolate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Bootstrap replicates; 1000 know an error to about 3 %.
    pub replicates: usize,
    /// Exponent ω of the leading correction in N, where theory gives it; else laws are compared.
    pub omega: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { replicates: 1000, omega: None }
    }
}

/// The outcome, as `extrapolate --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// Algorithmic or exact.
    #[serde(flatten)]
    pub kind: ThresholdKind,
    /// Shape of the fitted success curves.
    pub link: Link,
    /// Bootstrap replicates behind every error.
    pub replicates: usize,
    /// One for each (N, K) whose data bracket a threshold, by K and N.
    pub thresholds: Vec<Threshold>,
    /// The last limit that the data support: N → ∞ with one K, then K → ∞ with several.
    pub extrapolation: Option<Extrapolation>,
    /// N → ∞ at each K.
    pub extrapolations: Vec<Extrapolation>,
    /// What the data cannot support, and the run that would cure it.
    pub warnings: Vec<String>,
    /// Success against alpha with bands, by K and N.
    #[serde(skip)]
    pub curves: Vec<Curve>,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extrapolation {
    /// `"N"`, or `"N, K"` where K was taken to infinity too.
    pub limit: &'static str,
    /// K, where it stays finite.
    #[serde(rename = "K")]
    pub hidden: Option<u64>,
    /// Threshold in the limit.
    pub alpha: f64,
    /// Statistical error: central 68 % of the joint bootstrap.
    pub error: f64,
    /// Systematic error: how far other laws of approach and the other estimator of the threshold
    /// lead elsewhere.
    pub systematic: f64,
    /// Exponent of the chosen law.
    pub omega: f64,
    /// Its statistical error where it was fitted.
    pub omega_error: Option<f64>,
    /// χ² over degrees of freedom of the chosen law; missing without any.
    pub chi2_dof: Option<f64>,
    /// Central 68 % and 95 % of the bootstrap.
    pub intervals: [(f64, f64); 2],
    /// All laws compared, the chosen one first.
    pub models: Vec<Model>,
    /// Parities of n = N/K that are fitted as separate branches; one entry means no separation.
    pub parities: Vec<u64>,
    /// Collapse of the success curves of all N onto one, where they overlap.
    pub collapse: Option<Collapse>,
    /// The chosen law with its 68 % band.
    #[serde(skip)]
    pub band: Vec<BandPoint>,
}

/// Analyses `study`.
pub fn analyse(study: &Study, options: Options) -> Scaling {
    let mut sizes: Vec<&Size> = study.sizes.iter().collect();
    sizes.sort_by_key(|size| (size.hidden, size.inputs));
    let link = better_link(&study.sizes);
    let mut by_inputs: BTreeMap<u64, Vec<&Size>> = BTreeMap::new();
    for size in &sizes {
        by_inputs.entry(size.inputs).or_default().push(size);
    }
    let draws: BTreeMap<u64, Draws> = by_inputs
        .iter()
        .map(|(&inputs, sizes)| (inputs, Draws::new(study.seed, sizes, options.replicates)))
        .collect();
    let mut notes = Vec::new();
    let mut estimates: BTreeMap<u64, Vec<(Estimate, u64)>> = BTreeMap::new();
    for size in &sizes {
        match estimate(size, link, &draws[&size.inputs], study.seed) {
            Ok(estimate) => {
                notes.extend(warnings::threshold(size, &estimate.threshold));
                estimates.entry(size.hidden).or_default().push((estimate, size.parity()));
            }
            Err(reason) => notes.push(warnings::no_crossing(size, reason)),
        }
    }
    let mut limits: Vec<(u64, Extrapolation, Limit)> = Vec::new();
    for (&hidden, found) in &estimates {
        match in_inputs(hidden, found, study.binary, options) {
            Some((mut extrapolation, limit)) => {
                extrapolation.collapse = collapse_of(hidden, &sizes, found, &extrapolation);
                notes.extend(warnings::limit(&extrapolation, found.len()));
                limits.push((hidden, extrapolation, limit));
            }
            None => notes.push(warnings::too_few_sizes(hidden, found.len())),
        }
    }
    let extrapolation = match limits.as_slice() {
        [] => None,
        [(_, only, _)] => Some(only.clone()),
        several => in_hidden(several).inspect(|e| notes.extend(warnings::limit(e, several.len()))),
    };
    let found: Vec<Estimate> = estimates.into_values().flatten().map(|(e, _)| e).collect();
    Scaling {
        kind: study.kind.clone(),
        link,
        replicates: options.replicates,
        extrapolation,
        extrapolations: limits.into_iter().map(|(_, extrapolation, _)| extrapolation).collect(),
        warnings: notes,
        curves: found.iter().map(|e| e.curve.clone()).collect(),
        thresholds: found.into_iter().map(|e| e.threshold).collect(),
    }
}

/// N → ∞ at fixed K.
fn in_inputs(
    hidden: u64,
    found: &[(Estimate, u64)],
    binary: bool,
    options: Options,
) -> Option<(Extrapolation, Limit)> {
    let mut parities: Vec<u64> = found.iter().map(|(_, parity)| *parity).collect();
    parities.sort_unstable();
    parities.dedup();
    // Two branches need three sizes.
    if !binary || found.len() < 3 {
        parities.truncate(1);
    }
    let members: Vec<Member> = found
        .iter()
        .map(|(estimate, parity)| Member {
            point: Point {
                size: estimate.threshold.inputs as f64,
                alpha: estimate.threshold.alpha,
                error: estimate.threshold.error,
                branch: parities.iter().position(|p| p == parity).unwrap_or(0),
            },
            replicates: estimate.replicates.clone(),
        })
        .collect();
    let limit = extrapolate(&members, options.omega)?;
    // The chosen law through the thresholds of the other estimator (other link, half crossing).
    let other: Option<Vec<Point>> = found
        .iter()
        .zip(&members)
        .map(|((estimate, _), member)| Some(Point { alpha: estimate.alternative?, ..member.point }))
        .collect();
    let shift = other.and_then(|points| shifted(&limit, &points)).unwrap_or(0.0);
    Some((report(&limit, "N", Some(hidden), shift, parities), limit))
}

/// The success curves of K = `hidden`, each about the chosen law at its N.
fn collapse_of(
    hidden: u64,
    sizes: &[&Size],
    found: &[(Estimate, u64)],
    extrapolation: &Extrapolation,
) -> Option<Collapse> {
    let law = &extrapolation.models.first()?.law;
    let place = |size: &&Size| {
        let parity = extrapolation.parities.iter().position(|&p| p == size.parity());
        law.at(1.0 / size.inputs as f64, parity.unwrap_or(0))
    };
    let has_threshold = |size: &&&Size| {
        size.hidden == hidden && found.iter().any(|(e, _)| e.threshold.inputs == size.inputs)
    };
    let centered: Vec<(&Size, f64)> =
        sizes.iter().filter(has_threshold).map(|size| (*size, place(size))).collect();
    collapse(&centered)
}

/// K → ∞ of the limits N → ∞. The bootstrap replicates of all K are joint, for the same patterns
/// serve every K; systematics of different K are alike in sign, so they are shifted together.
fn in_hidden(limits: &[(u64, Extrapolation, Limit)]) -> Option<Extrapolation> {
    let members: Vec<Member> = limits
        .iter()
        .map(|(hidden, extrapolation, limit)| Member {
            point: Point {
                size: *hidden as f64,
                alpha: extrapolation.alpha,
                error: extrapolation.error,
                branch: 0,
            },
            replicates: limit.replicates.clone(),
        })
        .collect();
    let limit = extrapolate(&members, None)?;
    let points: Vec<Point> = limits
        .iter()
        .zip(&members)
        .map(|((_, e, _), m)| Point { alpha: e.alpha + e.systematic, ..m.point })
        .collect();
    let shift = shifted(&limit, &points).unwrap_or(0.0);
    Some(report(&limit, "N, K", None, shift, Vec::new()))
}

/// Change of the limit when the chosen law is fitted to `points` instead.
fn shifted(limit: &Limit, points: &[Point]) -> Option<f64> {
    let best = limit.best();
    let smallest = distinct_sizes(points)[best.cut];
    let kept: Vec<Point> = points.iter().filter(|p| p.size >= smallest).copied().collect();
    let form = Form { exponent: Exponent::Fixed(best.law.omega), terms: best.law.terms };
    Some(fit(&kept, form)?.alpha - limit.alpha)
}

fn report(
    limit: &Limit,
    name: &'static str,
    hidden: Option<u64>,
    shift: f64,
    parities: Vec<u64>,
) -> Extrapolation {
    Extrapolation {
        limit: name,
        hidden,
        alpha: limit.alpha,
        error: limit.error,
        systematic: libm::hypot(limit.systematic, shift),
        omega: limit.best().law.omega,
        omega_error: limit.omega_error,
        chi2_dof: limit.chi2_dof(),
        intervals: [limit.one_sigma, limit.ninety_five],
        models: limit.models.clone(),
        parities,
        collapse: None,
        band: limit.band.clone(),
    }
}
