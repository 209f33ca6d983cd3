//! Finite ReLU machines against independent integrals and refined lattices.

use super::*;
use crate::model::weights::WeightKind;
use crate::theory::gaussian;
use crate::theory::quadrature::Legendre;
use crate::theory::relu_fields::Steps;
use crate::theory::replica_symmetric::ReplicaSymmetric;
use crate::theory::symmetric_capacity::binary_from;

impl Threshold {
    /// P of one point of each group.
    fn at(&self, fields: [[f64; LARGEST]; 2]) -> f64 {
        let points = Points::single(Overlap::new(0.0), fields);
        libm::exp(self.mean(&points, &LnP { precision: 1e-15, for_differences: true }))
    }
}

fn fine(units: usize, kappa: f64, ties: Ties) -> ReluEnergy {
    ReluEnergy::resolutions(units, kappa, ties).unwrap().fine
}

#[test]
fn documented_values() {
    for (units, ties, alpha, q, q_hat, digits) in [
        (2, Ties::Strict, 0.575051024, 0.587457, 2.96419, 6e-10),
        (2, Ties::Accept, 1.308860522, 0.477915, 1.58171, 6e-10),
        (4, Ties::Strict, 0.813619, f64::NAN, f64::NAN, 6e-7),
    ] {
        let resolutions = ReluEnergy::resolutions(units, 0.0, ties).unwrap();
        let capacity = binary_from(resolutions).unwrap();
        assert!((capacity.alpha - alpha).abs() < digits, "{capacity:?}");
        assert!(capacity.error < 1e-9, "{capacity:?}");
        if !q.is_nan() {
            assert!((capacity.order_parameters[0].1 - q).abs() < 6e-7);
            assert!((capacity.order_parameters[1].1 - q_hat).abs() < 6e-6);
        }
    }
    for (ties, g_e) in [(Ties::Strict, -1.4432402097), (Ties::Accept, -0.6387965787)] {
        let value = fine(2, 0.0, ties).at(Overlap::new(0.5)).0;
        assert!((value - g_e).abs() < 6e-11, "{value}");
    }
}

/// G_E and J at K = 2 by nested real integrals, which share nothing with the rows or the
/// lattices; margins of both signs, one beyond each end of the direct form. q → 0 is the
/// annealed value.
#[test]
fn two_units_by_real_integrals() {
    for (kappa, q) in [(0.0, 0.45), (0.3, 0.5), (1.0, 0.7), (2.0, 0.8), (-0.5, 0.3), (-2.0, 0.2)] {
        let by_integrals = |q: f64| {
            let sigma = (1.0 - q).sqrt();
            let k = kappa * 2f64.sqrt() / sigma;
            let inner = Legendre::new(24);
            // P(D > k), or P(D ≤ k) for k < 0.
            let probability = |first: f64, second: f64| {
                let (from, a, b) = if k < 0.0 { (-k, second, first) } else { (k, first, second) };
                let top = (a + 9.0).max(from + 9.0);
                let breaks: Vec<f64> =
                    (0..=8).map(|i| from + (top - from) * f64::from(i) / 8.0).collect();
                inner
                    .panels(&breaks)
                    .mean(|u| gaussian::density(u - a) * gaussian::cdf(u - from - b))
            };
            let outer = Legendre::new(20).gaussian(8.2, &[-5.0, -3.0, -1.0, 0.0, 1.0, 3.0, 5.0]);
            let scale = q.sqrt() / sigma;
            outer.mean(|x| {
                outer.mean(|y| {
                    let p = probability(scale * x, scale * y);
                    if k < 0.0 { libm::log1p(-p) } else { libm::log(p.max(1e-300)) }
                })
            })
        };
        let energy = fine(2, kappa, Ties::Strict);
        let (found, response) = energy.at(Overlap::new(q));
        let exact = by_integrals(q);
        assert!((found / exact - 1.0).abs() < 1e-9, "{kappa}: {found} {exact}");
        let h = 2e-3 * (1.0 - q);
        let g = |i: f64| by_integrals(q + i * h);
        let slope = (8.0 * (g(1.0) - g(-1.0)) - g(2.0) + g(-2.0)) / (12.0 * h);
        assert!((response / (-2.0 * slope) - 1.0).abs() < 3e-8, "{kappa}: {response} {slope}");
        let near_zero = energy.at(Overlap::new(1e-9)).0;
        assert!((near_zero / energy.ln_annealed() - 1.0).abs() < 1e-7, "{kappa} {near_zero}");
    }
}

