//! `theory at-line`.

use super::model::{ModelArgs, described};
use super::report::{OutputArgs, Report};
use crate::Result;
use crate::theory::entropy::at_line;
use crate::theory::table::Table;
use serde_json::json;

/// The load at which the replica-symmetric solution becomes unstable
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory at-line --weights spherical --activation relu --json")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Args {
    pub(super) fn report(&self) -> Result<Report> {
        let model = self.model.model()?;
        let point = at_line(&model)?;
        // Binary weights can lose stability only beyond the load where their entropy vanishes.
        let beyond = point.beyond_capacity;
        let table = described(Table::new("at-line", model.label()), &model)
            .text("beyond_capacity", if beyond { "yes" } else { "no" })
            .column("alpha_at", "1", "load at the stability limit", vec![point.alpha])
            .column("q", "1", "overlap there", vec![point.q]);
        let json = json!({
            "alpha_at": point.alpha,
            "q": point.q,
            "beyond_capacity": beyond,
        });
        Ok(Report::complete(json, table))
    }
}
