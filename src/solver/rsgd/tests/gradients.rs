//! Gradients against finite differences of functions written down from the definition.

use super::*;

/// The correction of one pattern is −√N times the gradient of the cross-entropy over real weights,
/// taken at W = ±1; for ReLU units with the gate's antiderivative, a softplus, inside the chain.
#[test]
fn straight_through_is_the_gradient_of_the_cross_entropy() {
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Tanh,
        Activation::Erf { scale: 0.7 },
        Activation::Gelu,
        Activation::Quadratic,
        Activation::Abs,
        Activation::Identity,
    ] {
        // Odd n: no unit sits on a kink.
        let instance = instance(activation, Connectivity::Tree, (4 * 33, 4), 1, 2);
        let params = Params {
            gradient: Some(Gradient::StraightThrough),
            replicas: Some(1),
            ..Params::default()
        };
        let mut solver = Rsgd::new(instance.clone(), &params);
        let beta = 0.6;
        let weights: Vec<f64> = unpadded(&solver, 0).iter().map(|&w| f64::from(w)).collect();
        let Rsgd { learner, block, forward, machine, state, isa, .. } = &mut solver;
        let Learner::StraightThrough(rule) = learner else { panic!("another rule") };
        rule.set(machine, beta);
        block.gather(*isa, instance.patterns.rows(), &[0]);
        forward.take(machine, words(&mut state.replicas[0].weights));
        let (batch, patterns) = ((&[0][..], &*block), &instance.patterns);
        rule.minibatch(*isa, machine, patterns, (1.0, 0.0), batch, forward);
        let found = |i: usize| f64::from(rule.corrections(machine, i / 33)[i % 33]);
        let g = |x: f64| activation.value(x);
        let softplus = |x: f64| libm::log1p(libm::exp(0.6 * beta * x)) / (0.6 * beta);
        let stability = stability(&instance, &weights, &g);
        let loss = |x: f64| libm::log1p(libm::exp(-2.0 * beta * x)) / (2.0 * beta);
        let step = 1e-4;
        let loss_slope = (loss(stability + step) - loss(stability - step)) / (2.0 * step);
        for i in [0, 32, 33, 70, 131] {
            let at = |shift: f64| {
                let mut moved = weights.clone();
                moved[i] += shift;
                match activation {
                    Activation::Relu => self::stability(&instance, &moved, &softplus),
                    _ => self::stability(&instance, &moved, &g),
                }
            };
            let slope = loss_slope * (at(step) - at(-step)) / (2.0 * step);
            let expected = -(132f64).sqrt() * slope;
            assert!(
                (found(i) - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{activation:?} weight {i}: {} against {expected}",
                found(i)
            );
        }
    }
}

/// λ_l of pattern 0 for real weights.
fn field(instance: &Instance, weights: &[f64], unit: usize) -> f64 {
    let n = instance.storage.architecture().unit_inputs();
    let sum: f64 = (unit * n..(unit + 1) * n)
        .map(|i| weights[i] * f64::from(instance.patterns.entry(0, i)))
        .sum();
    sum / (n as f64).sqrt()
}

/// σΔ of pattern 0 for real weights and hidden units `g`, straight from the definition.
fn stability(instance: &Instance, weights: &[f64], g: &dyn Fn(f64) -> f64) -> f64 {
    let hidden = instance.storage.architecture().hidden();
    let readout = |l| f64::from(instance.storage.activation().readout(l, hidden));
    let delta: f64 = (0..hidden).map(|l| readout(l) * g(field(instance, weights, l))).sum();
    f64::from(instance.patterns.label(0)) * delta / (hidden as f64).sqrt()
}

