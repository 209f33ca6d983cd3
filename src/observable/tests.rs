//! Observables against sums over all perturbations, all machines, or by hand.

use super::*;
use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::record::Value;
use crate::rng::{Purpose, Stream};

fn instance(hidden: usize, n: usize, activation: Activation, count: usize) -> Instance {
    let architecture = Architecture::tree(hidden * n, hidden).unwrap();
    let storage = Storage::new(architecture, activation, 0.0);
    Instance::random(storage, WeightKind::Binary, count, 3, 1)
}

fn solution<'a>(instance: &'a Instance, weights: &'a Weights) -> Solution<'a> {
    Solution { instance, weights, replicas: &[], center: None, independent: &[], solver: 0 }
}

/// Weights that store many of the patterns, in a machine of at most 64 inputs with n ≤ 64.
fn good(instance: &Instance) -> Weights {
    let mut stream = Stream::new(7, Purpose::Test, &[]);
    let architecture = instance.storage.architecture();
    let candidates = (0..200).map(|_| Weights::random_binary(architecture, &mut stream));
    candidates.min_by_key(|w| instance.storage.errors(&instance.patterns, w)).unwrap()
}

fn vector(value: &Value) -> &[f64] {
    match value {
        Value::Vector(entries) => entries,
        other => panic!("{other:?}"),
    }
}

/// `bits` of the weights flipped; one word a unit.
fn flipped(weights: &Weights, mask: u64, n: usize) -> Weights {
    let Weights::Binary(bits) = weights else { panic!("binary") };
    let unit = |(l, &word): (usize, &u64)| word ^ (mask >> (l * n) & ((1 << n) - 1));
    Weights::Binary(bits.iter().enumerate().map(unit).collect())
}

/// Fraction of the stored patterns that other weights lose.
fn lost(instance: &Instance, weights: &Weights, other: &Weights) -> f64 {
    let (storage, patterns) = (&instance.storage, &instance.patterns);
    let stored: Vec<usize> =
        (0..patterns.count()).filter(|&mu| storage.is_stored(patterns, weights, mu)).collect();
    let lost = stored.iter().filter(|&&mu| !storage.is_stored(patterns, other, mu)).count();
    lost as f64 / stored.len() as f64
}

#[test]
fn local_energy_is_the_mean_over_all_flips() {
    for (hidden, activation) in [(3, Activation::Sign), (2, Activation::Relu)] {
        let instance = instance(hidden, 12 / hidden, activation, 20);
        let weights = good(&instance);
        let exact = |flips: u32| {
            let masks: Vec<u64> = (0..1u64 << 12).filter(|m| m.count_ones() == flips).collect();
            let sum: f64 = masks
                .iter()
                .map(|&mask| lost(&instance, &weights, &flipped(&weights, mask, 12 / hidden)))
                .sum();
            sum / masks.len() as f64
        };
        let observable = LocalEnergy { distances: vec![0.09, 0.25], trials: 20_001 };
        let values = observable.measure(&solution(&instance, &weights));
        let measured = vector(&values[0]);
        // A trial's fraction spreads by at most 1/2: five standard errors. Power: twice as many
        // flips are excluded.
        let error = 5.0 * 0.5 / 20_001f64.sqrt();
        for (value, flips) in measured.iter().zip([1, 3]) {
            assert!((value - exact(flips)).abs() < error, "{value} {}", exact(flips));
            assert!((value - exact(2 * flips)).abs() > error, "no power");
        }
    }
}

#[test]
fn input_noise_is_the_mean_over_all_flips() {
    for (hidden, activation) in [(3, Activation::Sign), (2, Activation::Relu)] {
        let instance = instance(hidden, 12 / hidden, activation, 20);
        let weights = good(&instance);
        let exact = |rate: f64| -> f64 {
            let term = |mask: u64| {
                let flips = mask.count_ones() as i32;
                // Flipping an input of a pattern is flipping the weight, for that pattern.
                let probability = rate.powi(flips) * (1.0 - rate).powi(12 - flips);
                probability * lost(&instance, &weights, &flipped(&weights, mask, 12 / hidden))
            };
            (0..1u64 << 12).map(term).sum()
        };
        let observable = InputNoise { rates: vec![0.05, 0.2], trials: 2000 };
        let values = observable.measure(&solution(&instance, &weights));
        // 2000 trials of some ten independent patterns.
        let error = 5.0 * 0.5 / 2e4f64.sqrt();
        for (value, rate) in vector(&values[0]).iter().zip([0.05, 0.2]) {
            assert!((value - exact(rate)).abs() < error, "{value} {}", exact(rate));
            assert!((value - exact(1.5 * rate)).abs() > error, "no power");
        }
    }
}