/// Nodes and abscissas beyond all resolutions.
fn finest(units: usize) -> [usize; 2] {
    [12, if units == 6 { 22 } else { 15 }]
}

/// P at K = 4 and 6 from a sum of independent variables on a fine grid: the density of each
/// unit convolved by the trapezoid, with the ends weighted by Euler–Maclaurin.
#[test]
fn probabilities_by_convolution() {
    // Fields r of the two groups; q only sets k.
    let q = Overlap::new(0.6);
    for (units, kappa, fields) in [
        (4, 0.4, [[0.5, -0.3, 0.0], [0.8, 0.2, 0.0]]),
        (4, 1.5, [[-1.0, 1.4, 0.0], [1.0, -2.0, 0.0]]),
        (6, 0.4, [[0.5, -0.3, 0.9], [0.8, 0.2, -1.0]]),
        (6, -0.4, [[0.5, -0.3, -1.2], [0.8, 1.2, 1.0]]),
        (6, 1.5, [[-1.0, 0.4, 2.0], [1.0, -2.0, 0.5]]),
    ] {
        let energy = fine(units, kappa, Ties::Strict);
        let threshold = energy.threshold(q, q, Derivatives::None);
        let layouts = threshold.layouts.map(|layout| Layout { ratio: 1.0, ..layout });
        let single = Threshold { layouts, ..threshold };
        let found = single.at(fields);
        // S₊ ≥ u given by nested integrals over all units but one.
        let k = kappa * (units as f64 / q.complement()).sqrt();
        let exact = exceeds(&fields[0][..units / 2], &fields[1][..units / 2], k);
        assert!((found / exact - 1.0).abs() < 1e-9, "{units} {kappa}: {found:e} {exact:e}");
    }
}

/// P(ΣS₊ − ΣS₋ > k), unit by unit: H(r)·rest + ∫G(u−r) rest du; the last one is closed.
fn exceeds(larger: &[f64], smaller: &[f64], k: f64) -> f64 {
    let nested = |r: f64, rest: &dyn Fn(f64) -> f64, kink: f64| {
        let top = r.max(0.0) + 7.5;
        let mut breaks = vec![0.0, top];
        breaks.extend([kink, 0.5 * top].into_iter().filter(|x| *x > 0.0 && *x < top));
        let on = Legendre::new(12).panels(&breaks).mean(|u| gaussian::density(u - r) * rest(u));
        gaussian::tail(r) * rest(0.0) + on
    };
    match (larger, smaller) {
        ([r], []) => {
            if k >= 0.0 {
                gaussian::tail(k - r)
            } else {
                1.0
            }
        }
        ([r, others @ ..], []) => nested(*r, &|u| exceeds(others, &[], k - u), k),
        (_, [r, others @ ..]) => nested(*r, &|u| exceeds(larger, others, k + u), -k),
        ([], []) => f64::from(u8::from(k < 0.0)),
    }
}

/// Finer lattices of quite different proportions move the capacity by less than its error.
#[test]
fn errors_cover_refinement() {
    for (units, kappa, ties) in [
        (2, 0.0, Ties::Strict),
        (2, 1.2, Ties::Strict),
        (2, 2.0, Ties::Strict),
        (4, 0.0, Ties::Strict),
        (4, 0.0, Ties::Accept),
        (4, 0.5, Ties::Strict),
        (4, 1.2, Ties::Strict),
        (4, -0.5, Ties::Strict),
        (4, 2.0, Ties::Strict),
        (6, 0.0, Ties::Strict),
        (6, 0.5, Ties::Strict),
        (6, 1.0, Ties::Strict),
        (6, 1.5, Ties::Strict),
        (6, 2.0, Ties::Strict),
        (6, 3.0, Ties::Strict),
        (4, 3.0, Ties::Strict),
        (6, -1.0, Ties::Strict),
        (4, -2.0, Ties::Strict),
        (4, -3.5, Ties::Strict),
        (6, -2.0, Ties::Strict),
    ] {
        let resolutions = ReluEnergy::resolutions(units, kappa, ties).unwrap();
        let capacity = binary_from(resolutions.clone()).unwrap();
        assert!(capacity.error < 1e-8 * capacity.alpha, "{units} {kappa} {capacity:?}");
        let Resolution { steps, .. } = resolutions.fine.resolution;
        let steps = Steps {
            deviation: 0.6 * steps.deviation,
            mean: 0.8 * steps.mean,
            single: 0.85 * steps.single,
        };
        let [nodes, abscissas] = finest(units);
        let resolution =
            Resolution { steps, cut: 1e-16, nodes, abscissas, ..resolutions.fine.resolution };
        let finer = ReluEnergy { resolution, ..resolutions.fine.clone() };
        let finer = binary_from(Resolutions { fine: finer, ..resolutions }).unwrap();
        let change = finer.alpha - capacity.alpha;
        assert!(change.abs() < capacity.error + 1e-12, "{units} {kappa} {change:e} {capacity:?}");
    }
}

