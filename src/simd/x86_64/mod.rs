//! x86-64 kernels. The functions here are safe because an [`super::Isa`] that selects them exists
//! only on a processor that has the instructions.

pub(super) mod avx2;
pub(super) mod avx512;
mod dispatch;
pub(super) mod limits;

pub(super) use dispatch::avx2_run;
