//! The outcome as a table for people.

use crate::scaling::joint::Joint;
use crate::scaling::{Extrapolation, Scaling, ThresholdKind};
use std::fmt::Write;

/// Laws shown of each average.
const SHOWN: usize = 6;

/// The table.
pub fn table(scaling: &Scaling) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, scaling);
    out
}

fn write(out: &mut String, scaling: &Scaling) -> std::fmt::Result {
    match &scaling.kind {
        ThresholdKind::Algorithmic { solver, max_epochs } => {
            let limit = max_epochs.map_or(String::new(), |limit| format!(" within {limit} epochs"));
            writeln!(
                out,
                "Algorithmic threshold: where {solver} solves half of the samples{limit}.\n\
                 It depends on the solver and its limit, and is not the capacity."
            )?;
        }
        ThresholdKind::Exact => {
            writeln!(out, "Exact threshold: largest P/N that can be stored, by enumeration.")?;
        }
    }
    if !scaling.thresholds.is_empty() {
        let heads = ["N", "K", "samples", "alpha", "error", "width", "chi2/dof"];
        let [n, k, samples, alpha, error, width, chi2] = heads;
        writeln!(out, "\n{n:>8} {k:>5} {samples:>8} {alpha:>9} {error:>8} {width:>8} {chi2:>9}")?;
        for t in &scaling.thresholds {
            let chi2 = t.chi2_dof.map_or("-".to_owned(), |c| format!("{c:.2}"));
            writeln!(
                out,
                "{:>8} {:>5} {:>8} {:>9.5} {:>8.5} {:>8.5} {chi2:>9}",
                t.inputs, t.hidden, t.samples, t.alpha, t.error, t.width
            )?;
        }
    }
    for limit in &scaling.extrapolations {
        write_limit(out, limit)?;
    }
    match &scaling.extrapolation {
        Some(limit) if limit.hidden.is_none() => write_limit(out, limit)?,
        Some(_) => {}
        None => writeln!(out, "\nNo extrapolation: see the warnings.")?,
    }
    if let Some(joint) = &scaling.joint {
        write_joint(out, joint)?;
    }
    for warning in &scaling.warnings {
        writeln!(out, "\nwarning: {warning}")?;
    }
    Ok(())
}

fn write_limit(out: &mut String, limit: &Extrapolation) -> std::fmt::Result {
    let place = match limit.hidden {
        Some(hidden) => format!("N to infinity at K = {hidden}"),
        None => "N, then K to infinity".to_owned(),
    };
    let chi2 = limit.chi2_dof.map_or("no degree of freedom".to_owned(), |c| format!("{c:.2}"));
    writeln!(
        out,
        "\n{place}: alpha = {:.5} ± {:.5} (statistical) ± {:.5} (systematic)",
        limit.alpha, limit.error, limit.systematic
    )?;
    if limit.parities.len() > 1 {
        writeln!(out, "  even and odd n = N/K fitted as branches with one limit")?;
    }
    for e in limit.estimators.iter().filter(|_| limit.hidden.is_some()) {
        writeln!(out, "  {:<14} {:.5} ± {:.5} ± {:.5}", e.name, e.alpha, e.error, e.systematic)?;
    }
    let omega =
        limit.omega_error.map_or("of least AIC".to_owned(), |e| format!("fitted, ± {e:.3}"));
    writeln!(out, "  omega = {:.3} ({omega}), chi2/dof: {chi2}", limit.omega)?;
    if let Some(c) = &limit.collapse {
        writeln!(
            out,
            "  data collapse: nu = {:.2} ({:.2} to {:.2}), quality S = {:.2} (1: within errors)",
            c.nu, c.nu_interval.0, c.nu_interval.1, c.quality
        )?;
    }
    writeln!(
        out,
        "  laws averaged:  omega  terms  cut    alpha    error     chi2 dof      AIC  weight"
    )?;
    for m in limit.models.iter().take(SHOWN) {
        writeln!(
            out,
            "{:>22.3} {:>6} {:>4} {:>8.5} {:>8.5} {:>8.2} {:>3} {:>8.2} {:>7.3}{}",
            m.law.omega,
            m.law.terms,
            m.cut,
            m.law.alpha,
            m.law.error,
            m.law.chi2,
            m.law.dof,
            m.aic,
            m.weight,
            if m.free { "  (omega fitted)" } else { "" }
        )?;
    }
    if limit.models.len() > SHOWN {
        writeln!(out, "{:>22} {} more, in --json and /scaling", "…", limit.models.len() - SHOWN)?;
    }
    Ok(())
}

fn write_joint(out: &mut String, joint: &Joint) -> std::fmt::Result {
    writeln!(
        out,
        "\nN and K to infinity in one fit: alpha = {:.5} ± {:.5} (statistical) ± {:.5} (systematic), \
         chi2/dof: {:.2}",
        joint.alpha, joint.error, joint.systematic, joint.chi2_dof
    )?;
    for at in &joint.at {
        let (k, alpha, error, systematic) = (at.hidden, at.alpha, at.error, at.systematic);
        writeln!(out, "  at K = {k:<4} {alpha:.5} ± {error:.5} ± {systematic:.5}")?;
    }
    writeln!(
        out,
        "  laws averaged:   u(K)  omega  cut    alpha    error     chi2 dof      AIC  weight"
    )?;
    for m in joint.models.iter().take(SHOWN) {
        writeln!(
            out,
            "{:>22} {:>6.3} {:>4} {:>8.5} {:>8.5} {:>8.2} {:>3} {:>8.2} {:>7.3}  {}",
            m.decay.formula(),
            m.omega,
            m.cut,
            m.alpha,
            m.error,
            m.chi2,
            m.dof,
            m.aic,
            m.weight,
            m.amplitude.formula()
        )?;
    }
    Ok(())
}
