//! 64-bit ARM kernels.

pub(super) mod neon;
