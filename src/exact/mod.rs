//! Exhaustive enumeration of binary machines: what is exactly true at N ≤ 40.
//!
//! - [`Enumeration`]: Z(P), the number of machines that store the first P patterns, for every P; the
//!   exact storage P_c of a sample; solutions drawn uniformly (*typical* solutions).
//! - [`density_of_states`]: g(E), machines by the number of patterns they miss.
//! - [`geometry()`]: how the solutions lie — pair distances, isolated ones, clusters, Franz–Parisi
//!   entropy; [`distances_from`]: the local entropy around one machine.
//!
//! All are integer counts, the same on every instruction set. How 2^30 machines are tested in a
//! twentieth of a second on one core: the `blocks` submodule.

mod blocks;
mod capacity;
mod density;
mod geometry;
mod segment;
mod space;

pub use capacity::{Counts, Enumeration};
pub use density::density_of_states;
pub use geometry::{Geometry, distances_from, geometry};
pub use space::{MAX_INPUTS, MachineSpace};
