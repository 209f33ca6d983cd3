//! `submit`: a job to Slurm under a site profile.

use crate::job::Job;
use crate::slurm::profile::Profile;
use crate::slurm::{script, site};
use crate::{Error, Exit, Result};
use std::path::PathBuf;

/// Submit a job to Slurm: limits are checked first, jobs are requeued until they are done.
#[derive(clap::Args)]
#[command(
    after_help = "EXAMPLES\n  reluscape submit jobs/demo.toml --profile local --dry-run\n  reluscape submit job.toml --profile cluster -o /scratch/me/job.h5\n\nPROFILES\n  slurm/profiles/NAME.toml here, then in $RELUSCAPE_PROFILES, then in ~/.config/reluscape/profiles;\n  or a path. slurm/profiles/example.toml has every key."
)]
pub struct Args {
    /// The job file.
    job: PathBuf,
    /// The site profile, a name or a path.
    #[arg(long, value_name = "NAME")]
    profile: String,
    /// The result file; default ./NAME.h5 with the job's name.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print the script and submit nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON: {job_id, outputs, memory, script}.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let job = Job::load(&args.job)?;
    let profile = Profile::load(&args.profile)?;
    if profile.time.0 <= job.run.stop_before_end.0 {
        return Err(Error::Usage(format!(
            "time = \"{}\" of the profile: the job stops run.stop_before_end = {} before the end, \
             so it would not start: expected a longer time",
            profile.time, job.run.stop_before_end
        )));
    }
    let here = |what: &'static str| move |error: std::io::Error| Error::io(".", what, error);
    let folder = std::env::current_dir().map_err(here("find the working folder"))?;
    let program = std::env::current_exe().map_err(here("find this program"))?;
    let output = args.output.unwrap_or_else(|| PathBuf::from(format!("{}.h5", job.name)));
    let paths =
        script::Paths { folder: &folder, program: &program, job: &args.job, output: &output };
    let submission = script::submission(&job, &profile, &paths);
    job.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let id = if args.dry_run {
        None
    } else {
        site::check(&profile, &submission)?;
        Some(site::submit(&submission)?)
    };
    let outputs: Vec<_> = submission.parts.iter().map(|part| folder.join(&part.output)).collect();
    if args.json {
        let value = serde_json::json!({
            "job_id": id,
            "outputs": outputs,
            "memory": submission.memory,
            "script": submission.text,
        });
        println!("{value:#}");
        return Ok(Exit::Done);
    }
    let Some(id) = id else {
        print!("{}", submission.text);
        return Ok(Exit::Done);
    };
    println!("submitted as job {id}: about {:.1} CPU-hours in all", job.cpu_hours());
    for (part, output) in submission.parts.iter().zip(&outputs) {
        println!("samples {} -> {}", part.samples, output.display());
    }
    println!("watch it:   reluscape status --watch {}", outputs[0].display());
    if outputs.len() > 1 {
        let all = output.with_extension("part*.h5");
        println!("at the end: reluscape merge {} -o {}", all.display(), output.display());
    }
    Ok(Exit::Done)
}
