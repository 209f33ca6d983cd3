//! `merge`: parts of one job, for instance of a Slurm array, into one file.

use crate::store::merge::merge;
use crate::{Exit, Result};
use std::path::PathBuf;

/// Merge result files of one job (equal fingerprints; units in several must be identical).
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES\n  reluscape merge part-*.h5 -o whole.h5")]
pub struct Args {
    /// The parts.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// The merged file.
    #[arg(short, long)]
    output: PathBuf,
    /// Replace the output if it exists.
    #[arg(long)]
    overwrite: bool,
    /// Print JSON: {done, total, duplicates, gaps}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let merged = merge(&args.inputs, &args.output, args.overwrite)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&merged).unwrap_or_default());
        return Ok(Exit::Done);
    }
    println!(
        "{}: {} of {} units, {} of them in more than one part",
        args.output.display(),
        merged.done,
        merged.total,
        merged.duplicates
    );
    for gap in &merged.gaps {
        println!("missing: cell {}, samples {}..{}", gap.cell, gap.start, gap.end);
    }
    Ok(Exit::Done)
}
