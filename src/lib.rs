//! Storage capacity and solution landscape of two-layer tree committee machines.
//!
//! Module map, dependencies pointing one way:
//! `simd`, `rng` → `model` → `solver`, `observable`, `exact` → `engine` → `cli`;
//! `theory` depends on `model::activation` and the kernels alone; `stats` on `record` alone; `scaling` on
//! `stats`; `store` is the only user of HDF5, `comm` the only user of MPI. [`guide`] tells how to add to it.

#![deny(unsafe_code, missing_docs)]

pub mod cli;
pub mod comm;
pub mod engine;
pub mod error;
pub mod exact;
pub mod exit;
pub mod guide;
pub mod job;
pub mod model;
pub mod observable;
pub mod record;
pub mod rng;
pub mod scaling;
pub mod simd;
pub mod slurm;
pub mod solver;
pub mod stats;
pub mod store;
pub mod theory;

pub use error::{Error, Result};
pub use exit::Exit;
