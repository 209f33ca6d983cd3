//! Hostile and broken inputs, seeded: no panic, no unbounded memory, an error that names the file.
//!
//! Job files, journals and snapshots are read in this process; HDF5 files by the program itself,
//! one process a file, since a library written in C may crash on a damaged file.

mod support;
use reluscape::job::Job;
use reluscape::record::UnitId;
use reluscape::store::checkpoint::Checkpoints;
use reluscape::store::journal::Replay;
use std::panic::catch_unwind;
use std::path::Path;
use support::*;

/// Damage to bytes.
trait Damage {
    fn damage(&mut self, bytes: &mut Vec<u8>);
}

impl Damage for Dice {
    /// One to four changes of bytes.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                _ if bytes.is_empty() => bytes.push(self.next() as u8),
                0 => bytes.truncate(at),
                1 => bytes[at] = self.next() as u8,
                2 => bytes[at] ^= 1 << self.below(8),
                3 => bytes.insert(at, self.next() as u8),
                4 => bytes[at] = *self.pick(&[0, 0x7f, 0x80, 0xff]),
                _ => {
                    let end = (at + self.below(64)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
    }
}

/// What a user may type for any value.
const VALUES: [&str; 26] = [
    "-1",
    "0",
    "1",
    "2.5",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "\"\"",
    "\"relu\"",
    "true",
    "[]",
    "{}",
    "[0]",
    "[[1]]",
    "9223372036854775807",
    "-9223372036854775808",
    "\"\\u0000\"",
    "1979-05-27",
    "{ from = 0, to = 1, step = 1e-300 }",
    "{ from = 0, to = 1e300, step = 1 }",
    "[1, \"a\"]",
    "{ start = 1, end = 2, epochs = 0 }",
    "18446744073709551615",
    "4294967297",
    "\"1h\"",
];

/// A job file with lines dropped, doubled, moved, and values exchanged.
fn mutated_job(dice: &mut Dice, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(lines.len());
        match dice.below(5) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let to = dice.below(lines.len());
                lines.swap(at, to);
            }
            _ => {
                if let Some((key, _)) = lines[at].split_once(" = ") {
                    lines[at] = format!("{key} = {}", dice.pick(&VALUES));
                }
            }
        }
    }
    lines.join("\n")
}

