//! The guide: from a first job to a figure, and how to extend the program.
//!
//! The pages are those of `docs/` in the repository; what they show as a file is compiled and run by
//! the test suite (`tests/extending.rs`).

#[doc = include_str!("../docs/tutorial.md")]
pub mod tutorial {}

#[doc = include_str!("../docs/adding-a-solver.md")]
pub mod adding_a_solver {}

#[doc = include_str!("../docs/adding-an-observable.md")]
pub mod adding_an_observable {}

#[doc = include_str!("../docs/adding-an-activation.md")]
pub mod adding_an_activation {}
