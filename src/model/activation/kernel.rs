//! Which form the Gaussian covariance of an activation has.

/// The form of Q(q) = E[g(u)g(v)] − (E g)², u and v standard normal with correlation q;
/// [`crate::theory::covariance`] evaluates it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// Of slope 1 above 0 and `slope` below.
    Rectifier {
        /// Slope below 0.
        slope: f64,
    },
    /// Of erf(scale·x); of sign where the scale is infinite.
    ArcSine {
        /// Gain.
        scale: f64,
    },
    /// Of x².
    Square,
    /// By a Hermite series, from g alone: of a g that is analytic near the real axis and grows like a
    /// polynomial at most.
    Series,
}
