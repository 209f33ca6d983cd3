//! The whole extrapolation, step by step.

use super::collapse::{Collapse, collapse};
use super::data::{Size, Study, ThresholdKind};
use super::extrapolation::{Approach, BandPoint, Limit, Member, Model, averaged, extrapolate};
use super::joint::{Joint, Place, joint};
use super::power_law::Point;
use super::threshold::{Curve, Draws, Estimate, Exact, Threshold, better_link, estimate};
use super::warnings;
use super::zero_entropy::zero_entropy;
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
    /// N and K → ∞ in one fit, from two K on.
    pub joint: Option<Joint>,
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
    /// Systematic error: the spread of the laws of approach, and how far the other estimator of the
    /// threshold leads elsewhere.
    pub systematic: f64,
    /// Exponent of the law of least AIC (or the one asked for).
    pub omega: f64,
    /// Its statistical error where it was fitted.
    pub omega_error: Option<f64>,
    /// χ² over degrees of freedom of that law; missing without any.
    pub chi2_dof: Option<f64>,
    /// Central 68 % and 95 % of the bootstrap.
    pub intervals: [(f64, f64); 2],
    /// The limit by each estimator of the threshold, the one above first.
    pub estimators: Vec<Estimator>,
    /// All laws that were averaged, that of least AIC (or the one asked for) first.
    pub models: Vec<Model>,
    /// Parities of n = N/K that are fitted as separate branches; one entry means no separation.
    pub parities: Vec<u64>,
    /// Collapse of the success curves of all N onto one, where they overlap.
    pub collapse: Option<Collapse>,
    /// The averaged law with its 68 % band.
    #[serde(skip)]
    pub band: Vec<BandPoint>,
}

