//! Transcendental functions: error against f64, the same bits on every instruction set.

use super::*;
use crate::theory::gaussian::Tail;

/// f in f64, by the pinned `libm` port and the theory's Gaussian tail.
fn exact(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => libm::exp(x),
        Function::Ln => libm::log(x),
        Function::Tanh => libm::tanh(x),
        Function::LnCosh if x.abs() < 5.0 => {
            let sinh = libm::sinh(x);
            0.5 * libm::log1p(sinh * sinh)
        }
        Function::LnCosh => {
            x.abs() + (libm::log1p(libm::exp(-2.0 * x.abs())) - std::f64::consts::LN_2)
        }
        Function::Erfc => libm::erfc(x),
        Function::Tail => Tail::at(x).tail,
        Function::LnTail => Tail::at(x).ln_tail,
        Function::Hazard => Tail::at(x).hazard,
    }
}

/// Error in units of the last place of the f32 nearest to `exact`.
fn ulp(value: f32, exact: f64) -> f64 {
    let exponent = i64::from(((exact as f32).to_bits() >> 23) & 0xff).max(1) - 127 - 23;
    (f64::from(value) - exact).abs() / libm::ldexp(1.0, exponent as i32)
}

/// All f32 from `least` to `most` in steps of about 2^-14 relative, with their negatives where the
/// function has them.
fn grid(function: Function, least: f32, most: f32) -> Vec<f32> {
    let (from, to) = (least.to_bits(), most.to_bits());
    let positive = (from..=to).step_by(1021).map(f32::from_bits);
    let mut all: Vec<f32> = positive.collect();
    if function != Function::Ln {
        let negative: Vec<f32> = all.iter().map(|x| -x).collect();
        all.extend(negative);
        all.push(0.0);
    }
    all
}

fn on_grid(function: Function, x: &[f32]) -> Vec<f32> {
    let mut reference = vec![0.0; x.len()];
    apply(Isa::SCALAR, function, x, &mut reference);
    every_isa(|isa| {
        // Behind an odd entry: no alignment may be assumed.
        let (shifted, mut out) = ([&[0.0], x].concat(), vec![0.0; x.len() + 1]);
        let out = &mut out[1..];
        apply(isa, function, &shifted[1..], out);
        // A NaN may have any payload.
        let equal = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let same = reference.iter().zip(&*out).all(|(&a, &b)| equal(a, b));
        assert!(same, "{isa:?} {function:?}");
    });
    reference
}

/// The errors that the module states. A last coefficient off by a part in a hundred fails each.
#[test]
fn errors_are_as_stated() {
    let mut failed = Vec::new();
    for (function, least, most, bound) in [
        (Function::Exp, 1e-8, 88.7, 1.0),
        (Function::Ln, 1.2e-38, 3e38, 0.8),
        (Function::Tanh, 1e-8, 1e3, 1.3),
        (Function::LnCosh, 1e-8, 1e30, 1.9),
        (Function::Erfc, 1e-8, 9.2, 3.5),
        (Function::Tail, 1e-8, 13.0, 3.6),
        (Function::LnTail, 1e-8, 1e18, 4.0),
        (Function::Hazard, 1e-8, 1e18, 4.8),
    ] {
        let x = grid(function, least, most);
        let (mut worst, mut at) = (0.0f64, 0.0);
        for (&x, &value) in x.iter().zip(&on_grid(function, &x)) {
            let exact = exact(function, f64::from(x));
            if exact.abs() < 2.4e-38 {
                assert!(value.abs() < 2.4e-38, "{function:?} {x}");
                continue;
            }
            let error = ulp(value, exact);
            if error.is_nan() || error > worst {
                (worst, at) = (error, x);
            }
        }
        println!("{function:?}: {worst:.2} ulp at {at}");
        if worst.is_nan() || worst > bound {
            failed.push(format!("{function:?}: {worst} ulp at {at}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// [`exp2_coarse`] to 3e-6 of the value; a coefficient off by a part in a thousand fails. That loops
/// over it give the same bits on every instruction set is held by the solver that uses it.
#[test]
fn the_coarse_exponential_is_as_stated() {
    for x in grid(Function::Exp, 1e-8, 100.0) {
        let exact = libm::exp2(f64::from(x));
        let error = (f64::from(exp2_coarse(x)) / exact - 1.0).abs();
        assert!(error < 3e-6, "{x}: {error}");
    }
    assert_eq!(exp2_coarse(0.0), 1.0);
    let [least, most] = [127 - 100, 127 + 100].map(|exponent| f32::from_bits(exponent << 23));
    for x in [-100.0, -1e30, f32::NEG_INFINITY, f32::NAN] {
        assert_eq!(exp2_coarse(x), least, "{x}");
    }
    assert_eq!([100.0, 1e30, f32::INFINITY].map(exp2_coarse), [most; 3]);
}

#[test]
fn all_lengths_and_special_values() {
    let special = [f32::NEG_INFINITY, -1e30, -89.0, -0.0, 0.0, 89.0, 1e30, f32::INFINITY];
    for function in FUNCTIONS {
        for len in 0..=4 * 8 + 1 {
            let x: Vec<f32> = (0..len).map(|i| 0.1 + 0.3 * i as f32).collect();
            on_grid(function, &x);
        }
        on_grid(function, &special);
        if function != Function::Ln {
            let nan = on_grid(function, &[f32::NAN]);
            assert!(nan[0].is_nan(), "{function:?}");
        }
    }
    assert_eq!(
        on_grid(Function::Exp, &special),
        [0.0, 0.0, 0.0, 1.0, 1.0, f32::INFINITY, f32::INFINITY, f32::INFINITY]
    );
    let tanh = on_grid(Function::Tanh, &special);
    assert_eq!(tanh, [-1.0, -1.0, -1.0, -0.0, 0.0, 1.0, 1.0, 1.0]);
    assert!(tanh[3].is_sign_negative());
    assert_eq!(on_grid(Function::Tail, &[-1e30, -40.0, 40.0]), [1.0, 1.0, 0.0]);
    assert_eq!(on_grid(Function::Erfc, &[-1e30, -40.0, 40.0]), [2.0, 2.0, 0.0]);
    assert_eq!(on_grid(Function::LnTail, &[-40.0]), [0.0]);
}
