//! `reluscape theory`: analytical results; one file a sub-verb.

mod at_line;
mod capacity;
mod dense_limit;
mod entropy;
mod franz_parisi;
mod landscape;
mod local_entropy;
mod model;
mod report;
mod robustness;
mod stability;

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
  reluscape theory at-line --weights spherical --activation relu
  reluscape theory franz-parisi --activation relu --alpha 0.6 --distance 0.01,0.05,0.1
  reluscape theory local-entropy --activation relu --alpha 0.6 --distance 0.05 --replicas critical
  reluscape theory dense-limit --activation relu
  reluscape theory stability --activation relu --solutions typical --alpha 0.6
  reluscape theory robustness --activation relu --solutions typical --alpha 0.6 --rate 0.01,0.1")]
pub struct Args {
    #[command(subcommand)]
    quantity: Quantity,
}

#[derive(Subcommand)]
enum Quantity {
    Capacity(capacity::Args),
    Entropy(entropy::Args),
    AtLine(at_line::Args),
    FranzParisi(franz_parisi::Args),
    LocalEntropy(local_entropy::Args),
    DenseLimit(dense_limit::Args),
    Stability(stability::Args),
    Robustness(robustness::Args),
}

impl Quantity {
    fn output(&self) -> &OutputArgs {
        match self {
            Quantity::Capacity(args) => &args.output,
            Quantity::Entropy(args) => &args.output,
            Quantity::AtLine(args) => &args.output,
            Quantity::FranzParisi(args) => &args.output,
            Quantity::LocalEntropy(args) => &args.output,
            Quantity::DenseLimit(args) => &args.output,
            Quantity::Stability(args) => &args.output,
            Quantity::Robustness(args) => &args.output,
        }
    }

    fn report(&self) -> Result<Report> {
        match self {
            Quantity::Capacity(args) => args.report(),
            Quantity::Entropy(args) => args.report(),
            Quantity::AtLine(args) => args.report(),
            Quantity::FranzParisi(args) => args.report(),
            Quantity::LocalEntropy(args) => args.report(),
            Quantity::DenseLimit(args) => args.report(),
            Quantity::Stability(args) => args.report(),
            Quantity::Robustness(args) => args.report(),
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
