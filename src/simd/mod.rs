//! Kernels: everything the solvers spend their time in, with a safe interface.
//!
//! An [`Isa`] value is chosen once ([`Isa::selected`]) and handed to each call; every call works on
//! a whole batch, so the one `match` it costs does not show. All instruction sets give the same
//! bits; the portable code ([`Isa::SCALAR`]) is the oracle of the tests. Nothing here allocates
//! after construction, and `unsafe` exists in this module only.
//!
//! # Binary weights
//! [`PatternBlock`] holds a minibatch (or all patterns) in the layout of the kernels,
//! [`WeightTable`] the weights of y replicas, [`preactivations`] computes all h_l = Σ_i W_li ξ_li:
//! ```
//! use reluscape::simd::{Isa, PatternBlock, WeightTable, preactivations};
//! let isa = Isa::selected();
//! // A tree of K = 2 units with n = 3 inputs: one word a unit, bit 1 means −1.
//! let rows = [0b101u64, 0b000, 0b111, 0b010]; // two patterns
//! let mut block = PatternBlock::new(3, 2, 50); // n, groups (K; 1 if fully connected), capacity
//! block.gather(isa, &rows, &[1, 0]); // any pattern indices, in any order
//! let mut table = WeightTable::new(3, 2, 1); // n, K, y
//! table.set(0, &[0b000, 0b001]); // replica 0, whenever its weights have changed
//! let mut h = vec![0i16; table.len(&block)]; // once
//! preactivations(isa, &block, &table, &mut h);
//! // h_l of all patterns of the batch lie side by side: replica, then unit, then pattern.
//! let unit = |replica: usize, l: usize| &h[table.at(&block, replica, l)];
//! assert_eq!(unit(0, 0)[..2], [-3, -1]);
//! assert_eq!(unit(0, 1)[..2], [-1, 1]);
//! ```
//! [`functions`] has the transcendental functions.
//! [`FlipState`] follows single flips of one machine and proposes them, [`majority()`] is the centre of
//! replicas.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod block;
mod distance;
mod flip;
pub mod functions;
mod generic;
mod isa;
pub mod limits;
mod majority;
#[cfg(test)]
mod oracle;
mod preactivation;
mod scalar;
mod sign_count;
mod sign_descent;
mod sign_matrix;
mod sign_product;
mod sphere;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use block::PatternBlock;
pub use distance::differing;
pub use flip::{Energy, FlipColumns, FlipState, UNIT_FORMS, UnitForm};
pub use isa::{Isa, Listing, NAMES, OVERRIDE, Work, listings};
pub use majority::majority;
pub use preactivation::{WeightTable, preactivations};
pub use sign_count::count_signs;
pub use sign_descent::{Descent, MOST_VOTERS, descend, descend_voted};
pub use sign_matrix::SignMatrix;
pub use sign_product::{SumTable, sign_product};
pub use sphere::{Momentum, momentum_step};
pub use transpose::transpose64;
