//! The replicon kernel of K ReLU units, by Bochner's formula.
//!
//! For fields r_l ~ N(0, v) and the generator L = Δ − r·∇/v of their Ornstein–Uhlenbeck process,
//!
//! $$ \sum_{ll'} E\left[(\partial_l \partial_{l'} f)^2\right] = E\left[(Lf)^2\right] - \frac1v E|\nabla f|^2 $$
//!
//! (Bakry, Gentil, Ledoux, *Analysis and Geometry of Markov Diffusion Operators*, 1.16): the gradient and the
//! Laplacian do, no mixed derivatives. f is ln P without its linear part at fields 0, which has no second
//! derivative: both terms would otherwise grow as v → 0.

use super::pairs::{Gradient, Integrand, Pair};
use super::products::Values;
use crate::theory::relu_groups::{LANES, QUAD};

/// (Lf)² − |∇f|²/v, for groups of `units`.
pub(super) struct Curvature {
    pub(super) units: usize,
    /// v.
    pub(super) variance: f64,
    /// ∂ ln P by a field of the larger and of the smaller group where all fields are 0.
    pub(super) origin: [f64; 2],
    /// No Δ ln P is larger: where P is so tiny that its derivatives are rounding, a point is left out.
    pub(super) most: f64,
}

impl Integrand for Curvature {
    #[inline(always)]
    fn values(&self, pair: &Pair<'_>) -> Values {
        let Self { units, variance, origin, most } = *self;
        let inverse = pair.inverse();
        let Gradient { larger, smaller } = pair.gradient(units, &inverse);
        // Δ ln P = ΔP/P − |∇ ln P|².
        let mut laplacian = pair.relative(1 + units, 0, &inverse);
        let others = pair.relative(0, 1 + units, &inverse);
        let mut drift = [[0.0; LANES]; QUAD];
        let mut squares = [[0.0; LANES]; QUAD];
        for n in 0..QUAD {
            for i in 0..LANES {
                laplacian[n][i] += others[n][i];
            }
            for l in 0..units {
                let (r, s) = (pair.of_larger(l), pair.of_smaller(l)[n]);
                for i in 0..LANES {
                    let (x, y) = (larger[l][n][i], smaller[l][n][i]);
                    laplacian[n][i] -= x * x + y * y;
                    let (x, y) = (x - origin[0], y - origin[1]);
                    drift[n][i] += r[i] * x + s * y;
                    squares[n][i] += x * x + y * y;
                }
            }
            for i in 0..LANES {
                let counts = laplacian[n][i].abs() < most && inverse[n][i] != 0.0;
                let generator = laplacian[n][i] - drift[n][i] / variance;
                let value = generator * generator - squares[n][i] / variance;
                squares[n][i] = if counts { value } else { 0.0 };
            }
        }
        squares
    }

    /// Errors of the gradient count by their square over v.
    fn tolerance(&self) -> f64 {
        1e-3 * self.variance.sqrt().min(1.0)
    }
}

/// ∂ ln P by the first field of the larger or the smaller group.
pub(super) struct Slope {
    pub(super) of_smaller: bool,
}

impl Integrand for Slope {
    #[inline(always)]
    fn values(&self, pair: &Pair<'_>) -> Values {
        let inverse = pair.inverse();
        if self.of_smaller { pair.relative(0, 1, &inverse) } else { pair.relative(1, 0, &inverse) }
    }
}
