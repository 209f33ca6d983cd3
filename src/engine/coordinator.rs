//! Rank 0's main thread: feeds the scheduler, keeps the store, decides when to commit and to stop.
//!
//! It runs beside the rank's own compute thread and sleeps between events. A commit first hands
//! every rank enough work to last, so that it idles nobody.

use super::compute::{Compute, describe};
use super::listening::Listening;
use super::progress::{Progress, State};
use super::protocol::{
    LONGEST_SILENCE, LONGEST_SLEEP, Order, Report, SHORTEST_SLEEP, Task, decode, encode,
};
use super::scheduler::{Action, CellPlan, Event, Scheduler};
use super::stop::Signals;
use crate::comm::Comm;
use crate::job::Job;
use crate::record::{UnitId, Value};
use crate::slurm::Deadline;
use crate::store::{FinishedUnit, SampleRange, Store};
use crate::{Error, Exit, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Ranks that have not stopped after so long are named.
const SLOW_TO_STOP: Duration = Duration::from_secs(20);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All units are finished.
    Complete,
    /// All but quarantined units are finished.
    Quarantined,
    /// Stopped by a signal.
    Signal,
    /// Stopped by a deadline.
    Deadline,
}

impl End {
    /// As written to provenance.
    pub fn reason(self) -> &'static str {
        match self {
            End::Complete => "complete",
            End::Quarantined => "quarantined",
            End::Signal => "signal",
            End::Deadline => "deadline",
        }
    }

    /// The exit code of rank 0.
    pub fn exit(self) -> Exit {
        match self {
            End::Complete => Exit::Done,
            End::Quarantined => Exit::Internal,
            End::Signal | End::Deadline => Exit::Incomplete,
        }
    }
}

/// What a run is told beside the job.
pub struct Directions<'a> {
    /// Samples this run is for.
    pub range: SampleRange,
    /// The job file's path as given, for messages.
    pub job_path: String,
    /// Flags of the signal handlers.
    pub signals: &'a Signals,
    /// When to stop.
    pub deadline: Option<Deadline>,
    /// No progress on standard error.
    pub quiet: bool,
}

/// Runs `job` to its end or to a stop; the store is committed, not closed.
///
/// # Errors
/// I/O errors of the store, and bugs. All ranks have left the run when this returns an error.
pub fn run(
    comm: &dyn Comm,
    job: Arc<Job>,
    store: &mut Store,
    directions: &Directions,
) -> Result<End> {
    let result = Coordinator::new(comm, job, store, directions).and_then(Coordinator::run);
    (1..comm.size()).for_each(|rank| comm.send(rank, &encode(&Order::Leave)));
    result
}

struct Coordinator<'a> {
    comm: &'a dyn Comm,
    job: Arc<Job>,
    store: &'a mut Store,
    directions: &'a Directions<'a>,
    compute: Compute,
    scheduler: Scheduler,
    progress: Progress,
    /// The unit that each rank runs, and since when.
    running: Vec<Option<(UnitId, Instant)>>,
    /// Units that have a saved snapshot.
    saved: BTreeSet<UnitId>,
    ready: Vec<bool>,
    stopped: Vec<bool>,
    /// The deadline on the monotonic clock, as seen at the start: a clock that is set while the
    /// run goes on moves nothing.
    deadline: Option<Instant>,
    stopping: Option<(End, Instant)>,
    listening: Listening,
    /// Units given back unfinished at the stop.
    interrupted: usize,
    quarantined: usize,
    committed: Instant,
    commit_seconds: f64,
    solved: u64,
    done: u64,
    total: u64,
}

impl<'a> Coordinator<'a> {
    fn new(
        comm: &'a dyn Comm,
        job: Arc<Job>,
        store: &'a mut Store,
        directions: &'a Directions<'a>,
    ) -> Result<Self> {
        let quarantined: BTreeSet<UnitId> = store.quarantined().into_iter().collect();
        let plan = plan(&job, store, directions.range, &quarantined);
        let compute = Compute::spawn(Arc::clone(&job), comm.size())
            .map_err(|e| Error::Internal(format!("no compute thread: {e}")))?;
        let tally = store.contents().tally();
        let progress = Progress::new(tally.total, job.run.progress_every.0, directions.quiet);
        let size = comm.size();
        let left = |at: SystemTime| at.duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = directions.deadline.as_ref().map(|d| Instant::now() + left(d.at));
        Ok(Self {
            deadline,
            scheduler: Scheduler::new(plan, size),
            quarantined: quarantined.len(),
            running: vec![None; size],
            saved: BTreeSet::new(),
            ready: vec![false; size],
            stopped: vec![false; size],
            stopping: None,
            listening: Listening::new(size),
            interrupted: 0,
            committed: Instant::now(),
            commit_seconds: 0.05,
            solved: tally.solved,
            done: tally.done,
            total: tally.total,
            comm,
            job,
            store,
            directions,
            compute,
            progress,
        })
    }

