//! `check`: validate a job file and say what it will cost.

use crate::job::Job;
use crate::{Exit, Result};
use std::path::PathBuf;

/// Validate a job file; print cells, units, memory a rank and estimated CPU-hours.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape check jobs/demo.toml\n  reluscape check jobs/demo.toml --json"
)]
pub struct Args {
    /// The job file.
    job: PathBuf,
    /// Print JSON: {cells, units, bytes_per_rank, cpu_hours, warnings}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let job = Job::load(&args.job)?;
    let (units, bytes, hours) = (job.total_units(), job.bytes_per_rank(), job.cpu_hours());
    if args.json {
        let value = serde_json::json!({
            "name": job.name,
            "fingerprint": job.fingerprint(),
            "cells": job.cells.len(),
            "units": units,
            "bytes_per_rank": u64::try_from(bytes).unwrap_or(u64::MAX),
            "cpu_hours": hours,
            "warnings": job.warnings,
        });
        println!("{value:#}");
        return Ok(Exit::Done);
    }
    println!("{}: valid", args.job.display());
    println!("fingerprint  {}", job.fingerprint());
    println!("cells        {}", job.cells.len());
    println!("units        {units}");
    println!("memory       {:.1} MiB a rank", bytes as f64 / f64::from(1 << 20));
    println!("cost         about {} on cores of a 2021 server", cpu_time(hours));
    let columns: Vec<_> = job.columns().into_iter().map(|c| c.name).collect();
    println!("columns      {}", columns.join(" "));
    println!("\n     N      K      P   alpha  samples  CPU-s a sample");
    for cell in &job.cells {
        println!(
            "{:>6} {:>6} {:>6} {:>7} {:>8}  {:>14.3}",
            cell.inputs(),
            cell.hidden(),
            cell.patterns,
            cell.alpha_requested,
            cell.samples,
            job.expected_seconds(cell)
        );
    }
    for warning in &job.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(Exit::Done)
}

/// Hours, or what is more readable.
fn cpu_time(hours: f64) -> String {
    match hours {
        h if h < 1.0 / 60.0 => format!("{:.1} CPU-seconds", h * 3600.0),
        h if h < 1.0 => format!("{:.1} CPU-minutes", h * 60.0),
        h => format!("{h:.1} CPU-hours"),
    }
}
