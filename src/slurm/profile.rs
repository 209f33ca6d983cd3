//! Site profiles: `slurm/profiles/NAME.toml`, what a cluster wants to know of every submission.

use crate::error::JobError;
use crate::job::{Source, Span};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Environment variable with a folder of further profiles.
pub const FOLDER: &str = "RELUSCAPE_PROFILES";

/// What starts the ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launcher {
    /// `srun --mpi=…`.
    #[default]
    Srun,
    /// `mpirun`.
    Mpirun,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Partition; the site's default without it.
    pub partition: Option<String>,
    /// Account to charge.
    pub account: Option<String>,
    /// Quality of service.
    pub qos: Option<String>,
    /// Nodes; left to Slurm without it.
    pub nodes: Option<u32>,
    /// MPI ranks of each job.
    pub tasks: u32,
    /// Time limit of one segment; a job that is not done is requeued.
    pub time: Span,
    /// Memory a rank in MiB; from the job file without it.
    pub memory: Option<u64>,
    /// SIGUSR1 so long before the end.
    #[serde(default = "five_minutes")]
    pub signal: Span,
    /// What starts the ranks.
    #[serde(default)]
    pub launcher: Launcher,
    /// MPI plugin of srun: pmix for Open MPI, pmi2 for MPICH.
    #[serde(default = "pmix")]
    pub mpi: String,
    /// Modules to load.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Environment of the job.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Jobs of an array, each with its own range of samples; 1: no array.
    #[serde(default = "one")]
    pub array: u32,
    /// More options of sbatch, as on its command line.
    #[serde(default)]
    pub options: Vec<String>,
}

fn five_minutes() -> Span {
    Span(Duration::from_secs(300))
}

fn pmix() -> String {
    "pmix".to_owned()
}

fn one() -> u32 {
    1
}

/// Where a profile called `name` may lie, first one first; a name with a `/` or ending in `.toml`
/// is a path.
pub fn places(name: &str) -> Vec<PathBuf> {
    if name.contains('/') || name.ends_with(".toml") {
        return vec![name.into()];
    }
    let file = format!("{name}.toml");
    let mut folders = vec![PathBuf::from("slurm/profiles")];
    folders.extend(std::env::var_os(FOLDER).map(PathBuf::from));
    let home = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    folders.extend(home.map(|home| home.join("reluscape/profiles")));
    folders.into_iter().map(|folder| folder.join(&file)).collect()
}

impl Profile {
    /// Finds and reads the profile called `name`.
    ///
    /// # Errors
    /// `Io` if there is none (with the places looked at), `Job` if it is invalid.
    pub fn load(name: &str) -> Result<Self> {
        let places = places(name);
        let Some(path) = places.iter().find(|place| place.exists()) else {
            let looked: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
            return Err(Error::io(
                name,
                "find the profile",
                format!("no such file: looked at {}", looked.join(", ")),
            ));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::io(path, "read the profile", error))?;
        Ok(Self::parse(path, &text)?)
    }

    /// Validates the text of a profile; `path` names it in messages.
    ///
    /// # Errors
    /// With file, line and key.
    pub fn parse(path: &Path, text: &str) -> std::result::Result<Self, JobError> {
        let file = path.display().to_string();
        let source = Source::parse(&file, text)?;
        let profile: Self = source.decode("", toml::Value::Table(source.table()?))?;
        let fail = |key: &str, message: &str| Err(source.error(key, message));
        if profile.tasks == 0 {
            return fail("tasks", "0: expected at least one rank");
        }
        if profile.nodes == Some(0) {
            return fail("nodes", "0: expected at least one node");
        }
        if !(1..=10_000).contains(&profile.array) {
            return fail("array", "expected between 1 and 10000 jobs");
        }
        if profile.time.0 < Duration::from_secs(60) {
            return fail("time", "expected at least a minute, Slurm's resolution");
        }
        if profile.signal.0 >= profile.time.0 {
            return fail(
                "signal",
                "expected less than `time`: the run would be told to stop at once",
            );
        }
        let texts = [&profile.partition, &profile.account, &profile.qos].into_iter().flatten();
        if let Some(bad) = texts.chain([&profile.mpi]).find(|text| !is_a_word(text)) {
            return fail("", &format!("\"{bad}\": expected a word without blanks or quotes"));
        }
        if let Some(bad) = profile.options.iter().find(|o| !o.starts_with('-') || o.contains('\n'))
        {
            return fail("options", &format!("\"{bad}\": expected options like \"--exclusive\""));
        }
        if let Some(bad) = profile.environment.keys().find(|key| !is_a_variable(key)) {
            return fail("environment", &format!("\"{bad}\": expected the name of a variable"));
        }
        Ok(profile)
    }
}

fn is_a_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.,+@:/".contains(c))
}

fn is_a_variable(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_line_key_and_expectation() {
        let parse = |text: &str| Profile::parse(Path::new("site.toml"), text);
        let good = "partition = \"main\"\ntasks = 4\ntime = \"1:00:00\"\n";
        let profile = parse(good).unwrap();
        assert_eq!((profile.array, profile.launcher), (1, Launcher::Srun));
        for (text, words) in [
            ("tasks = 4\ntime = \"1h\"\npartion = \"a\"", "site.toml:3: `partion`: unknown key"),
            ("time = \"1h\"", "`tasks`: missing"),
            ("tasks = 0\ntime = \"1h\"", "site.toml:1: `tasks`: 0"),
            ("tasks = 1\ntime = \"soon\"", "site.toml:2: `time`"),
            ("tasks = 1\ntime = \"10s\"", "at least a minute"),
            ("tasks = 1\ntime = \"5m\"", "`signal`"),
            ("tasks = 1\ntime = \"1h\"\narray = 0", "site.toml:3: `array`"),
            ("tasks = 1\ntime = \"1h\"\nlauncher = \"mpiexec\"", "srun, mpirun"),
            ("tasks = 1\ntime = \"1h\"\noptions = [\"rm -rf\"]", "--exclusive"),
            ("tasks = 1\ntime = \"1h\"\naccount = \"a b\"", "a word"),
            ("tasks = 1\ntime = \"1h\"\nenvironment = { \"A B\" = \"1\" }", "variable"),
            ("tasks = [", "not valid TOML"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn a_name_is_looked_up_and_a_path_is_not() {
        assert_eq!(places("a/b.toml"), [PathBuf::from("a/b.toml")]);
        assert_eq!(places("site")[0], PathBuf::from("slurm/profiles/site.toml"));
        let error = Profile::load("no-such-site").unwrap_err();
        assert_eq!(error.exit().code(), 74);
        assert!(error.to_string().contains("slurm/profiles/no-such-site.toml"), "{error}");
    }
}
