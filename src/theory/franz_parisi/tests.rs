use super::*;
use crate::model::activation::Activation;
use crate::theory::model::{Hidden, Model};

fn curve(weights: WeightKind, activation: Activation, kappa: f64, alpha: f64) -> FranzParisi {
    let model = Model::new(weights, activation, kappa, Hidden::Infinite).unwrap();
    FranzParisi::new(Reference::new(&model, "Franz-Parisi entropy", alpha).unwrap())
}

fn points(curve: &FranzParisi, distances: &[f64]) -> Vec<FranzParisiPoint> {
    curve.curve(distances).unwrap().into_iter().map(Outcome::unwrap).collect()
}

/// The documented table, zero crossings and typical distances.
#[test]
fn documented_curves() {
    let distances = [0.01, 0.05, 0.1, 0.2];
    for (activation, alpha, entropies, zero, typical) in [
        (Activation::Relu, 0.4, [0.015173, 0.107815, 0.196662, 0.317077], 0.00395, 0.4050),
        (Activation::Sign, 0.4, [-0.039137, 0.055850, 0.153828, 0.292081], 0.0261, 0.4271),
        (Activation::Relu, 0.6, [-0.010560, 0.051542, 0.117367, 0.205119], 0.0171, 0.3554),
        (Activation::Sign, 0.6, [-0.093933, -0.024403, 0.057809, 0.175991], 0.0639, 0.3953),
        (Activation::Relu, 0.8, [-0.044435, -0.017829, 0.021066, 0.072508], 0.0718, 0.3036),
        (Activation::Sign, 0.8, [-0.155685, -0.111447, -0.045766, 0.051676], 0.1410, 0.3659),
    ] {
        let curve = curve(WeightKind::Binary, activation, 0.0, alpha);
        let points = points(&curve, &distances);
        for (point, expected) in points.iter().zip(entropies) {
            assert!((point.entropy - expected).abs() < 6e-7, "{alpha} {point:?} {expected}");
            assert!(point.error < 1e-8, "{point:?}");
        }
        let crossing = curve.zero_crossing().unwrap().unwrap();
        let digits = if zero < 0.01 { 6e-6 } else { 6e-5 };
        assert!((crossing - zero).abs() < digits, "{crossing} {zero}");
        assert!((curve.reference().typical_distance() - typical).abs() < 6e-5);
    }
}

#[test]
fn documented_order_parameters() {
    for (activation, expected) in [
        (Activation::Relu, [0.675725, 0.201317, 1.339217, 0.226159, 0.305074]),
        (Activation::Sign, [0.670268, 0.158562, 1.291764, 0.171590, 0.249124]),
    ] {
        let point = points(&curve(WeightKind::Binary, activation, 0.0, 0.4), &[0.1])[0];
        let actual = [point.q.value(), point.t, point.p_hat, point.t_hat, point.q_hat];
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 6e-7, "{actual:?} {expected:?}");
        }
    }
}

/// The maximum, at d*, is the replica-symmetric entropy, reached from both sides.
#[test]
fn maximum_is_the_typical_entropy() {
    for (weights, activation, kappa, alpha) in [
        (WeightKind::Binary, Activation::Relu, 0.0, 0.6),
        (WeightKind::Binary, Activation::Sign, 0.2, 0.3),
        (WeightKind::Binary, Activation::Abs, 0.0, 0.5),
        (WeightKind::Spherical, Activation::Relu, 0.0, 0.8),
        (WeightKind::Spherical, Activation::Identity, 0.1, 0.7),
    ] {
        let curve = curve(weights, activation, kappa, alpha);
        let (d, s) = (curve.reference().typical_distance(), curve.reference().point().entropy);
        let points = points(&curve, &[d - 2e-3, d - 5e-4, d, d + 5e-4, d + 2e-3]);
        assert!((points[2].entropy - s).abs() < 1e-10, "{activation:?} {:?} {s}", points[2]);
        for point in &points {
            assert!(point.entropy <= s + 1e-10 && point.entropy > s - 1e-4, "{point:?} {s}");
        }
        // A parabola: four times the offset, sixteen times the fall.
        for (far, near) in [(0, 1), (4, 3)] {
            let ratio = (s - points[far].entropy) / (s - points[near].entropy);
            assert!((ratio - 16.0).abs() < 0.4, "{activation:?} {ratio}");
        }
    }
}

