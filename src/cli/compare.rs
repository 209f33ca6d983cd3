//! `compare`: are the results of two files the same bytes?

use crate::store::digest::{digest, first_difference};
use crate::{Error, Exit, Result};
use std::path::PathBuf;

/// Compare /cells, /samples and /results of two files; the first difference is exit 65.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES\n  reluscape compare mine.h5 theirs.h5")]
pub struct Args {
    /// A result file.
    a: PathBuf,
    /// Another.
    b: PathBuf,
    /// Print JSON: {equal, difference}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let difference = first_difference(&args.a, &args.b)?;
    if args.json {
        let value = serde_json::json!({ "equal": difference.is_none(), "difference": difference });
        println!("{value:#}");
        return Ok(if difference.is_none() { Exit::Done } else { Exit::Data });
    }
    match difference {
        Some(difference) => {
            let detail = format!("differs from {}: {difference}", args.a.display());
            Err(Error::data(&args.b, detail))
        }
        None => {
            println!("equal: {}", digest(&args.a)?);
            Ok(Exit::Done)
        }
    }
}