    fn run(mut self) -> Result<End> {
        let mut sleep = LONGEST_SLEEP;
        self.take(0, Report::default())?;
        loop {
            let mut busy = false;
            while let Some((rank, bytes)) = self.comm.try_receive() {
                busy = true;
                self.listening.heard(rank);
                let report = decode(&bytes)
                    .map_err(|e| Error::Internal(format!("report of rank {rank}: {e}")))?;
                self.take(rank, report)?;
            }
            if let Some(report) = self.compute.reports(sleep) {
                busy = true;
                self.take(0, report)?;
            }
            sleep = if busy { SHORTEST_SLEEP } else { (sleep * 2).min(LONGEST_SLEEP) };
            if let Some(rank) = self.listening.tick(Instant::now()) {
                self.silent(rank);
            }
            if let Some(end) = self.decide()? {
                self.progress.finish();
                self.commit()?;
                return Ok(end);
            }
        }
    }

    /// Looks at signals, deadline, commit times and completion.
    fn decide(&mut self) -> Result<Option<End>> {
        if let Some((end, since)) = self.stopping {
            if self.stopped.iter().all(|&stopped| stopped) {
                let complete = self.interrupted == 0 && self.scheduler.is_complete();
                return Ok(Some(if complete { self.complete() } else { end }));
            }
            if since.elapsed() > SLOW_TO_STOP {
                let late: Vec<_> = (0..self.stopped.len()).filter(|&r| !self.stopped[r]).collect();
                self.progress.line(&format!("still waiting for ranks {late:?} to stop"));
                self.stopping = Some((end, Instant::now()));
            }
            return Ok(None);
        }
        if self.scheduler.is_complete() {
            return Ok(Some(self.complete()));
        }
        if self.directions.signals.stop_requested() {
            self.stop(End::Signal);
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.stop(End::Deadline);
        } else if self.directions.signals.take_commit() {
            self.commit_and_go_on()?;
            self.progress.line("committed on request");
        } else if self.committed.elapsed() >= self.job.run.checkpoint_every.0 {
            self.commit_and_go_on()?;
        }
        if self.progress.due() {
            let state = self.state();
            self.progress.show(&state);
        }
        Ok(None)
    }

    fn complete(&self) -> End {
        if self.quarantined > 0 { End::Quarantined } else { End::Complete }
    }

    /// Tells all ranks to suspend.
    fn stop(&mut self, end: End) {
        self.progress.line(&format!("stopping: {}", end.reason()));
        self.scheduler.handle(Event::Stop);
        self.stopping = Some((end, Instant::now()));
        (1..self.comm.size()).for_each(|rank| self.comm.send(rank, &encode(&Order::Stop)));
        self.compute.stop();
    }

    fn commit_and_go_on(&mut self) -> Result<()> {
        let seconds = 2.0 * self.commit_seconds;
        let actions = self.scheduler.handle(Event::Away { seconds });
        self.act(actions)?;
        (1..self.comm.size()).for_each(|rank| self.comm.send(rank, &encode(&Order::Snapshot)));
        self.compute.request_snapshot();
        self.commit()
    }

    fn commit(&mut self) -> Result<()> {
        let started = Instant::now();
        self.store.commit()?;
        self.committed = Instant::now();
        self.commit_seconds = started.elapsed().as_secs_f64();
        Ok(())
    }

    /// Takes a rank's report.
    fn take(&mut self, rank: usize, report: Report) -> Result<()> {
        if let Some((unit, message)) = report.panicked {
            self.progress.finish();
            self.store.finished(report.finished)?;
            self.panicked(rank, unit, &message);
        }
        if report.stop_requested {
            self.directions.signals.request_stop();
        }
        for (unit, snapshot) in &report.snapshots {
            self.store.save_snapshot(*unit, snapshot)?;
            self.saved.insert(*unit);
        }
        let units: Vec<_> = report.finished.iter().map(|f| (f.unit, f.seconds)).collect();
        let solved = |f: &&FinishedUnit| f.record.first() == Some(&Value::Bool(true));
        self.solved += report.finished.iter().filter(solved).count() as u64;
        self.done += units.len() as u64;
        self.store.finished(report.finished)?;
        for (unit, _) in &units {
            if self.saved.remove(unit) {
                self.store.drop_snapshot(*unit);
            }
        }
        if !self.ready[rank] && !report.stopped {
            self.ready[rank] = true;
            let actions = self.scheduler.handle(Event::Ready { rank });
            self.act(actions)?;
        }
        let actions = self.scheduler.handle(Event::Finished { rank, units });
        self.act(actions)?;
        if report.stopped {
            self.stopped[rank] = true;
            let left = self.scheduler.release(rank);
            self.interrupted += left.len();
            self.store.released(&left)?;
        }
        self.note_running(rank);
        Ok(())
    }

