//! `theory entropy`.

use super::model::ModelArgs;
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::error::TheoryError;

/// Entropy of solutions and overlap of typical ones against α.
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
        Err(TheoryError::Unavailable(format!("entropy of {}", model.label())).into())
    }
}
