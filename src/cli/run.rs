//! `run`: a job, serial or under mpirun/srun; resumes by default.

use crate::comm::{self, Comm};
use crate::engine::coordinator::{self, Directions, End};
use crate::engine::protocol::{decode, encode};
use crate::engine::stop::{Signals, deadline};
use crate::engine::{compute::describe, worker};
use crate::job::{Job, Span};
use crate::record::Value;
use crate::simd::Isa;
use crate::store::{Contents, Launch, SampleRange, Store};
use crate::{Error, Exit, Result, slurm};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Cells with more censored units than this are named at the end.
const CENSORED_WARNING: f64 = 0.05;

/// Run a job, serially or under mpirun/srun. An existing output of the same job is resumed.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape run jobs/demo.toml\n  mpirun -n 2 reluscape run jobs/demo.toml -o demo.h5\n  srun reluscape run job.toml --samples 0..1000 -o part-0.h5\n\nEXIT CODES\n  0 all done · 65 the output belongs to another job or is damaged · 70 a bug or quarantined units\n  74 I/O · 75 stopped cleanly, run again · 78 invalid job file\n\nSIGNALS\n  SIGUSR1, SIGTERM, SIGINT: stop cleanly (75) · SIGUSR2: commit and go on"
)]
pub struct Args {
    /// The job file.
    job: PathBuf,
    /// The result file; default ./NAME.h5 with the job's name.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Only these disorder samples, half open.
    #[arg(long, value_name = "A..B", default_value = "0..")]
    samples: SampleRange,
    /// Stop cleanly after so long, for instance 1h30m.
    #[arg(long, value_name = "TIME")]
    time_limit: Option<Span>,
    /// Take the output over from another owner where the file system has no locks.
    #[arg(long)]
    take_over: bool,
    /// Try units again that were set aside after three deaths.
    #[arg(long)]
    retry_quarantined: bool,
    /// No progress.
    #[arg(short, long)]
    quiet: bool,
}

/// Rank 0's word to all ranks before anything is computed.
#[derive(Serialize, Deserialize)]
enum Verdict {
    /// There is nothing to do.
    Leave,
    /// Compute this job.
    Compute { file: String, text: String },
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    // Before MPI, whose own handlers must not come first.
    let signals = Signals::install()?;
    let comm = comm::connect()?;
    if let Some(tasks) = slurm::announced_tasks()
        && tasks != comm.size()
        && comm.rank() == 0
    {
        return Err(Error::Usage(format!(
            "the launcher announced {tasks} tasks, but MPI sees {}: start with mpirun or srun \
             --mpi=pmix of the MPI library that this program was built with ({})",
            comm.size(),
            comm.library()
        )));
    }
    if comm.rank() == 0 { lead(&*comm, args, &signals) } else { follow(&*comm, &signals) }
}

/// A rank other than 0.
fn follow(comm: &dyn Comm, signals: &Signals) -> Result<Exit> {
    let verdict = decode(&comm.broadcast(Vec::new())).map_err(Error::Internal);
    let served = verdict.and_then(|verdict| match verdict {
        Verdict::Leave => Ok(()),
        Verdict::Compute { file, text } => {
            let job = Job::parse(&file, &text)?;
            worker::serve(comm, Arc::new(job), signals)
        }
    });
    if let Err(error) = served {
        eprintln!("error: rank {}: {error}", comm.rank());
        comm.abort(error.exit().code());
    }
    // No rank leaves before rank 0 has committed; only rank 0 carries an exit code.
    comm.barrier();
    Ok(Exit::Done)
}

/// Rank 0.
fn lead(comm: &dyn Comm, args: Args, signals: &Signals) -> Result<Exit> {
    let mut told = false;
    let result = lead_to_the_end(comm, args, signals, &mut told);
    if !told {
        comm.broadcast(encode(&Verdict::Leave));
    }
    comm.barrier();
    result
}

fn lead_to_the_end(
    comm: &dyn Comm,
    args: Args,
    signals: &Signals,
    told: &mut bool,
) -> Result<Exit> {
    let job = Arc::new(Job::load(&args.job)?);
    let output = args.output.unwrap_or_else(|| PathBuf::from(format!("{}.h5", job.name)));
    let launch = Launch {
        ranks: comm.size() as u32,
        isa: Isa::selected().name().to_owned(),
        mpi: comm.library(),
        slurm_job: slurm::job_id(),
    };
    let mut store = Store::open(&output, &job, args.samples, launch, args.take_over)?;
    let found = store.take_warnings();
    for warning in job.warnings.iter().chain(&found) {
        eprintln!("warning: {warning}");
    }
    for (unit, deaths) in store.in_flight() {
        let name = describe(&job, unit);
        eprintln!("note: {name} was running when an earlier run died ({deaths} times so far)");
    }
    if args.retry_quarantined {
        store.forgive()?;
    }
    for unit in store.quarantined() {
        eprintln!("warning: {} died three times and is left out:", describe(&job, unit));
        eprintln!("         {}", coordinator::reproduce(&job, unit));
    }
    let (deadline, notes) = deadline(args.time_limit, job.run.stop_before_end);
    notes.iter().for_each(|note| eprintln!("{note}"));
    let tally = store.contents().tally();
    if tally.done > 0 && !args.quiet {
        eprintln!("resuming {}: {} of {} units done", output.display(), tally.done, tally.total);
    }
    comm.broadcast(encode(&Verdict::Compute {
        file: args.job.display().to_string(),
        text: job.text.clone(),
    }));
    *told = true;
    let directions = Directions {
        range: args.samples,
        job_path: args.job.display().to_string(),
        signals,
        deadline,
        quiet: args.quiet,
    };
    let end = coordinator::run(comm, Arc::clone(&job), &mut store, &directions)?;
    summary(&job, store.contents(), end, &output);
    store.close(end.reason())?;
    Ok(end.exit())
}

/// What was done, and statistical warnings.
fn summary(job: &Job, contents: &Contents, end: End, output: &std::path::Path) {
    let tally = contents.tally();
    eprintln!(
        "{}: {} of {} units done, {} solved, {} censored; {}",
        output.display(),
        tally.done,
        tally.total,
        tally.solved,
        tally.censored,
        match end {
            End::Complete => "complete".to_owned(),
            End::Quarantined => "all but the units set aside".to_owned(),
            End::Signal | End::Deadline => format!("stopped ({}): run again", end.reason()),
        }
    );
    let censored = contents.column("censored");
    let mut counts = vec![(0u64, 0u64); job.cells.len()];
    for (unit, record) in &contents.records {
        let count = &mut counts[unit.cell as usize];
        count.0 += 1;
        count.1 += u64::from(censored.is_some_and(|at| record[at] == Value::Bool(true)));
    }
    let censored: Vec<_> = counts
        .iter()
        .zip(&job.cells)
        .filter(|((done, censored), _)| *censored as f64 > CENSORED_WARNING * *done as f64)
        .collect();
    if !censored.is_empty() && end == End::Complete {
        eprintln!(
            "note: in {} of {} cells more than {:.0} % of the units are censored (stopped by the \
             solver's limit): success there is success within that limit, and the epochs of the \
             unsolved are only known to exceed it",
            censored.len(),
            job.cells.len(),
            100.0 * CENSORED_WARNING
        );
    }
    let thin = counts.iter().filter(|(done, _)| (1..20).contains(done)).count();
    if thin > 0 && end == End::Complete {
        eprintln!("note: {thin} cells have fewer than 20 samples: their errors are rough");
    }
}
