//! The protocol without MPI: ranks as threads, stopped at random moments, end with equal bytes.

mod support;

use reluscape::comm::Comm;
use reluscape::comm::threads::Threads;
use reluscape::engine::coordinator::{self, Directions, End};
use reluscape::engine::stop::Signals;
use reluscape::engine::worker;
use reluscape::job::Job;
use reluscape::store::{Launch, SampleRange, Store, digest};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Runs `job` on `ranks` threads until complete or until `limit`.
fn segment(job: &Arc<Job>, out: &Path, ranks: usize, limit: Option<Duration>) -> End {
    let mut group = Threads::group(ranks);
    let others = group.split_off(1);
    let lead = group.remove(0);
    let signals = Signals::default();
    std::thread::scope(|scope| {
        for comm in others {
            let (job, signals) = (Arc::clone(job), signals.clone());
            scope.spawn(move || worker::serve(&comm, job, &signals).expect("a worker's end"));
        }
        let launch = Launch::default();
        let mut store = Store::open(out, job, SampleRange::ALL, launch, false).expect("a store");
        let deadline = limit.map(|limit| reluscape::slurm::Deadline {
            at: SystemTime::now() + limit,
            source: "test".into(),
        });
        let directions = Directions {
            range: SampleRange::ALL,
            job_path: "job.toml".into(),
            signals: &signals,
            deadline,
            quiet: true,
        };
        let end = coordinator::run(&lead, Arc::clone(job), &mut store, &directions).expect("a run");
        store.close(end.reason()).expect("a closed store");
        assert_eq!(lead.size(), ranks);
        end
    })
}

/// Runs a job on any number of ranks, with and without stops: the bytes of one rank without stops.
fn check_ranks_and_stops(text: &str, launches: &[(usize, Option<u64>)]) {
    let folder = support::folder();
    let job = Arc::new(Job::parse("job.toml", text).expect("a valid job"));
    let reference = folder.path().join("reference.h5");
    assert_eq!(segment(&job, &reference, 1, None), End::Complete);
    let expected = digest::digest(&reference).expect("a digest");
    for &(ranks, milliseconds) in launches {
        let out = folder.path().join(format!("{ranks}-{milliseconds:?}.h5"));
        let mut segments = 1;
        // Each segment gets longer, so that progress is certain on any machine.
        while let Some(limit) = milliseconds.map(|m| Duration::from_millis(m * segments))
            && segment(&job, &out, ranks, Some(limit)) != End::Complete
        {
            segments += 1;
            assert!(segments < 200, "no end");
        }
        if milliseconds.is_none() {
            assert_eq!(segment(&job, &out, ranks, None), End::Complete);
        }
        assert_eq!(digest::digest(&out).expect("a digest"), expected, "{ranks} {segments}");
    }
}

#[test]
fn any_number_of_ranks_and_stops_gives_the_same_bytes() {
    let launches = [(2, None), (5, None), (1, Some(20)), (3, Some(7)), (4, Some(35))];
    check_ranks_and_stops(&support::small_job(40), &launches);
}

/// The same for solvers of real weights and for Entropy-SGD, which are suspended between epochs.
#[test]
fn gradient_solvers_give_the_same_bytes_on_ranks_and_after_stops() {
    for job in support::gradient_jobs(3) {
        check_ranks_and_stops(&job, &[(3, None), (2, Some(5))]);
    }
}
