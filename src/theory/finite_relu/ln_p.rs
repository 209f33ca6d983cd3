//! ln P itself: its mean is G_E.

use super::pairs::{Integrand, Pair};
use super::products::Values;
use crate::theory::elementary::{ln, ln_complement};
use crate::theory::relu_groups::LANES;

/// P is kept above.
const LEAST: f64 = 1e-300;

/// ln P.
pub(super) struct LnP {
    /// The least relative error of P that counts.
    pub(super) precision: f64,
    /// Whether for differences, in which the errors are to cancel.
    pub(super) for_differences: bool,
}

impl Integrand for LnP {
    #[inline(always)]
    fn values(&self, pair: &Pair<'_>) -> Values {
        let mut values = pair.product;
        if pair.twins() && !pair.complement {
            // One logarithm does for both, where the product is in range.
            let [mut joint, other] = [[values[0], values[2]], [values[1], values[3]]];
            let mut small = false;
            for (p, other) in joint.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
                *p *= other;
                small |= *p < LEAST;
            }
            if !small {
                for p in joint.as_flattened_mut() {
                    *p = ln(*p);
                }
                return [joint[0], [0.0; LANES], joint[1], [0.0; LANES]];
            }
        }
        for value in values.as_flattened_mut() {
            *value = if pair.complement {
                ln_complement(*value)
            } else {
                ln(if *value > LEAST { *value } else { LEAST })
            };
        }
        values
    }

    fn steady(&self) -> usize {
        if self.for_differences { 1 } else { 24 }
    }

    fn share(&self) -> f64 {
        if self.for_differences { 0.03 } else { 1.0 }
    }

    fn precision(&self) -> f64 {
        self.share() * self.precision
    }
}
