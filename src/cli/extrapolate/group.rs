//! `/scaling`: everything that a figure needs, so that drawing computes nothing.
//!
//! ```text
//! /scaling               @kind @solver @max_epochs @link @replicates @warnings
//!   thresholds/          N K alpha error samples width width_error chi2_dof
//!   success/N64_K2/      @N @K; alpha success lower upper (the curve with its 68 % band)
//!   extrapolations/K2/   @limit @K @alpha @error @systematic @omega @chi2_dof …
//!     band/              parity inverse_size alpha lower upper
//!     models/            omega terms cut alpha error chi2 dof aic bic weight
//!     collapse/          @nu @nu_lower @nu_upper @quality; N x success error
//!     estimators/        name alpha error systematic
//!   extrapolation/       the last limit, likewise
//!   joint/               @alpha @error @systematic @chi2_dof
//!     at/                K alpha error systematic: N to infinity at each K by the same fit
//!     models/            decay omega amplitude cut alpha error chi2 dof aic bic weight
//! ```

use crate::scaling::collapse::Collapse;
use crate::scaling::joint::{Joint, JointModel};
use crate::scaling::{Extrapolation, Scaling, ThresholdKind};
use crate::store::{Array, Dataset, Group};

/// The group of `scaling`.
pub fn group(scaling: &Scaling) -> Group {
    let mut root = Group::default();
    match &scaling.kind {
        ThresholdKind::Algorithmic { solver, max_epochs } => {
            root.attribute("kind", "algorithmic");
            root.attribute("solver", solver.as_str());
            if let Some(limit) = max_epochs {
                root.attribute("max_epochs", *limit);
            }
        }
        ThresholdKind::Exact => root.attribute("kind", "exact"),
    }
    root.attribute("link", scaling.link.name());
    root.attribute("replicates", scaling.replicates as u64);
    root.insert("warnings", Dataset::new(scaling.warnings.clone()));
    root.insert("thresholds", thresholds(scaling));
    let mut success = Group::default();
    for curve in &scaling.curves {
        let mut member = Group::default();
        member.attribute("N", curve.inputs);
        member.attribute("K", curve.hidden);
        insert(&mut member, "alpha", curve.alpha.clone(), "P/N");
        insert(&mut member, "success", curve.success.clone(), "success probability");
        insert(&mut member, "lower", curve.lower.clone(), "lower edge of the 68 % band");
        insert(&mut member, "upper", curve.upper.clone(), "upper edge of the 68 % band");
        success.insert(&format!("N{}_K{}", curve.inputs, curve.hidden), member);
    }
    root.insert("success", success);
    let mut all = Group::default();
    for limit in &scaling.extrapolations {
        all.insert(&format!("K{}", limit.hidden.unwrap_or(0)), extrapolation(limit));
    }
    root.insert("extrapolations", all);
    if let Some(limit) = &scaling.extrapolation {
        root.insert("extrapolation", extrapolation(limit));
    }
    if let Some(found) = &scaling.joint {
        root.insert("joint", joint(found));
    }
    root
}

/// Adds a column of pure numbers.
fn insert<T>(group: &mut Group, name: &str, values: Vec<T>, long_name: &str)
where
    Array: From<Vec<T>>,
{
    group.insert(name, Dataset::new(values).described(long_name, "1"));
}

fn thresholds(scaling: &Scaling) -> Group {
    let rows = &scaling.thresholds;
    let mut group = Group::default();
    insert(&mut group, "N", rows.iter().map(|t| t.inputs).collect(), "inputs");
    insert(&mut group, "K", rows.iter().map(|t| t.hidden).collect(), "hidden units");
    insert(&mut group, "alpha", rows.iter().map(|t| t.alpha).collect(), "threshold P/N");
    insert(&mut group, "error", rows.iter().map(|t| t.error).collect(), "its error, 68 %");
    insert(&mut group, "samples", rows.iter().map(|t| t.samples).collect(), "disorder samples");
    insert(&mut group, "width", rows.iter().map(|t| t.width).collect(), "scale of the transition");
    let widths = rows.iter().map(|t| t.width_error).collect();
    insert(&mut group, "width_error", widths, "its error, 68 %");
    let chi2: Vec<Option<f64>> = rows.iter().map(|t| t.chi2_dof).collect();
    group.insert_partial("chi2_dof", &chi2, |d| {
        d.described("deviance of the success curve over degrees of freedom", "1")
    });
    group
}

