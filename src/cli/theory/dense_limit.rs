//! `theory dense-limit`.

use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::capacity::capacity;
use crate::theory::dense_limit::break_up;
use crate::theory::model::Ties;
use crate::theory::table::Table;
use serde_json::json;

/// The load at which the dense region of solutions breaks up
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory dense-limit --activation relu --json
  reluscape theory dense-limit --activation sign -o theory.h5")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        model.require_infinite("dense limit")?;
        let alpha_c = capacity(&model, None, Ties::Strict)?.alpha;
        let found = break_up(&model, alpha_c)?;
        let table = described(Table::new("dense-limit", model.label()), &model)
            .column(
                "monotonicity",
                "1",
                "load beyond which the local entropy is not monotonic in the distance",
                vec![found.monotonicity],
            )
            .column(
                "external",
                "1",
                "load beyond which no dense regions of small distance are left",
                vec![found.external],
            );
        let json = json!({ "monotonicity": found.monotonicity, "external": found.external });
        Ok(Report::complete(json, table))
    }
}
