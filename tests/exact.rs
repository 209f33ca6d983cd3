//! Enumeration and typical solutions against theory: finite-size data extrapolated, or compared
//! within a stated finite-size error. The long ones (`make validate`) print their figures.

use reluscape::exact::Enumeration;
use reluscape::model::{Activation, Architecture, Storage, WeightKind};
use reluscape::observable::{InputNoise, Observable, Solution};
use reluscape::record::Value;
use reluscape::rng::{Purpose, Stream};
use reluscape::solver::{Instance, Repeated, SolverSpec, tempering};
use reluscape::stats::moments::Moments;
use reluscape::theory::entropy::entropy;
use reluscape::theory::franz_parisi::FranzParisi;
use reluscape::theory::model::{Hidden, Model};
use reluscape::theory::reference::Reference;
use reluscape::theory::robustness::typical;
use std::sync::Arc;

/// Mean and standard error over samples.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    mean: f64,
    error: f64,
}

fn estimate(values: &[f64]) -> Estimate {
    let moments = Moments::of(values).expect("some values");
    Estimate { mean: moments.mean, error: moments.error().expect("two values at least") }
}

fn instance(
    inputs: usize,
    hidden: usize,
    activation: Activation,
    count: usize,
    sample: u64,
) -> Instance {
    let architecture = Architecture::tree(inputs, hidden).expect("K divides N");
    let storage = Storage::new(architecture, activation, 0.0);
    Instance::random(storage, WeightKind::Binary, count, 404, sample)
}

fn enumerated(instance: &Instance) -> Enumeration {
    let mut enumeration = Enumeration::new(&instance.storage, &instance.patterns).expect("small N");
    enumeration.complete();
    enumeration
}

/// Over samples: (ln E Z − ln Z)/N with the exact E Z = 2^N p^P (whose p has the finite-n ties in
/// it), and Z(P)/E Z(P).
fn deficit(
    (inputs, hidden, activation): (usize, usize, Activation),
    count: usize,
    samples: u64,
) -> (Estimate, Estimate) {
    let (mut deficits, mut ratios) = (Vec::new(), Vec::new());
    for sample in 0..samples {
        let enumeration = enumerated(&instance(inputs, hidden, activation, count, sample));
        let fraction = enumeration.space().stored_fraction().expect("a tree");
        let annealed = inputs as f64 * 2f64.ln() + count as f64 * fraction.ln();
        let solutions = enumeration.counts().solutions[count] as f64;
        ratios.push((solutions.ln() - annealed).exp());
        if solutions > 0.0 {
            deficits.push((annealed - solutions.ln()) / inputs as f64);
        }
    }
    // Opposite patterns of one label have probability ~2^−n and leave a sample without solutions;
    // the mean is over the others.
    assert!(deficits.len() as u64 >= samples * 95 / 100, "few samples without solutions");
    (estimate(&deficits), estimate(&ratios))
}