#[test]
fn local_entropy_counts_the_solutions_of_a_shell() {
    let instance = instance(3, 5, Activation::Sign, 9);
    let weights = good(&instance);
    let mut shells = [0u64; 16];
    for mask in 0..1u64 << 15 {
        let other = flipped(&weights, mask, 5);
        if instance.storage.errors(&instance.patterns, &other) == 0 {
            shells[mask.count_ones() as usize] += 1;
        }
    }
    let distances = vec![1.0 / 15.0, 0.2, 0.4, 0.5];
    let observable = LocalEntropy { distances, method: Method::Enumeration };
    let values = observable.measure(&solution(&instance, &weights));
    // round(0.5·15) = 8.
    let expected = [shells[1], shells[3], shells[6], shells[8]];
    assert!(shells[6] > 0, "{shells:?}");
    assert_eq!(vector(&values[1]), expected.map(|count| count as f64));
    for (at, count) in expected.into_iter().enumerate() {
        let entropy = (count > 0).then(|| libm::log(count as f64) / 15.0);
        assert_eq!(values[0].component(at), entropy);
    }
}

#[test]
fn overlaps_norms_and_independent_solutions_by_hand() {
    let instance = instance(2, 4, Activation::Relu, 3);
    let binary =
        |signs: [i8; 8]| Weights::from_signs(instance.storage.architecture(), &signs).unwrap();
    let all = [
        binary([1, 1, 1, 1, 1, 1, 1, 1]),
        binary([1, 1, 1, 1, 1, 1, -1, -1]),
        binary([-1, 1, 1, 1, 1, 1, -1, -1]),
    ];
    // Overlaps .5, .25, .75; centre (1/3, 1, 1, 1, 1, 1, -1/3, -1/3).
    let third = 1.0f32 / 3.0;
    let center = Weights::Spherical(vec![third, 1.0, 1.0, 1.0, 1.0, 1.0, -third, -third]);
    let solution = Solution {
        replicas: &all,
        center: Some(&center),
        independent: &all[1..],
        ..solution(&instance, &all[0])
    };
    let real = |value: &Value, expected: f64| match value {
        Value::Real(x) => assert!((x - expected).abs() < 1e-7, "{x} {expected}"),
        other => panic!("{other:?}: expected {expected}"),
    };
    let values = Overlaps { bins: 4 }.measure(&solution);
    for (value, expected) in values.iter().zip([
        0.5,
        0.25,
        0.25,
        0.75,
        (14.0 / 3.0 + 18.0 / 3.0 + 16.0 / 3.0) / 24.0,
        0.5 - (14.0 / 3.0 + 18.0 / 3.0 + 16.0 / 3.0) / 48.0,
    ]) {
        real(value, expected);
    }
    let density = vector(&values[6]);
    assert!((density[2] - 2.0 / 3.0).abs() < 1e-12 && (density[3] - 4.0 / 3.0).abs() < 1e-12);
    let values = Independent::default().measure(&solution);
    assert_eq!(values[0], Value::Count(3));
    real(&values[1], 0.5);
    real(&values[2], 0.25);
    real(&values[3], 0.125);
    let values = Norms {}.measure(&solution);
    for (value, expected) in values.iter().zip([1.0, 1.0, 1.0, 1.0, 1.0, (5.0 + 1.0 / 3.0) / 8.0]) {
        real(value, expected);
    }
    // Without replicas, centre or other solutions these are missing, not zero.
    let alone = Solution { replicas: &[], center: None, independent: &[], ..solution };
    assert!(Overlaps { bins: 4 }.measure(&alone).iter().all(|v| *v == Value::Missing));
    assert_eq!(Independent::default().measure(&alone)[1], Value::Missing);
}

