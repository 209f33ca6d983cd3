//! Faults survived: killed ranks and launchers, panics, poisonous units, full disks, damaged files.
//! In each: the right bytes in the end, or an error that says what is wrong; never a hang. Faults on
//! purpose inside units exist in debug builds only, and so do their tests.

mod support;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::*;

/// A rank that dies must end the run within this.
const END_WITHIN: Duration = Duration::from_secs(30);

/// A job of about a second with units from the start.
fn job() -> String {
    small_job(60).replace("max_epochs = 60", "max_epochs = 1500")
}

fn job_and_reference(folder: &Path) -> (PathBuf, String) {
    let path = write(folder, "job.toml", &job());
    let out = folder.join("reference.h5");
    expect(0, 0, &["run", utf8(&path), "-o", utf8(&out), "-q"]);
    (path, digest(&out))
}

/// Kills a worker, rank 0 or the launcher at random moments of as many runs as it takes to hit each
/// `trials`/3 times, then lets each run complete.
fn kill_trials(trials: u64, seed: u64) {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let out = folder.path().join("trial.h5");
    let args = ["run", utf8(&job), "-o", utf8(&out), "-q"];
    // Moments are those of this machine now: from before MPI_Init to about the end.
    let began = Instant::now();
    expect(0, 3, &args);
    let whole = began.elapsed().as_millis() as usize;
    std::fs::remove_file(&out).unwrap();
    let mut dice = Dice(seed);
    let mut killed = [0u64; 3];
    let (mut runs, mut stuck) = (0, 0);
    while killed.iter().any(|&count| 3 * count < trials) {
        assert!(runs < 4 * trials, "{killed:?} of {runs} runs: too few were hit");
        let victim = (0..3).min_by_key(|&victim| killed[victim]).unwrap();
        let mut child = spawn(command(3, &args));
        std::thread::sleep(Duration::from_millis(dice.below(whole) as u64));
        let ranks = ranks_of(child.id());
        let pid = match victim {
            0 => ranks.last().copied(),
            1 => ranks.first().copied(),
            _ => Some(child.id()),
        };
        if let Some(pid) = pid
            && child.try_wait().unwrap().is_none()
        {
            signal_if_alive("KILL", pid);
            killed[victim] += 1;
        }
        let died = Instant::now();
        while child.try_wait().unwrap().is_none() || ranks.iter().any(|&rank| lives(rank)) {
            if died.elapsed() > END_WITHIN {
                let ended = ranks.iter().all(|&rank| !lives(rank));
                assert!(ended, "run {runs}: victim {victim}, the run lives on");
                // Rarely the launcher of Open MPI misses that its ranks, all ended, have ended.
                child.kill().unwrap();
                child.wait().unwrap();
                stuck += 1;
                assert!(stuck < 2, "run {runs}: the launcher lives on again");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.wait().unwrap();
        expect(0, runs as usize % 2 * 2, &args);
        assert_eq!(digest(&out), reference, "run {runs}, victim {victim}");
        std::fs::remove_file(&out).unwrap();
        runs += 1;
    }
    println!(
        "{runs} runs: {} workers, {} ranks 0 and {} launchers killed; all ended with the same \
         bytes",
        killed[0], killed[1], killed[2]
    );
}

fn lives(pid: u32) -> bool {
    // A zombie has ended: only its parent has not looked.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

#[test]
fn kills_at_random_moments_change_no_byte() {
    kill_trials(6, 20191023);
}

#[test]
#[ignore = "minutes: make validate"]
fn fifty_kills_at_random_moments_change_no_byte() {
    kill_trials(51, 7);
}

/// Runs with a fault in one unit.
#[cfg(debug_assertions)]
fn with_fault(fault: &str, ranks: usize, args: &[&str]) -> std::process::Output {
    let mut run = command(ranks, args);
    run.env("RELUSCAPE_FAULT", fault);
    let started = Instant::now();
    let output = finish(spawn(run));
    assert!(started.elapsed() < END_WITHIN, "{fault}: {:?}", started.elapsed());
    output
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_names_rank_and_unit_and_the_command_that_reproduces_it() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    for ranks in [0, 3] {
        let out = folder.path().join(format!("panic-{ranks}.h5"));
        let args = ["run", utf8(&job), "-o", utf8(&out), "-q"];
        let output = with_fault("panic@4:7", ranks, &args);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(70), "{said}");
        for words in ["rank ", "cell 4 sample 7", "reluscape solve --solver rsgd", "--sample 7"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        // The command runs as printed.
        let line = said.lines().find(|line| line.contains("reluscape solve")).unwrap();
        let command_line = line.split_once("reluscape ").unwrap().1;
        let shell = format!("{PROGRAM} {command_line} --json");
        let solved = Command::new("sh").args(["-c", &shell]).output().unwrap();
        assert!(solved.status.success(), "{shell}: {}", text(&solved));
        expect(0, ranks, &args);
        assert_eq!(digest(&out), reference, "{ranks} ranks");
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_unit_that_kills_three_runs_is_set_aside_and_can_be_tried_again() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let out = folder.path().join("poison.h5");
    let args = ["run", utf8(&job), "-o", utf8(&out), "-q"];
    for death in 1..=3 {
        let output = with_fault("abort@2:5", 2, &args);
        assert!(!output.status.success(), "{}", text(&output));
        let status = json(&expect(0, 0, &["status", utf8(&out), "--json"]));
        let found =
            status["in_flight"].as_array().unwrap().iter().find(|unit| {
                (unit["cell"].as_u64(), unit["sample"].as_u64()) == (Some(2), Some(5))
            });
        assert_eq!(found.unwrap()["deaths"], death, "{status}");
    }
    let output = with_fault("abort@2:5", 2, &args);
    assert_eq!(output.status.code(), Some(70), "{}", text(&output));
    assert!(text(&output).contains("cell 2 sample 5"), "{}", text(&output));
    expect(70, 0, &["status", utf8(&out), "--exit-code"]);
    expect(0, 2, &["run", utf8(&job), "-o", utf8(&out), "-q", "--retry-quarantined"]);
    assert_eq!(digest(&out), reference);
}

#[test]
#[ignore = "half a minute of silence: make validate"]
fn a_rank_that_falls_silent_ends_the_run() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &long_job(4, 100_000));
    let out = folder.path().join("out.h5");
    let child = spawn(command(3, &["run", utf8(&job), "-o", utf8(&out), "-q"]));
    wait_until("work", || ranks_of(child.id()).iter().any(|&rank| cpu_seconds(rank) > 1.0));
    let started = Instant::now();
    // As a node that no longer answers: no death that the launcher could see.
    signal("STOP", *ranks_of(child.id()).last().unwrap());
    let output = finish(child);
    println!("ended after {:.0} s", started.elapsed().as_secs_f64());
    assert!(started.elapsed() < Duration::from_secs(32), "{:?}", started.elapsed());
    assert_eq!(output.status.code(), Some(70), "{}", text(&output));
    assert!(text(&output).contains("rank 2 has not been heard"), "{}", text(&output));
}

#[test]
fn a_file_size_limit_is_an_io_error_and_loses_nothing() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let out = folder.path().join("limited.h5");
    for blocks in [1, 8, 24] {
        // In units of 512 bytes; the signal ignored, writes fail instead.
        let shell = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {PROGRAM} run {} -o {} -q",
            job.display(),
            out.display()
        );
        let mut run = Command::new("sh");
        run.args(["-c", &shell]).stdin(Stdio::null());
        let output = finish(spawn({
            run.stdout(Stdio::piped()).stderr(Stdio::piped());
            run
        }));
        let said = text(&output);
        assert_eq!(output.status.code(), Some(74), "{blocks} blocks: {said}");
        assert!(said.contains("limited.h5"), "{said}");
    }
    expect(0, 0, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
    assert_eq!(digest(&out), reference);
}

/// Runs a script as root of a mount namespace of its own.
fn in_a_namespace(script: &str) -> std::process::Output {
    let mut run = Command::new("unshare");
    run.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(spawn(run))
}

#[test]
#[ignore = "needs user namespaces: make validate"]
fn full_disks_and_read_only_folders_are_io_errors_and_lose_nothing() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let (disk, job) = (utf8(&disk), utf8(&job));
    let mut codes = Vec::new();
    for kib in [4, 16, 32, 48, 64, 96] {
        // Full at some point of the run; then there is room again.
        let script = format!(
            "mount -t tmpfs -o size={kib}k none {disk} && \
             {PROGRAM} run {job} -o {disk}/out.h5 -q; echo code $?; \
             mount -o remount,size=16m {disk} && \
             {PROGRAM} run {job} -o {disk}/out.h5 -q && {PROGRAM} inspect --digest {disk}/out.h5"
        );
        let output = in_a_namespace(&script);
        let said = text(&output);
        assert!(output.status.success(), "{kib} KiB: {said}");
        assert!(said.contains("code 74") || said.contains("code 0"), "{kib} KiB: {said}");
        assert!(said.contains(&reference), "{kib} KiB: {said}");
        codes.push(said.contains("code 74"));
    }
    println!("full disk, by size: stopped with 74: {codes:?}; all completed with the same bytes");
    assert!(codes.iter().filter(|&&full| full).count() >= 3, "{codes:?}");
    let script = format!(
        "mount -t tmpfs none {disk} && mount -o remount,ro {disk} && \
         {PROGRAM} run {job} -o {disk}/out.h5 -q; echo code $?"
    );
    let said = text(&in_a_namespace(&script));
    assert!(said.contains("code 74") && said.contains("out.h5"), "{said}");
}

