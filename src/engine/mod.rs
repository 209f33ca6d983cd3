//! Running a job: plan, schedule, compute, stop. Knows solvers, the store and [`crate::comm`];
//! solvers know nothing of it.
//!
//! Every rank has a compute thread ([`compute`]) that runs units and a main thread that alone sends
//! and receives. Rank 0's main thread is the coordinator ([`coordinator`]): it feeds the pure
//! [`scheduler`], owns the [`crate::store::Store`], and decides alone when to commit and to stop.

pub mod compute;
pub mod coordinator;
#[cfg(debug_assertions)]
mod fault;
mod listening;
pub mod progress;
pub mod protocol;
pub mod scheduler;
pub mod stop;
pub mod unit;
pub mod worker;
