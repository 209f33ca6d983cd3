//! The response J of K ReLU units: first derivatives of ln P by the fields.

use super::pairs::{Gradient, Integrand, Pair};
use super::products::Values;
use crate::theory::relu_groups::{LANES, QUAD};

/// Σ_l (∂_l ln P)², for groups of `units`.
pub(super) struct Response {
    pub(super) units: usize,
}

impl Integrand for Response {
    #[inline(always)]
    fn values(&self, pair: &Pair<'_>) -> Values {
        let Gradient { larger, smaller } = pair.gradient(self.units, &pair.inverse());
        let mut squares = [[0.0; LANES]; QUAD];
        for slopes in larger[..self.units].iter().chain(&smaller[..self.units]) {
            for (squares, slopes) in squares.iter_mut().zip(slopes) {
                for i in 0..LANES {
                    squares[i] += slopes[i] * slopes[i];
                }
            }
        }
        squares
    }
}