#[test]
fn stability_density_and_moments() {
    let instance = instance(2, 50, Activation::Relu, 400);
    let weights = good_of_many_words(&instance);
    let observable = Stability { from: -1.03, to: 0.97, bins: 8 };
    let values = observable.measure(&solution(&instance, &weights));
    let all: Vec<f64> = (0..400)
        .map(|mu| {
            let output = instance.storage.output(&instance.patterns, &weights, mu);
            f64::from(instance.patterns.label(mu)) * output
        })
        .collect();
    let inside = |low: f64, high: f64| all.iter().filter(|x| (low..high).contains(*x)).count();
    for (bin, density) in vector(&values[0]).iter().enumerate() {
        // The stabilities are multiples of 1/10: none lies on an edge.
        let low = -1.03 + 0.25 * bin as f64;
        assert!((density - inside(low, low + 0.25) as f64 / 100.0).abs() < 1e-12);
    }
    let mean = all.iter().sum::<f64>() / 400.0;
    let moment = |k: i32| all.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / 400.0;
    let outside = 1.0 - inside(-1.03, 0.97) as f64 / 400.0;
    let least = all.iter().copied().fold(f64::MAX, f64::min);
    for (value, expected) in
        values[1..].iter().zip([outside, mean, moment(2), moment(3) / moment(2).powf(1.5), least])
    {
        let Value::Real(x) = value else { panic!("{value:?}") };
        assert!((x - expected).abs() < 1e-12, "{x} {expected}");
    }
    assert!(outside > 0.0 && least < 0.0, "the case is not trivial");
}

fn good_of_many_words(instance: &Instance) -> Weights {
    let mut stream = Stream::new(8, Purpose::Test, &[]);
    Weights::random_binary(instance.storage.architecture(), &mut stream)
}

/// All observables at once: names distinct, values fit their columns, parameters are checked.
#[test]
fn columns_fit_and_parameters_are_checked() {
    let all = r#"
        stability = {}
        local_energy = { trials = 3 }
        input_noise = { trials = 3 }
        local_entropy = { distances = [0.1, 0.3] }
        overlaps = { bins = 10 }
        independent = {}
        norms = {}
        weights = true
    "#;
    let spec: ObserveSpec = toml::from_str(all).unwrap();
    assert_eq!(spec.runs(), 2);
    let instance = instance(3, 5, Activation::Sign, 9);
    let weights = good(&instance);
    let extent = Extent { kind: WeightKind::Binary, max_inputs: 15, max_patterns: 9 };
    let mut columns = Vec::new();
    for (name, observable) in spec.observables() {
        observable.validate(&extent).unwrap();
        let own = observable.columns(&extent);
        let values = observable.measure(&solution(&instance, &weights));
        assert_eq!(own.len(), values.len(), "{name}");
        for (column, value) in own.iter().zip(&values) {
            assert!(value.fits(&column.kind), "{}: {value:?}", column.name);
        }
        columns.extend(own);
    }
    // With every solver's own columns no name stands twice.
    for solver in crate::solver::SOLVER_NAMES {
        let table = format!("{solver} = {{}}");
        let solver: crate::solver::SolverSpec = toml::from_str(&table).unwrap();
        let all =
            [crate::solver::common_columns(), solver.method().columns(&extent), columns.clone()];
        let mut names: Vec<String> = all.concat().into_iter().map(|c| c.name).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}: {names:?}", solver.name());
    }
    let large = Extent { max_inputs: 100, ..extent };
    let spherical = Extent { kind: WeightKind::Spherical, ..extent };
    for (text, extent, key) in [
        ("local_energy = { distances = [] }", extent, "distances"),
        ("local_energy = { trials = 0 }", extent, "trials"),
        ("input_noise = { rates = [0.0] }", extent, "rates"),
        ("local_entropy = {}", large, "method"),
        ("local_entropy = {}", spherical, "method"),
        ("stability = { from = 1, to = 1 }", extent, "to"),
        ("stability = { bins = 0 }", extent, "bins"),
        ("overlaps = { bins = 100000 }", extent, "bins"),
        ("independent = { runs = 1 }", extent, "runs"),
    ] {
        let spec: ObserveSpec = toml::from_str(text).unwrap();
        let error = spec.observables()[0].1.validate(&extent).unwrap_err();
        assert_eq!(error.0, key, "{text}");
    }
    assert!(toml::from_str::<ObserveSpec>("local_entropy = { method = \"guess\" }").is_err());
}
