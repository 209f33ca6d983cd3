//! The contract over ranks: the same bytes serially, on threads' worth of ranks, on every
//! instruction set; bad input ends every rank; the scheduler's messages survive a real MPI.

mod support;
use support::*;

#[test]
fn ranks_and_instruction_sets_change_no_byte() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &small_job(7));
    let serial = folder.path().join("serial.h5");
    expect(0, 0, &["run", utf8(&job), "-o", utf8(&serial), "-q"]);
    let reference = digest(&serial);
    assert_eq!(reference.len(), 64, "{reference}");
    for ranks in 1..=4 {
        let out = folder.path().join(format!("ranks-{ranks}.h5"));
        expect(0, ranks, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
        assert_eq!(digest(&out), reference, "{ranks} ranks");
        expect(0, 0, &["compare", utf8(&serial), utf8(&out)]);
    }
    let scalar = folder.path().join("scalar.h5");
    let mut run = command(0, &["run", utf8(&job), "-o", utf8(&scalar), "-q"]);
    run.env("RELUSCAPE_ISA", "scalar");
    assert!(finish(spawn(run)).status.success());
    assert_eq!(digest(&scalar), reference, "scalar kernels");
    // The comparison has power: another seed gives another digest.
    let other = write(folder.path(), "other.toml", &small_job(7).replace("seed = 11", "seed = 13"));
    let out = folder.path().join("other.h5");
    expect(0, 0, &["run", utf8(&other), "-o", utf8(&out), "-q"]);
    assert_ne!(digest(&out), reference);
    expect(65, 0, &["compare", utf8(&serial), utf8(&out)]);
}

/// The same for solvers of real weights and for Entropy-SGD: plain kernels on one rank, the widest on
/// three.
#[test]
fn gradient_solvers_change_no_byte_either() {
    let folder = folder();
    for (index, text) in gradient_jobs(4).iter().enumerate() {
        let job = write(folder.path(), &format!("job-{index}.toml"), text);
        let [here, there] =
            ["here", "there"].map(|name| folder.path().join(format!("{name}-{index}.h5")));
        let mut run = command(0, &["run", utf8(&job), "-o", utf8(&here), "-q"]);
        run.env("RELUSCAPE_ISA", "scalar");
        assert!(finish(spawn(run)).status.success(), "{text}");
        expect(0, 3, &["run", utf8(&job), "-o", utf8(&there), "-q"]);
        assert_eq!(digest(&here), digest(&there), "{text}");
    }
}

/// A data file of `make reproduce`: plain kernels on one rank, the widest on two.
#[test]
fn data_of_the_report_are_the_same_bytes_elsewhere() {
    let job = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/robustness-relu-plain_small.toml");
    let folder = folder();
    let (here, there) = (folder.path().join("here.h5"), folder.path().join("there.h5"));
    let mut run = command(0, &["run", job, "-o", utf8(&here), "-q"]);
    run.env("RELUSCAPE_ISA", "scalar");
    assert!(finish(spawn(run)).status.success());
    expect(0, 2, &["run", job, "-o", utf8(&there), "-q"]);
    assert_eq!(digest(&here), digest(&there));
    expect(0, 0, &["compare", utf8(&here), utf8(&there)]);
}

