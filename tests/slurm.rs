//! On a real Slurm of two nodes on this machine (`slurm/local/cluster`): submissions complete with
//! the bytes of a serial run, whatever happens to them in between.
//!
//! Ignored by a plain `cargo test`, since they need root, Slurm's packages and minutes:
//! `make test-slurm`, part of `make validate`.

mod support;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::*;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/slurm/local/cluster");

/// A job may wait and run so long.
const PATIENCE: Duration = Duration::from_secs(240);

/// One cluster at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A running cluster with a folder to work in; stopped when dropped.
struct Cluster {
    folder: tempfile::TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Cluster {
    fn up() -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = Self { folder: folder(), _one: one };
        cluster.script(&["up", "2", "4"]);
        cluster
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn script(&self, args: &[&str]) {
        let mut script = Command::new(SCRIPT);
        script.args(args);
        let output = self.finish(script);
        assert!(output.status.success(), "cluster {args:?}: {}", text(&output));
    }

    /// Runs a command that talks to this cluster.
    fn finish(&self, mut command: Command) -> Output {
        command
            .env("SLURM_LOCAL", self.folder().join("slurm"))
            .env("SLURM_LOCAL_PORT", "17817")
            .env("SLURM_CONF", self.folder().join("slurm/slurm.conf"))
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        finish(spawn(command))
    }

    fn slurm(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(args);
        text(&self.finish(command))
    }

    /// A profile like `local`, with these changes.
    fn profile(&self, changes: &[(&str, &str)]) -> PathBuf {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/slurm/profiles/local.toml");
        let mut text = std::fs::read_to_string(path).unwrap();
        for (key, value) in changes {
            let lines = text.lines().filter(|line| !line.starts_with(&format!("{key} = ")));
            text = lines.map(|line| format!("{line}\n")).collect();
            text = format!("{key} = {value}\n{text}");
        }
        write(self.folder(), "profile.toml", &text)
    }

    fn submit(&self, job: &Path, profile: &Path, out: &Path) -> Output {
        let args = ["submit", utf8(job), "--profile", utf8(profile), "-o", utf8(out), "--json"];
        self.finish(command(0, &args))
    }

    /// Submits and returns the job's id.
    fn submitted(&self, job: &Path, profile: &Path, out: &Path) -> String {
        let output = self.submit(job, profile, out);
        assert!(output.status.success(), "{}", text(&output));
        json(&output)["job_id"].as_str().unwrap().to_owned()
    }

    /// Waits until the job (all of its array) has ended; a requeued one has not.
    fn wait(&self, id: &str) {
        const ENDED: [&str; 4] = ["COMPLETED", "CANCELLED", "FAILED", "TIMEOUT"];
        // While it is requeued a job shows the state of its last segment for some seconds.
        const CERTAIN: Duration = Duration::from_secs(2);
        let started = Instant::now();
        let mut alive = started;
        loop {
            let jobs = self.slurm("scontrol", &["show", "job", id]);
            let states: Vec<&str> = jobs
                .split_whitespace()
                .filter_map(|field| field.strip_prefix("JobState="))
                .collect();
            let logs = self.logs();
            let requeued = logs.lines().filter(|line| line.ends_with(" requeued")).count();
            let coming_back = requeued >= logs.matches("segment ").count();
            let ended = !states.is_empty() && states.iter().all(|state| ENDED.contains(state));
            if !ended || coming_back && !logs.is_empty() {
                alive = Instant::now();
            } else if alive.elapsed() > CERTAIN {
                return;
            }
            if jobs.contains("Reason=BeginTime") {
                // Slurm lets a requeued job wait for two minutes; its administrator need not, once
                // the remains of the last segment are cleared away.
                std::thread::sleep(Duration::from_secs(6));
                self.slurm("scontrol", &["update", &format!("JobId={id}"), "StartTime=now"]);
            }
            assert!(started.elapsed() < PATIENCE, "job {id}:\n{jobs}{}", self.logs());
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// All logs of jobs, for messages.
    fn logs(&self) -> String {
        let mut logs = String::new();
        for entry in std::fs::read_dir(self.folder()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|e| e == "log") {
                logs += &std::fs::read_to_string(entry.path()).unwrap_or_default();
            }
        }
        logs
    }

    /// Complete, and with the bytes of `reference`.
    fn complete(&self, out: &Path, reference: &Path) {
        let status = finish(spawn(command(0, &["status", utf8(out), "--exit-code"])));
        assert!(status.status.success(), "{}{}", text(&status), self.logs());
        assert_eq!(digest(out), digest(reference), "{}", self.logs());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.finish({
            let mut down = Command::new(SCRIPT);
            down.arg("down");
            down
        });
    }
}

/// A job of `samples` × 2 units of some hundredths of a second, with the result of two ranks.
fn job(cluster: &Cluster, samples: u32) -> (PathBuf, PathBuf) {
    let text = small_job(samples)
        .replace("max_epochs = 60", "max_epochs = 2000")
        .replace("[63, 105]", "[1005]")
        .replace("[0.2, 0.4, 0.6]", "[0.5, 0.6]");
    let job = write(cluster.folder(), "job.toml", &text);
    let reference = cluster.folder().join("reference.h5");
    expect(0, 2, &["run", utf8(&job), "-o", utf8(&reference), "-q"]);
    (job, reference)
}

/// A job whose run on two ranks takes about `seconds` here, whatever the speed of the machine.
fn lasting_job(cluster: &Cluster, seconds: f64) -> (PathBuf, PathBuf) {
    const FEW: u32 = 20;
    let started = Instant::now();
    job(cluster, FEW);
    let each = started.elapsed().as_secs_f64() / f64::from(FEW);
    // The few are part of the file of the many.
    job(cluster, FEW + (seconds / each) as u32)
}

fn journal_len(out: &Path) -> u64 {
    std::fs::metadata(format!("{}.journal", utf8(out))).map_or(0, |m| m.len())
}

#[test]
#[ignore = "a real Slurm: make test-slurm"]
fn two_nodes_give_the_bytes_of_a_serial_run() {
    let cluster = Cluster::up();
    let (job, reference) = job(&cluster, 60);
    let out = cluster.folder().join("out.h5");
    let id = cluster.submitted(&job, &cluster.profile(&[]), &out);
    cluster.wait(&id);
    cluster.complete(&out, &reference);
    let provenance = json(&expect(0, 0, &["inspect", utf8(&out), "--json"])).to_string();
    assert!(provenance.contains(&format!("\"{id}\"")), "{provenance}");
    assert!(cluster.logs().contains("n[1-2]"), "{}", cluster.logs());
    // With mpirun inside the allocation too.
    let out = cluster.folder().join("mpirun.h5");
    let id = cluster.submitted(&job, &cluster.profile(&[("launcher", "\"mpirun\"")]), &out);
    cluster.wait(&id);
    cluster.complete(&out, &reference);
}

#[test]
#[ignore = "a real Slurm: make test-slurm"]
fn a_short_time_limit_costs_segments_and_no_byte() {
    let cluster = Cluster::up();
    let (job, reference) = lasting_job(&cluster, 80.0);
    let text = std::fs::read_to_string(&job).unwrap();
    let out = cluster.folder().join("out.h5");
    let profile = cluster.profile(&[("time", "\"60s\""), ("signal", "\"50s\"")]);
    let refused = cluster.submit(&job, &profile, &out);
    assert_eq!(refused.status.code(), Some(2), "{}", self::text(&refused));
    assert!(self::text(&refused).contains("stop_before_end"), "{}", self::text(&refused));
    let job = write(cluster.folder(), "job.toml", &(text + "[run]\nstop_before_end = \"2s\"\n"));
    // About ten seconds of a minute are left for work; Slurm may signal half a minute late.
    let id = cluster.submitted(&job, &profile, &out);
    cluster.wait(&id);
    cluster.complete(&out, &reference);
    let logs = cluster.logs();
    let segments = logs.matches("segment ").count();
    println!("completed in {segments} segments");
    assert!(segments >= 2 && logs.contains("requeued"), "{segments} segments\n{logs}");
}

#[test]
#[ignore = "a real Slurm: make test-slurm"]
fn scancel_loses_nothing() {
    let cluster = Cluster::up();
    let (job, reference) = lasting_job(&cluster, 15.0);
    let out = cluster.folder().join("out.h5");
    let id = cluster.submitted(&job, &cluster.profile(&[]), &out);
    wait_until("units in the journal", || journal_len(&out) > 2_000);
    cluster.slurm("scancel", &[&id]);
    cluster.wait(&id);
    wait_until("the end of the run", || {
        json(&expect(0, 0, &["status", utf8(&out), "--json"]))["state"] != "running"
    });
    let status = json(&expect(0, 0, &["status", utf8(&out), "--json"]));
    let done = status["done"].as_u64().unwrap();
    assert!(done > 0 && done < status["total"].as_u64().unwrap(), "{status}");
    let id = cluster.submitted(&job, &cluster.profile(&[]), &out);
    cluster.wait(&id);
    cluster.complete(&out, &reference);
    assert!(cluster.logs().contains("resuming"), "{}", cluster.logs());
}

#[test]
#[ignore = "a real Slurm: make test-slurm"]
fn an_array_merges_into_the_single_run() {
    let cluster = Cluster::up();
    let (job, reference) = job(&cluster, 61);
    let out = cluster.folder().join("out.h5");
    let profile = cluster.profile(&[("array", "4"), ("tasks", "2"), ("nodes", "1")]);
    let submitted = cluster.submit(&job, &profile, &out);
    assert!(submitted.status.success(), "{}", text(&submitted));
    let submitted = json(&submitted);
    let parts: Vec<String> = submitted["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o.as_str().unwrap().into())
        .collect();
    assert_eq!(parts.len(), 4);
    cluster.wait(submitted["job_id"].as_str().unwrap());
    let mut args = vec!["merge"];
    args.extend(parts.iter().map(String::as_str));
    args.extend(["-o", utf8(&out)]);
    expect(0, 0, &args);
    cluster.complete(&out, &reference);
}

#[test]
#[ignore = "a real Slurm: make test-slurm"]
fn a_node_that_dies_costs_a_segment_and_no_byte() {
    let cluster = Cluster::up();
    let (job, reference) = lasting_job(&cluster, 15.0);
    let out = cluster.folder().join("out.h5");
    let id = cluster.submitted(&job, &cluster.profile(&[]), &out);
    wait_until("units in the journal", || journal_len(&out) > 2_000);
    cluster.script(&["kill", "n2"]);
    std::thread::sleep(Duration::from_secs(2));
    cluster.script(&["up", "2", "4"]);
    cluster.wait(&id);
    cluster.complete(&out, &reference);
    let logs = cluster.logs();
    assert!(logs.contains("resuming"), "it was cut short\n{logs}");
}

#[test]
#[ignore = "a real Slurm: make test-slurm"]
fn what_the_site_would_refuse_is_found_before() {
    let cluster = Cluster::up();
    let job = write(cluster.folder(), "job.toml", &small_job(1));
    let out = cluster.folder().join("out.h5");
    for (changes, words) in [
        (&[("partition", "\"nowhere\"")][..], "expected one of main, short"),
        (&[("partition", "\"short\""), ("time", "\"1h\"")], "allows 10m"),
        (&[("tasks", "9")], "8 cores"),
        (&[("nodes", "3")], "has 2"),
        (&[("memory", "3000")], "4000 MiB"),
        (&[("options", "[\"--constraint=gpu\"]")], "sbatch would refuse"),
    ] {
        let output = cluster.submit(&job, &cluster.profile(changes), &out);
        assert_eq!(output.status.code(), Some(2), "{changes:?}: {}", text(&output));
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    }
    assert_eq!(cluster.slurm("squeue", &["-h"]).trim(), "");
}
