//! Momentum steps on the sphere.

use crate::simd::generic::sphere::{Floats, momentum_step as generic};
use crate::simd::sphere::Momentum;

/// See [`crate::simd::momentum_step`].
pub(in crate::simd) fn momentum_step(
    step: Momentum,
    gradient: &[f32],
    velocity: &mut [f32],
    weights: &mut [f32],
) {
    generic::<[f32; 8]>(step, gradient, velocity, weights);
}

impl Floats for [f32; 8] {
    fn splat(x: f32) -> Self {
        [x; 8]
    }
    fn load(x: &[f32; 8]) -> Self {
        *x
    }
    fn store(self, x: &mut [f32; 8]) {
        *x = self;
    }
    fn add(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + other[lane])
    }
    fn sub(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] - other[lane])
    }
    fn mul(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] * other[lane])
    }
    fn div(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] / other[lane])
    }
    fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }
    fn sum(self) -> f32 {
        let four: [f32; 4] = std::array::from_fn(|lane| self[lane] + self[lane + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
}