    fn act(&mut self, actions: Vec<Action>) -> Result<()> {
        for Action::Assign { rank, units } in actions {
            self.store.assigned(rank as u32, &units)?;
            let mut tasks = Vec::with_capacity(units.len());
            for unit in units {
                let snapshot = self.store.load_snapshot(unit);
                if snapshot.is_some() {
                    self.saved.insert(unit);
                }
                tasks.push(Task { unit, snapshot });
            }
            match rank {
                0 => self.compute.run(tasks),
                _ => self.comm.send(rank, &encode(&Order::Run(tasks))),
            }
            self.note_running(rank);
        }
        Ok(())
    }

    fn note_running(&mut self, rank: usize) {
        let running = self.scheduler.running(rank);
        if self.running[rank].map(|(unit, _)| unit) != running {
            self.running[rank] = running.map(|unit| (unit, Instant::now()));
        }
    }

    /// Says what happened and how to reproduce it, and ends all ranks.
    fn panicked(&self, rank: usize, unit: UnitId, message: &str) -> ! {
        eprintln!("error: rank {rank} panicked in {}: {message}", describe(&self.job, unit));
        eprintln!("       reproduce it with: {}", reproduce(&self.job, unit));
        eprintln!(
            "       nothing finished is lost: run `reluscape run {}` again to go on; a unit that \
             fails three times is set aside",
            self.directions.job_path
        );
        self.comm.abort(Exit::Internal.code())
    }

    /// A rank is gone without the launcher's notice (a node that died): ends all ranks, since none
    /// of them could finalize MPI without it.
    fn silent(&mut self, rank: usize) -> ! {
        self.progress.finish();
        eprintln!(
            "error: rank {rank} has not been heard for {} s: its process or node is gone",
            LONGEST_SILENCE.as_secs()
        );
        eprintln!(
            "       nothing finished is lost: run `reluscape run {}` again to go on",
            self.directions.job_path
        );
        self.comm.abort(Exit::Internal.code())
    }

    fn state(&self) -> State {
        let oldest = self
            .running
            .iter()
            .flatten()
            .min_by_key(|(_, since)| *since)
            .map(|(unit, since)| (since.elapsed(), unit.to_string()));
        let busy = self.scheduler.busy();
        let seconds = self.scheduler.seconds_left() / busy.max(1) as f64;
        State {
            done: self.done,
            total: self.total,
            solved: self.solved,
            busy: (busy, self.comm.size()),
            oldest,
            since_commit: self.committed.elapsed(),
            left: Duration::try_from_secs_f64(seconds).ok(),
        }
    }
}

/// What is left to do, by cell.
fn plan(
    job: &Job,
    store: &Store,
    range: SampleRange,
    quarantined: &BTreeSet<UnitId>,
) -> Vec<CellPlan> {
    let mut taken: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for unit in store.contents().records.keys().chain(quarantined) {
        taken.entry(unit.cell).or_default().push(unit.sample);
    }
    job.cells
        .iter()
        .enumerate()
        .map(|(index, cell)| {
            let mut done = taken.remove(&(index as u32)).unwrap_or_default();
            done.sort_unstable();
            let wanted = range.clip(cell.samples);
            let mut next = wanted.start;
            let mut samples = Vec::new();
            for sample in done.into_iter().filter(|s| wanted.contains(s)) {
                if sample > next {
                    samples.push(next..sample);
                }
                next = sample + 1;
            }
            if next < wanted.end {
                samples.push(next..wanted.end);
            }
            CellPlan { cell: index as u32, samples, expected_seconds: job.expected_seconds(cell) }
        })
        .collect()
}

/// The `solve` command for one unit.
pub fn reproduce(job: &Job, unit: UnitId) -> String {
    use crate::model::Connectivity;
    let cell = &job.cells[unit.cell as usize];
    let mut command = format!(
        "reluscape solve --solver {} --weights {} --activation {} --hidden {} --inputs {} \
         --alpha {} --kappa {} --seed {} --sample {}",
        cell.solver.name(),
        job.model.weights.name(),
        job.model.activation.name(),
        cell.hidden(),
        cell.inputs(),
        cell.alpha_requested,
        job.model.kappa,
        job.seed,
        unit.sample
    );
    if let Some((key, value)) = job.model.activation.parameter() {
        command += &format!(" --{key} {value}");
    }
    if job.model.connectivity == Connectivity::Full {
        command += " --connectivity full";
    }
    if let Ok(serde_json::Value::Object(tagged)) = serde_json::to_value(&cell.solver)
        && let Some(serde_json::Value::Object(parameters)) = tagged.values().next()
    {
        for (key, value) in parameters.iter().filter(|(_, v)| !v.is_null()) {
            command += &format!(" --set '{key}={value}'");
        }
    }
    command
}
