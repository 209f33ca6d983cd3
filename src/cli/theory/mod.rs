//! `reluscape theory`: analytical results; one file a sub-verb.

mod at_line;
mod capacity;
mod entropy;
mod model;
mod report;

use crate::error::Error;
use crate::{Exit, Result};
use clap::Subcommand;
use report::OutputArgs;
pub(crate) use report::Report;

/// Analytical (replica) results.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape theory capacity --weights binary --activation relu --json
  reluscape theory capacity --weights spherical --activation relu --rsb 1
  reluscape theory entropy --weights binary --activation sign --alpha 0.2,0.4,0.6 -o theory.h5
  reluscape theory at-line --weights spherical --activation relu")]
pub struct Args {
    #[command(subcommand)]
    quantity: Quantity,
}

#[derive(Subcommand)]
enum Quantity {
    Capacity(capacity::Args),
    Entropy(entropy::Args),
    AtLine(at_line::Args),
}

impl Quantity {
    fn output(&self) -> &OutputArgs {
        match self {
            Quantity::Capacity(args) => &args.output,
            Quantity::Entropy(args) => &args.output,
            Quantity::AtLine(args) => &args.output,
        }
    }

    fn report(&self) -> Result<Report> {
        match self {
            Quantity::Capacity(args) => args.report(),
            Quantity::Entropy(args) => args.report(),
            Quantity::AtLine(args) => args.report(),
        }
    }
}

/// Computes, then prints and writes what was asked for. With `--json` a point that has no value
/// prints `{"error": {"kind", "detail"}}`.
pub fn run(args: Args) -> Result<Exit> {
    let output = args.quantity.output();
    match args.quantity.report() {
        Ok(report) => output.deliver(&report),
        Err(Error::Theory(error)) if output.json => {
            println!("{}", report::error_object(&error));
            Err(Error::Theory(error))
        }
        Err(error) => Err(error),
    }
}
