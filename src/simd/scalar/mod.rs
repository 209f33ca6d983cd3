//! Portable kernels: the oracle that every instruction set is tested against. Written in eight-byte
//! words and short arrays, so that they are slower than the others, not hopeless.

mod distance;
mod integers;
mod preactivation;
mod sign_count;
mod sign_descent;
mod sign_product;
mod sphere;

pub(super) use distance::differing;
pub(super) use integers::{add_column, flip, propose};
pub(super) use preactivation::{gather, preactivations};
pub(super) use sign_count::count_signs;
pub(super) use sign_descent::{descend, descend_voted};
pub(super) use sign_product::{sign_product, tabulate};
pub(super) use sphere::momentum_step;
