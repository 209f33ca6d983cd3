//! Nothing lost: killed, stopped and resumed runs end with the bytes of an uninterrupted one.

mod support;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};
use support::*;

/// Bytes of the journal.
fn journal_len(out: &Path) -> u64 {
    let journal = format!("{}.journal", utf8(out));
    std::fs::metadata(journal).map_or(0, |m| m.len())
}

fn started(ranks: usize, job: &Path, out: &Path) -> Child {
    // A killed run leaves its journal; the next one replays it and begins another.
    let left = journal_len(out);
    let child = spawn(command(ranks, &["run", utf8(job), "-o", utf8(out)]));
    wait_until("units in the journal", || {
        let now = journal_len(out);
        now != left && now > 2_000
    });
    child
}

/// A job of a few seconds with units that finish from the start.
fn job() -> String {
    small_job(300).replace("max_epochs = 60", "max_epochs = 3000")
}

fn reference(folder: &Path) -> (std::path::PathBuf, String) {
    let path = write(folder, "job.toml", &job());
    let out = folder.join("reference.h5");
    expect(0, 2, &["run", utf8(&path), "-o", utf8(&out), "-q"]);
    (path, digest(&out))
}

#[test]
fn sigkill_loses_nothing() {
    let folder = folder();
    let (job, reference) = reference(folder.path());
    for ranks in [0, 2] {
        let out = folder.path().join(format!("killed-{ranks}.h5"));
        for _ in 0..2 {
            let mut child = started(ranks, &job, &out);
            // Alone the program itself, under mpirun one of its ranks.
            let victim = if ranks == 0 {
                child.id()
            } else {
                *ranks_of(child.id()).last().expect("ranks of mpirun")
            };
            signal("KILL", victim);
            let started = Instant::now();
            while child.try_wait().unwrap().is_none() {
                assert!(started.elapsed() < Duration::from_secs(30), "a rank died, the run lives");
                std::thread::sleep(Duration::from_millis(10));
            }
            assert!(!child.wait().unwrap().success());
        }
        let status = json(&expect(0, 0, &["status", utf8(&out), "--json"]));
        assert!(status["done"].as_u64().unwrap() > 0, "{status}");
        expect(0, ranks, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
        assert_eq!(digest(&out), reference, "{ranks} ranks");
    }
}

#[test]
fn signals_stop_cleanly_and_the_next_run_completes() {
    let folder = folder();
    let (job, reference) = reference(folder.path());
    for (ranks, name) in [(0, "TERM"), (0, "USR1"), (2, "USR1"), (0, "INT")] {
        let out = folder.path().join(format!("{name}-{ranks}.h5"));
        let child = started(ranks, &job, &out);
        let told = Instant::now();
        signal(name, child.id());
        let output = finish(child);
        assert_eq!(output.status.code(), Some(75), "SIG{name}, {ranks} ranks: {}", text(&output));
        assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
        expect(75, 0, &["status", utf8(&out), "--exit-code"]);
        assert_eq!(journal_len(&out), 0, "committed: no journal is left");
        expect(0, ranks, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
        expect(0, 0, &["status", utf8(&out), "--exit-code"]);
        assert_eq!(digest(&out), reference, "SIG{name}, {ranks} ranks");
    }
}

#[test]
fn long_units_go_on_from_their_snapshots() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &long_job(2, 30000));
    let reference = folder.path().join("reference.h5");
    expect(0, 2, &["run", utf8(&job), "-o", utf8(&reference), "-q"]);
    let out = folder.path().join("out.h5");
    let mut segments = 0;
    loop {
        let args = ["run", utf8(&job), "-o", utf8(&out), "--time-limit", "1s", "-q"];
        let output = finish(spawn(command(2, &args)));
        segments += 1;
        match output.status.code() {
            Some(0) => break,
            Some(75) => assert!(segments < 60, "no progress"),
            other => panic!("{other:?}: {}", text(&output)),
        }
    }
    assert!(segments > 1, "the units were meant to be longer than the limit");
    assert_eq!(digest(&out), digest(&reference), "{segments} segments");
    assert!(!Path::new(&format!("{}.checkpoints", utf8(&out))).exists(), "snapshots are removed");
}

#[test]
fn a_second_writer_is_refused_and_named() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &long_job(4, 1_000_000));
    let out = folder.path().join("out.h5");
    let child = spawn(command(0, &["run", utf8(&job), "-o", utf8(&out), "-q"]));
    wait_until("a journal", || out.exists() && journal_len(&out) > 0);
    let pid = child.id();
    let output = expect(74, 2, &["run", utf8(&job), "-o", utf8(&out)]);
    assert!(text(&output).contains(&pid.to_string()), "{}", text(&output));
    let status = json(&expect(0, 0, &["status", utf8(&out), "--json"]));
    assert_eq!(status["state"], "running");
    signal("TERM", pid);
    assert_eq!(finish(child).status.code(), Some(75));
}
