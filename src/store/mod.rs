//! Result files, journals, checkpoints and own instances: the only user of HDF5.
//!
//! # One output, three files
//! `OUT.h5` is always whole: a commit writes a new file beside it, fsyncs, renames, fsyncs the
//! folder ([`publish`]). Between commits every batch of finished units goes to `OUT.h5.journal` at
//! once ([`journal`]); `OUT.h5.lock` keeps a second writer out ([`lock`]); `OUT.h5.checkpoints/`
//! holds snapshots of long units ([`checkpoint`]), a cache. [`Store`] is one output opened for
//! writing; [`read`] gives the contents of a result file to everybody else.
//!
//! # Same bytes
//! `/cells`, `/samples` and `/results` are a function of the cells and the finished records alone:
//! sorted by (cell, sample), no time, no host. [`digest`] defines and hashes them.
//!
//! # Writing a group of one's own
//! `/scaling`, `/theory` and whatever a user adds are carried over by every commit. To write such a
//! group build it as a [`Group`] (names to arrays and attributes, no HDF5 in sight) and call
//! [`replace_group`]: it takes the lock, copies everything else and publishes the new file
//! atomically.
//!
//! ```no_run
//! use reluscape::store::{Dataset, Group, replace_group};
//! let mut scaling = Group::default();
//! scaling.attribute("kind", "algorithmic");
//! scaling.insert("N", Dataset::new(vec![64u64, 128]).described("inputs", "1"));
//! scaling.insert_partial("alpha", &[Some(0.61), None], |d| d.described("threshold", "1"));
//! replace_group(std::path::Path::new("out.h5"), "scaling", &scaling)?;
//! # Ok::<(), reluscape::Error>(())
//! ```
//!
//! HDF5 is called from one thread only: rank 0's main thread.

pub mod checkpoint;
mod contents;
mod crash;
pub mod digest;
#[cfg(test)]
mod example;
mod hdf;
pub mod instance;
pub mod journal;
pub mod lock;
pub mod merge;
mod output;
mod provenance;
pub mod publish;
mod results;
mod samples;
mod schema;
pub mod status;
#[cfg(test)]
mod tests;
pub mod theory;
mod tree;

pub use contents::{CellRow, Contents, SampleRange, Tally};
pub use journal::FinishedUnit;
pub use output::Store;
pub use provenance::{Launch, Segment};
pub use publish::replace_group;
pub use results::{estimator_name, is_condensed, summaries};
pub use schema::read;
pub use tree::{Array, Dataset, Group, Node};

/// The result-file schema this version writes; older ones stay readable.
pub const SCHEMA: u64 = 1;
