//! ln P itself: its mean is G_E.

use super::pairs::{Integrand, Pair};
use crate::theory::elementary::{ln, ln_complement};
use crate::theory::relu_groups::Lanes;

/// P is kept above.
const LEAST: f64 = 1e-300;

/// ln P.
pub(super) struct LnP {
    /// The least relative error of P that counts.
    pub(super) precision: f64,
}

impl Integrand for LnP {
    #[inline(always)]
    fn values(&self, pair: &Pair<'_>) -> [Lanes; 4] {
        let mut values = pair.product;
        for value in values.as_flattened_mut() {
            *value = if pair.complement {
                ln_complement(*value)
            } else {
                ln(if *value > LEAST { *value } else { LEAST })
            };
        }
        values
    }

    fn precision(&self) -> f64 {
        self.precision
    }
}
