//! Entropy-SGD: descent on the local entropy instead of the loss (Chaudhari et al.,
//! arXiv:1611.01838).
//!
//! Around the centre x the local entropy is
//!
//! $$ F(x) = \ln \int dx^\prime \exp\left[-f(x^\prime) - \frac\gamma2 |x - x^\prime|^2\right], \qquad
//!    \nabla F = \gamma \left(\langle x^\prime \rangle - x\right) ; $$
//!
//! its gradient is estimated by L steps of Langevin dynamics x' on mini-batches, from x' = μ = x,
//!
//! $$ x^\prime \leftarrow x^\prime + \eta\left(-\nabla f + \gamma(x - x^\prime)\right) +
//!    \sqrt\eta\ \varepsilon\ \Xi, \qquad \mu \leftarrow \mu + a(x^\prime - \mu), \qquad x \leftarrow x + \rho(\mu - x) , $$
//!
//! Ξ independent, of mean 0 and variance 1 in every entry ([`crate::rng::Stream::noise`]), the last after
//! the L steps. γ grows over the epochs (scoping): first broad regions, then narrow ones.
//! Spherical weights ([`spherical`]) are x themselves; of binary weights W = sign x, with the
//! mean-field gradient ([`binary`]). An epoch presents every pattern once to x'. A run ends by the
//! rules of [`super::Stop`] and [`super::Then`], with x as the centre and x' as the one replica.
//!
//! With L = a = ρ = 1, ε = 0 and γ = 0 this is plain SGD. Cost O(PN) an epoch, as SGD's, and a normal
//! number an entry and mini-batch. Deterministic. No allocation in an epoch.

mod binary;
mod params;
mod spherical;
#[cfg(test)]
mod tests;

pub use params::{Params, Settings};

use super::stop::{Ending, Winner};
use super::{Instance, Solver};
use crate::model::WeightKind;
use crate::record::{Column, Estimator, Kind, Value};
use crate::rng::Stream;
use crate::simd::Work;
use std::sync::Arc;

/// Key of this solver's streams.
pub const TAG: u64 = 7;

/// Streams of the solver: initial weights and orders of presentation, noise, division into
/// mini-batches.
const ORDER: u64 = 0;
const NOISE: u64 = 1;
const MEMBERS: u64 = 2;

/// The solver on an instance.
pub fn build(instance: Arc<Instance>, params: &Params) -> Box<dyn Solver> {
    match instance.kind {
        WeightKind::Binary => Box::new(binary::BinaryEntropySgd::new(instance, params)),
        WeightKind::Spherical => Box::new(spherical::SphericalEntropySgd::new(instance, params)),
    }
}

/// Columns beyond the common ones.
fn columns() -> Vec<Column> {
    let mean = Estimator::Mean;
    vec![
        Column::new("solved_by_center", "x is the solution", Kind::Bool, Estimator::Fraction),
        Column::new("gamma", "γ at the end", Kind::Real, mean),
        Column::new("explorer_overlap", "overlap of x and x' at the end", Kind::Real, mean),
        Column::new("first_solution", "epochs to the first solution", Kind::Count, Estimator::None),
    ]
}

/// Values of [`columns`].
fn values(ending: Ending, gamma: f64, overlap: f64) -> Vec<Value> {
    let center = ending.winner.map_or(Value::Missing, |who| Value::Bool(who == Winner::Center));
    let first = ending.first.map_or(Value::Missing, Value::Count);
    vec![center, Value::Real(gamma), Value::Real(overlap), first]
}

/// `to` ← `to` + `share`·(`from` − `to`).
struct Approach<'a> {
    to: &'a mut [f32],
    from: &'a [f32],
    share: f32,
}

impl Work for Approach<'_> {
    #[inline(always)]
    fn run(self) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to += self.share * (from - *to);
        }
    }
}

/// Noise into the first n entries of every `stride`.
fn draw(stream: &mut Stream, noise: &mut [f32], (n, stride): (usize, usize)) {
    for unit in noise.chunks_exact_mut(stride) {
        unit[..n].iter_mut().for_each(|z| *z = stream.noise());
    }
}
