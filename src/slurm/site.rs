//! What Slurm would refuse, asked before a submission: limits of the partition, then sbatch itself.

use super::profile::Profile;
use super::script::Submission;
use crate::job::parse_span;
use crate::{Error, Result};
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// One line of `sinfo`: what a partition offers.
#[derive(Clone, Debug, PartialEq)]
struct Offer {
    /// Seconds of the time limit; `None` without one.
    time: Option<u64>,
    nodes: u64,
    /// Cores and MiB of its smallest node kind.
    cores: u64,
    memory: u64,
}

/// Refuses what the site would refuse, as far as Slurm answers.
///
/// # Errors
/// `Usage` with what was asked and what is offered; `Io` if there is no Slurm here.
pub fn check(profile: &Profile, submission: &Submission) -> Result<()> {
    let mut sinfo = Command::new("sinfo");
    sinfo.args(["-h", "-o", "%R|%l|%D|%c|%m"]);
    if let Some(partition) = &profile.partition {
        sinfo.args(["-p", partition]);
    }
    let output = run(sinfo, None)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let offers: Vec<Offer> = text.lines().filter_map(offer).collect();
    if let Some(partition) = &profile.partition
        && offers.is_empty()
        && output.status.success()
    {
        let known = run(
            {
                let mut all = Command::new("sinfo");
                all.args(["-h", "-o", "%R"]);
                all
            },
            None,
        )?;
        let known = String::from_utf8_lossy(&known.stdout).trim().replace('\n', ", ");
        return Err(Error::Usage(format!(
            "partition = \"{partition}\": no such partition here: expected one of {known}"
        )));
    }
    refusal(profile, submission, &offers).map_or(Ok(()), |text| Err(Error::Usage(text)))?;
    let mut test = Command::new("sbatch");
    test.arg("--test-only");
    let output = run(test, Some(&submission.text))?;
    if !output.status.success() {
        return Err(Error::Usage(format!("sbatch would refuse this: {}", said(&output))));
    }
    Ok(())
}

/// What no offer satisfies.
fn refusal(profile: &Profile, submission: &Submission, offers: &[Offer]) -> Option<String> {
    if offers.is_empty() {
        return None;
    }
    let asked = profile.time.0.as_secs();
    let longest = offers.iter().map(|offer| offer.time.unwrap_or(u64::MAX)).max()?;
    if asked > longest {
        return Some(format!(
            "time = \"{}\": the partition allows {}: jobs that are not done are requeued, so a \
             shorter limit costs little",
            profile.time,
            crate::job::Span(std::time::Duration::from_secs(longest))
        ));
    }
    let nodes: u64 = offers.iter().map(|offer| offer.nodes).sum();
    let cores: u64 = offers.iter().map(|offer| offer.nodes * offer.cores).sum();
    if u64::from(profile.nodes.unwrap_or(0)) > nodes {
        return Some(format!("nodes = {}: the partition has {nodes}", profile.nodes.unwrap_or(0)));
    }
    if u64::from(profile.tasks) > cores {
        return Some(format!("tasks = {}: the partition has {cores} cores", profile.tasks));
    }
    let largest = offers.iter().map(|offer| offer.memory).max()?;
    let ranks = u64::from(profile.tasks.div_ceil(profile.nodes.unwrap_or(profile.tasks)));
    if submission.memory.saturating_mul(ranks) > largest {
        return Some(format!(
            "{} MiB a rank and {ranks} ranks a node: the partition's nodes have {largest} MiB: \
             spread the ranks over more nodes",
            submission.memory
        ));
    }
    None
}

/// `name|time|nodes|cores|memory`; a `+` marks nodes of several kinds.
fn offer(line: &str) -> Option<Offer> {
    let fields: Vec<_> = line.split('|').map(|field| field.trim_end_matches('+')).collect();
    let [_, time, nodes, cores, memory] = fields[..] else { return None };
    Some(Offer {
        time: (time != "infinite").then(|| parse_span(time).ok().map(|s| s.0.as_secs())).flatten(),
        nodes: nodes.parse().ok()?,
        cores: cores.parse().ok()?,
        memory: memory.parse().ok()?,
    })
}

/// Submits and returns the job's id.
///
/// # Errors
/// `Usage` with sbatch's own words; `Io` if there is no Slurm here.
pub fn submit(submission: &Submission) -> Result<String> {
    let mut sbatch = Command::new("sbatch");
    sbatch.arg("--parsable");
    let output = run(sbatch, Some(&submission.text))?;
    if !output.status.success() {
        return Err(Error::Usage(format!("sbatch refused: {}", said(&output))));
    }
    // ID, or ID;CLUSTER.
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().split(';').next().unwrap_or_default().to_owned())
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.trim()
        .replace("sbatch: error: ", "")
        .replace("allocation failure: ", "")
        .replace('\n', "; ")
}

/// Runs a command of Slurm with `input` on its standard input.
fn run(mut command: Command, input: Option<&str>) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let io = |error: std::io::Error| {
        let detail =
            format!("{error} (is this a login node of a Slurm cluster? --dry-run needs none)");
        Error::Io { path: name.clone().into(), action: "run", detail }
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(io)?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        // A command that does not read it says why by itself.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait_with_output().map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn limits_are_found_and_named() {
        let offers: Vec<Offer> = ["main*|1-00:00:00|2|4|4000", "main*|1-00:00:00|1|8+|8000+"]
            .iter()
            .filter_map(|line| offer(line))
            .collect();
        assert_eq!(offers[1], Offer { time: Some(86_400), nodes: 1, cores: 8, memory: 8000 });
        assert_eq!(offer("main|infinite|1|1|1").unwrap().time, None);
        let refused = |text: &str, memory: u64| {
            let profile = Profile::parse(Path::new("p.toml"), text).unwrap();
            let submission = Submission { text: String::new(), parts: Vec::new(), memory };
            refusal(&profile, &submission, &offers)
        };
        assert_eq!(refused("tasks = 16\ntime = \"1d\"", 100), None);
        assert!(refused("tasks = 1\ntime = \"25h\"", 1).unwrap().contains("allows 1d"));
        assert!(refused("tasks = 17\ntime = \"1h\"", 1).unwrap().contains("16 cores"));
        assert!(refused("tasks = 4\nnodes = 4\ntime = \"1h\"", 1).unwrap().contains("has 3"));
        assert!(refused("tasks = 4\nnodes = 1\ntime = \"1h\"", 2001).unwrap().contains("8000 MiB"));
        assert!(
            refusal(
                &Profile::parse(Path::new("p.toml"), "tasks = 1\ntime = \"9d\"").unwrap(),
                &Submission { text: String::new(), parts: Vec::new(), memory: 1 },
                &[Offer { time: None, nodes: 1, cores: 1, memory: 1 }],
            )
            .is_none()
        );
    }
}
