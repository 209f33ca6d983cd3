//! Analytical (replica) results: capacities, entropies and the geometry of solutions.
//!
//! Everything is derived from one function, the Gaussian covariance Q(q) of the activation
//! ([`covariance`]), because as K → ∞ only it enters. Conventions:
//!
//! $$ G(x) = \frac{e^{-x^2/2}}{\sqrt{2\pi}}, \quad H(x) = \int_x^\infty G(z) dz, \quad h = \frac GH, \quad
//!    Dz = G(z) dz, \qquad \varphi = \mathcal G_S + \alpha \mathcal G_E , $$
//!
//! φ the free entropy per weight; Qd = Q(1), Δ(q) = Qd − Q(q), f1 = Q'(1); a quantity with a hat is the
//! conjugate of the one without.
//! Sources: Baldassi, Malatesta, Zecchina, PRL 123, 170602 (2019) (BMZ); Monasson, Zecchina,
//! PRL 75, 2432 (1995); Stojnic, arXiv:2402.05719; Zavatone-Veth, Pehlevan, arXiv:2007.11136.
//!
//! Deterministic, no I/O, no clock. A point that has no value is a
//! [`TheoryError`](crate::error::TheoryError), never a number; every value carries an error
//! estimate from a refined quadrature.

pub mod broken_binary;
pub mod broken_capacity;
pub mod broyden;
pub mod capacity;
pub mod covariance;
pub mod dense_limit;
pub mod elementary;
pub mod energetic;
pub mod energy;
pub mod entropic;
pub mod entropy;
pub mod finite_relu;
pub mod finite_sign;
pub mod finite_spherical;
pub mod franz_parisi;
pub mod gaussian;
pub mod hermite_series;
pub mod interpolant;
pub mod k_step;
pub mod last_unit;
pub mod lattice;
pub mod local_entropy;
pub mod minimum;
pub mod model;
pub mod multiset;
pub mod one_step;
pub mod one_step_energetic;
pub mod quadrature;
pub mod reference;
pub mod relu_fields;
pub mod relu_groups;
pub mod replica_symmetric;
pub mod robustness;
pub mod root;
pub mod stability;
pub mod symmetric_capacity;
pub mod table;

/// What a theory function returns.
pub type Outcome<T> = std::result::Result<T, crate::error::TheoryError>;
