//! The replica-symmetric solution: entropy, overlap and stability along the branch.
//!
//! With the energetic part G_E(q), J(q) and the replicon kernel C(q) of an [`Energy`] (K → ∞:
//! [`super::energetic`]; finite K: [`super::finite_sign`], [`super::finite_relu`]),
//!
//! $$ \varphi = \mathcal G_S + \alpha \mathcal G_E, \qquad
//!    \hat q = -2\alpha \frac{d \mathcal G_E}{dq} = \alpha J(q), \qquad \rho = \alpha C R , $$
//!
//! unstable where the replicon ρ > 1. Binary weights:
//!
//! $$ \mathcal G_S = -\frac{\hat q (1-q)}{2} + \int Dz \ln 2\cosh(\sqrt{\hat q} z), \quad
//!    q = \int Dz \tanh^2(\sqrt{\hat q} z), \quad R = \int Dz \operatorname{sech}^4(\sqrt{\hat q} z) ; $$
//!
//! spherical weights:
//!
//! $$ \mathcal G_S = \frac12 \ln(1-q) + \frac{q}{2(1-q)}, \qquad \hat q = \frac{q}{(1-q)^2}, \qquad
//!    R = (1-q)^2 . $$
//!
//! No iteration: the branch is parametrised by ln q̂ (binary) or logit q (spherical), from which α
//! follows. For an even Q (Q'(0) = 0) the branch q > 0 leaves q = 0 at
//! α* = Qd/(Q''(0) h(κ/√Qd)²); below α* the solution is q = 0. About 50 µs a point at K → ∞.
//! Deterministic.

use super::Outcome;
use super::covariance::Overlap;
use super::energy::Energy;
use super::entropic::BinaryEntropic;
use super::quadrature::Legendre;
use super::root;
use crate::error::TheoryError;
use crate::model::weights::WeightKind;
use std::f64::consts::LN_2;

/// A point of the branch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RsPoint {
    /// α.
    pub alpha: f64,
    /// Entropy per weight, in nats; for spherical weights relative to the whole sphere.
    pub entropy: f64,
    /// q, the overlap of two typical solutions.
    pub q: Overlap,
    /// q̂.
    pub q_hat: f64,
    /// G_E.
    g_e: f64,
    /// R of the replicon ρ = α C R.
    replicon_factor: f64,
}

/// The replica-symmetric theory of one machine, at one resolution.
pub struct ReplicaSymmetric<E> {
    energy: E,
    weights: WeightKind,
    legendre: Legendre,
}

impl<E: Energy> ReplicaSymmetric<E> {
    /// Weights of kind `weights` with the energetic part `energy`, entropic integrals with
    /// `nodes` Gauss–Legendre nodes a panel (150 reach 1e-13).
    pub fn new(weights: WeightKind, energy: E, nodes: usize) -> Self {
        Self { energy, weights, legendre: Legendre::new(nodes) }
    }

    /// The point of the branch at `parameter`: ln q̂ for binary weights, ln(q/(1−q)) for
    /// spherical ones.
    pub fn branch(&self, parameter: f64) -> RsPoint {
        match self.weights {
            WeightKind::Binary => {
                let s = BinaryEntropic::new(&self.legendre, libm::exp(parameter));
                self.assemble(s.q, s.q_hat, s.entropy(), s.replicon_factor)
            }
            WeightKind::Spherical => {
                let q = Overlap::from_logit(parameter);
                let p = q.complement();
                let entropy = 0.5 * libm::log(p) + 0.5 * q.value() / p;
                self.assemble(q, q.value() / (p * p), entropy, p * p)
            }
        }
    }

    fn assemble(&self, q: Overlap, q_hat: f64, g_s: f64, replicon_factor: f64) -> RsPoint {
        let (g_e, response) = self.energy.at(q);
        let alpha = q_hat / response;
        RsPoint { alpha, entropy: g_s + alpha * g_e, q, q_hat, g_e, replicon_factor }
    }

    /// The load of binary weights at `parameter` = ln q̂ that makes the entropy vanish *there*,
    /// α = −G_S/G_E. Along the branch that is stationary at the capacity, so that an error of the
    /// place enters in the second order only.
    pub fn load_without_entropy(&self, parameter: f64) -> f64 {
        let s = BinaryEntropic::new(&self.legendre, libm::exp(parameter));
        -s.entropy() / self.energy.g_e(s.q)
    }

