//! The batch script of a job under a profile: its header, then the body of `slurm/run.sbatch`,
//! which is the only copy of what happens inside an allocation.

use super::profile::{Launcher, Profile};
use crate::job::Job;
use crate::store::SampleRange;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The template for submission by hand; its body starts at [`BODY`].
const TEMPLATE: &str = include_str!("../../slurm/run.sbatch");
const BODY: &str = "set -uo pipefail\n";

/// Memory of a rank beside the job's own: program, MPI and HDF5 libraries, in MiB.
const LIBRARIES: u64 = 256;

/// One job of a submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its result file.
    pub output: PathBuf,
    /// Its samples.
    pub samples: SampleRange,
}

/// What is submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The script.
    pub text: String,
    /// Its jobs: one, or one a task of the array.
    pub parts: Vec<Part>,
    /// Memory a rank, in MiB.
    pub memory: u64,
}

/// The files and programs that a script names.
#[derive(Clone, Debug)]
pub struct Paths<'a> {
    /// Working folder of the job, absolute.
    pub folder: &'a Path,
    /// This program, absolute.
    pub program: &'a Path,
    /// The job file.
    pub job: &'a Path,
    /// The result file (of the whole).
    pub output: &'a Path,
}

/// Writes the script.
pub fn submission(job: &Job, profile: &Profile, paths: &Paths) -> Submission {
    let parts = parts(job, profile.array, paths.output);
    let memory = profile.memory.unwrap_or_else(|| {
        let bytes = u64::try_from(job.bytes_per_rank()).unwrap_or(u64::MAX);
        LIBRARIES + bytes.div_ceil(1 << 20).saturating_mul(5) / 4
    });
    let mut text = String::from("#!/usr/bin/env bash\n");
    let mut option = |line: String| {
        let _ = writeln!(text, "#SBATCH {line}");
    };
    option(format!("--job-name={}", word(&job.name)));
    for (name, value) in
        [("partition", &profile.partition), ("account", &profile.account), ("qos", &profile.qos)]
    {
        if let Some(value) = value {
            option(format!("--{name}={value}"));
        }
    }
    if let Some(nodes) = profile.nodes {
        option(format!("--nodes={nodes}"));
    }
    option(format!("--ntasks={}", profile.tasks));
    option("--cpus-per-task=1".to_owned());
    option(format!("--mem-per-cpu={memory}M"));
    option(format!("--time={}", minutes(profile)));
    option(format!("--signal=B:USR1@{}", profile.signal.0.as_secs()));
    let log = if parts.len() > 1 { "%x-%A_%a.log" } else { "%x-%j.log" };
    option(format!("--output={log}"));
    option("--open-mode=append".to_owned());
    option("--requeue".to_owned());
    if parts.len() > 1 {
        option(format!("--array=0-{}", parts.len() - 1));
    }
    profile.options.iter().for_each(|line| option(line.clone()));
    let _ = writeln!(text, "cd {} || exit 74", quoted(&paths.folder.display().to_string()));
    if !profile.modules.is_empty() {
        let modules: Vec<_> = profile.modules.iter().map(|module| quoted(module)).collect();
        let _ = writeln!(text, "module load {}", modules.join(" "));
    }
    for (key, value) in &profile.environment {
        let _ = writeln!(text, "export {key}={}", quoted(value));
    }
    let launcher = match profile.launcher {
        Launcher::Srun => format!("srun --mpi={}", profile.mpi),
        Launcher::Mpirun => "mpirun".to_owned(),
    };
    let program = quoted(&paths.program.display().to_string());
    let _ = writeln!(text, "export RELUSCAPE={program} RELUSCAPE_LAUNCHER={}", quoted(&launcher));
    let job_file = quoted(&paths.job.display().to_string());
    if let [part] = &parts[..] {
        let _ = writeln!(text, "set -- {job_file} {}", quoted(&part.output.display().to_string()));
    } else {
        let outputs: Vec<_> =
            parts.iter().map(|part| quoted(&part.output.display().to_string())).collect();
        let ranges: Vec<_> = parts.iter().map(|part| part.samples.to_string()).collect();
        let _ = writeln!(text, "OUTPUTS=({})", outputs.join(" "));
        let _ = writeln!(text, "SAMPLES=({})", ranges.join(" "));
        let _ = writeln!(
            text,
            "set -- {job_file} \"${{OUTPUTS[$SLURM_ARRAY_TASK_ID]}}\" \
             --samples \"${{SAMPLES[$SLURM_ARRAY_TASK_ID]}}\""
        );
    }
    let body = TEMPLATE.find(BODY).expect("the template has its body");
    text.push('\n');
    text.push_str(&TEMPLATE[body..]);
    Submission { text, parts, memory }
}