/// The limit by one estimator of the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimator {
    /// `mean` of P_c/N, `half crossing` or `zero entropy` of exact data; `probit` or `logit`.
    pub name: &'static str,
    /// Limit.
    pub alpha: f64,
    /// Statistical error.
    pub error: f64,
    /// Spread of its laws.
    pub systematic: f64,
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
        let alike: Vec<&Size> = sizes.iter().filter(|s| s.hidden == size.hidden).copied().collect();
        match estimate(size, link, Exact::of(&alike), &draws[&size.inputs], study.seed) {
            Ok(estimate) => {
                notes.extend(warnings::threshold(size, &estimate.threshold));
                estimates.entry(size.hidden).or_default().push((estimate, size.parity()));
            }
            Err(reason) => notes.push(warnings::no_crossing(size, reason)),
        }
    }
    let mut limits: Vec<(u64, Extrapolation, Limit)> = Vec::new();
    for (&hidden, found) in &estimates {
        match in_inputs(hidden, found, study, link, options) {
            Some((mut extrapolation, limit)) => {
                extrapolation.collapse = collapse_of(hidden, &sizes, found, &extrapolation);
                let own: Vec<&Size> =
                    sizes.iter().filter(|s| s.hidden == hidden).copied().collect();
                extrapolation.estimators.extend(zero_entropy(&own, &draws, study.approach).map(
                    |zero| Estimator {
                        name: "zero entropy",
                        alpha: zero.alpha,
                        error: zero.error,
                        systematic: zero.systematic,
                    },
                ));
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
    let joint = jointly(&estimates, study, options);
    notes.extend(joint.as_ref().and_then(warnings::joint));
    let found: Vec<Estimate> = estimates.into_values().flatten().map(|(e, _)| e).collect();
    Scaling {
        kind: study.kind.clone(),
        link,
        replicates: options.replicates,
        extrapolation,
        extrapolations: limits.into_iter().map(|(_, extrapolation, _)| extrapolation).collect(),
        joint,
        warnings: notes,
        curves: found.iter().map(|e| e.curve.clone()).collect(),
        thresholds: found.into_iter().map(|e| e.threshold).collect(),
    }
}

/// Parities of n = N/K that make branches; one entry means no separation. Two branches need three sizes.
fn branches<'a>(found: impl Iterator<Item = &'a (Estimate, u64)>, binary: bool) -> Vec<u64> {
    let mut parities: Vec<u64> = found.map(|(_, parity)| *parity).collect();
    let count = parities.len();
    parities.sort_unstable();
    parities.dedup();
    if !binary || count < 3 {
        parities.truncate(1);
    }
    parities
}

/// A threshold as a point of a series in N.
fn member((estimate, parity): &(Estimate, u64), parities: &[u64]) -> Member {
    Member {
        point: Point {
            size: estimate.threshold.inputs as f64,
            alpha: estimate.threshold.alpha,
            error: estimate.threshold.error,
            branch: parities.iter().position(|p| p == parity).unwrap_or(0),
        },
        replicates: estimate.replicates.clone(),
    }
}

/// N → ∞ at fixed K.
fn in_inputs(
    hidden: u64,
    found: &[(Estimate, u64)],
    study: &Study,
    link: Link,
    options: Options,
) -> Option<(Extrapolation, Limit)> {
    let parities = branches(found.iter(), study.binary);
    let members: Vec<Member> = found.iter().map(|entry| member(entry, &parities)).collect();
    let limit = extrapolate(&members, study.approach, options.omega)?;
    let exact = found.iter().all(|(estimate, _)| estimate.threshold.half_crossing.is_some());
    let means = found.iter().all(|(estimate, _)| estimate.alternative.is_some());
    let names = match (exact, link) {
        (true, _) if means => ["mean", "half crossing"],
        (true, _) => ["half crossing", ""],
        (false, Link::Probit) => ["probit", "logit"],
        (false, Link::Logit) => ["logit", "probit"],
    };
    let limit_of =
        |name, alpha| Estimator { name, alpha, error: limit.error, systematic: limit.systematic };
    let mut estimators = vec![limit_of(names[0], limit.alpha)];
    let others: Option<Vec<f64>> = found.iter().map(|(estimate, _)| estimate.alternative).collect();
    if let Some(others) = others {
        estimators.push(limit_of(names[1], limit.of_other_thresholds(&members, &others)));
    }
    Some((report(&limit, "N", Some(hidden), estimators, parities), limit))
}

/// N and K → ∞ in one fit.
fn jointly(
    estimates: &BTreeMap<u64, Vec<(Estimate, u64)>>,
    study: &Study,
    options: Options,
) -> Option<Joint> {
    let parities = branches(estimates.values().flatten(), study.binary);
    let places: Vec<Place> = estimates
        .iter()
        .flat_map(|(&hidden, found)| found.iter().map(move |entry| (hidden, entry)))
        .map(|(hidden, entry)| Place { hidden, member: member(entry, &parities) })
        .collect();
    joint(&places, study.approach, options.omega)
}

/// The success curves of K = `hidden`, each about the averaged law at its N.
fn collapse_of(
    hidden: u64,
    sizes: &[&Size],
    found: &[(Estimate, u64)],
    extrapolation: &Extrapolation,
) -> Option<Collapse> {
    let place = |size: &&Size| {
        let parity = extrapolation.parities.iter().position(|&p| p == size.parity());
        averaged(&extrapolation.models, 1.0 / size.inputs as f64, parity.unwrap_or(0))
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
    let limit = extrapolate(&members, Approach::Unknown, None)?;
    let others: Vec<f64> = limits.iter().map(|(_, e, _)| e.alpha + e.systematic).collect();
    let shifted = Estimator {
        name: "by one systematic",
        alpha: limit.of_other_thresholds(&members, &others),
        error: limit.error,
        systematic: limit.systematic,
    };
    let mean = Estimator { name: "limits N", alpha: limit.alpha, ..shifted.clone() };
    Some(report(&limit, "N, K", None, vec![mean, shifted], Vec::new()))
}

fn report(
    limit: &Limit,
    name: &'static str,
    hidden: Option<u64>,
    estimators: Vec<Estimator>,
    parities: Vec<u64>,
) -> Extrapolation {
    let shift = estimators.get(1).map_or(0.0, |other| other.alpha - limit.alpha);
    let best = &limit.best().law;
    Extrapolation {
        limit: name,
        hidden,
        alpha: limit.alpha,
        error: limit.error,
        systematic: libm::hypot(limit.systematic, shift),
        omega: best.omega,
        omega_error: best.omega_error,
        chi2_dof: limit.chi2_dof(),
        intervals: [limit.one_sigma, limit.ninety_five],
        estimators,
        models: limit.models.clone(),
        parities,
        collapse: None,
        band: limit.band.clone(),
    }
}