    /// Its least value, from the branch at a `point` that is `step` before the zero of the entropy:
    /// with G_E' = −J q'/2, dα/d ln q̂ = S G_E'/G_E².
    pub fn least_load_without_entropy(&self, point: &RsPoint, step: f64) -> f64 {
        let RsPoint { alpha, entropy, q, q_hat, g_e, .. } = *point;
        let next = BinaryEntropic::new(&self.legendre, q_hat * libm::exp(step)).q;
        let rise = if q.value() < 0.5 {
            next.value() - q.value()
        } else {
            q.complement() - next.complement()
        };
        let fall = -0.5 * q_hat / alpha * rise;
        alpha - entropy / g_e * (1.0 - 0.5 * fall / g_e)
    }

    /// [`Self::load_without_entropy`] at parameters close to each other, on the same nodes.
    pub fn loads_without_entropy<const M: usize>(&self, parameters: [f64; M]) -> [f64; M] {
        let s = parameters.map(|t| BinaryEntropic::new(&self.legendre, libm::exp(t)));
        let mut loads = self.energy.g_e_nearby(s.each_ref().map(|s| s.q));
        for (load, s) in loads.iter_mut().zip(&s) {
            *load = -s.entropy() / *load;
        }
        loads
    }

    /// The point of binary weights at `parameter` = ln q̂ where that load is known.
    pub fn capacity_at(&self, parameter: f64, alpha: f64) -> RsPoint {
        let s = BinaryEntropic::new(&self.legendre, libm::exp(parameter));
        let (g_e, replicon_factor) = (-s.entropy() / alpha, s.replicon_factor);
        RsPoint { alpha, entropy: 0.0, q: s.q, q_hat: s.q_hat, g_e, replicon_factor }
    }

    /// ρ at a point of the branch; replica symmetry is unstable above 1.
    pub fn replicon(&self, point: &RsPoint) -> f64 {
        point.alpha * self.energy.replicon_kernel(point.q) * point.replicon_factor
    }

    /// φ(α; q, q̂) off the saddle, to check stationarity: the saddle point is where both
    /// derivatives vanish.
    pub fn free_entropy(&self, alpha: f64, q: f64, q_hat: f64) -> f64 {
        let g_s = match self.weights {
            WeightKind::Binary => {
                BinaryEntropic::new(&self.legendre, q_hat).ln_2cosh - 0.5 * q_hat * (1.0 - q)
            }
            WeightKind::Spherical => 0.5 * libm::log1p(-q) + 0.5 * q / (1.0 - q),
        };
        g_s + alpha * self.energy.at(Overlap::new(q)).0
    }

    /// Entropy at α = 0: ln 2 or 0.
    pub fn entropy_at_zero_load(&self) -> f64 {
        match self.weights {
            WeightKind::Binary => LN_2,
            WeightKind::Spherical => 0.0,
        }
    }

    /// The energetic part.
    pub fn energy(&self) -> &E {
        &self.energy
    }

    /// The solution q = 0 of an even Q at load `alpha`.
    fn uncorrelated(&self, alpha: f64) -> RsPoint {
        let g_e = self.energy.ln_annealed();
        let entropy = self.entropy_at_zero_load() + alpha * g_e;
        RsPoint { alpha, entropy, q: Overlap::new(0.0), q_hat: 0.0, g_e, replicon_factor: 1.0 }
    }

    /// The range of the branch parameter that is searched, from q ≈ 0 to q ≈ 1.
    pub fn parameter_range(&self) -> (f64, f64) {
        match self.weights {
            WeightKind::Binary => (-30.0, 14.0),
            WeightKind::Spherical => (-30.0, 27.0),
        }
    }

    /// The solution at load `alpha`: the first on the branch from q = 0. The entropy may be
    /// negative.
    ///
    /// # Errors
    /// `Absent` beyond the largest load of the branch.
    pub fn at_load(&self, alpha: f64) -> Outcome<RsPoint> {
        let limit = self.energy.uncorrelated_limit();
        if limit.is_some_and(|limit| alpha <= limit) {
            return Ok(self.uncorrelated(alpha));
        }
        self.search(alpha, |_| Ok(()))
    }

    /// [`Self::at_load`], given up at the first point that is not `admitted`.
    fn search(&self, alpha: f64, admitted: impl Fn(&RsPoint) -> Outcome<()>) -> Outcome<RsPoint> {
        let limit = self.energy.uncorrelated_limit();
        let (low, high) = self.parameter_range();
        let missing = |t: f64| {
            let point = self.branch(t);
            admitted(&point)?;
            Ok(libm::log(alpha / point.alpha))
        };
        // Small loads sit at small q, where α is proportional to it: start just below.
        let start = if limit.is_some() {
            low
        } else {
            let near_zero = self.branch(low);
            (low + libm::log(alpha / near_zero.alpha) - 3.0).clamp(low, high - 1.0)
        };
        match root::first_fall(missing, start, high, 4.0 * self.energy.scan_step().min(0.15))? {
            Some((before, after)) => {
                let t = root::brent_from(missing, before, after, 1e-14)?;
                Ok(RsPoint { alpha, ..self.branch(t) })
            }
            None => Err(TheoryError::Absent(format!(
                "alpha = {alpha} lies beyond the replica-symmetric branch, whose overlap reaches 1"
            ))),
        }
    }

