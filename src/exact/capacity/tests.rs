//! Enumeration against loops over [`Storage::is_stored`], and its own contracts.

use super::*;
use crate::exact::density;
use crate::model::{Activation, Architecture, Connectivity};
use crate::rng::Purpose;

/// Machines of every shape of block and middle: several units inside, one unit cut, all of it.
fn cases() -> Vec<(usize, usize, Activation, f64)> {
    use Activation::*;
    vec![
        (10, 1, Identity, 0.0),
        (9, 3, Sign, 0.0),
        (10, 5, Sign, 0.3),
        (12, 4, Sign, -0.4),
        (8, 8, Relu, 0.0),
        (12, 6, Relu, 0.1),
        (12, 4, Relu, 0.0),
        (12, 2, Relu, -0.3),
        (10, 2, Quadratic, 0.0),
        (12, 4, Abs, 0.2),
        (10, 1, Tanh, 0.1),
        (9, 3, Erf { scale: 1.5 }, 0.0),
        (12, 2, Gelu, 0.0),
        (12, 6, LeakyRelu { slope: 0.1 }, 0.05),
    ]
}

/// Z(P), g(E) and the list of solutions, machine by machine with the plain evaluator.
fn brute_force(storage: &Storage, patterns: &Patterns) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    let architecture = storage.architecture();
    let (inputs, count) = (architecture.inputs(), patterns.count());
    let (mut solutions, mut density, mut list) =
        (vec![0; count + 1], vec![0; count + 1], Vec::new());
    for machine in 0..1u64 << inputs {
        let signs: Vec<i8> = (0..inputs).map(|i| 1 - 2 * (machine >> i & 1) as i8).collect();
        let weights = crate::model::Weights::from_signs(architecture, &signs).unwrap();
        let stored: Vec<bool> =
            (0..count).map(|mu| storage.is_stored(patterns, &weights, mu)).collect();
        let first_lost = stored.iter().position(|&s| !s).unwrap_or(count);
        solutions[..=first_lost].iter_mut().for_each(|z| *z += 1);
        density[stored.iter().filter(|&&s| !s).count()] += 1;
        if first_lost == count {
            list.push(machine);
        }
    }
    (solutions, density, list)
}

#[test]
fn agrees_with_the_plain_evaluator() {
    for (inputs, hidden, activation, kappa) in cases() {
        for connectivity in [Connectivity::Tree, Connectivity::Full] {
            let architecture = Architecture::new(inputs, hidden, connectivity).unwrap();
            let storage = Storage::new(architecture, activation, kappa);
            let patterns = Patterns::random(architecture, inputs, 17, hidden as u64);
            let (solutions, density, list) = brute_force(&storage, &patterns);
            for (block, middle) in [(11, 10), (3, 2), (1, 1), (4, 6), (7, 3)] {
                let space = MachineSpace::new(&storage, &patterns).unwrap();
                let blocks = Blocks::with_sizes(space, block, middle);
                let name =
                    format!("{activation:?} {inputs}/{hidden} {connectivity:?} {block} {middle}");
                assert_eq!(density::of_blocks(blocks.clone()), density, "{name}");
                let mut enumeration = Enumeration::from_blocks(blocks);
                assert_eq!(enumeration.complete(), solutions, "{name}");
                let mut found = Vec::new();
                enumeration.for_each_solution(|machine| found.push(machine));
                found.sort_unstable();
                assert_eq!(found, list, "{name}");
                let storage = solutions.iter().rposition(|&z| z > 0).unwrap();
                assert_eq!(enumeration.storage(), storage);
                let deepest = enumeration.deepest();
                assert!((0..storage).all(|mu| enumeration.space().stores(deepest, mu)));
            }
        }
    }
}

/// The sizes that users meet, where block, middle and prefix all have their default shape.
#[test]
fn default_sizes_agree_with_other_splits() {
    for (inputs, hidden, activation) in [
        (24, 2, Activation::Relu),
        (24, 1, Activation::Identity),
        (27, 3, Activation::Sign),
        (24, 4, Activation::Relu),
        (26, 2, Activation::Quadratic),
    ] {
        let architecture = Architecture::tree(inputs, hidden).unwrap();
        let storage = Storage::new(architecture, activation, 0.0);
        let patterns = Patterns::random(architecture, inputs + 10, 5, 2);
        let mut default = Enumeration::new(&storage, &patterns).unwrap();
        let other = MachineSpace::new(&storage, &patterns).unwrap();
        let mut other = Enumeration::from_blocks(Blocks::with_sizes(other, 9, 7));
        assert_eq!(default.complete(), other.complete(), "{activation:?} {inputs} {hidden}");
        assert_eq!(default.counts().solutions[0], 1 << inputs);
    }
}

#[test]
fn stopping_and_going_on_changes_nothing() {
    let architecture = Architecture::tree(20, 2).unwrap();
    let storage = Storage::new(architecture, Activation::Relu, 0.0);
    let patterns = Patterns::random(architecture, 8, 1, 4);
    let new = || {
        let space = MachineSpace::new(&storage, &patterns).unwrap();
        let mut enumeration = Enumeration::from_blocks(Blocks::with_sizes(space, 7, 5));
        enumeration.chunk_bits = 15;
        enumeration
    };
    let mut whole = new();
    whole.complete();
    assert_eq!(whole.chunks(), 32);
    let mut counts = new().counts().clone();
    for _ in 0..32 {
        let mut part = new();
        part.resume(counts).unwrap();
        part.advance();
        counts = part.counts().clone();
    }
    assert_eq!(&counts, whole.counts());
    assert!(new().resume(Counts::default()).is_err());
    // Draws do not depend on the chunks either.
    let mut single = new();
    single.chunk_bits = 20;
    single.complete();
    let stream = || Stream::new(1, Purpose::Test, &[7]);
    assert_eq!(whole.sample(50, &mut stream()), single.sample(50, &mut stream()));
}

