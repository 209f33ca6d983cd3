//! Message passing for binary weights: focusing (`[solver.fbp]`) and reinforced (`[solver.rbp]`)
//! belief propagation for ReLU, sign and identity units.
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