#[test]
fn bad_input_ends_every_rank_with_its_code() {
    let folder = folder();
    let good = small_job(1);
    for (name, text, code, words) in [
        ("unknown.toml", good.replace("seed", "sede"), 78, "did you mean `seed`"),
        ("divide.toml", good.replace("K = [3]", "K = [4]"), 78, "does not divide"),
        ("odd.toml", good.replace("\"sign\"", "\"relu\""), 78, "even K"),
        ("alpha.toml", good.replace("0.2, 0.4", "-0.2, 0.4"), 78, "positive"),
        ("empty.toml", good.replace("[63, 105]", "[]"), 78, "empty list"),
        ("huge.toml", good.replace("[0.2, 0.4, 0.6]", "[1e14]"), 78, "GiB"),
        ("twice.toml", good.clone() + "[solver.other]\n", 78, "solver.other"),
        ("type.toml", good.replace("samples = 1", "samples = \"many\""), 78, "grid.samples"),
        ("syntax.toml", good.replace("[grid]", "[grid"), 78, "not valid TOML"),
    ] {
        let path = write(folder.path(), name, &text);
        for ranks in [0, 3] {
            let output = expect(code, ranks, &["run", utf8(&path), "-q"]);
            let said = support::text(&output);
            assert!(said.contains(words) && said.contains(name), "{name}: {said}");
        }
        expect(code, 0, &["check", utf8(&path)]);
    }
    for ranks in [0, 3] {
        let output = expect(74, ranks, &["run", "/nonexistent/job.toml"]);
        assert!(text(&output).contains("/nonexistent/job.toml"), "{}", text(&output));
    }
    let job = write(folder.path(), "good.toml", &good);
    expect(74, 2, &["run", utf8(&job), "-o", "/nonexistent/out.h5"]);
    expect(2, 0, &["run"]);
    expect(2, 0, &["frobnicate"]);
}

#[test]
fn another_job_is_refused_with_the_differences_and_more_samples_are_welcome() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &small_job(2));
    let out = folder.path().join("out.h5");
    expect(0, 2, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
    let changed = small_job(2).replace("max_epochs = 60", "max_epochs = 61");
    let other = write(folder.path(), "other.toml", &changed);
    let output = expect(65, 2, &["run", utf8(&other), "-o", utf8(&out), "-q"]);
    assert!(text(&output).contains("max_epochs: 60 -> 61"), "{}", text(&output));
    let more = write(folder.path(), "more.toml", &small_job(4));
    expect(0, 2, &["run", utf8(&more), "-o", utf8(&out), "-q"]);
    let fresh = folder.path().join("fresh.h5");
    expect(0, 0, &["run", utf8(&more), "-o", utf8(&fresh), "-q"]);
    assert_eq!(digest(&out), digest(&fresh));
    expect(65, 0, &["run", utf8(&job), "-o", utf8(&out), "-q"]);
}

#[test]
fn arrays_merge_into_the_single_run() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &small_job(5));
    let (a, b, c) =
        (folder.path().join("a.h5"), folder.path().join("b.h5"), folder.path().join("c.h5"));
    expect(0, 2, &["run", utf8(&job), "-o", utf8(&a), "--samples", "0..2", "-q"]);
    expect(0, 0, &["run", utf8(&job), "-o", utf8(&b), "--samples", "2..5", "-q"]);
    expect(0, 0, &["merge", utf8(&b), utf8(&a), "-o", utf8(&c)]);
    let whole = folder.path().join("whole.h5");
    expect(0, 0, &["run", utf8(&job), "-o", utf8(&whole), "-q"]);
    assert_eq!(digest(&c), digest(&whole));
}

#[test]
fn ranks_without_work_burn_no_core() {
    let folder = folder();
    let job = write(folder.path(), "job.toml", &long_job(1, 100_000_000));
    let out = folder.path().join("out.h5");
    let child = spawn(command(3, &["run", utf8(&job), "-o", utf8(&out), "-q"]));
    wait_until("three ranks", || ranks_of(child.id()).len() == 3);
    // One unit: rank 0's compute thread has it once its process is well past MPI_Init.
    let busiest = |ranks: &[u32]| ranks.iter().map(|&r| cpu_seconds(r)).fold(0.0, f64::max);
    let ranks = ranks_of(child.id());
    wait_until("work", || busiest(&ranks) > 1.5);
    let before: Vec<f64> = ranks.iter().map(|&rank| cpu_seconds(rank)).collect();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let mut spent: Vec<f64> =
        ranks.iter().zip(&before).map(|(&rank, before)| cpu_seconds(rank) - before).collect();
    spent.sort_by(f64::total_cmp);
    signal("USR1", child.id());
    assert_eq!(finish(child).status.code(), Some(75));
    // A spinning rank would spend 2 s (1 s if it had to share its core).
    assert!(spent[0] + spent[1] < 0.2, "idle ranks spent {spent:?} s of 2 s");
    assert!(spent[2] > 0.5, "one rank works: {spent:?}");
}
