//! The whole analysis on small data: keys, kinds, branches and warnings.

use super::*;
use crate::rng::{Purpose, Stream};

const QUICK: Options = Options { replicates: 60, omega: None };

fn algorithmic(sizes: Vec<Size>) -> Study {
    let kind = ThresholdKind::Algorithmic { solver: "rsgd".into(), max_epochs: Some(1000) };
    Study { seed: 1, kind, binary: true, approach: Approach::Unknown, sizes }
}

/// Gaussian sample thresholds about `center`, at `alphas`.
fn solved(inputs: u64, hidden: u64, center: f64, width: f64, alphas: &[f64], count: u64) -> Size {
    let row = |sample| {
        let mut stream = Stream::new(2, Purpose::Test, &[48, inputs, hidden, sample]);
        let own = center + width * stream.normal();
        Row { sample, solved: alphas.iter().map(|&a| Some(a <= own)).collect() }
    };
    let rows = (0..count).map(row).collect();
    Size { inputs, hidden, data: Data::Solved { alphas: alphas.to_vec(), rows } }
}

fn grid(from: f64, count: u32) -> Vec<f64> {
    (0..count).map(|j| from + 0.02 * f64::from(j)).collect()
}

fn exact(inputs: u64, hidden: u64, mean: f64, count: u64) -> Size {
    let stored = |sample| {
        let mut stream = Stream::new(3, Purpose::Test, &[49, inputs, hidden, sample]);
        let patterns = inputs as f64 * mean + 0.5 * (inputs as f64).sqrt() * stream.normal();
        let patterns = patterns.round().max(0.0) as u64;
        Stored { sample, patterns, short: false, log_solutions: Vec::new() }
    };
    Size { inputs, hidden, data: Data::Exact((0..count).map(stored).collect()) }
}

/// The keys that scripts rely on.
#[test]
fn json_has_the_documented_keys() {
    let sizes =
        [64, 128, 256].map(|n| solved(n, 2, 0.5 - 2.0 / n as f64, 0.03, &grid(0.40, 10), 100));
    let out = serde_json::to_value(analyse(&algorithmic(sizes.to_vec()), QUICK)).unwrap();
    assert_eq!(out["kind"], "algorithmic");
    assert_eq!((&out["solver"], &out["max_epochs"]), (&"rsgd".into(), &1000.into()));
    assert_eq!(out["warnings"], serde_json::json!([]));
    assert!(out["extrapolation"]["collapse"]["quality"].as_f64().unwrap() < 5.0);
    let thresholds = out["thresholds"].as_array().unwrap();
    assert_eq!(thresholds.len(), 3);
    for key in ["N", "K", "alpha", "error", "samples"] {
        assert!(thresholds.iter().all(|t| t[key].is_number()), "{key}");
    }
    for key in ["alpha", "error", "systematic", "omega", "chi2_dof"] {
        assert!(out["extrapolation"][key].is_number(), "{key}");
    }
}

/// Neither the order of sizes nor that of samples changes a bit, nor does another call.
#[test]
fn order_of_the_input_is_immaterial() {
    let sizes: Vec<Size> = [64, 128, 256]
        .map(|n| solved(n, 2, 0.5 - 2.0 / n as f64, 0.03, &grid(0.40, 10), 50))
        .to_vec();
    let study = algorithmic(sizes);
    let mut shuffled = study.clone();
    shuffled.sizes.reverse();
    for size in &mut shuffled.sizes {
        if let Data::Solved { rows, .. } = &mut size.data {
            rows.reverse();
        }
    }
    assert_eq!(analyse(&study, QUICK), analyse(&shuffled, QUICK));
}

fn warnings_of(sizes: Vec<Size>) -> (Scaling, String) {
    let out = analyse(&algorithmic(sizes), QUICK);
    let text = out.warnings.join("\n");
    (out, text)
}

#[test]
fn unfit_data_is_said_with_its_cure() {
    let all = solved(64, 2, 0.9, 0.01, &grid(0.40, 5), 50);
    let (out, text) = warnings_of(vec![all]);
    assert!(out.thresholds.is_empty() && out.extrapolation.is_none());
    assert!(text.contains("all samples are solved up to alpha = 0.480"), "{text}");
    assert!(text.contains("from = 0.480"), "{text}");

    let (out, text) = warnings_of(vec![solved(64, 2, 0.1, 0.01, &grid(0.40, 5), 50)]);
    assert!(out.thresholds.is_empty() && text.contains("no sample is solved"), "{text}");

    let (_, text) = warnings_of(vec![solved(64, 2, 0.5, 0.02, &grid(0.40, 5), 50)]);
    assert!(text.contains("does not fall to 1/2 by alpha = 0.480"), "{text}");

    let (_, text) = warnings_of(vec![solved(64, 2, 0.38, 0.02, &grid(0.40, 5), 50)]);
    assert!(text.contains("below 1/2 already at alpha = 0.400"), "{text}");

    let (out, text) = warnings_of(vec![solved(64, 2, 0.45, 0.02, &grid(0.40, 5), 50)]);
    assert!(out.thresholds.len() == 1 && out.extrapolation.is_none());
    assert!(text.contains("K = 2: 1 N with a threshold, so no extrapolation in N"), "{text}");

    let (out, text) = warnings_of(vec![
        solved(64, 2, 0.45, 0.02, &grid(0.40, 5), 20),
        solved(128, 2, 0.45, 0.001, &grid(0.40, 5), 50),
    ]);
    assert!(text.contains("N = 64, K = 2: 20 samples"), "{text}");
    assert!(text.contains("from all to none between alpha = 0.4400 and 0.4600"), "{text}");
    assert!(text.contains("two N fit every law"), "{text}");
    // The error of an unresolved crossing is that of a uniform within the step, 34 % of it.
    assert!((out.thresholds[1].error - 0.0068).abs() < 0.0015, "{}", out.thresholds[1].error);
    let empty = Size { inputs: 8, hidden: 2, data: Data::Solved { alphas: vec![], rows: vec![] } };
    assert!(warnings_of(vec![empty]).1.contains("no finished samples"));
    assert!(analyse(&algorithmic(vec![]), QUICK).thresholds.is_empty());
}

