//! Observables of real weights: against exact probabilities, sums over all flips, or by hand.

use super::*;
use crate::model::{Activation, Architecture, Storage, WeightKind};
use crate::record::Value;
use crate::rng::{Purpose, Stream};

fn instance(shape: (usize, usize), activation: Activation, count: usize) -> Instance {
    let storage = Storage::new(Architecture::tree(shape.0, shape.1).unwrap(), activation, 0.0);
    Instance::random(storage, WeightKind::Spherical, count, 3, 1)
}

/// Random weights with Σ_i W_li² = n, in f32.
fn weights(instance: &Instance, key: u64) -> Weights {
    let mut stream = Stream::new(7, Purpose::Test, &[key]);
    let architecture = instance.storage.architecture();
    let mut values: Vec<f32> = (0..architecture.inputs()).map(|_| stream.normal() as f32).collect();
    let n = architecture.unit_inputs();
    for unit in values.chunks_exact_mut(n) {
        let norm2: f32 = unit.iter().map(|w| w * w).sum();
        unit.iter_mut().for_each(|w| *w *= (n as f32 / norm2).sqrt());
    }
    Weights::Spherical(values)
}

fn measured(observable: &dyn Observable, instance: &Instance, weights: &Weights) -> Vec<f64> {
    let solution =
        Solution { instance, weights, replicas: &[], center: None, independent: &[], solver: 0 };
    match &observable.measure(&solution)[0] {
        Value::Vector(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

fn stored(instance: &Instance, weights: &Weights) -> Vec<usize> {
    let patterns = &instance.patterns;
    (0..patterns.count()).filter(|&mu| instance.storage.is_stored(patterns, weights, mu)).collect()
}

/// Perceptron: at overlap p the output is pλ + √(1 − p²)·√(n − λ²)·c with c one coordinate of a uniform
/// direction in n − 1 dimensions, whose density is (1 − c²)^((n−4)/2).
#[test]
fn local_energy_of_a_real_perceptron_is_exact() {
    let n = 40;
    let instance = instance((n, 1), Activation::Identity, 60);
    let weights = weights(&instance, 0);
    let stored = stored(&instance, &weights);
    let exact = |distance: f64| -> f64 {
        let p: f64 = 1.0 - 2.0 * distance;
        let lost = |&mu: &usize| {
            let lambda = instance.storage.output(&instance.patterns, &weights, mu).abs();
            let edge = p * lambda / ((1.0 - p * p) * (n as f64 - lambda * lambda)).sqrt();
            let (mut below, mut all) = (0.0, 0.0);
            for k in 0..20_000 {
                let c = (f64::from(k) + 0.5) / 10_000.0 - 1.0;
                let density = (1.0 - c * c).powf((n as f64 - 4.0) / 2.0);
                all += density;
                if c < -edge {
                    below += density;
                }
            }
            below / all
        };
        stored.iter().map(lost).sum::<f64>() / stored.len() as f64
    };
    let (distances, trials) = (vec![0.02, 0.1, 0.3], 20_001);
    let found =
        measured(&LocalEnergy { distances: distances.clone(), trials }, &instance, &weights);
    // A trial's fraction spreads by less than 1/10: five standard errors. Power: 30 % more is excluded.
    let error = 5.0 * 0.1 / f64::from(trials).sqrt();
    for (found, d) in found.iter().zip(distances) {
        assert!((found - exact(d)).abs() < error, "{d}: {found} {}", exact(d));
        assert!((found - exact(1.3 * d)).abs() > error, "no power at {d}");
    }
}

/// Flipping an input of a pattern is changing the sign of the weight, for that pattern.
#[test]
fn input_noise_of_real_weights_is_the_mean_over_all_flips() {
    for (hidden, activation) in [(3, Activation::Sign), (2, Activation::Relu)] {
        let instance = instance((12, hidden), activation, 20);
        let weights = weights(&instance, 1);
        let (kept, values) =
            (stored(&instance, &weights), weights.values(instance.storage.architecture()));
        let exact = |rate: f64| -> f64 {
            let term = |mask: u32| {
                let moved = values.iter().enumerate();
                let moved = moved.map(|(i, &w)| if mask >> i & 1 == 1 { -w } else { w } as f32);
                let other = stored(&instance, &Weights::Spherical(moved.collect()));
                let lost = kept.iter().filter(|mu| !other.contains(mu)).count();
                let flips = mask.count_ones() as i32;
                rate.powi(flips) * (1.0 - rate).powi(12 - flips) * lost as f64 / kept.len() as f64
            };
            (0..1u32 << 12).map(term).sum()
        };
        let observable = InputNoise { rates: vec![0.05, 0.2], trials: 2000 };
        // 2000 trials of some ten independent patterns.
        let error = 5.0 * 0.5 / 2e4f64.sqrt();
        for (found, rate) in measured(&observable, &instance, &weights).iter().zip([0.05, 0.2]) {
            assert!((found - exact(rate)).abs() < error, "{found} {}", exact(rate));
            assert!((found - exact(1.5 * rate)).abs() > error, "no power");
        }
    }
}

#[test]
fn stabilities_and_overlaps_of_real_weights() {
    let instance = instance((200, 4), Activation::Relu, 300);
    let first = weights(&instance, 2);
    let all: Vec<f64> = (0..300)
        .map(|mu| {
            let output = instance.storage.output(&instance.patterns, &first, mu);
            f64::from(instance.patterns.label(mu)) * output
        })
        .collect();
    let found = measured(&Stability { from: -0.75, to: 1.25, bins: 4 }, &instance, &first);
    for (bin, density) in found.iter().enumerate() {
        let low = -0.75 + 0.5 * bin as f64;
        let inside = all.iter().filter(|x| (low..low + 0.5).contains(*x)).count();
        assert!((density - inside as f64 / 150.0).abs() < 1e-12);
    }
    // q of a pair, mean and least of three.
    let replicas = [first, weights(&instance, 3), weights(&instance, 4)];
    let values = replicas.each_ref().map(|w| w.values(instance.storage.architecture()));
    let q = |a: usize, b: usize| -> f64 {
        values[a].iter().zip(&values[b]).map(|(x, y)| x * y).sum::<f64>() / 200.0
    };
    let pairs = [q(0, 1), q(0, 2), q(1, 2)];
    let solution = Solution {
        instance: &instance,
        weights: &replicas[0],
        replicas: &replicas,
        center: None,
        independent: &[],
        solver: 0,
    };
    let Value::Real(mean) = Overlaps { bins: 4 }.measure(&solution)[0] else { panic!("a number") };
    assert!((mean - pairs.iter().sum::<f64>() / 3.0).abs() < 1e-6, "{mean} {pairs:?}");
}
