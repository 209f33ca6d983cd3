//! The least-action rule against a slow reference, step by step.

use super::*;
use crate::rng::Stream;

/// The published rule on nested vectors, with nothing packed, kept or incremental.
struct Reference<'a> {
    instance: &'a Instance,
    fields: Vec<Vec<f32>>,
    orders: Vec<Vec<usize>>,
    streams: Vec<Stream>,
    turns: Vec<usize>,
    stream: Stream,
    epoch: u64,
}

impl<'a> Reference<'a> {
    fn new(instance: &'a Instance, replicas: usize) -> Self {
        let architecture = instance.storage.architecture();
        let mut stream = instance.solver_stream(TAG, 0);
        let start = Weights::random_binary(architecture, &mut stream).signs(architecture).unwrap();
        Self {
            instance,
            fields: vec![start.iter().map(|&w| f32::from(w)).collect(); replicas],
            orders: vec![(0..instance.patterns.count()).collect(); replicas],
            streams: (0..replicas).map(|r| instance.solver_stream(TAG, r as u64 + 1)).collect(),
            turns: (0..replicas).collect(),
            stream,
            epoch: 0,
        }
    }

    fn sign(h: f32) -> f32 {
        if h < 0.0 { -1.0 } else { 1.0 }
    }

    /// One epoch with least action; returns the units chosen, in order.
    fn epoch(&mut self, batch: usize, formula: Formula, farthest: bool) -> Vec<usize> {
        let architecture = self.instance.storage.architecture();
        let (hidden, n) = (architecture.hidden(), architecture.unit_inputs());
        let patterns = &self.instance.patterns;
        let entry = |mu: usize, unit: usize, i: usize| match architecture.connectivity() {
            Connectivity::Tree => patterns.entry(mu, unit * n + i),
            Connectivity::Full => patterns.entry(mu, i),
        };
        let gamma = 0.05 + 0.001 * self.epoch as f64;
        let replicas = self.fields.len();
        let mut chosen = Vec::new();
        for (order, stream) in self.orders.iter_mut().zip(&mut self.streams) {
            stream.shuffle(order);
        }
        for start in (0..patterns.count()).step_by(batch) {
            self.stream.shuffle(&mut self.turns);
            for &r in &self.turns {
                let sums: Vec<f32> = (0..n * hidden)
                    .map(|i| self.fields.iter().map(|h| Self::sign(h[i])).sum())
                    .collect();
                let frozen: Vec<f32> = self.fields[r].iter().map(|&h| Self::sign(h)).collect();
                let end = (start + batch).min(patterns.count());
                let mut corrections = vec![0.0f32; n * hidden];
                for &mu in &self.orders[r][start..end] {
                    let sigma = patterns.label(mu);
                    let h: Vec<i32> = (0..hidden)
                        .map(|l| {
                            (0..n).map(|i| frozen[l * n + i] as i32 * entry(mu, l, i)).sum::<i32>()
                        })
                        .collect();
                    let votes: i32 = h.iter().map(|h| sigma * h.signum()).sum();
                    if votes > 0 {
                        continue;
                    }
                    let mut wrong: Vec<usize> =
                        (0..hidden).filter(|&l| sigma * h[l] <= 0).collect();
                    wrong.sort_by_key(|&l| if farthest { -h[l].abs() } else { h[l].abs() });
                    // The fewest changes that bring Σσ τ from `votes` to at least 1.
                    let mut need = 0;
                    while votes + 2 * need < 1 {
                        need += 1;
                    }
                    for &l in wrong.iter().take(need as usize) {
                        chosen.push(l);
                        for i in 0..n {
                            corrections[l * n + i] += (sigma * entry(mu, l, i)) as f32;
                        }
                    }
                }
                for (i, (h, &s)) in self.fields[r].iter_mut().zip(&sums).enumerate() {
                    *h += 2.0 * corrections[i];
                    let (y, s) = (replicas as f64, f64::from(s));
                    let (first, own) = match formula {
                        Formula::Hard => ((gamma * s).clamp(-1.0, 1.0), 1.0),
                        Formula::Continuous => (s / y, 1.0),
                        Formula::Simple => (libm::tanh(gamma * s), 1.0),
                        _ => (libm::tanh(gamma * s), libm::tanh(gamma * y)),
                    };
                    *h += (0.75 * first) as f32 - (0.75 * own) as f32 * Self::sign(*h);
                }
            }
        }
        self.epoch += 1;
        chosen
    }
}

/// All hidden weights of every replica agree bit by bit with the reference after each epoch.
#[test]
fn least_action_follows_the_reference_step_by_step() {
    for (connectivity, shape, count, batch) in [
        (Connectivity::Full, (5 * 67, 5), 130, 17),
        (Connectivity::Tree, (7 * 63, 7), 130, 17),
        // Even n and even K: ties of a unit and of the vote.
        (Connectivity::Tree, (4 * 66, 4), 130, 17),
        // More corrections of a unit in a mini-batch than a byte counts.
        (Connectivity::Tree, (67, 1), 700, 700),
        // More replicas than a register has pulls for.
        (Connectivity::Tree, (5 * 67, 5), 60, 17),
    ] {
        let replicas = if count == 60 { 9 } else { 3 };
        for formula in [Formula::Hard, Formula::Simple, Formula::Corrected, Formula::Continuous] {
            let instance = instance(Activation::Sign, connectivity, shape, count, 4);
            let params = Params {
                formula: Some(formula),
                replicas: Some(replicas),
                batch: Some(batch),
                ..Params::default()
            };
            let mut solver = Rsgd::new(instance.clone(), &params);
            let mut reference = Reference::new(&instance, replicas);
            let mut wrong_choice = Reference::new(&instance, replicas);
            for _ in 0..5 {
                let _ = solver.epoch();
                let chosen = reference.epoch(batch, formula, false);
                assert!(!chosen.is_empty());
                assert!(count < 700 || chosen.len() > 3 * 127);
                wrong_choice.epoch(batch, formula, true);
                for r in 0..replicas {
                    assert_eq!(unpadded(&solver, r), reference.fields[r], "{formula:?}");
                }
            }
            if shape.1 > 1 {
                // Power: the farthest units instead of the nearest lead elsewhere.
                assert_ne!(unpadded(&solver, 0), wrong_choice.fields[0]);
            }
        }
    }
}
