//! `theory at-line`.

use super::model::ModelArgs;
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::error::TheoryError;

/// The load at which the replica-symmetric solution becomes unstable.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        Err(TheoryError::Unavailable(format!("at-line of {}", model.label())).into())
    }
}