/// Weighted least squares of y = a + b/N: (a, its error).
fn limit(points: &[(f64, Estimate)]) -> Estimate {
    let (mut s, mut sx, mut sxx, mut sy, mut sxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(inputs, Estimate { mean, error }) in points {
        let (weight, x) = (1.0 / (error * error), 1.0 / inputs);
        s += weight;
        sx += weight * x;
        sxx += weight * x * x;
        sy += weight * mean;
        sxy += weight * x * mean;
    }
    let determinant = s * sxx - sx * sx;
    Estimate { mean: (sxx * sy - sx * sxy) / determinant, error: (sxx / determinant).sqrt() }
}

/// The same deficit by replica theory: α ln p + ln 2 − S, p at n → ∞.
fn theory_deficit(hidden: usize, activation: Activation, alpha: f64) -> f64 {
    let model = Model::new(WeightKind::Binary, activation, 0.0, Hidden::Finite(hidden));
    let model = model.expect("a valid machine");
    let entropy = entropy(&model, &[alpha]).expect("below capacity")[0].entropy;
    // ReLU at n → ∞: a tie needs all units off, probability 2^−K.
    let fraction = match activation {
        Activation::Relu => 0.5 * (1.0 - 0.5f64.powi(hidden as i32)),
        _ => 0.5,
    };
    2f64.ln() + alpha * fraction.ln() - entropy
}

/// ⟨ln Z⟩/N against replica theory at finite K: the difference at each (N, P), whose α differ a
/// little, extrapolated in 1/N, must vanish within four standard errors and `curvature` (the next
/// order in 1/N). E[Z(P)] is checked on the way.
fn check_entropy(
    (hidden, activation): (usize, Activation),
    sizes: &[(usize, usize)],
    samples: u64,
    curvature: f64,
) -> Estimate {
    let name = format!("{} K = {hidden}", activation.name());
    let differences: Vec<(f64, Estimate)> = sizes
        .iter()
        .map(|&(inputs, count)| {
            let (deficit, ratio) = deficit((inputs, hidden, activation), count, samples);
            // The power of this is tested with the enumeration itself.
            assert!((ratio.mean - 1.0).abs() < 4.5 * ratio.error, "{name} N = {inputs}: {ratio:?}");
            let theory = theory_deficit(hidden, activation, count as f64 / inputs as f64);
            println!(
                "{name}, N = {inputs}, P = {count}: (ln E Z - <ln Z>)/N = {:.5} ± {:.5}, theory \
                 {theory:.5}; Z/E Z = {:.3} ± {:.3}",
                deficit.mean, deficit.error, ratio.mean, ratio.error
            );
            (inputs as f64, Estimate { mean: deficit.mean - theory, ..deficit })
        })
        .collect();
    let found = limit(&differences);
    println!("{name}, N to infinity: difference {:.5} ± {:.5}", found.mean, found.error);
    assert!(found.mean.abs() < 4.0 * found.error + curvature, "{name}: {found:?}");
    found
}

#[test]
fn entropy_extrapolates_to_the_theory_at_finite_k() {
    check_entropy((3, Activation::Sign), &[(9, 3), (15, 5), (21, 7)], 400, 0.004);
    check_entropy((2, Activation::Relu), &[(14, 3), (18, 4), (22, 5)], 200, 0.004);
    check_entropy((4, Activation::Relu), &[(12, 3), (20, 5)], 400, 0.004);
}

#[test]
#[ignore = "minutes: make validate"]
fn entropy_extrapolates_to_the_theory_at_finite_k_long() {
    for (activation, hidden, sizes) in [
        (Activation::Sign, 3, &[(9, 3), (15, 5), (21, 7), (27, 9)][..]),
        (Activation::Relu, 2, &[(14, 3), (18, 4), (22, 5), (26, 6)]),
        (Activation::Relu, 2, &[(18, 6), (22, 7), (26, 9)]),
        (Activation::Relu, 4, &[(12, 3), (20, 5), (28, 7)]),
        (Activation::Relu, 4, &[(20, 8), (28, 12)]),
    ] {
        check_entropy((hidden, activation), sizes, 1000, 0.002);
    }
    // Power: here the annealed entropy, and the quenched one of another load, are excluded.
    let found = check_entropy((3, Activation::Sign), &[(15, 7), (21, 10), (27, 13)], 4000, 0.002);
    let theory = theory_deficit(3, Activation::Sign, 13.0 / 27.0);
    assert!(theory > 4.0 * found.error + 0.002, "no power: {found:?} against {theory}");
}

/// Entropy of solutions at k flips around typical ones, less ln C(N, k), averaged over k = `flips`
/// and the next: on a lattice of fields odd and even k differ by O(1/√N) with opposite signs.
fn franz_parisi(
    (inputs, hidden, activation): (usize, usize, Activation),
    (count, flips): (usize, usize),
    samples: u64,
) -> Estimate {
    let choices = |flips: usize| -> f64 {
        (0..flips).map(|i| ((inputs - i) as f64 / (flips - i) as f64).ln()).sum()
    };
    let (mut values, mut empty) = (Vec::new(), 0);
    for sample in 0..samples {
        let enumeration = enumerated(&instance(inputs, hidden, activation, count, sample));
        let mut solutions = Vec::new();
        enumeration.for_each_solution(|machine| solutions.push(machine));
        let mut stream = Stream::new(1, Purpose::Test, &[inputs as u64, sample]);
        let mut of_sample = Vec::new();
        for reference in enumeration.sample(REFERENCES, &mut stream) {
            let mut shells = vec![0u32; inputs + 1];
            solutions.iter().for_each(|w| shells[(w ^ reference).count_ones() as usize] += 1);
            let entropy = |k: usize| (f64::from(shells[k]).ln() - choices(k)) / inputs as f64;
            if shells[flips] > 0 && shells[flips + 1] > 0 {
                of_sample.push(0.5 * (entropy(flips) + entropy(flips + 1)));
            } else {
                empty += 1;
            }
        }
        if !of_sample.is_empty() {
            values.push(of_sample.iter().sum::<f64>() / of_sample.len() as f64);
        }
    }
    // Leaving them out raises the mean by about their share times the spread.
    assert!(empty * 50 <= samples * REFERENCES as u64, "shells are rarely empty: {empty}");
    estimate(&values)
}

/// Typical solutions of a sample.
const REFERENCES: usize = 8;

/// The same by theory at K → ∞ (K = 1 for identity units): S_FP(d) − H(d), d between the two.
fn theory_franz_parisi(activation: Activation, alpha: f64, distance: f64) -> f64 {
    let model = Model::new(WeightKind::Binary, activation, 0.0, Hidden::Infinite).expect("valid");
    let reference = Reference::new(&model, "franz-parisi", alpha).expect("below capacity");
    let curve = FranzParisi::new(reference).curve(&[distance]).expect("a point");
    let (d, e) = (distance, 1.0 - distance);
    curve[0].as_ref().expect("a point").entropy + d * d.ln() + e * e.ln()
}

fn check_franz_parisi(
    (hidden, activation): (usize, Activation),
    sizes: &[(usize, usize, usize)],
    samples: u64,
    allowance: f64,
) {
    let name = format!("{} K = {hidden}", activation.name());
    let differences: Vec<(f64, Estimate)> = sizes
        .iter()
        .map(|&(inputs, count, flips)| {
            let found = franz_parisi((inputs, hidden, activation), (count, flips), samples);
            let (alpha, d) = (count as f64 / inputs as f64, (flips as f64 + 0.5) / inputs as f64);
            let theory = theory_franz_parisi(activation, alpha, d);
            println!(
                "{name}, N = {inputs}, P = {count}, d = {d:.3}: S(d) - H(d) = {:.5} ± {:.5}, theory \
                 {theory:.5}",
                found.mean, found.error
            );
            (inputs as f64, Estimate { mean: found.mean - theory, ..found })
        })
        .collect();
    let found = limit(&differences);
    println!("{name}, N to infinity: difference {:.5} ± {:.5}", found.mean, found.error);
    assert!(found.mean.abs() < 4.0 * found.error + allowance, "{name}: {found:?}");
}

#[test]
fn franz_parisi_at_middle_distances() {
    // K = 1: the theory has no finite-K error.
    check_franz_parisi((1, Activation::Identity), &[(15, 5, 5), (21, 7, 7)], 150, 0.01);
}

#[test]
#[ignore = "minutes: make validate"]
fn franz_parisi_at_middle_distances_long() {
    let perceptron = (1, Activation::Identity);
    check_franz_parisi(perceptron, &[(15, 5, 3), (21, 7, 4), (27, 9, 5)], 400, 0.004);
    check_franz_parisi(perceptron, &[(15, 5, 5), (21, 7, 7), (27, 9, 9)], 400, 0.004);
    // Finite K against K → ∞.
    check_franz_parisi((5, Activation::Sign), &[(15, 5, 5), (25, 8, 8)], 400, 0.02);
}

/// Mean ε(η) of typical solutions by replica exchange.
fn robustness(
    (inputs, hidden, activation): (usize, usize, Activation),
    count: usize,
    rates: &[f64],
    samples: u64,
) -> Vec<Estimate> {
    let spec = SolverSpec::Tempering(tempering::Params { solutions: 1, ..Default::default() });
    let noise = InputNoise { rates: rates.to_vec(), trials: 50 };
    let mut values = vec![Vec::new(); rates.len()];
    for sample in 0..samples {
        let instance = Arc::new(instance(inputs, hidden, activation, count, sample));
        let mut solver = Repeated::new(&spec, Arc::clone(&instance), 1);
        let finished = loop {
            if let Some(finished) = solver.epoch() {
                break finished;
            }
        };
        assert!(finished.solved, "a typical solution within the sweeps");
        let solution = Solution {
            instance: &instance,
            weights: &finished.weights,
            replicas: &[],
            center: None,
            independent: &[],
            solver: 0,
        };
        let Value::Vector(measured) = &noise.measure(&solution)[0] else { panic!("no values") };
        values.iter_mut().zip(measured).for_each(|(values, &x)| values.push(x));
    }
    values.iter().map(|values| estimate(values)).collect()
}

fn check_robustness(
    (inputs, hidden, activation): (usize, usize, Activation),
    count: usize,
    samples: u64,
    allowance: f64,
) {
    let rates = [0.05, 0.1, 0.2];
    let found = robustness((inputs, hidden, activation), count, &rates, samples);
    let model = Model::new(WeightKind::Binary, activation, 0.0, Hidden::Infinite).expect("valid");
    let alpha = count as f64 / inputs as f64;
    let reference = Reference::new(&model, "robustness", alpha).expect("below capacity");
    for (rate, found) in rates.into_iter().zip(found) {
        let theory = typical(&reference, rate).expect("a rate");
        println!(
            "{} N = {inputs}, K = {hidden}, alpha = {alpha:.3}: e({rate}) = {:.5} ± {:.5}, theory \
             {theory:.5}",
            activation.name(),
            found.mean,
            found.error
        );
        let allowed = 4.0 * found.error + allowance;
        assert!((found.mean - theory).abs() < allowed, "e({rate}): {found:?}, theory {theory}");
    }
}

#[test]
fn robustness_of_typical_solutions() {
    check_robustness((201, 1, Activation::Identity), 60, 8, 0.005);
}

#[test]
#[ignore = "minutes: make validate"]
fn robustness_of_typical_solutions_long() {
    check_robustness((201, 1, Activation::Identity), 60, 60, 0.004);
    check_robustness((495, 15, Activation::Sign), 99, 20, 0.03);
    check_robustness((496, 16, Activation::Relu), 99, 20, 0.03);
}