/// Independent of the saddle-point equations: the functional is stationary in (q, t), conjugates
/// eliminated at fixed (q, t) for spherical weights.
#[test]
fn spherical_saddle_is_stationary() {
    for (activation, kappa, alpha, d) in
        [(Activation::Relu, 0.0, 1.0, 0.1), (Activation::Sign, 0.3, 0.6, 0.2)]
    {
        let curve = curve(WeightKind::Spherical, activation, kappa, alpha);
        let point = points(&curve, &[d])[0];
        let value = |x: f64, y: f64| {
            let state = State {
                distance: d,
                q: Overlap::new(point.q.value() + x),
                t: point.t + y,
                p_hat: 0.0,
                trend: [0.0; 3],
            };
            curve.entropy(&curve.fine, &state).unwrap()
        };
        let step = 1e-4;
        for slope in [value(step, 0.0) - value(-step, 0.0), value(0.0, step) - value(0.0, -step)] {
            assert!((slope / (2.0 * step)).abs() < 2e-6, "{activation:?} {slope}");
        }
    }
}

/// α → 0: the entropy of the sphere of weights at distance d, minus the cost of independent
/// patterns at first order.
#[test]
fn small_load() {
    let curve = curve(WeightKind::Binary, Activation::Relu, 0.0, 1e-4);
    for d in [0.05, 0.2, 0.4] {
        let point = points(&curve, &[d])[0];
        let sphere = crate::theory::gaussian::binary_entropy(d);
        assert!(point.entropy < sphere && point.entropy > sphere - 1e-4, "{point:?} {sphere}");
    }
}

/// Every activation, also with q̃ = 0; entropies fall away from d*.
#[test]
fn every_activation() {
    for activation in [
        Activation::Identity,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Erf { scale: 2.0 },
        Activation::Tanh,
        Activation::Gelu,
        Activation::Quadratic,
        Activation::Abs,
    ] {
        let curve = curve(WeightKind::Binary, activation, 0.0, 0.4);
        let points = points(&curve, &[0.3, 0.05, 0.15]);
        let s = curve.reference().point().entropy;
        assert!(points[1].entropy < points[2].entropy && points[2].entropy < points[0].entropy);
        assert!(points[0].entropy < s, "{activation:?} {points:?}");
    }
}

#[test]
fn places_without_a_value() {
    let model = Model::new(WeightKind::Binary, Activation::Relu, 0.0, Hidden::Infinite).unwrap();
    assert!(matches!(Reference::new(&model, "x", 0.95), Err(TheoryError::Absent(_))));
    let spherical =
        Model::new(WeightKind::Spherical, Activation::Relu, 0.0, Hidden::Infinite).unwrap();
    assert!(matches!(Reference::new(&spherical, "x", 2.0), Err(TheoryError::Absent(_))));
    let finite = Model::new(WeightKind::Binary, Activation::Relu, 0.0, Hidden::Finite(4)).unwrap();
    assert!(matches!(Reference::new(&finite, "x", 0.3), Err(TheoryError::Unavailable(_))));
    let curve = curve(WeightKind::Binary, Activation::Relu, 0.0, 0.4);
    assert!(matches!(curve.curve(&[0.1, 1.0]), Err(TheoryError::Domain { .. })));
}

/// Beyond the distance where the overlap of the constrained solutions reaches 1 there is nothing, and
/// the error names that end; just before it there is a point.
#[test]
fn beyond_the_end_of_solutions() {
    let curve = curve(WeightKind::Binary, Activation::Relu, 0.0, 0.6);
    let found = curve.curve(&[0.6, 0.95]).unwrap();
    assert!(found[0].is_ok());
    match &found[1] {
        Err(TheoryError::Absent(reason)) => {
            assert!(reason.contains("larger distance than about 0.82"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
}

/// With a margin and a covariance that hardly grows, the layer κ/√F(q̃) lies outside the bulk of the
/// fields: both count. Norm and entropy against a grid of twice the nodes.
#[test]
fn layers_outside_the_bulk() {
    for (weights, alpha) in [(WeightKind::Binary, 0.0533), (WeightKind::Spherical, 0.1482)] {
        let curve = curve(weights, Activation::LeakyRelu { slope: -0.5 }, 1.0, alpha);
        let finer = FranzParisi { fine: Grid::new(32, 28), ..curve.clone() };
        let distances = [0.005, 0.1, 0.3];
        for (point, exact) in points(&curve, &distances).iter().zip(points(&finer, &distances)) {
            assert!((point.entropy - exact.entropy).abs() < 1e-11, "{point:?} {exact:?}");
            assert!(point.error < 1e-8, "{point:?}");
        }
    }
}

/// Close to where solutions end the equations are stiff: a point close to the end, and quickly the
/// reason beyond it.
#[test]
fn frozen_at_small_distances() {
    for (activation, kappa, alpha) in
        [(Activation::Relu, -0.25, 1.5169), (Activation::LeakyRelu { slope: -0.5 }, 0.0, 0.933)]
    {
        let curve = curve(WeightKind::Binary, activation, kappa, alpha);
        let found = curve.curve(&[0.0055, 0.003]).unwrap();
        assert!(found[0].as_ref().is_ok_and(|p| p.entropy < -0.09), "{found:?}");
        assert!(matches!(found[1], Err(TheoryError::Absent(_))), "{found:?}");
    }
}
