//! Message passing for binary weights: focusing (`[solver.fbp]`) and reinforced (`[solver.rbp]`)
//! belief propagation for ReLU, sign and identity units.
//!
//! $$ \omega_l^\mu = \frac{1}{\sqrt n} \sum_i \xi_i^\mu m_i - V_l\ g_l^\mu, \qquad
//!    g_l^\mu = \frac{\partial \ln Z_\mu}{\partial \omega_l}, \qquad
//!    h_i = \frac{1}{\sqrt n} \sum_\mu \xi_i^\mu g_l^\mu + a_l m_i, \qquad m_i = \tanh h_i^{\mathrm{tot}} $$
//!
//! [`amp`] passes messages in their O(PN) form with the pattern nodes of [`node`]; [`focusing`] moves
//! the magnetisations m ← tanh h_tot towards one dense region, damped ([`params::Damping`]); the
//! solver stops when sign h stores all patterns, and [`polish`] completes near misses, which the
//! column `polished` states apart. Ref.: Baldassi et al., PNAS 113, E7655 (2016); the ReLU node is
//! this project's. Deterministic: same bits on every instruction set and after a restore.

pub mod amp;
pub mod bethe;
pub mod closure;
#[cfg(test)]
mod edge;
pub mod focusing;
pub mod node;
pub mod params;
pub mod polish;
mod solver;
mod update;
pub mod votes;

pub use params::{FbpParams, RbpParams, Settings};
pub use solver::MessagePassing;
