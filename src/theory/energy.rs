//! What a machine's energetic part is to the replica-symmetric theory: G_E and its derivatives at an overlap,
//! and how finely it is resolved.

use super::covariance::Overlap;

/// The energetic part of the free entropy, for one machine.
pub trait Energy {
    /// (G_E, J) at overlap `q`, J = −2 dG_E/dq.
    fn at(&self, q: Overlap) -> (f64, f64);

    /// G_E alone, where that costs less.
    fn g_e(&self, q: Overlap) -> f64 {
        self.at(q).0
    }

    /// G_E at overlaps close to each other, on the same nodes: their difference is more accurate than they.
    fn g_e_nearby<const M: usize>(&self, q: [Overlap; M]) -> [f64; M] {
        q.map(|q| self.g_e(q))
    }

    /// The replicon kernel C: the sum over pairs of hidden units of E[(∂_l ∂_l' ln P)²].
    fn replicon_kernel(&self, q: Overlap) -> f64;

    /// Logarithm of the probability that random weights store a pattern: G_E at q = 0.
    fn ln_annealed(&self) -> f64;

    /// α*, for machines in which q = 0 is always a solution.
    fn uncorrelated_limit(&self) -> Option<f64> {
        None
    }

    /// How the zero of the entropy of binary weights is found.
    fn search(&self) -> Search {
        Search::Entropy
    }

    /// ln q̂ where the search for the zero of the entropy begins; [`Search::SmallOverlap`] begins at q = 0.
    fn start(&self) -> f64 {
        -3.0
    }

    /// Relative error of G_E that a check nearly as fine has as well, so that it cancels in their difference.
    fn common_error(&self) -> f64 {
        0.0
    }

    /// Step of a scan along the branch: small where the branch can fold and a point is cheap.
    fn scan_step(&self) -> f64 {
        0.05
    }
}

/// How the zero of the entropy of binary weights is found along the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// From the entropy.
    Entropy,
    /// From the entropy, beginning with q̂ = αJ(0): where most patterns are stored q is small, and α too flat.
    SmallOverlap,
    /// From α = −G_S/G_E, which is stationary there: J costs several times what G_E costs.
    Load,
}

/// One machine at three resolutions.
#[derive(Clone, Debug)]
pub struct Resolutions<E> {
    /// For values.
    pub fine: E,
    /// Another one, nearly as fine: it gives the place of a zero, and the difference is the error.
    pub check: E,
    /// For searches.
    pub coarse: E,
}