/// J against a difference of G_E over another step.
#[test]
fn response_is_a_derivative() {
    for (units, kappa, ties) in [
        (2, 0.0, Ties::Accept),
        (4, 0.0, Ties::Strict),
        (2, 0.6, Ties::Strict),
        (4, -0.4, Ties::Strict),
    ] {
        let energy = fine(units, kappa, ties);
        let h = 2e-3;
        let g = |x: f64| energy.at(Overlap::new(0.4 + x)).0;
        let slope = (8.0 * (g(h) - g(-h)) - g(2.0 * h) + g(-2.0 * h)) / (12.0 * h);
        let response = energy.at(Overlap::new(0.4)).1;
        assert!((response + 2.0 * slope).abs() < 5e-8, "{units}: {response} {slope}");
    }
}

/// The replicon kernel at K = 2 from differences of ln P; at K = 4 and 6 on a finer lattice.
#[test]
fn kernel_by_differences() {
    let q = Overlap::new(0.4);
    for (kappa, ties) in [(0.0, Ties::Strict), (0.0, Ties::Accept), (0.5, Ties::Strict)] {
        let energy = fine(2, kappa, ties);
        let threshold = energy.threshold(q, q, Derivatives::None);
        let ln_p = |x: f64, y: f64| libm::log(threshold.at([x, y].map(|x| [x, 0.0, 0.0])));
        let h = 5e-3;
        let rule = Legendre::new(16).gaussian(5.0, &[-1.5, 1.5]);
        let direct = rule.mean(|x| {
            rule.mean(|y| {
                let f = |i: f64, j: f64| ln_p(x + i * h, y + j * h);
                let middle = 2.0 * f(0.0, 0.0);
                let first = (f(1.0, 0.0) + f(-1.0, 0.0) - middle) / (h * h);
                let second = (f(0.0, 1.0) + f(0.0, -1.0) - middle) / (h * h);
                let mixed =
                    (f(1.0, 1.0) + f(-1.0, -1.0) - f(1.0, -1.0) - f(-1.0, 1.0)) / (4.0 * h * h);
                first * first + second * second + 2.0 * mixed * mixed
            })
        });
        // Derivatives by x = ω/√q.
        let direct = direct / (q.value() * q.value());
        let kernel = energy.replicon_kernel(q);
        assert!((kernel / direct - 1.0).abs() < 2e-4, "{kappa} {kernel} {direct}");
    }
    for (units, kappa, tolerance) in
        [(4, 0.0, 1e-9), (4, 1.0, 1e-7), (6, 0.0, 1e-5), (6, 1.0, 1e-4), (6, 2.0, 3e-3)]
    {
        let energy = fine(units, kappa, Ties::Strict);
        let kernel = energy.replicon_kernel(q);
        let finer = energy
            .kernel_with(Resolution::new(units, kappa, [0.18, 0.55, 0.8], 1e-16, finest(units)), q);
        assert!((kernel / finer - 1.0).abs() < tolerance, "{units} {kappa} {kernel} {finer}");
    }
}

/// Bochner's formula against values from all mixed second derivatives, on fine lattices; as q → 0 it does not
/// cancel.
#[test]
fn kernel_by_mixed_derivatives() {
    for (units, kappa, q, direct, tolerance) in [
        (2, 0.0, 0.4, 1.4918712755, 1e-9),
        (2, 1.0, 0.4, 2.6142495661, 1e-9),
        (4, 0.0, 0.4, 1.5497952650, 1e-9),
        (4, 1.0, 0.4, 5.3342248028, 1e-7),
        (4, 2.0, 0.4, 5.0265888176, 1e-4),
        (6, 0.0, 0.4, 1.4583541745, 1e-5),
        (6, 1.0, 0.4, 5.7041586317, 1e-4),
        (6, -1.0, 0.2, 0.0448924619, 1e-5),
    ] {
        let kernel = fine(units, kappa, Ties::Strict).replicon_kernel(Overlap::new(q));
        assert!((kernel / direct - 1.0).abs() < tolerance, "{units} {kappa} {kernel} {direct}");
    }
    for (units, kappa) in [(2, 0.0), (4, 0.5), (6, -1.0)] {
        let energy = fine(units, kappa, Ties::Strict);
        let [near, zero] = [1e-5, 0.0].map(|q| energy.replicon_kernel(Overlap::new(q)));
        assert!((near / zero - 1.0).abs() < 1e-3, "{units} {near} {zero}");
    }
    // Nor do products that are cut short show.
    for (units, kappa) in [(4, -2.0), (6, -2.0), (6, 0.0)] {
        let energy = fine(units, kappa, Ties::Strict);
        let resolution = Resolution::of_kernel(units, kappa);
        let finer = Resolution { cut: 1e-2 * resolution.cut, ..resolution };
        let [here, finer] = [resolution, finer].map(|r| energy.kernel_with(r, Overlap::new(1e-8)));
        assert!((here / finer - 1.0).abs() < 5e-5, "{units} {kappa} {here} {finer}");
    }
}