    /// [`Self::at_load`] where a point of the branch costs much, the more the larger q: searched on
    /// `coarse`, then Newton's method with its slope.
    ///
    /// # Errors
    /// As [`Self::at_load`], but `Absent` for binary weights clearly beyond capacity, too;
    /// `NotConverged` if the two differ much.
    pub fn at_load_near(&self, coarse: &Self, alpha: f64) -> Outcome<RsPoint> {
        // Along the branch dS = G_E dα: once negative, it falls.
        const CLEAR: f64 = -0.02;
        let below_capacity = |point: &RsPoint| {
            let beyond = point.entropy < CLEAR && point.alpha < alpha;
            if self.weights == WeightKind::Spherical || !beyond {
                return Ok(());
            }
            Err(TheoryError::Absent(format!(
                "alpha = {alpha} lies beyond capacity: the replica-symmetric entropy of binary \
                 weights is negative already at alpha = {:.4}",
                point.alpha
            )))
        };
        let rough = coarse.search(alpha, below_capacity)?;
        let mut t = match self.weights {
            WeightKind::Binary => libm::log(rough.q_hat),
            WeightKind::Spherical => libm::log(rough.q.value() / rough.q.complement()),
        };
        let h = 1e-3;
        let ln_alpha = |x: f64| libm::log(coarse.branch(x).alpha);
        let slope = (ln_alpha(t + h) - ln_alpha(t - h)) / (2.0 * h);
        for _ in 0..12 {
            let here = self.branch(t);
            let step = libm::log(alpha / here.alpha) / slope;
            t += step.clamp(-0.3, 0.3);
            if step.abs() < 1e-8 {
                // φ is stationary along the branch at fixed α: S changes by G_E dα.
                let entropy = here.entropy + (alpha - here.alpha) * here.g_e;
                return Ok(RsPoint { alpha, entropy, ..here });
            }
        }
        Err(TheoryError::NotConverged(format!(
            "the replica-symmetric solution at alpha = {alpha} moves under refined quadrature"
        )))
    }