fn job_trials(trials: usize, seed: u64) {
    let mut dice = Dice(seed);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs");
    let mut texts: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    texts.sort();
    texts.push(small_job(3));
    let (mut valid, mut refused) = (0, 0);
    for trial in 0..trials {
        let text = dice.pick(&texts).clone();
        let text = if trial % 2 == 0 {
            mutated_job(&mut dice, &text)
        } else {
            let mut bytes = text.into_bytes();
            dice.damage(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let outcome = catch_unwind(|| Job::parse("fuzzed.toml", &text).map(|job| job.cells.len()));
        match outcome.unwrap_or_else(|_| panic!("a panic on this job file:\n{text}")) {
            Ok(_) => valid += 1,
            Err(error) => {
                refused += 1;
                assert_eq!(error.exit().code(), 78, "{error}\n{text}");
                assert!(error.to_string().starts_with("fuzzed.toml"), "{error}");
            }
        }
    }
    println!("{trials} job files: {valid} valid, {refused} refused, no panic");
    assert!(valid > trials / 50 && refused > trials / 4, "{valid} valid, {refused} refused");
}

/// The journal of a run that was killed, and the snapshot of a long unit.
fn left_behind(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let job =
        write(folder, "job.toml", &small_job(300).replace("max_epochs = 60", "max_epochs = 3000"));
    let out = folder.join("killed.h5");
    let journal = folder.join("killed.h5.journal");
    let mut child = spawn(command(0, &["run", utf8(&job), "-o", utf8(&out), "-q"]));
    wait_until("a journal", || std::fs::metadata(&journal).is_ok_and(|m| m.len() > 3000));
    signal("KILL", child.id());
    child.wait().unwrap();
    let checkpoints = Checkpoints::new(&folder.join("some.h5"), "abc");
    checkpoints.save(UnitId { cell: 0, sample: 0 }, &[5; 2000]).unwrap();
    let snapshot = std::fs::read(folder.join("some.h5.checkpoints/0-0.state")).unwrap();
    (std::fs::read(journal).unwrap(), snapshot)
}

fn journal_trials(trials: usize, seed: u64) {
    let folder = folder();
    let (journal, snapshot) = left_behind(folder.path());
    let mut dice = Dice(seed);
    let out = folder.path().join("fuzzed.h5");
    let state = folder.path().join("some.h5.checkpoints/0-0.state");
    let checkpoints = Checkpoints::new(&folder.path().join("some.h5"), "abc");
    let whole = {
        std::fs::write(folder.path().join("fuzzed.h5.journal"), &journal).unwrap();
        Replay::of(&out).unwrap().finished
    };
    let (mut refused, mut shortened) = (0, 0);
    for _ in 0..trials {
        let mut bytes = journal.clone();
        dice.damage(&mut bytes);
        std::fs::write(folder.path().join("fuzzed.h5.journal"), &bytes).unwrap();
        let replay = catch_unwind(|| Replay::of(&out)).expect("no panic on a journal");
        match replay {
            Err(error) => {
                refused += 1;
                assert_eq!(error.exit().code(), 65, "{error}");
            }
            // What is read is a part of what was written, in order.
            Ok(replay) => {
                shortened += usize::from(replay.finished.len() < whole.len());
                assert!(whole.starts_with(&replay.finished), "units out of nothing");
            }
        }
        let mut bytes = snapshot.clone();
        dice.damage(&mut bytes);
        std::fs::write(&state, &bytes).unwrap();
        let loaded = catch_unwind(|| checkpoints.load(UnitId { cell: 0, sample: 0 }));
        match loaded.expect("no panic on a snapshot") {
            Ok(state) => assert!(state.is_none() || bytes == snapshot, "a damaged snapshot"),
            Err(warning) => assert!(warning.contains("ignored"), "{warning}"),
        }
    }
    println!(
        "{trials} journals and snapshots: {shortened} journals shortened, {refused} refused, no \
         panic, nothing made up"
    );
    assert!(shortened > trials / 4, "{shortened}");
}

/// Damaged HDF5 files: own instances and result files. Each exit must be a documented one (a crash
/// of the library is an error too), and no answer may differ from the undamaged one.
fn hdf5_trials(trials: usize, seed: u64) {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &small_job(3));
    let out = folder.path().join("out.h5");
    expect(0, 0, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
    let reference = digest(&out);
    let results = std::fs::read(&out).unwrap();
    let instance = own_instance(folder.path());
    let damaged = folder.path().join("damaged.h5");
    let mut dice = Dice(seed);
    let (mut refused, mut harmless, mut crashed) = (0, 0, 0u32);
    for trial in 0..trials {
        let whole = if trial % 3 == 2 { &instance } else { &results };
        let mut bytes = whole.clone();
        dice.damage(&mut bytes);
        std::fs::write(&damaged, &bytes).unwrap();
        let verb: &[&str] = match trial % 3 {
            0 => &["inspect", "--digest", utf8(&damaged)],
            1 => &["status", utf8(&damaged)],
            _ => &[
                "solve",
                "--solver",
                "rsgd",
                "--weights",
                "binary",
                "--activation",
                "sign",
                "--hidden",
                "3",
                "--set",
                "max_epochs=50",
                "--patterns",
                utf8(&damaged),
            ],
        };
        let output = finish(spawn(limited(verb)));
        match output.status.code() {
            Some(65 | 74) => {
                refused += 1;
                crashed += u32::from(text(&output).contains("library crashed"));
            }
            Some(0) if trial % 3 == 0 => {
                // Bytes that no verb reads, for instance unused space: or the digest differs.
                harmless += 1;
                let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                let same = found == reference;
                assert!(same || &bytes != whole, "{found}");
            }
            Some(0) => harmless += 1,
            other => panic!("{verb:?} gave {other:?}: {}", text(&output)),
        }
    }
    println!(
        "{trials} HDF5 files: {refused} refused ({crashed} since the HDF5 library crashed), \
         {harmless} not affected"
    );
    assert!(refused > trials / 4, "{refused} refused of {trials}");
}

/// Patterns and labels as a user would bring them.
fn own_instance(folder: &Path) -> Vec<u8> {
    let path = folder.join("instance.h5");
    let file = hdf5::File::create(&path).unwrap();
    let mut dice = Dice(4);
    let mut signs = |count: usize| -> Vec<i8> {
        (0..count).map(|_| if dice.below(2) == 0 { 1 } else { -1 }).collect()
    };
    let inputs = file.new_dataset::<i8>().shape([12, 63]).create("inputs").unwrap();
    inputs.write_raw(&signs(12 * 63)).unwrap();
    let labels = file.new_dataset::<i8>().shape([12]).create("labels").unwrap();
    labels.write_raw(&signs(12)).unwrap();
    file.close().unwrap();
    std::fs::read(path).unwrap()
}

/// The program with an address space of 4 GiB.
fn limited(args: &[&str]) -> std::process::Command {
    let mut quoted = String::from(PROGRAM);
    for arg in args {
        quoted += &format!(" '{arg}'");
    }
    let mut run = command(0, &[]);
    let shell = format!("ulimit -v 4194304; exec {quoted}");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", &shell]);
    for (key, value) in run.get_envs() {
        if let Some(value) = value {
            limited.env(key, value);
        }
    }
    run.env_clear();
    limited
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    limited
}

#[test]
fn job_files() {
    job_trials(3000, 1);
}

#[test]
fn journals_and_snapshots() {
    journal_trials(300, 2);
}

#[test]
fn result_files() {
    hdf5_trials(60, 3);
}

#[test]
#[ignore = "minutes: make validate"]
fn many_of_each() {
    job_trials(200_000, 11);
    journal_trials(10_000, 12);
    hdf5_trials(3000, 13);
}
