//! `reluscape extrapolate`: thresholds of a result file and their limit, printed and stored in
//! `/scaling`. The computation is [`crate::scaling`].

mod group;
mod study;
mod text;

use crate::scaling::{Options, analyse};
use crate::{Error, Exit, Result, store};
use std::path::PathBuf;

/// Arguments of `reluscape extrapolate`.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape extrapolate fss.h5                 thresholds, limit and warnings; writes /scaling
  reluscape extrapolate fss.h5 --json          the same for scripts
  reluscape extrapolate fss.h5 --omega 1       with the exponent of the leading correction given
  reluscape extrapolate fss.h5 --no-write      without touching the file (a job is still running)

Solver data give an algorithmic threshold, which depends on the solver and its limit of epochs and
is not the capacity; only [solver.exact] gives the capacity. Errors are 68 % intervals of a
bootstrap over disorder samples; the systematic is what other laws of approach make of the data.")]
pub struct Args {
    /// Result file
    #[arg(value_name = "OUT.h5")]
    file: PathBuf,
    /// Exponent of the leading correction N^(-omega); without it, several laws are compared
    #[arg(long, value_name = "X")]
    omega: Option<f64>,
    /// Bootstrap replicates
    #[arg(long, value_name = "R", default_value_t = 1000)]
    replicates: usize,
    /// Leave the file as it is
    #[arg(long)]
    no_write: bool,
    /// Print JSON: {kind, thresholds: [{N, K, alpha, error, samples, …}], extrapolation: {alpha,
    /// error, systematic, omega, chi2_dof, …}, warnings}
    #[arg(long)]
    json: bool,
}

/// Analyses the file, prints the outcome, stores it.
///
/// # Errors
/// `Usage` for options outside their domain; `Io` or `Data` if the file cannot be read or written.
/// Data too poor for a limit are no error: the warnings say what is missing.
pub fn run(args: Args) -> Result<Exit> {
    if let Some(omega) = args.omega
        && !(0.1..=4.0).contains(&omega)
    {
        return Err(Error::Usage(format!("--omega {omega}: expected 0.1 to 4")));
    }
    if !(50..=100_000).contains(&args.replicates) {
        return Err(Error::Usage(format!(
            "--replicates {}: expected 50 to 100000; fewer than 50 know no interval",
            args.replicates
        )));
    }
    let contents = store::read(&args.file)?;
    let study = study::study(&args.file, &contents)?;
    let mut scaling = analyse(&study, Options { replicates: args.replicates, omega: args.omega });
    let tally = contents.tally();
    if tally.done < tally.total {
        scaling.warnings.insert(
            0,
            format!(
                "{} of {} units are finished: run the job again to its end",
                tally.done, tally.total
            ),
        );
    }
    // Printed before it is stored: a file that is locked by a running job loses nobody the result.
    if args.json {
        let json = serde_json::to_string_pretty(&scaling)
            .map_err(|error| Error::Internal(format!("result to JSON: {error}")))?;
        println!("{json}");
    } else {
        print!("{}", text::table(&scaling));
    }
    if !args.no_write {
        store::replace_group(&args.file, "scaling", &group::group(&scaling))?;
    }
    Ok(Exit::Done)
}
