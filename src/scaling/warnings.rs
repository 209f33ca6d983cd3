//! What the data cannot support, in words that name the run which would cure it.

use super::analysis::Extrapolation;
use super::data::{Data, Size};
use super::joint::Joint;
use super::threshold::Threshold;
use crate::stats::response::NoCrossing;

/// Range and typical step of the alphas of `size` that have samples.
fn grid(size: &Size) -> Option<(f64, f64, f64)> {
    let Data::Solved { alphas, rows } = &size.data else { return None };
    let tried = |j: &usize| rows.iter().any(|row| row.solved[*j].is_some());
    let used: Vec<f64> = (0..alphas.len()).filter(tried).map(|j| alphas[j]).collect();
    let (first, last) = (*used.first()?, *used.last()?);
    let step = (last - first) / (used.len() as f64 - 1.0).max(1.0);
    Some((first, last, if step > 0.0 { step } else { 0.02 }))
}

fn name(inputs: u64, hidden: u64) -> String {
    format!("N = {inputs}, K = {hidden}")
}

/// Why (N, K) has no threshold.
pub fn no_crossing(size: &Size, reason: NoCrossing) -> String {
    let name = name(size.inputs, size.hidden);
    if let (Data::Exact(stored), NoCrossing::AllSolved) = (&size.data, reason) {
        let cap = stored.iter().filter(|s| s.short).map(|s| s.patterns).min().unwrap_or(0);
        return format!(
            "{name}: half of the samples store more than the cap of {cap} patterns; run a larger \
             alpha than {:.3}",
            cap as f64 / size.inputs as f64
        );
    }
    let Some((first, last, step)) = grid(size) else {
        return format!("{name}: no finished samples; run the job to its end");
    };
    let span = 5.0 * step;
    let higher = format!(
        "the crossing lies higher: run a grid like alpha = {{ from = {last:.3}, to = {:.3}, \
         step = {step:.3} }}",
        last + span
    );
    let lower = format!(
        "the crossing lies lower: run a grid like alpha = {{ from = {:.3}, to = {first:.3}, \
         step = {step:.3} }}",
        (first - span).max(step)
    );
    match reason {
        NoCrossing::AllSolved => {
            format!("{name}: all samples are solved up to alpha = {last:.3}; {higher}")
        }
        NoCrossing::Above => format!(
            "{name}: success does not fall to 1/2 by alpha = {last:.3}, the end of the grid; {higher}"
        ),
        NoCrossing::NoneSolved => format!(
            "{name}: no sample is solved from alpha = {first:.3} on; {lower}, or give the solver \
             more epochs"
        ),
        NoCrossing::Below => {
            format!("{name}: success is below 1/2 already at alpha = {first:.3}; {lower}")
        }
        NoCrossing::TooFewAlphas => format!(
            "{name}: one alpha (or none) has samples, which makes no curve; run a grid of at least \
             five alphas around the crossing"
        ),
        NoCrossing::NotFalling => format!(
            "{name}: success does not fall with alpha; run more samples, and check that the \
             solver's limit is not met at every alpha"
        ),
    }
}

/// Weaknesses of a threshold that was found.
pub fn threshold(size: &Size, threshold: &Threshold) -> Vec<String> {
    let name = name(threshold.inputs, threshold.hidden);
    let mut notes = Vec::new();
    if let Data::Exact(stored) = &size.data {
        let short = stored.iter().filter(|s| s.short).count();
        if short > 0 {
            notes.push(format!(
                "{name}: the cap on P cuts {short} of {} samples short, so that half crossings stand in \
                 for means; run a larger alpha",
                stored.len()
            ));
        }
    }
    if threshold.samples < 30 {
        notes.push(format!(
            "{name}: {} samples; errors from so few are rough: run at least 100",
            threshold.samples
        ));
    }
    if let Some((above, below)) = threshold.unresolved {
        notes.push(format!(
            "{name}: success falls from all to none between alpha = {above:.4} and {below:.4}; the \
             error is that step's: run a grid of step {:.4} between them",
            (below - above) / 8.0
        ));
    } else if let Some((_, _, step)) = grid(size)
        && threshold.width < 0.4 * step
    {
        notes.push(format!(
            "{name}: the transition (width {:.4}) is narrower than the grid resolves; run a step \
             of {:.4} around alpha = {:.3}",
            threshold.width, threshold.width, threshold.alpha
        ));
    }
    if threshold.overdispersion.is_some_and(|o| o.p_value < 0.01)
        || threshold.chi2_dof.is_some_and(|c| c > 3.0)
    {
        notes.push(format!(
            "{name}: the success curve is not of the fitted shape (chi2/dof {:.1}); run a narrower \
             grid around alpha = {:.3}",
            threshold.chi2_dof.unwrap_or(f64::NAN),
            threshold.alpha
        ));
    }
    notes
}

/// Why there is no limit N → ∞ at K = `hidden`.
pub fn too_few_sizes(hidden: u64, sizes: usize) -> String {
    format!(
        "K = {hidden}: {sizes} N with a threshold, so no extrapolation in N; run at least three, \
         each twice the one before, in multiples of {hidden}"
    )
}

/// Weaknesses of a limit that was found from `count` sizes.
pub fn limit(extrapolation: &Extrapolation, count: usize) -> Vec<String> {
    let (what, symbol) = match extrapolation.hidden {
        Some(hidden) => (format!("K = {hidden}"), "N"),
        None => ("K to infinity".to_owned(), "K"),
    };
    let mut notes = Vec::new();
    if count < 3 {
        notes.push(format!(
            "{what}: two {symbol} fit every law of approach alike; the systematic is the spread of \
             the laws: run a third {symbol}"
        ));
    }
    if extrapolation.chi2_dof.is_some_and(|c| c > 3.0) {
        notes.push(format!(
            "{what}: no law of approach describes the thresholds (chi2/dof {:.1}); the error is \
             scaled up accordingly: run larger {symbol}",
            extrapolation.chi2_dof.unwrap_or(f64::NAN)
        ));
    }
    if let Some(collapse) = &extrapolation.collapse
        && collapse.quality > 5.0
    {
        notes.push(format!(
            "{what}: the success curves of different N do not collapse (quality {:.1}): the smallest \
             N are outside the scaling regime, run larger ones",
            collapse.quality
        ));
    }
    if count >= 3 && extrapolation.systematic > 3.0 * extrapolation.error {
        notes.push(format!(
            "{what}: the law of approach, not the samples, limits the result (systematic {:.4}, \
             statistical {:.4}): run larger {symbol} rather than more samples",
            extrapolation.systematic, extrapolation.error
        ));
    }
    notes
}

/// Weakness of the joint fit.
pub fn joint(joint: &Joint) -> Option<String> {
    (joint.chi2_dof > 3.0).then(|| {
        format!(
            "N and K jointly: no law describes the thresholds (chi2/dof {:.1}); the error is scaled up \
             accordingly: run larger N at every K",
            joint.chi2_dof
        )
    })
}