#[test]
fn drawn_solutions_are_uniform() {
    let architecture = Architecture::tree(15, 3).unwrap();
    let storage = Storage::new(architecture, Activation::Sign, 0.0);
    let patterns = Patterns::random(architecture, 9, 8, 0);
    let mut enumeration = Enumeration::new(&storage, &patterns).unwrap();
    let total = *enumeration.complete().last().unwrap();
    assert!((20..400).contains(&total), "{total}");
    let mut counts = std::collections::BTreeMap::new();
    enumeration.for_each_solution(|machine| assert!(counts.insert(machine, 0u32).is_none()));
    let draws = 100 * total;
    for machine in enumeration.sample(draws as usize, &mut Stream::new(1, Purpose::Test, &[])) {
        *counts.get_mut(&machine).expect("a drawn machine is a solution") += 1;
    }
    // chi² with Z − 1 degrees of freedom: five standard deviations. Leaving out one solution or
    // drawing one twice as often would add 100.
    let chi2: f64 = counts.values().map(|&c| (f64::from(c) - 100.0).powi(2) / 100.0).sum();
    let freedom = (total - 1) as f64;
    assert!((chi2 - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(), "{chi2} for {freedom}");
}

/// P(σΔ > κ) for one machine and one random pattern, from binomial weights alone.
fn stored_probability(
    hidden: usize,
    n: usize,
    value: impl Fn(usize, i64) -> i64,
    least: i64,
) -> f64 {
    let mut distribution = std::collections::BTreeMap::from([(0i64, 1.0f64)]);
    for unit in 0..hidden {
        let mut next = std::collections::BTreeMap::new();
        for (&total, &probability) in &distribution {
            let mut weight = 0.5f64.powi(n as i32);
            for agreeing in 0..=n {
                *next.entry(total + value(unit, 2 * agreeing as i64 - n as i64)).or_default() +=
                    probability * weight;
                weight *= (n - agreeing) as f64 / (agreeing + 1) as f64;
            }
        }
        distribution = next;
    }
    let above: f64 = distribution.range(least..).map(|(_, p)| p).sum();
    let below: f64 = distribution.range(..=-least).map(|(_, p)| p).sum();
    0.5 * (above + below)
}

/// E[Z(P)] = 2^N p^P exactly, at every N: the patterns are independent given the machine.
#[test]
fn mean_number_of_solutions_is_annealed() {
    let relu = |hidden: usize| {
        move |unit: usize, h: i64| if unit < hidden / 2 { h.max(0) } else { -h.max(0) }
    };
    let sign = |_: usize, h: i64| h.signum();
    let cases: [(usize, usize, Activation, f64, f64); 4] = [
        (
            14,
            2,
            Activation::Relu,
            stored_probability(2, 7, relu(2), 1),
            stored_probability(2, 7, relu(2), 0),
        ),
        (
            12,
            4,
            Activation::Relu,
            stored_probability(4, 3, relu(4), 1),
            stored_probability(4, 3, relu(4), 0),
        ),
        (15, 3, Activation::Sign, stored_probability(3, 5, sign, 1), 0.55),
        (
            12,
            3,
            Activation::Sign,
            stored_probability(3, 4, sign, 1),
            stored_probability(3, 4, sign, 0),
        ),
    ];
    assert_eq!(cases[2].3, 0.5);
    for (inputs, hidden, activation, probability, wrong) in cases {
        let architecture = Architecture::tree(inputs, hidden).unwrap();
        let storage = Storage::new(architecture, activation, 0.0);
        let space = MachineSpace::new(&storage, &Patterns::random(architecture, 1, 0, 0)).unwrap();
        let counted = space.stored_fraction().unwrap();
        assert!((counted - probability).abs() < 1e-14, "{counted} {probability}");
        let (samples, count) = (600, 5);
        let mut sums = vec![(0.0, 0.0); count + 1];
        for sample in 0..samples {
            let patterns = Patterns::random(architecture, count, 77, sample);
            let mut enumeration = Enumeration::new(&storage, &patterns).unwrap();
            for (sum, &z) in sums.iter_mut().zip(enumeration.complete()) {
                *sum = (sum.0 + z as f64, sum.1 + (z as f64).powi(2));
            }
        }
        for (p, &(first, second)) in sums.iter().enumerate() {
            let mean = first / samples as f64;
            let error = ((second / samples as f64 - mean * mean) / samples as f64).sqrt();
            let expected = (1u64 << inputs) as f64 * probability.powi(p as i32);
            assert!(
                (mean - expected).abs() <= 4.0 * error + 1e-9,
                "{activation:?} {inputs}/{hidden} P = {p}: {mean} ± {error}, expected {expected}"
            );
        }
        // Power: a wrong p (ties counted as stored) is excluded at P = 5.
        let mean = sums[count].0 / samples as f64;
        let error = (sums[count].1 / samples as f64 - mean * mean).sqrt() / (samples as f64).sqrt();
        let excluded = (1u64 << inputs) as f64 * wrong.powi(count as i32);
        assert!((mean - excluded).abs() > 4.0 * error, "no power: {mean} ± {error}, {excluded}");
    }
}
