//! Algorithms written once over small register traits; each instruction set is a thin instance.
//!
//! Everything here is `#[inline(always)]`, so that it is compiled inside the function with the
//! instruction set's `#[target_feature]`, where the intrinsics of the instance become single
//! instructions.

pub(super) mod flip;
mod integers;

pub(super) use integers::Pack;
