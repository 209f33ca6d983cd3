//! Units of every solver, suspended and resumed at random epochs, end with the record of an
//! uninterrupted one.

mod support;
use reluscape::engine::unit::{Interrupt, Outcome, run_unit};
use reluscape::job::Job;
use reluscape::record::{Record, UnitId};
use reluscape::solver::SOLVER_NAMES;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use support::Dice;

fn job(solver: &str, weights: &str, activation: &str, (n, k, alpha): (u32, u32, f64)) -> Job {
    let text = format!(
        "schema = 1\nname = \"s\"\nseed = 5\n[model]\nweights = \"{weights}\"\n\
         activation = \"{activation}\"\n[grid]\nN = [{n}]\nK = [{k}]\nalpha = [{alpha}]\n\
         samples = 3\n[solver.{solver}\n[observe]\nweights = true\nindependent = {{ runs = 2 }}\n"
    );
    Job::parse("job.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// One segment: from `snapshot`, suspended before its epoch number `epochs` (counted from 0).
fn segment(job: &Job, unit: UnitId, snapshot: Option<&[u8]>, epochs: usize) -> Outcome {
    let interrupt = Interrupt::default();
    interrupt.snapshot.store(true, Ordering::Relaxed);
    let passed = Cell::new(0);
    let columns = job.columns();
    // A snapshot is asked for before every epoch, which counts them.
    run_unit(job, &columns, unit, snapshot, &interrupt, |_| {
        passed.set(passed.get() + 1);
        if passed.get() > epochs {
            interrupt.stop.store(true, Ordering::Relaxed);
        }
        interrupt.snapshot.store(true, Ordering::Relaxed);
    })
}

fn finish(job: &Job, unit: UnitId, dice: &mut Dice, longest: usize) -> (Record, usize) {
    let (mut snapshot, mut segments): (Option<Vec<u8>>, usize) = (None, 0);
    loop {
        segments += 1;
        assert!(segments < 5_000, "no end");
        match segment(job, unit, snapshot.as_deref(), dice.below(longest)) {
            Outcome::Finished(record) => return (record, segments),
            Outcome::Suspended(bytes) => snapshot = Some(bytes),
        }
    }
}

#[test]
fn every_solver_resumes_with_identical_results() {
    // (table, weights, activation, (N, K, alpha), longest segment in epochs); one row that is solved
    // and one that is not, where the solver can fail.
    let rows = [
        ("rsgd]\nmax_epochs = 60", "binary", "sign", (315, 3, 0.45), 12),
        ("rsgd]\nmax_epochs = 30", "binary", "sign", (315, 3, 0.9), 9),
        ("rsgd]\nrule = \"gradient\"\nmax_epochs = 60", "binary", "relu", (320, 4, 0.4), 12),
        (
            "rsgd]\nrule = \"gradient\"\ngradient = \"mean_field\"\nmax_epochs = 60",
            "binary",
            "relu",
            (320, 4, 0.4),
            12,
        ),
        ("rsgd]\nmax_epochs = 40", "spherical", "relu", (128, 4, 1.0), 12),
        ("rsgd]\nmax_epochs = 40", "spherical", "sign", (129, 3, 0.8), 12),
        ("entropy_sgd]\nmax_epochs = 40", "spherical", "relu", (128, 4, 1.0), 12),
        ("entropy_sgd]\nmax_epochs = 60", "binary", "relu", (320, 4, 0.4), 12),
        ("sgd]\nmax_epochs = 60", "binary", "relu", (320, 4, 0.3), 12),
        ("lal]\nmax_epochs = 60", "binary", "sign", (315, 3, 0.3), 12),
        ("fbp]", "binary", "relu", (256, 4, 0.6), 40),
        ("fbp]", "binary", "sign", (255, 3, 0.5), 40),
        ("rbp]", "binary", "relu", (256, 4, 0.5), 40),
        ("rsa]", "binary", "relu", (128, 4, 0.4), 40),
        ("rsa]\nreplicas = 1", "binary", "sign", (129, 3, 0.4), 40),
        ("rsa]\nrejection_free = 30.0\nmax_epochs = 200", "binary", "sign", (129, 3, 0.5), 40),
        ("edmc]", "binary", "relu", (128, 4, 0.6), 9),
        ("edmc]\nmax_epochs = 20", "binary", "sign", (129, 3, 0.6), 9),
        ("tempering]", "binary", "relu", (64, 4, 0.2), 40),
        ("exact]", "binary", "relu", (30, 2, 1.0), 3),
    ];
    let mut dice = Dice(20191023);
    for name in SOLVER_NAMES {
        assert!(rows.iter().any(|row| row.0.starts_with(&format!("{name}]"))), "{name}: no row");
    }
    for (solver, weights, activation, size, longest) in rows {
        let job = job(solver, weights, activation, size);
        let solver = solver.replace("]", "").replace('\n', ", ");
        let mut most = 0;
        for sample in 0..3 {
            let unit = UnitId { cell: 0, sample };
            let Outcome::Finished(expected) = segment(&job, unit, None, usize::MAX) else {
                panic!("nothing stopped it");
            };
            let (record, segments) = finish(&job, unit, &mut dice, longest);
            assert_eq!(record, expected, "{solver} {weights} {activation} sample {sample}");
            most = most.max(segments);
        }
        println!("{solver} {weights} {activation}: up to {most} segments");
        assert!(most > 1, "{solver} {weights} {activation}: never suspended");
    }
}