/// At the largest margins, where rare fields decide, on finer lattices.
#[test]
fn kernel_at_large_margins() {
    for (units, q, steps, tolerance) in [
        (2, 0.889, [1.0, 0.3, 0.5], 1e-4),
        (4, 0.88, [0.25, 0.6, 0.8], 1e-3),
        (6, 0.866, [0.4, 0.9, 1.15], 1e-2),
    ] {
        let (energy, q) = (fine(units, 3.0, Ties::Strict), Overlap::new(q));
        let kernel = energy.replicon_kernel(q);
        let finer = energy.kernel_with(Resolution::new(units, 3.0, steps, 1e-14, finest(units)), q);
        assert!((kernel / finer - 1.0).abs() < tolerance, "{units} {kernel} {finer}");
    }
}

/// The search from the entropy and J, and that from the load, meet at κ = −0.5.
#[test]
fn searches_meet() {
    for units in [2, 4, 6] {
        let [below, above] = [-0.5 - 1e-10, -0.5].map(|kappa| {
            binary_from(ReluEnergy::resolutions(units, kappa, Ties::Strict).unwrap()).unwrap()
        });
        assert!((below.alpha / above.alpha - 1.0).abs() < 2e-9, "{below:?} {above:?}");
        let [below, above] = [below, above].map(|capacity| capacity.order_parameters[0].1);
        assert!((below / above - 1.0).abs() < 2e-6, "{units} {below} {above}");
    }
}

/// At very negative margins: capacity and q at K = 2 by a second program (products of Gauss–Hermite rules and
/// J by quadrature); J at K = 4 and 6 on a finer lattice; J against a difference of G_E.
#[test]
fn small_overlaps() {
    for (kappa, alpha, q) in [
        (-1.6, 93.0789775469836, 0.04573026662238933),
        (-2.0, 484.9562796210183, 0.01110138133922429),
        (-3.0, 107735.9848643261, 9.172189967620734e-05),
        (-4.0, 159130240.2013339, 1.044554117038249e-07),
    ] {
        let resolutions = ReluEnergy::resolutions(2, kappa, Ties::Strict).unwrap();
        let capacity = binary_from(resolutions).unwrap();
        let found = capacity.order_parameters[0].1;
        assert!((capacity.alpha / alpha - 1.0).abs() < 3e-11, "{kappa} {capacity:?}");
        assert!((found / q - 1.0).abs() < 1e-9, "{kappa} {found} {q}");
    }
    for (units, kappa, q) in [(4, -1.6, 0.04), (4, -2.5, 9e-4), (6, -2.0, 6e-3), (6, -3.0, 4e-5)] {
        let (energy, q) = (fine(units, kappa, Ties::Strict), Overlap::new(q));
        let (_, response) = energy.at(q);
        let finer = Resolution::new(units, kappa, [0.25, 0.6, 0.8], 1e-15, finest(units));
        let finer = energy.response_with(finer, q);
        assert!((response / finer - 1.0).abs() < 1e-8, "{units} {kappa} {response} {finer}");
    }
    for units in [2, 4, 6] {
        let (energy, q) = (fine(units, -1.6, Ties::Strict), Overlap::new(0.05));
        let (response, slope) = (energy.at(q).1, energy.with_slope(q).1);
        assert!((response / (-2.0 * slope) - 1.0).abs() < 1e-7, "{units} {response} {slope}");
    }
}

/// Where P is tiny its derivatives are rounding: farther points must not enter with it (without the bound
/// they make the kernel half as large again here).
#[test]
fn kernel_without_rounding() {
    let energy = fine(4, 3.0, Ties::Strict);
    let resolution = Resolution::of_kernel(4, 3.0);
    let [near, far] = [1e-8, 1e-12]
        .map(|cut| energy.kernel_with(Resolution { cut, ..resolution }, Overlap::new(0.88)));
    assert!((near / far - 1.0).abs() < 5e-4, "{near} {far}");
}

