//! Momentum steps on the sphere.

use super::*;

/// The definition in f64, and the same bits from every instruction set; padding stays zero.
fn check_momentum_step(n: usize, units: usize) {
    let stride = n.next_multiple_of(8);
    let mut stream = stream(&[n as u64, units as u64]);
    let mut random = |scale: f64| -> Vec<f32> {
        let entry = |at: usize, x: f64| if at % stride < n { (scale * x) as f32 } else { 0.0 };
        (0..units * stride).map(|at| entry(at, stream.normal())).collect()
    };
    let (w, v, g) = (random(1.0), random(0.7), random(0.4));
    let step = Momentum { n, stride, momentum: 0.8, eta: 0.3 };
    let run = |isa| {
        let (mut w, mut v) = (w.clone(), v.clone());
        momentum_step(isa, step, &g, &mut v, &mut w);
        (w, v)
    };
    let (weights, velocity) = run(Isa::SCALAR);
    every_isa(|isa| assert_eq!(run(isa), (weights.clone(), velocity.clone()), "{isa:?}"));
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    for unit in 0..units {
        let real = |x: &[f32]| -> Vec<f64> {
            x[unit * stride..][..stride].iter().map(|&x| f64::from(x)).collect()
        };
        let (w, v, g) = (real(&w), real(&v), real(&g));
        let raw: Vec<f64> = v.iter().zip(&g).map(|(v, g)| 0.8 * v + g).collect();
        let along = dot(&raw, &w) / dot(&w, &w);
        let v: Vec<f64> = raw.iter().zip(&w).map(|(v, w)| v - along * w).collect();
        let moved: Vec<f64> = w.iter().zip(&v).map(|(w, v)| w + 0.3 * v).collect();
        let scale = (n as f64 / dot(&moved, &moved)).sqrt();
        for (i, (&found, moved)) in real(&weights).iter().zip(&moved).enumerate() {
            let expected = scale * moved;
            assert!((found - expected).abs() < 1e-5, "n {n}, W {i}: {found} for {expected}");
        }
        for (i, (&found, expected)) in real(&velocity).iter().zip(&v).enumerate() {
            assert!((found - expected).abs() < 1e-5, "n {n}, V {i}: {found} for {expected}");
        }
        assert!(weights[unit * stride..][n..stride].iter().all(|&w| w == 0.0));
    }
}

#[test]
fn momentum_steps_at_all_lengths() {
    // From n = 2 on: on a sphere of one entry nothing moves.
    for n in 2..=4 * 8 + 1 {
        check_momentum_step(n, 1 + n % 5);
    }
    for units in 1..=17 {
        check_momentum_step(67, units);
    }
    check_momentum_step(1001, 3);
}
