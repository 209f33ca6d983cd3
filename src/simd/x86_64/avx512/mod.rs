//! AVX-512 kernels (F, VPOPCNTDQ), where they are faster than those of AVX2, which serve elsewhere.

mod distance;
mod product;

pub(in crate::simd) use distance::differing;
pub(in crate::simd) use product::sign_product;
