//! `status`: how far an output is, without disturbing the run that writes it.

use crate::store::status::{State, Status, status};
use crate::{Exit, Result};
use std::path::PathBuf;
use std::time::Duration;

/// Show how far a result file is; its journal counts. Never disturbs a running job.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape status demo.h5\n  reluscape status demo.h5 --watch\n  reluscape status demo.h5 --exit-code || echo not complete"
)]
pub struct Args {
    /// The result file.
    file: PathBuf,
    /// Print JSON: {done, total, solved, censored, state, fingerprint, ...}.
    #[arg(long)]
    json: bool,
    /// Exit with 75 if units are missing, with 70 if only quarantined ones are.
    #[arg(long)]
    exit_code: bool,
    /// Print again every two seconds until nothing runs.
    #[arg(long)]
    watch: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    loop {
        let status = status(&args.file)?;
        if args.json {
            println!("{}", serde_json::to_string_pretty(&status).unwrap_or_default());
        } else {
            print(&args, &status);
        }
        if !args.watch || status.state != State::Running {
            return Ok(match status.state {
                _ if !args.exit_code => Exit::Done,
                State::Complete => Exit::Done,
                State::Quarantined => Exit::Internal,
                State::Running | State::Incomplete => Exit::Incomplete,
            });
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

fn print(args: &Args, status: &Status) {
    let tally = status.tally;
    let state = match status.state {
        State::Running => "running",
        State::Incomplete => "incomplete: run again",
        State::Complete => "complete",
        State::Quarantined => "complete but for quarantined units",
    };
    println!(
        "{}: {} of {} units done ({} solved, {} censored); {state}",
        args.file.display(),
        tally.done,
        tally.total,
        tally.solved,
        tally.censored
    );
    if let Some(owner) = &status.owner {
        println!("written by {owner}");
    }
    if status.uncommitted > 0 {
        println!("{} finished units are in the journal only", status.uncommitted);
    }
    for (what, units) in [("in flight", &status.in_flight), ("quarantined", &status.quarantined)] {
        for unit in units.iter().take(20) {
            println!(
                "{what}: cell {} sample {} on rank {} ({} deaths)",
                unit.cell, unit.sample, unit.rank, unit.deaths
            );
        }
        if units.len() > 20 {
            println!("{what}: … and {} more", units.len() - 20);
        }
    }
    println!("fingerprint {}", status.fingerprint);
    status.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
}
