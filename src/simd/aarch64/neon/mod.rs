//! NEON kernels. Run under emulation, not on hardware yet: taken only when `RELUSCAPE_ISA=neon` asks
//! for them.

mod distance;
mod forward;
mod integers;
mod product;

pub(in crate::simd) use distance::differing;
pub(in crate::simd) use forward::preactivations;
pub(in crate::simd) use integers::{add_column, flip, propose};
pub(in crate::simd) use product::sign_product;