    /// The first load at which ρ = 1.
    ///
    /// # Errors
    /// `Absent` if the branch is stable all along.
    pub fn at_line(&self) -> Outcome<RsPoint> {
        if let Some(limit) = self.energy.uncorrelated_limit() {
            return Ok(self.uncorrelated(limit));
        }
        // Marginal stability at q → 1 (spherical perceptron, κ = 0) is no crossing: a rise above 1
        // must be more than rounding and the layer must be resolved.
        let (low, high) = (-12.0, self.parameter_range().1.min(20.0));
        let replicon = |t: f64| self.replicon(&self.branch(t));
        let margin = |t: f64| Ok(1.0 + 1e-9 - replicon(t));
        match root::first_fall(margin, low, high, 0.1)? {
            Some(((before, _), (after, _))) => {
                let t = root::brent(|t| Ok(1.0 - replicon(t)), before, after, 1e-14)?;
                Ok(self.branch(t))
            }
            None => Err(TheoryError::Absent(
                "the replica-symmetric solution is stable up to capacity".into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activation::Activation;
    use crate::theory::energetic::WideEnergy;

    fn theory(weights: WeightKind, activation: Activation) -> ReplicaSymmetric<WideEnergy> {
        with_margin(weights, activation, 0.0)
    }

    fn with_margin(
        weights: WeightKind,
        activation: Activation,
        kappa: f64,
    ) -> ReplicaSymmetric<WideEnergy> {
        ReplicaSymmetric::new(weights, WideEnergy::new(activation, kappa, 150), 150)
    }

    #[test]
    fn documented_entropies() {
        for (alpha, relu, relu_q, sign, sign_q) in [
            (0.1, 0.6232685824, 0.0468136, 0.6234234545, 0.0393274),
            (0.2, 0.5521796490, 0.0939917, 0.5528860460, 0.0765346),
            (0.4, 0.4057709519, 0.1900418, 0.4093763095, 0.1457694),
            (0.6, 0.2523705757, 0.2892364, 0.2625950451, 0.2093375),
            (0.8, 0.0895806583, 0.3927300, 0.1124783331, 0.2681838),
            (0.9, 0.0035093330, 0.4465275, 0.0361413514, 0.2960325),
        ] {
            for (activation, entropy, q) in
                [(Activation::Relu, relu, relu_q), (Activation::Sign, sign, sign_q)]
            {
                let point = theory(WeightKind::Binary, activation).at_load(alpha).unwrap();
                assert!((point.entropy - entropy).abs() < 6e-11, "{alpha} {}", point.entropy);
                assert!((point.q.value() - q).abs() < 6e-8, "{alpha} {}", point.q.value());
            }
        }
        for (activation, alpha, entropy, q) in [
            (Activation::Relu, 0.5, -0.3627726, 0.2325027),
            (Activation::Relu, 1.0, -0.7719629, 0.4526139),
            (Activation::Sign, 1.0, -0.7330930, 0.3108062),
        ] {
            let point = theory(WeightKind::Spherical, activation).at_load(alpha).unwrap();
            assert!((point.entropy - entropy).abs() < 6e-8, "{}", point.entropy);
            assert!((point.q.value() - q).abs() < 6e-8);
        }
    }

    #[test]
    fn documented_at_line() {
        let point = theory(WeightKind::Spherical, Activation::Relu).at_line().unwrap();
        assert!((point.alpha - 1.7211968).abs() < 6e-8, "{}", point.alpha);
        assert!((point.q.value() - 0.724402).abs() < 6e-7);
        assert!(theory(WeightKind::Spherical, Activation::Identity).at_line().is_err());
    }

    /// The saddle-point equations against numerical derivatives of φ, every activation and weight
    /// space, margins of both signs.
    #[test]
    fn saddle_point_is_stationary() {
        for weights in [WeightKind::Binary, WeightKind::Spherical] {
            for activation in [
                Activation::Relu,
                Activation::LeakyRelu { slope: 0.3 },
                Activation::Sign,
                Activation::Erf { scale: 2.0 },
                Activation::Tanh,
                Activation::Gelu,
                Activation::Quadratic,
                Activation::Abs,
                Activation::Identity,
            ] {
                for kappa in [-0.3, 0.0, 0.4] {
                    let theory = with_margin(weights, activation, kappa);
                    let point = theory.branch(-0.4);
                    let (alpha, q, q_hat) = (point.alpha, point.q.value(), point.q_hat);
                    let step = 1e-3;
                    let phi = |x: f64, y: f64| theory.free_entropy(alpha, q + x, q_hat + y);
                    let stencil = |f: &dyn Fn(f64) -> f64| {
                        (8.0 * (f(step) - f(-step)) - f(2.0 * step) + f(-2.0 * step))
                            / (12.0 * step)
                    };
                    let by_q = stencil(&|x| phi(x, 0.0));
                    assert!(by_q.abs() < 2e-9, "{weights:?} {activation:?} {kappa}: {by_q:e}");
                    let by_q_hat = stencil(&|y| phi(0.0, y));
                    if weights == WeightKind::Binary {
                        assert!(by_q_hat.abs() < 2e-9, "{activation:?} {kappa}: {by_q_hat:e}");
                    }
                    assert!((phi(0.0, 0.0) - point.entropy).abs() < 1e-13);
                }
            }
        }
    }

    #[test]
    fn loads_beyond_the_branch_do_not_exist() {
        let spherical = theory(WeightKind::Spherical, Activation::Identity);
        assert!(spherical.at_load(1.99).is_ok());
        assert!(matches!(spherical.at_load(2.01), Err(TheoryError::Absent(_))));
        // Tiny loads: q = α Q'(0) I1(0).
        let tiny = theory(WeightKind::Binary, Activation::Relu).at_load(1e-6).unwrap();
        assert!((tiny.entropy - (LN_2 - 1e-6 * LN_2)).abs() < 1e-11);
        // Even Q below α*: q = 0, annealed.
        let even = theory(WeightKind::Binary, Activation::Abs);
        let point = even.at_load(0.5).unwrap();
        assert_eq!(point.q.value(), 0.0);
        assert!((point.entropy - 0.5 * LN_2).abs() < 1e-14);
        let limit = even.energy().uncorrelated_limit().unwrap();
        let above = even.at_load(limit + 1e-4).unwrap();
        assert!(above.q.value() > 0.0 && above.q.value() < 1e-2, "{}", above.q.value());
        assert!((even.at_line().unwrap().alpha - limit).abs() < 1e-14);
    }
}
