//! A rank's compute thread: runs queued units one after another and reports in batches.

use super::protocol::{Report, Task};
use super::scheduler::report_seconds;
use super::unit::{Interrupt, Outcome, run_unit};
use crate::job::Job;
use crate::record::{Column, UnitId};
use crate::store::FinishedUnit;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Units younger than this are not worth a snapshot.
const SNAPSHOT_AFTER: Duration = Duration::from_secs(5);

thread_local! {
    static IN_UNIT: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a unit, whose panics are caught and reported by the coordinator.
pub fn in_unit() -> bool {
    IN_UNIT.get()
}

/// Handle to the compute thread; dropping it ends the thread after the current epoch.
pub struct Compute {
    shared: Arc<Shared>,
    reports: Receiver<Report>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    interrupt: Interrupt,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Compute {
    /// Starts the thread of one of `ranks` ranks.
    pub fn spawn(job: Arc<Job>, ranks: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            interrupt: Interrupt::default(),
        });
        let (sender, reports) = channel();
        let for_thread = Arc::clone(&shared);
        let report_every = Duration::from_secs_f64(report_seconds(ranks));
        let thread = std::thread::Builder::new()
            .name("compute".to_owned())
            .spawn(move || Loop { job, shared: for_thread, sender, report_every }.run())?;
        Ok(Self { shared, reports, thread: Some(thread) })
    }

    /// Queues tasks.
    pub fn run(&self, tasks: Vec<Task>) {
        self.shared.queue().tasks.extend(tasks);
        self.shared.wake.notify_one();
    }

    /// Asks for a snapshot of the running unit, if it is a long one.
    pub fn request_snapshot(&self) {
        self.shared.interrupt.snapshot.store(true, Ordering::Relaxed);
    }

    /// Drops the queue and suspends the running unit; the last report has `stopped` set.
    pub fn stop(&self) {
        let mut queue = self.shared.queue();
        self.shared.interrupt.stop.store(true, Ordering::Relaxed);
        queue.tasks.clear();
        queue.closed = true;
        self.shared.wake.notify_one();
    }

    /// Waits up to `timeout` for a report and returns all that are there as one.
    pub fn reports(&self, timeout: Duration) -> Option<Report> {
        let mut report = match self.reports.recv_timeout(timeout) {
            Ok(report) => report,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                // The thread has ended and all its reports are read.
                std::thread::sleep(timeout);
                return None;
            }
        };
        while let Ok(later) = self.reports.try_recv() {
            report.append(later);
        }
        Some(report)
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A panic outside a unit was already reported by the hook.
            let _ = thread.join();
        }
    }
}

/// The thread's own side.
struct Loop {
    job: Arc<Job>,
    shared: Arc<Shared>,
    sender: Sender<Report>,
    /// Finished units wait at most so long for company before they are reported.
    report_every: Duration,
}

impl Loop {
    fn run(self) {
        let columns = self.job.columns();
        let mut report = Report::default();
        let mut reported = Instant::now();
        loop {
            let next = self.shared.queue().tasks.pop_front();
            if next.is_none() || reported.elapsed() >= self.report_every {
                self.report(&mut report);
                reported = Instant::now();
            }
            let task = match next {
                Some(task) => task,
                None => match self.wait() {
                    Some(task) => task,
                    None => break,
                },
            };
            if !self.one(&task, &columns, &mut report) {
                break;
            }
        }
        report.stopped = true;
        self.report(&mut report);
    }

    /// Sends what there is to say.
    fn report(&self, report: &mut Report) {
        if *report != Report::default() {
            // The receiver is gone only when the rank leaves.
            let _ = self.sender.send(std::mem::take(report));
        }
    }

    /// The next task; `None` when the queue was closed.
    fn wait(&self) -> Option<Task> {
        let mut queue = self.shared.queue();
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                return Some(task);
            }
            if queue.closed {
                return None;
            }
            queue = self.shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs one task; false when it was suspended.
    fn one(&self, task: &Task, columns: &[Column], report: &mut Report) -> bool {
        let started = Instant::now();
        let unit = task.unit;
        let on_snapshot = |snapshot: Vec<u8>| {
            if started.elapsed() >= SNAPSHOT_AFTER {
                let snapshots = vec![(unit, snapshot)];
                let _ = self.sender.send(Report { snapshots, ..Report::default() });
            }
        };
        IN_UNIT.set(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let snapshot = task.snapshot.as_deref();
            run_unit(&self.job, columns, unit, snapshot, &self.shared.interrupt, on_snapshot)
        }));
        IN_UNIT.set(false);
        match outcome {
            Ok(Outcome::Finished(record)) => {
                let seconds = started.elapsed().as_secs_f64();
                report.finished.push(FinishedUnit { unit, record, seconds });
                true
            }
            Ok(Outcome::Suspended(snapshot)) => {
                report.snapshots.push((unit, snapshot));
                false
            }
            Err(payload) => {
                report.panicked.get_or_insert((unit, panic_message(&*payload)));
                self.report(report);
                true
            }
        }
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

/// What a unit is called in messages.
pub fn describe(job: &Job, unit: UnitId) -> String {
    let cell = &job.cells[unit.cell as usize];
    format!(
        "{unit} (N = {}, K = {}, alpha = {})",
        cell.inputs(),
        cell.hidden(),
        cell.alpha_requested
    )
}