/// The sums are long enough; about half of their length is not.
#[test]
fn sums_end_far_enough() {
    for (units, kappa, q) in [(2, 0.0, 0.59), (4, 1.0, 0.69), (6, 0.0, 0.45), (6, 2.0, 0.79)] {
        let energy = fine(units, kappa, Ties::Strict);
        let change = |weight: f64| {
            let resolution = Resolution { weight, ..energy.resolution };
            let other = ReluEnergy { resolution, ..energy.clone() };
            other.g_e(Overlap::new(q)) / energy.g_e(Overlap::new(q)) - 1.0
        };
        assert!(change(40.0).abs() < 3e-10, "{units} {kappa} {:e}", change(40.0));
        assert!(change(8.0).abs() > 1e-6, "{units} {kappa} {:e}", change(8.0));
    }
}

/// A load far beyond capacity is refused where the entropy becomes negative, before q is close to 1 and the
/// points innumerable.
#[test]
fn loads_beyond_capacity() {
    for (units, kappa, capacity) in [(2, 0.0, 0.5751), (4, 1.0, 0.1634), (6, 0.0, 0.8803)] {
        let energies = ReluEnergy::resolutions(units, kappa, Ties::Strict).unwrap();
        let theory = |energy| ReplicaSymmetric::new(WeightKind::Binary, energy, 100);
        let (fine, coarse) = (theory(energies.fine), theory(energies.coarse));
        for factor in [1.5, 5.0, 1e3] {
            let point = fine.at_load_near(&coarse, factor * capacity);
            assert!(matches!(point, Err(TheoryError::Absent(_))), "{units} {factor} {point:?}");
        }
        assert!(fine.at_load_near(&coarse, 0.9 * capacity).is_ok(), "{units}");
    }
}

/// Random weights at κ = 0 tie with probability 2^−K, else either sign is equally likely.
#[test]
fn annealed_values() {
    for units in [2, 4, 6] {
        for (ties, sign) in [(Ties::Strict, -1.0), (Ties::Accept, 1.0)] {
            let resolutions = ReluEnergy::resolutions(units, 0.0, ties).unwrap();
            let tie = libm::ldexp(1.0, -(units as i32));
            let exact = libm::log(0.5 + 0.5 * sign * tie);
            let energy = resolutions.fine;
            let near = energy.at(Overlap::new(1e-9));
            assert!((energy.ln_annealed() - exact).abs() < 1e-10, "{units}");
            assert!((near.0 - exact).abs() < 3e-9 && near.1 > 0.0, "{units} {near:?}");
            // J at q = 0 is the same at any resolution.
            let coarse = resolutions.coarse.at(Overlap::new(1e-12)).1;
            assert!((coarse / near.1 - 1.0).abs() < 2e-3, "{units} {coarse} {near:?}");
        }
    }
}

/// 1 − P is computed instead of P where that is small: the two agree where they meet, and G_E is −E(1−P)
/// to first order, whose mean over the fields is the annealed value.
#[test]
fn very_negative_margins() {
    for units in [2, 4, 6] {
        let energy = fine(units, -0.9, Ties::Strict);
        let rare = |q: f64| energy.rarely_fails(Overlap::new(q));
        let last = (1..1000).map(|i| 1e-3 * f64::from(i)).take_while(|q| rare(*q)).last().unwrap();
        let at = |q: f64| energy.g_e(Overlap::new(q));
        // The third difference across.
        let [a, b, c, d] = [-1.0, 0.0, 1.0, 2.0].map(|i| at(last + 1e-3 * i));
        let jump = (d - a - 3.0 * (c - b)) / b;
        assert!(jump.abs() < 5e-9, "{units} {last} {jump}");
    }
    for units in [2, 4] {
        let energy = fine(units, -4.0, Ties::Strict);
        let ratio = energy.g_e(Overlap::new(0.05)) / energy.ln_annealed();
        assert!((ratio - 1.0).abs() < 1e-4, "{ratio}");
    }
}

#[test]
fn refused_arguments() {
    for units in [0, 3, 8] {
        let energy = ReluEnergy::resolutions(units, 0.0, Ties::Strict);
        assert!(matches!(energy, Err(TheoryError::Domain { .. })));
    }
    let far = ReluEnergy::resolutions(4, 3.5, Ties::Strict);
    assert!(matches!(far, Err(TheoryError::Unavailable(_))));
}
