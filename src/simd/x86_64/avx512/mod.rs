//! AVX-512 kernels (F, BW, VL, BITALG, VPOPCNTDQ). Compiled, never run on hardware yet: taken only
//! when `RELUSCAPE_ISA=avx512` asks for them.

mod distance;
mod forward;
mod integers;
mod product;

pub(in crate::simd) use distance::differing;
pub(in crate::simd) use forward::preactivations;
pub(in crate::simd) use integers::{add_column, flip, propose};
pub(in crate::simd) use product::sign_product;
