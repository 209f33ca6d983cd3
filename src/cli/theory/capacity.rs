//! `theory capacity`.

use super::model::ModelArgs;
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::error::TheoryError;

/// The load α_c beyond which no weights store the patterns.
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
        Err(TheoryError::Unavailable(format!("capacity of {}", model.label())).into())
    }
}
