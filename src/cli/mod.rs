//! The command line: one file a verb, each with its `Args` and a `run` that returns the exit code.

pub mod check;
pub mod compare;
pub mod enumerate;
pub mod export;
pub mod extrapolate;
pub mod inspect;
mod instance;
pub mod isa;
pub mod measure;
pub mod merge;
pub mod run;
pub mod solve;
pub mod status;
pub mod submit;
pub mod theory;

use crate::engine::compute;
use crate::{Exit, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "reluscape", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Run(run::Args),
    Solve(solve::Args),
    Enumerate(enumerate::Args),
    Measure(measure::Args),
    Merge(merge::Args),
    Compare(compare::Args),
    Export(export::Args),
    Inspect(inspect::Args),
    Status(status::Args),
    Submit(submit::Args),
    /// Finite-size scaling: thresholds and their limit, with errors.
    Extrapolate(extrapolate::Args),
    Theory(theory::Args),
    /// List the instruction sets of the kernels and the one in use.
    Isa(isa::Args),
}

/// Parses the command line, runs the verb, reports errors on stderr.
pub fn main() -> Exit {
    std::panic::set_hook(Box::new(|panic| {
        // A reader of standard output that has seen enough (head) is no error.
        if panic.to_string().contains("failed printing to stdout") {
            std::process::exit(i32::from(Exit::Done.code()));
        }
        // Units report their own panics, with what is needed to reproduce them.
        if !compute::in_unit() {
            eprintln!("internal error: {panic}");
            crate::comm::abort_all(Exit::Internal.code());
        }
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            // A closed pipe is no reason to fail here.
            let _ = error.print();
            return exit;
        }
    };
    match dispatch(cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit()
        }
    }
}

fn dispatch(command: Command) -> Result<Exit> {
    // A bad RELUSCAPE_ISA ends every verb here, before any kernel is chosen.
    crate::simd::Isa::detect()?;
    match command {
        Command::Extrapolate(args) => extrapolate::run(args),
        Command::Theory(args) => theory::run(args),
        Command::Check(args) => check::run(args),
        Command::Run(args) => run::run(args),
        Command::Solve(args) => solve::run(args),
        Command::Enumerate(args) => enumerate::run(args),
        Command::Measure(args) => measure::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Export(args) => export::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Status(args) => status::run(args),
        Command::Submit(args) => submit::run(args),
        Command::Isa(args) => isa::run(args),
    }
}