#[test]
fn damaged_journals_and_snapshots_cost_time_only() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let out = folder.path().join("out.h5");
    let journal = folder.path().join("out.h5.journal");
    let mut dice = Dice(3);
    for damage in 0..6 {
        let mut child = spawn(command(0, &["run", utf8(&job), "-o", utf8(&out), "-q"]));
        wait_until("a journal", || std::fs::metadata(&journal).is_ok_and(|m| m.len() > 3000));
        signal("KILL", child.id());
        child.wait().unwrap();
        let mut bytes = std::fs::read(&journal).unwrap();
        let at = 20 + dice.below(bytes.len() - 20);
        match damage {
            0 => bytes.clear(),
            1 => bytes.truncate(at),
            2 => bytes[at..].fill(0),
            _ => bytes[at] ^= 1 << dice.below(8),
        }
        std::fs::write(&journal, &bytes).unwrap();
        let output = expect(0, 0, &["run", utf8(&job), "-o", utf8(&out)]);
        if damage > 0 {
            assert!(text(&output).contains("out.h5.journal"), "{}", text(&output));
        }
        assert_eq!(digest(&out), reference, "damage {damage}");
        std::fs::remove_file(&out).unwrap();
    }
    // A journal of something else is not touched.
    std::fs::write(&journal, "my notes").unwrap();
    let output = expect(65, 0, &["run", utf8(&job), "-o", utf8(&out)]);
    assert!(text(&output).contains("not a journal"), "{}", text(&output));
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), "my notes");
}