fn extrapolation(limit: &Extrapolation) -> Group {
    let mut group = Group::default();
    group.attribute("limit", limit.limit);
    if let Some(hidden) = limit.hidden {
        group.attribute("K", hidden);
    }
    group.attribute("alpha", limit.alpha);
    group.attribute("error", limit.error);
    group.attribute("systematic", limit.systematic);
    group.attribute("omega", limit.omega);
    if let Some(error) = limit.omega_error {
        group.attribute("omega_error", error);
    }
    if let Some(chi2) = limit.chi2_dof {
        group.attribute("chi2_dof", chi2);
    }
    let mut band = Group::default();
    let points = &limit.band;
    let parity = |b: usize| limit.parities.get(b).copied().unwrap_or(0);
    let branches = points.iter().map(|p| parity(p.branch)).collect();
    insert(&mut band, "parity", branches, "n = N/K modulo 2, where branches are fitted apart");
    insert(&mut band, "inverse_size", points.iter().map(|p| p.inverse_size).collect(), "1/size");
    insert(&mut band, "alpha", points.iter().map(|p| p.alpha).collect(), "averaged law");
    let lower = points.iter().map(|p| p.lower).collect();
    insert(&mut band, "lower", lower, "lower edge of the 68 % band");
    let upper = points.iter().map(|p| p.upper).collect();
    insert(&mut band, "upper", upper, "upper edge of the 68 % band");
    band.attribute("branches", limit.parities.len().max(1) as u64);
    group.insert("band", band);
    let mut table = Group::default();
    let rows = &limit.estimators;
    let names: Vec<String> = rows.iter().map(|e| e.name.to_owned()).collect();
    table.insert("name", Dataset::new(names));
    insert(&mut table, "alpha", rows.iter().map(|e| e.alpha).collect(), "limit");
    insert(&mut table, "error", rows.iter().map(|e| e.error).collect(), "statistical error");
    let systematics = rows.iter().map(|e| e.systematic).collect();
    insert(&mut table, "systematic", systematics, "spread of the laws");
    group.insert("estimators", table);
    let mut table = Group::default();
    let models = &limit.models;
    let real = |f: fn(&crate::scaling::extrapolation::Model) -> f64| models.iter().map(f).collect();
    insert(&mut table, "omega", real(|m| m.law.omega), "exponent");
    insert(&mut table, "alpha", real(|m| m.law.alpha), "limit");
    insert(&mut table, "error", real(|m| m.law.error), "its standard error");
    insert(&mut table, "chi2", real(|m| m.law.chi2), "squared residuals over squared errors");
    insert(&mut table, "aic", real(|m| m.aic), "Akaike's criterion");
    insert(&mut table, "bic", real(|m| m.bic), "Schwarz's criterion");
    insert(&mut table, "weight", real(|m| m.weight), "Akaike weight");
    insert(&mut table, "share", real(|m| m.share), "part in the limit");
    let free: Vec<bool> = models.iter().map(|m| m.free).collect();
    insert(&mut table, "free", free, "whether the exponent was fitted");
    let whole = |f: fn(&crate::scaling::extrapolation::Model) -> usize| -> Vec<u64> {
        models.iter().map(|m| f(m) as u64).collect()
    };
    insert(&mut table, "dof", whole(|m| m.law.dof), "degrees of freedom");
    insert(&mut table, "terms", whole(|m| m.law.terms), "powers of the law");
    insert(&mut table, "cut", whole(|m| m.cut), "smallest sizes left out");
    group.insert("models", table);
    if let Some(found) = &limit.collapse {
        group.insert("collapse", collapse(found));
    }
    group
}

fn joint(found: &Joint) -> Group {
    let mut group = Group::default();
    group.attribute("alpha", found.alpha);
    group.attribute("error", found.error);
    group.attribute("systematic", found.systematic);
    group.attribute("chi2_dof", found.chi2_dof);
    let mut at = Group::default();
    let rows = &found.at;
    insert(&mut at, "K", rows.iter().map(|a| a.hidden).collect(), "hidden units");
    insert(&mut at, "alpha", rows.iter().map(|a| a.alpha).collect(), "limit of infinite N");
    insert(&mut at, "error", rows.iter().map(|a| a.error).collect(), "statistical error");
    let systematics = rows.iter().map(|a| a.systematic).collect();
    insert(&mut at, "systematic", systematics, "spread of the laws");
    group.insert("at", at);
    let mut table = Group::default();
    let models = &found.models;
    let real = |f: fn(&JointModel) -> f64| models.iter().map(f).collect();
    let decays: Vec<String> = models.iter().map(|m| m.decay.formula().to_owned()).collect();
    table.insert("decay", Dataset::new(decays));
    insert(&mut table, "omega", real(|m| m.omega), "exponent in N");
    let formulas: Vec<String> = models.iter().map(|m| m.amplitude.formula().to_owned()).collect();
    table.insert("amplitude", Dataset::new(formulas));
    insert(&mut table, "alpha", real(|m| m.alpha), "limit");
    insert(&mut table, "error", real(|m| m.error), "its standard error");
    insert(&mut table, "chi2", real(|m| m.chi2), "squared residuals over squared errors");
    insert(&mut table, "aic", real(|m| m.aic), "Akaike's criterion");
    insert(&mut table, "bic", real(|m| m.bic), "Schwarz's criterion");
    insert(&mut table, "weight", real(|m| m.weight), "Akaike weight");
    let whole =
        |f: fn(&JointModel) -> usize| -> Vec<u64> { models.iter().map(|m| f(m) as u64).collect() };
    insert(&mut table, "dof", whole(|m| m.dof), "degrees of freedom");
    insert(&mut table, "cut", whole(|m| m.cut), "smallest N left out");
    group.insert("models", table);
    group
}

fn collapse(found: &Collapse) -> Group {
    let mut group = Group::default();
    group.attribute("nu", found.nu);
    group.attribute("nu_lower", found.nu_interval.0);
    group.attribute("nu_upper", found.nu_interval.1);
    group.attribute("quality", found.quality);
    let points = &found.points;
    insert(&mut group, "N", points.iter().map(|p| p.inputs).collect(), "inputs");
    let x = points.iter().map(|p| p.x).collect();
    insert(&mut group, "x", x, "(alpha - alpha(N)) N^(1/nu)");
    let success = points.iter().map(|p| p.success).collect();
    insert(&mut group, "success", success, "fraction of samples");
    let error = points.iter().map(|p| p.error).collect();
    insert(&mut group, "error", error, "its error, 68 %");
    group
}
