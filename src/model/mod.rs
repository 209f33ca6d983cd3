//! The model: architecture, activation, patterns, weights, storage. No I/O, no clock, no MPI.

pub mod activation;
pub mod architecture;
pub mod patterns;
pub mod storage;
pub mod weights;

pub use activation::{Activation, HiddenUnit, Kernel};
pub use architecture::{Architecture, Connectivity};
pub use patterns::Patterns;
pub use storage::Storage;
pub use weights::{WeightKind, Weights};