#[test]
fn a_left_over_temporary_file_is_no_obstacle() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let out = folder.path().join("out.h5");
    // What a kill between writing and renaming leaves behind.
    std::fs::write(folder.path().join("out.h5.tmp"), "half of a file").unwrap();
    expect(0, 0, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
    assert_eq!(digest(&out), reference);
    assert!(!folder.path().join("out.h5.tmp").exists());
}

#[test]
fn watching_a_run_does_not_disturb_it() {
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let out = folder.path().join("out.h5");
    let mut run = spawn(command(2, &["run", utf8(&job), "-o", utf8(&out), "-q"]));
    wait_until("an output", || out.exists());
    let watch = spawn(command(0, &["status", utf8(&out), "--watch", "--exit-code"]));
    // And many readers at once, at every moment of the run.
    let mut seen = 0;
    while run.try_wait().unwrap().is_none() {
        let output = finish(spawn(command(0, &["status", utf8(&out), "--json"])));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let done = json(&output)["done"].as_u64().unwrap();
        assert!(done >= seen, "{done} units after {seen}");
        seen = done;
    }
    assert!(finish(run).status.success());
    let watched = finish(watch);
    assert_eq!(watched.status.code(), Some(0), "{}", text(&watched));
    assert!(text(&watched).contains("complete"), "{}", text(&watched));
    assert_eq!(digest(&out), reference);
}

