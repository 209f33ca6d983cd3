//! AVX2 kernels.

mod distance;
mod integers;
mod preactivation;
mod sign_product;

pub(in crate::simd) use distance::differing;
pub(in crate::simd) use integers::{add_column, flip, propose};
pub(in crate::simd) use preactivation::{gather, preactivations};
pub(in crate::simd) use sign_product::{sign_product, tabulate};
