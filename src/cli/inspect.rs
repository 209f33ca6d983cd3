//! `inspect`: what a result file holds, and its digest.

use crate::job::Span;
use crate::store::{digest, read};
use crate::{Error, Exit, Result};
use std::path::PathBuf;
use std::time::Duration;

/// Show what a result file holds: job, cells, columns, run segments; or only its digest.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape inspect demo.h5\n  reluscape inspect demo.h5 --digest\n  reluscape inspect demo.h5 --job > again.toml"
)]
pub struct Args {
    /// The result file.
    file: PathBuf,
    /// Print only the SHA-256 of /cells, /samples and /results: equal digests, equal results.
    #[arg(long)]
    digest: bool,
    /// Print only the job file, verbatim.
    #[arg(long, conflicts_with = "digest")]
    job: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let digest = digest::digest(&args.file)?;
    if digest::stored(&args.file)? != digest {
        let detail = "the results were changed or damaged since they were written: their digest is \
                      not the stored one";
        return Err(Error::data(&args.file, detail));
    }
    if args.digest && !args.json {
        println!("{digest}");
        return Ok(Exit::Done);
    }
    let contents = read(&args.file)?;
    if args.job {
        print!("{}", contents.text);
        return Ok(Exit::Done);
    }
    let seconds: f64 = contents.seconds.values().sum();
    if args.json {
        let value = serde_json::json!({
            "name": contents.name,
            "digest": digest,
            "fingerprint": contents.fingerprint,
            "seed": contents.seed,
            "cells": contents.cells,
            "columns": contents.columns,
            "units": contents.tally(),
            "cpu_seconds": seconds,
            "segments": contents.segments,
        });
        println!("{value:#}");
        return Ok(Exit::Done);
    }
    let tally = contents.tally();
    println!("{}: job \"{}\", seed {}", args.file.display(), contents.name, contents.seed);
    println!("fingerprint {}", contents.fingerprint);
    println!("digest      {digest}");
    println!("units       {} of {}, {} solved", tally.done, tally.total, tally.solved);
    println!("computing   {} on one core", Span(Duration::from_secs_f64(seconds)));
    println!("cells       {}", contents.cells.len());
    for column in &contents.columns {
        println!("column      {:<18} {} [{}]", column.name, column.long_name, column.units);
    }
    for segment in &contents.segments {
        println!(
            "segment     {} – {} on {}, {} ranks, {} ({}, {})",
            segment.start,
            segment.end,
            segment.host,
            segment.launch.ranks,
            segment.stop_reason,
            segment.version,
            segment.launch.isa
        );
    }
    Ok(Exit::Done)
}
