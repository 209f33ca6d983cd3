//! Enumeration and typical solutions against theory, within a stated finite-size error or after
//! taking out what of it is known exactly. The long ones (`make validate`) print their figures.

use reluscape::exact::Enumeration;
use reluscape::model::{Activation, Architecture, Storage, WeightKind, Weights};
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
use std::collections::BTreeMap;
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

/// Over samples: ln E Z − ln Z with the exact E Z = 2^N p^P (whose p has the finite-n ties in it),
/// and r = Z/E Z, whose mean is 1: for that reason b(r − 1), b by regression, takes most of the spread
/// out of the former without touching its mean (a control variate).
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
        let ratio = (solutions.ln() - annealed).exp();
        ratios.push(ratio);
        if solutions > 0.0 {
            deficits.push((annealed - solutions.ln(), ratio));
        }
    }
    // Clashing patterns have probability ~2^−n and leave a sample without solutions; the mean is over
    // the others, and differs from that of r = 1 by no more than their share.
    assert!(deficits.len() as u64 >= samples * 98 / 100, "few samples without solutions");
    let (mut covariance, mut variance) = (0.0, 0.0);
    let count = deficits.len() as f64;
    let mean_deficit = deficits.iter().map(|d| d.0).sum::<f64>() / count;
    let mean_ratio = deficits.iter().map(|d| d.1).sum::<f64>() / count;
    for (deficit, ratio) in &deficits {
        covariance += (deficit - mean_deficit) * (ratio - mean_ratio);
        variance += (ratio - mean_ratio) * (ratio - mean_ratio);
    }
    let slope = covariance / variance;
    let controlled: Vec<f64> = deficits.iter().map(|(d, r)| d - slope * (r - 1.0)).collect();
    (estimate(&controlled), estimate(&ratios))
}

/// Joint laws of two real numbers, by value.
type Law = BTreeMap<(i64, i64), f64>;

/// Of (Σ g, Σ g) for two patterns over `units` units of n inputs, for every way in which the patterns
/// agree: (probability of that way, law).
fn laws(units: usize, n: usize, activation: Activation) -> Vec<(f64, Law)> {
    let choose = |n: usize, k: usize| (0..k).fold(1.0, |b, i| b * (n - i) as f64 / (i + 1) as f64);
    let g = |h: i64| if activation == Activation::Sign { h.signum() } else { h.max(0) };
    // One unit, the patterns agreeing in `same` inputs: h = x + y, h' = x − y.
    let unit = |same: usize| {
        let mut law = Law::new();
        for (i, j) in (0..=same).flat_map(|i| (0..=n - same).map(move |j| (i, j))) {
            let (x, y) = (2 * i as i64 - same as i64, 2 * j as i64 - (n - same) as i64);
            let weight = choose(same, i) * choose(n - same, j) * 0.5f64.powi(n as i32);
            *law.entry((g(x + y), g(x - y))).or_default() += weight;
        }
        law
    };
    let single: Vec<Law> = (0..=n).map(unit).collect();
    // Units are alike: ascending numbers of agreeing inputs stand for all their orders.
    let mut all = vec![(0, 1, 1.0, Law::from([((0, 0), 1.0)]))];
    for placed in 1..=units {
        let mut next = Vec::new();
        for (last, repeated, weight, law) in &all {
            for (same, unit) in single.iter().enumerate().skip(*last) {
                let repeated = if same == *last && placed > 1 { repeated + 1 } else { 1 };
                let orders = placed as f64 / f64::from(repeated);
                let weight = weight * orders * choose(n, same) * 0.5f64.powi(n as i32);
                let mut sum = Law::new();
                for (&(a, b), p) in law {
                    for (&(c, d), q) in unit {
                        *sum.entry((a + c, b + d)).or_default() += p * q;
                    }
                }
                next.push((same, repeated, weight, sum));
            }
        }
        all = next;
    }
    all.into_iter().map(|(_, _, weight, law)| (weight, law)).collect()
}