/// Even and odd n of binary weights share their limit, not their amplitude; fitted as one branch
/// the data contradict every law.
#[test]
fn parities_are_fitted_apart() {
    let sizes: Vec<Size> = [8u64, 9, 12, 13, 16, 17, 24, 25]
        .into_iter()
        .map(|n| {
            let amplitude = if n % 2 == 0 { -2.0 } else { -0.5 };
            exact(n, 1, 0.8 + amplitude / n as f64, 4000)
        })
        .collect();
    let mut study = Study {
        seed: 1,
        kind: ThresholdKind::Exact,
        binary: true,
        approach: Approach::Unknown,
        sizes,
    };
    let options = Options { replicates: 200, omega: Some(1.0) };
    let apart = analyse(&study, options).extrapolation.unwrap();
    assert_eq!(apart.parities, [0, 1]);
    assert!((apart.alpha - 0.8).abs() < 4.0 * apart.error, "{} {}", apart.alpha, apart.error);
    assert!(apart.chi2_dof.unwrap() < 3.0);
    study.binary = false;
    let together = analyse(&study, options);
    assert!(together.extrapolation.unwrap().chi2_dof.unwrap() > 3.0);
    assert!(together.warnings.iter().any(|w| w.contains("no law of approach")));
}

/// A cap that cuts samples short leaves the half crossing, which it does not move, and is said; one below
/// the median leaves nothing.
#[test]
fn a_cap_leaves_the_half_crossing() {
    let sizes: Vec<Size> = [16, 24, 32].map(|n| exact(n, 1, 0.8, 400)).to_vec();
    let capped = |sizes: &[Size], cap: f64| {
        let mut sizes = sizes.to_vec();
        for size in &mut sizes {
            let cap = (cap * size.inputs as f64).round() as u64;
            let Data::Exact(stored) = &mut size.data else { panic!("exact data") };
            for s in stored.iter_mut() {
                s.short = s.patterns >= cap;
                s.patterns = s.patterns.min(cap);
            }
        }
        Study {
            seed: 1,
            kind: ThresholdKind::Exact,
            binary: true,
            approach: Approach::Regular,
            sizes,
        }
    };
    let whole = analyse(&capped(&sizes, 9.0), QUICK);
    let short = analyse(&capped(&sizes, 0.9), QUICK);
    for (a, b) in whole.thresholds.iter().zip(&short.thresholds) {
        assert_eq!((a.alpha, a.half_crossing), (a.mean.unwrap(), Some(b.alpha)));
        assert_eq!(b.mean, None);
    }
    assert!(whole.warnings.is_empty(), "{:?}", whole.warnings);
    assert!(short.warnings[0].contains("half crossings stand in"), "{:?}", short.warnings);
    let none = analyse(&capped(&sizes, 0.5), QUICK);
    assert!(none.thresholds.is_empty() && none.warnings[0].contains("cap of 8 patterns"));
}

/// With several K the last limit is K → ∞.
#[test]
fn several_hidden_sizes_go_to_infinity() {
    let mut sizes = Vec::new();
    for hidden in [2, 4, 8, 16] {
        for inputs in [64, 128, 256] {
            let center = 0.6 - 0.4 / hidden as f64 - 1.0 / inputs as f64;
            sizes.push(exact(inputs, hidden, center, 1000));
        }
    }
    let study = Study {
        seed: 1,
        kind: ThresholdKind::Exact,
        binary: false,
        approach: Approach::Unknown,
        sizes,
    };
    let out = analyse(&study, Options { replicates: 200, omega: Some(1.0) });
    assert_eq!(out.extrapolations.len(), 4);
    let last = out.extrapolation.unwrap();
    assert_eq!((last.limit, last.hidden), ("N, K", None));
    let total = last.error.hypot(last.systematic);
    assert!((last.alpha - 0.6).abs() < 3.0 * total && total < 0.05, "{last:?}");
    let joint = out.joint.unwrap();
    let joint_total = joint.error.hypot(joint.systematic);
    assert!((joint.alpha - 0.6).abs() < 3.0 * joint_total && joint_total < 0.05, "{joint_total}");
    assert_eq!(out.kind, ThresholdKind::Exact);
}
