//! What the program asks of an activation.

use super::Kernel;
use crate::simd::UnitForm;
use std::fmt::Debug;

/// One kind of hidden unit. The functions without a body are the definition; the others have general
/// forms, which hold for every activation, and are given where a better one is known.
pub trait HiddenUnit: Debug + Send + Sync {
    /// Its name in job files.
    fn name(&self) -> &'static str;

    /// Stable key in random streams, a number that no other activation has.
    fn key(&self) -> u64;

    /// Whether g(−x) = −g(x): all readout signs are then +1.
    fn is_odd(&self) -> bool;

    /// g(x), with transcendental functions from `libm` alone, which are identical on every host.
    fn value(&self, x: f64) -> f64;

    /// g'(x); at a kink any value between the slopes of the two sides.
    fn derivative(&self, x: f64) -> f64;

    /// Name and value of its parameter, if it has one.
    fn parameter(&self) -> Option<(&'static str, f64)> {
        None
    }

    /// The integer form that decides storage with binary weights exactly, where there is one; without
    /// it f64 decides, and outputs within a guard band above κ are errors.
    fn integer_form(&self) -> Option<UnitForm> {
        None
    }

    /// The form of its Gaussian covariance.
    fn kernel(&self) -> Kernel {
        Kernel::Series
    }

    /// (g, g') in f32 while real weights learn: a smooth form of width 1/gain where g has a step or a
    /// kink. Element-wise and without fused operations, so that the bits depend on no instruction set.
    #[inline(always)]
    fn learnt(&self, x: f32, gain: f32) -> (f32, f32) {
        let _ = gain;
        let x = f64::from(x);
        (self.value(x) as f32, self.derivative(x) as f32)
    }

    /// g in f32 when real weights are judged.
    #[inline(always)]
    fn judged(&self, x: f32) -> f32 {
        self.learnt(x, 1.0).0
    }
}

/// The parameter of an activation, as job files and command lines give it.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its value unless told.
    pub default: f64,
    /// Whether a value lies in its domain.
    pub accepts: fn(f64) -> bool,
    /// The domain in words.
    pub expected: &'static str,
}

/// Something to be done with an activation's unit, compiled for each ([`super::Activation::with`]).
pub trait WithUnit {
    /// What it gives.
    type Output;

    /// Does it.
    fn with<U: HiddenUnit + Copy>(self, unit: U) -> Self::Output;
}

/// Two are equal where their streams are.
impl PartialEq for dyn HiddenUnit {
    fn eq(&self, other: &Self) -> bool {
        (self.key(), self.parameter()) == (other.key(), other.parameter())
    }
}

impl HiddenUnit for &'static dyn HiddenUnit {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn key(&self) -> u64 {
        (**self).key()
    }
    fn is_odd(&self) -> bool {
        (**self).is_odd()
    }
    fn value(&self, x: f64) -> f64 {
        (**self).value(x)
    }
    fn derivative(&self, x: f64) -> f64 {
        (**self).derivative(x)
    }
    fn parameter(&self) -> Option<(&'static str, f64)> {
        (**self).parameter()
    }
    fn integer_form(&self) -> Option<UnitForm> {
        (**self).integer_form()
    }
    fn kernel(&self) -> Kernel {
        (**self).kernel()
    }
    fn learnt(&self, x: f32, gain: f32) -> (f32, f32) {
        (**self).learnt(x, gain)
    }
    fn judged(&self, x: f32) -> f32 {
        (**self).judged(x)
    }
}