/// E[ln E Z − ln Z] of two patterns, exactly, at finite n: −ln(P(both stored)/p²) averaged over how
/// they agree. A machine's fields before them are sums of the same ±1 whatever its weights.
fn pair_deficit(hidden: usize, n: usize, activation: Activation) -> f64 {
    let (positive, negative) = match activation {
        Activation::Sign => (laws(hidden, n, activation), vec![(1.0, Law::from([((0, 0), 1.0)]))]),
        _ => (laws(hidden / 2, n, activation), laws(hidden / 2, n, activation)),
    };
    let (mut stored, mut pairs) = (0.0, Vec::new());
    for (weight_up, up) in &positive {
        for (weight_down, down) in &negative {
            // The second label is the first one, or the other.
            let mut both = [0.0; 2];
            for (&(u, v), p) in up {
                for (&(x, y), q) in down {
                    if u > x {
                        both[0] += if v > y { p * q } else { 0.0 };
                        both[1] += if v < y { p * q } else { 0.0 };
                        stored += weight_up * weight_down * p * q;
                    }
                }
            }
            pairs.extend(both.map(|both| (0.5 * weight_up * weight_down, both)));
        }
    }
    let (mut deficit, mut mass) = (0.0, 0.0);
    // Without the pairs that clash, as in the samples.
    for (weight, both) in pairs.into_iter().filter(|pair| pair.1 > 0.0) {
        deficit -= weight * (both / (stored * stored)).ln();
        mass += weight;
    }
    deficit / mass
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

/// ⟨ln Z⟩ against replica theory at finite K, in units of pairs of patterns: the deficit of P
/// patterns over P(P−1)/2 times that of two, which is known exactly at each n, against the theory's
/// over its limit c α² at small α. A finite n has lattice fields, whose ties change the pair's
/// deficit by O(1/√n) (at n = 15 and K = 2 by half); what more patterns do together is left, and differs
/// from n → ∞ by O(1/N). The quotient of both at the last (N, P) must be 1 within four standard errors
/// and `allowance`; E[Z(P)] is checked on the way.
fn check_entropy(
    (hidden, activation): (usize, Activation),
    sizes: &[(usize, usize)],
    samples: u64,
    allowance: f64,
) -> Estimate {
    let name = format!("{} K = {hidden}", activation.name());
    let small = 0.004;
    let limit = theory_deficit(hidden, activation, small) / (small * small);
    let mut last = None;
    for &(inputs, count) in sizes {
        let (deficit, ratio) = deficit((inputs, hidden, activation), count, samples);
        // The power of this is tested with the enumeration itself.
        assert!((ratio.mean - 1.0).abs() < 4.5 * ratio.error, "{name} N = {inputs}: {ratio:?}");
        let pairs = (count * (count - 1)) as f64 / 2.0;
        let unit = pairs * pair_deficit(hidden, inputs / hidden, activation);
        let (found, error) = (deficit.mean / unit, deficit.error / unit);
        let alpha = count as f64 / inputs as f64;
        let theory = theory_deficit(hidden, activation, alpha) / (limit * alpha * alpha);
        println!(
            "{name}, N = {inputs}, P = {count}: ln E Z - <ln Z> = {:.5} ± {:.5}, {found:.4} ± \
             {error:.4} of its pairs, theory {theory:.4}; Z/E Z = {:.3} ± {:.3}",
            deficit.mean, deficit.error, ratio.mean, ratio.error
        );
        last = Some(Estimate { mean: found / theory, error: error / theory });
    }
    let last = last.expect("sizes");
    assert!((last.mean - 1.0).abs() < 4.0 * last.error + allowance, "{name}: {last:?}");
    last
}

/// And its power: held against the pairs of a machine with the next n, which for ReLU has the other
/// ties, the same data fail.
#[test]
fn entropy_is_that_of_the_theory_at_finite_k() {
    for (hidden, activation, (inputs, count), other, samples) in [
        (3, Activation::Sign, (21, 7), 5, 1000),
        (2, Activation::Relu, (22, 5), 12, 1500),
        (4, Activation::Relu, (20, 5), 4, 400),
    ] {
        let found = check_entropy((hidden, activation), &[(inputs, count)], samples, 0.05);
        let broken = pair_deficit(hidden, inputs / hidden, activation)
            / pair_deficit(hidden, other, activation);
        let off = (broken * found.mean - 1.0).abs();
        assert!(off > 4.0 * broken * found.error + 0.05, "no power: {broken} {found:?}");
    }
}

#[test]
fn two_patterns_have_their_exact_entropy() {
    // The exact deficit of two patterns is what two patterns have.
    for (inputs, hidden, activation) in
        [(18, 2, Activation::Relu), (12, 4, Activation::Relu), (15, 3, Activation::Sign)]
    {
        let (found, _) = deficit((inputs, hidden, activation), 2, 2000);
        let exact = pair_deficit(hidden, inputs / hidden, activation);
        let error = (found.mean - exact) / found.error;
        assert!(error.abs() < 4.5, "{activation:?} {inputs}/{hidden}: {found:?} {exact}");
        assert!(found.error < 0.05 * exact, "the comparison means something: {found:?}");
    }
    // At n → ∞ it is the theory's limit at small α, P(P−1)/2 pairs making N c α². Three n give the
    // constant of a + b/√n + c/n, whose next order is some per cent at these n.
    let point =
        |n: usize| (1.0 / (n as f64).sqrt(), 2.0 * n as f64 * pair_deficit(2, n, Activation::Relu));
    let points = [13, 21, 45].map(point);
    let limit = 2.0 * theory_deficit(2, Activation::Relu, 0.004) / (0.004 * 0.004);
    let mut extrapolated = 0.0;
    for (i, &(x, y)) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|(j, _)| *j != i);
        extrapolated += y * others.map(|(_, &(z, _))| z / (z - x)).product::<f64>();
    }
    println!("two patterns, n to infinity: {extrapolated:.4}, theory {limit:.4}");
    assert!((extrapolated / limit - 1.0).abs() < 0.06, "{extrapolated} {limit}");
}