#[test]
fn a_file_of_a_newer_schema_is_refused_and_left_alone() {
    let folder = folder();
    let (job, _) = job_and_reference(folder.path());
    let (newer, copy) = (folder.path().join("reference.h5"), folder.path().join("copy.h5"));
    std::fs::copy(&newer, &copy).unwrap();
    let file = hdf5::File::open_rw(&newer).unwrap();
    file.delete_attr("schema_version").unwrap();
    file.new_attr::<u64>().create("schema_version").unwrap().write_scalar(&2u64).unwrap();
    file.close().unwrap();
    let bytes = std::fs::read(&newer).unwrap();
    let merged = folder.path().join("merged.h5");
    for args in [
        &["run", utf8(&job), "-o", utf8(&newer)][..],
        &["status", utf8(&newer)],
        &["inspect", utf8(&newer)],
        &["compare", utf8(&copy), utf8(&newer)],
        &["merge", utf8(&copy), utf8(&newer), "-o", utf8(&merged)],
        &["extrapolate", utf8(&newer)],
        &["export", "--format", "json", utf8(&newer)],
    ] {
        let said = text(&expect(65, 0, args));
        assert!(said.contains("schema 2") && said.contains("newer reluscape"), "{args:?}: {said}");
    }
    assert_eq!(std::fs::read(&newer).unwrap(), bytes);
}

#[test]
fn a_run_does_not_replace_a_damaged_result_file() {
    let folder = folder();
    let (job, _) = job_and_reference(folder.path());
    let out = folder.path().join("reference.h5");
    let whole = std::fs::read(&out).unwrap();
    let mut flipped = whole.clone();
    // The signature of the root group's object header or what lies about it.
    flipped[60..120].iter_mut().for_each(|byte| *byte ^= 0x10);
    for bytes in [&whole[..0], &whole[..whole.len() / 2], &flipped] {
        std::fs::write(&out, bytes).unwrap();
        for ranks in [0, 2] {
            let said = text(&expect(65, ranks, &["run", utf8(&job), "-o", utf8(&out)]));
            assert!(said.contains("reference.h5"), "{said}");
        }
        assert_eq!(std::fs::read(&out).unwrap(), bytes);
    }
}

/// Debian's package `faketime`, which `make validate` installs.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

#[test]
#[ignore = "needs faketime: make validate"]
fn clock_jumps_change_nothing() {
    assert!(Path::new(FAKETIME).exists(), "{FAKETIME} is missing: apt-get install faketime");
    let folder = folder();
    let (job, reference) = job_and_reference(folder.path());
    let job = write(folder.path(), "slow.toml", &std::fs::read_to_string(job).unwrap());
    let clock = folder.path().join("clock");
    for ranks in [0, 3] {
        let out = folder.path().join(format!("jump-{ranks}.h5"));
        std::fs::write(&clock, "+0").unwrap();
        let mut run = command(ranks, &["run", utf8(&job), "-o", utf8(&out), "--time-limit", "1h"]);
        run.env("LD_PRELOAD", FAKETIME)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut child = spawn(run);
        let mut jumps = 0;
        // Ten years on, ten years back, and so on: beyond any limit, and before the start.
        while child.try_wait().unwrap().is_none() {
            std::fs::write(&clock, ["+10y", "-10y", "+2h", "-2h"][jumps % 4]).unwrap();
            jumps += 1;
            std::thread::sleep(Duration::from_millis(40));
        }
        let output = finish(child);
        assert!(output.status.success(), "{}", text(&output));
        println!("{ranks} ranks: {jumps} jumps");
        assert!(jumps > 3, "{jumps} jumps only");
        assert_eq!(digest(&out), reference);
        expect(0, 0, &["status", utf8(&out), "--exit-code"]);
    }
}