/// Disjoint ranges of samples, as equal as can be, over the cell with the most of them.
fn parts(job: &Job, array: u32, output: &Path) -> Vec<Part> {
    let most = job.cells.iter().map(|cell| cell.samples).max().unwrap_or(0);
    let count = u64::from(array).min(most.max(1));
    if count == 1 {
        return vec![Part { output: output.to_owned(), samples: SampleRange::ALL }];
    }
    (0..count)
        .map(|part| {
            let bound = |part: u64| (most as u128 * u128::from(part) / u128::from(count)) as u64;
            Part {
                output: output.with_extension(format!("part{part}.h5")),
                samples: SampleRange { start: bound(part), end: Some(bound(part + 1)) },
            }
        })
        .collect()
}

/// The time limit as Slurm takes it, in whole minutes.
fn minutes(profile: &Profile) -> u64 {
    profile.time.0.as_secs().div_ceil(60)
}

/// A text as one word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A job's name as one word for Slurm.
fn word(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submit(profile: &str) -> Submission {
        let job = Job::parse("job.toml", include_str!("../../jobs/demo.toml")).unwrap();
        let profile = Profile::parse(Path::new("p.toml"), profile).unwrap();
        let paths = Paths {
            folder: Path::new("/home/me/it's here"),
            program: Path::new("/opt/reluscape"),
            job: Path::new("jobs/demo.toml"),
            output: Path::new("demo.h5"),
        };
        submission(&job, &profile, &paths)
    }

    #[test]
    fn every_setting_reaches_the_script() {
        let submission = submit(
            "partition = \"long\"\naccount = \"phys\"\nqos = \"normal\"\nnodes = 2\ntasks = 64\n\
             time = \"1-00:00:00\"\nsignal = \"10m\"\nmodules = [\"openmpi/4.1\", \"hdf5\"]\n\
             launcher = \"mpirun\"\nmemory = 512\noptions = [\"--exclusive\"]\n\
             environment = { OMP_NUM_THREADS = \"1\" }",
        );
        for line in [
            "#SBATCH --job-name=demo",
            "#SBATCH --partition=long",
            "#SBATCH --account=phys",
            "#SBATCH --qos=normal",
            "#SBATCH --nodes=2",
            "#SBATCH --ntasks=64",
            "#SBATCH --mem-per-cpu=512M",
            "#SBATCH --time=1440",
            "#SBATCH --signal=B:USR1@600",
            "#SBATCH --requeue",
            "#SBATCH --exclusive",
            "cd '/home/me/it'\\''s here' || exit 74",
            "module load 'openmpi/4.1' 'hdf5'",
            "export OMP_NUM_THREADS='1'",
            "export RELUSCAPE='/opt/reluscape' RELUSCAPE_LAUNCHER='mpirun'",
            "set -- 'jobs/demo.toml' 'demo.h5'",
            "set -uo pipefail",
        ] {
            assert!(submission.text.lines().any(|l| l == line), "{line}\n{}", submission.text);
        }
        assert_eq!(submission.parts.len(), 1);
    }

    #[test]
    fn an_array_covers_every_sample_once() {
        let submission = submit("tasks = 1\ntime = \"1h\"\narray = 7");
        let mut next = 0;
        for part in &submission.parts {
            assert_eq!(part.samples.start, next);
            next = part.samples.end.unwrap();
        }
        let job = Job::parse("job.toml", include_str!("../../jobs/demo.toml")).unwrap();
        assert_eq!(next, job.cells.iter().map(|cell| cell.samples).max().unwrap());
        assert!(submission.text.contains("#SBATCH --array=0-6"), "{}", submission.text);
        assert!(submission.text.contains("'demo.part6.h5')"), "{}", submission.text);
        assert!(submission.memory > LIBRARIES);
    }
}