#[test]
#[ignore = "minutes: make validate"]
fn entropy_is_that_of_the_theory_at_finite_k_long() {
    // The allowances are for what N = 28 still differs from N → ∞.
    let mut found = vec![
        check_entropy((3, Activation::Sign), &[(21, 7), (27, 9)], 3000, 0.04),
        check_entropy((2, Activation::Relu), &[(14, 3), (22, 5), (26, 7)], 3000, 0.04),
        check_entropy((4, Activation::Relu), &[(20, 5), (28, 7)], 2500, 0.04),
    ];
    // Power: a deficit of pairs alone, which three and more patterns would have if independent, is
    // excluded at a larger load.
    found.push(check_entropy((2, Activation::Relu), &[(26, 8)], 5000, 0.04));
    let alpha = 8.0 / 26.0;
    let limit = theory_deficit(2, Activation::Relu, 0.004) / (0.004 * 0.004);
    let theory = theory_deficit(2, Activation::Relu, alpha) / (limit * alpha * alpha);
    let last = found.last().expect("four");
    assert!(1.0 - 1.0 / theory > 4.0 * last.error + 0.04, "no power: {last:?} against {theory}");
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

/// Mean ε(η) of typical solutions by replica exchange, over `draws` of them a sample.
fn robustness(
    (inputs, hidden, activation): (usize, usize, Activation),
    count: usize,
    noise: &InputNoise,
    (samples, draws): (u64, usize),
) -> Vec<Estimate> {
    let params = tempering::Params { solutions: draws, spacing: 100, ..Default::default() };
    let spec = SolverSpec::Tempering(params);
    let mut values = vec![Vec::new(); noise.rates.len()];
    for sample in 0..samples {
        let instance = Arc::new(instance(inputs, hidden, activation, count, sample));
        let mut solver = Repeated::new(spec.method(), Arc::clone(&instance), 1);
        let finished = loop {
            if let Some(finished) = solver.epoch() {
                break finished;
            }
        };
        assert!(finished.solved, "a typical solution within the sweeps");
        let mut sums = vec![0.0; noise.rates.len()];
        for weights in &finished.replicas {
            let measured = lost(noise, &instance, weights);
            sums.iter_mut().zip(measured).for_each(|(sum, x)| *sum += x);
        }
        let count = finished.replicas.len() as f64;
        values.iter_mut().zip(sums).for_each(|(values, sum)| values.push(sum / count));
    }
    values.iter().map(|values| estimate(values)).collect()
}

/// ε(η) of one solution.
fn lost(noise: &InputNoise, instance: &Instance, weights: &Weights) -> Vec<f64> {
    let (replicas, center, independent, solver) = (&[][..], None, &[][..], 0);
    let solution = Solution { instance, weights, replicas, center, independent, solver };
    let Value::Vector(measured) = &noise.measure(&solution)[0] else { panic!("no values") };
    measured.clone()
}

/// ε(η) at α → 0, where a typical solution is a random machine before patterns of its own labels, at
/// this N and K: the patterns that a random machine stores by chance, half of them or less. Its own
/// error is below 0.001.
fn unloaded(
    (inputs, hidden, activation): (usize, usize, Activation),
    noise: &InputNoise,
) -> Vec<f64> {
    let many = instance(inputs, hidden, activation, 400_000, 77);
    let mut stream = Stream::new(2, Purpose::Test, &[inputs as u64]);
    let weights = Weights::random_binary(many.storage.architecture(), &mut stream);
    lost(&InputNoise { rates: noise.rates.clone(), trials: 2 }, &many, &weights)
}

/// ε(η) of typical solutions against theory, whose error of finite N and K is taken at α → 0: at
/// `allowance` it leaves what that error changes with α.
fn check_robustness(
    machine: (usize, usize, Activation),
    count: usize,
    runs: (u64, usize),
    allowance: f64,
) {
    let (inputs, hidden, activation) = machine;
    let noise = InputNoise { rates: vec![0.02, 0.05, 0.1, 0.2], trials: 20 };
    let found = robustness(machine, count, &noise, runs);
    let unloaded = unloaded(machine, &noise);
    let model = Model::new(WeightKind::Binary, activation, 0.0, Hidden::Infinite).expect("valid");
    let alpha = count as f64 / inputs as f64;
    let reference = |alpha| Reference::new(&model, "robustness", alpha).expect("below capacity");
    let (loaded, empty) = (reference(alpha), reference(1e-4));
    for ((&rate, found), unloaded) in noise.rates.iter().zip(found).zip(unloaded) {
        let theory = typical(&loaded, rate).expect("a rate");
        let shift = unloaded - typical(&empty, rate).expect("a rate");
        println!(
            "{} N = {inputs}, K = {hidden}, alpha = {alpha:.3}: e({rate}) = {:.5} ± {:.5}, theory \
             {theory:.5}, of this size {:.5}",
            activation.name(),
            found.mean,
            found.error,
            theory + shift
        );
        let allowed = 4.0 * found.error + allowance;
        let expected = theory + shift;
        assert!((found.mean - expected).abs() < allowed, "e({rate}): {found:?}, {expected}");
    }
}

#[test]
fn robustness_of_typical_solutions() {
    check_robustness((201, 1, Activation::Identity), 60, (8, 4), 0.005);
}

#[test]
#[ignore = "minutes: make validate"]
fn robustness_of_typical_solutions_long() {
    check_robustness((201, 1, Activation::Identity), 60, (40, 10), 0.003);
    check_robustness((495, 15, Activation::Sign), 99, (16, 20), 0.005);
    check_robustness((496, 16, Activation::Relu), 99, (16, 20), 0.005);
}