/// Φ in f64.
fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// ln P(pattern 0 is stored) for random weights with means `m`, λ_l Gaussian: sign by listing all
/// votes, the others by the Gaussian law of the output with moments by the midpoint rule.
fn log_probability(instance: &Instance, m: &[f64]) -> f64 {
    let (activation, sigma) =
        (instance.storage.activation(), f64::from(instance.patterns.label(0)));
    let (hidden, n) =
        (instance.storage.architecture().hidden(), instance.storage.architecture().unit_inputs());
    let omega: Vec<f64> = (0..hidden).map(|l| field(instance, m, l)).collect();
    let deviation: Vec<f64> = m
        .chunks_exact(n)
        .map(|m| (1.0 - m.iter().map(|m| m * m).sum::<f64>() / n as f64).sqrt())
        .collect();
    if activation == Activation::Sign {
        let right: Vec<f64> = (0..hidden).map(|l| cdf(sigma * omega[l] / deviation[l])).collect();
        let z: f64 = (0..1u32 << hidden)
            .filter(|votes| 2 * votes.count_ones() as usize > hidden)
            .map(|votes| -> f64 {
                (0..hidden)
                    .map(|l| if votes >> l & 1 == 1 { right[l] } else { 1.0 - right[l] })
                    .product()
            })
            .sum();
        return libm::log(z);
    }
    let (mut mean, mut variance) = (0.0, 0.0);
    for l in 0..hidden {
        let (mut norm, mut first, mut second) = (0.0, 0.0, 0.0);
        // Both sides of the kink at λ = 0.
        let kink = -omega[l] / deviation[l];
        for (from, to) in [(-9.0, kink), (kink, 9.0)] {
            let step = (to - from) / 4000.0;
            for k in 0..4000 {
                let z = from + (f64::from(k) + 0.5) * step;
                let weight = libm::exp(-0.5 * z * z) * step;
                let g = activation.value(omega[l] + deviation[l] * z);
                norm += weight;
                first += weight * g;
                second += weight * g * g;
            }
        }
        mean += f64::from(activation.readout(l, hidden)) * first / norm;
        variance += second / norm - (first / norm) * (first / norm);
    }
    // n odd: ReLU totals are integers, identity totals even; the threshold lies half way to 0.
    let threshold = match activation {
        Activation::Relu => 0.5 / (n as f64).sqrt(),
        Activation::Identity => 1.0 / (n as f64).sqrt(),
        _ => 0.0,
    };
    libm::log(cdf((sigma * mean - threshold) / variance.sqrt()))
}

#[test]
fn mean_field_is_the_gradient_of_the_log_probability() {
    for (activation, hidden) in [
        (Activation::Relu, 4),
        (Activation::LeakyRelu { slope: 0.2 }, 4),
        (Activation::Abs, 4),
        (Activation::Quadratic, 2),
        (Activation::Identity, 4),
        (Activation::Tanh, 3),
        (Activation::Gelu, 4),
        (Activation::Sign, 5),
    ] {
        let instance = instance(activation, Connectivity::Tree, (hidden * 33, hidden), 1, 2);
        let params =
            Params { gradient: Some(Gradient::MeanField), replicas: Some(1), ..Params::default() };
        let mut solver = Rsgd::new(instance.clone(), &params);
        let mut stream = instance.stream(crate::rng::Purpose::Test, 0, 0);
        let Rsgd { learner, machine, state, isa, .. } = &mut solver;
        let fields = &mut state.replicas[0].fields;
        fields.iter_mut().for_each(|h| *h = (0.6 * stream.normal()) as f32);
        let Learner::MeanField(rule) = learner else { panic!("another rule") };
        rule.set(1.0);
        rule.minibatch(*isa, machine, &instance.patterns, &[0], fields, 0);
        let means: Vec<f64> = (0..hidden * 33)
            .map(|i| libm::tanh(f64::from(fields[64 * (i / 33) + i % 33])))
            .collect();
        for i in [0, 20, 33, 65] {
            // η n/b = 1.
            let (sums, m, scale, decay) = rule.gradient(machine, i / 33, (1.0 / 33.0, 1));
            let along = f64::from(sums[i % 33]) * f64::from(scale);
            let found = along - f64::from(m[i % 33]) * f64::from(decay);
            let step = 1e-4;
            let at = |shift: f64| {
                let mut moved = means.clone();
                moved[i] += shift;
                log_probability(&instance, &moved)
            };
            let expected = (at(step) - at(-step)) / (2.0 * step);
            // f32 inside: a few units of 1e-6 of the terms.
            assert!(
                (found - expected).abs() < 2e-5 * (1.0 + expected.abs()),
                "{activation:?} weight {i}: {found} against {expected}"
            );
            // Power: without the variance term the test fails where it matters.
            if activation == Activation::Relu && i == 0 {
                assert!((along - expected).abs() > 1e-4, "{along} {expected}");
            }
        }
    }
}
