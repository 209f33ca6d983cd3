//! One unit of work: instance, solver, verification, observables → record.
//!
//! Deterministic: no clock, no rank. An interruption suspends the unit as a snapshot and never
//! changes its result.

use crate::job::Job;
use crate::observable::{Observable, Solution};
use crate::record::{Column, Record, UnitId, Value};
use crate::solver::{Finished, Instance, Method, Repeated};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Requests to a running unit, read between epochs.
#[derive(Debug, Default)]
pub struct Interrupt {
    /// Suspend as soon as possible.
    pub stop: AtomicBool,
    /// Hand out a snapshot and go on.
    pub snapshot: AtomicBool,
}

/// How a unit ended.
#[derive(Debug)]
pub enum Outcome {
    /// Done.
    Finished(Record),
    /// Stopped between epochs; the snapshot continues it.
    Suspended(Vec<u8>),
}

/// Runs `unit` of `job`; see [`Unit::run`].
///
/// # Panics
/// As [`Unit::run`].
pub fn run_unit(
    job: &Job,
    columns: &[Column],
    unit: UnitId,
    snapshot: Option<&[u8]>,
    interrupt: &Interrupt,
    on_snapshot: impl FnMut(Vec<u8>),
) -> Outcome {
    #[cfg(debug_assertions)]
    super::fault::inject(unit);
    Unit {
        id: unit,
        instance: Arc::new(job.instance(unit)),
        method: job.cells[unit.cell as usize].solver.method(),
        observables: job.observe.observables().into_iter().map(|(_, o)| o).collect(),
    }
    .run(columns, snapshot, interrupt, on_snapshot)
}

/// A unit with all that it takes: which instance, solved how, and what is measured on the solution.
#[derive(Debug)]
pub struct Unit<'a> {
    /// Its name in messages.
    pub id: UnitId,
    /// The instance.
    pub instance: Arc<Instance>,
    /// The solver, with valid parameters.
    pub method: &'a dyn Method,
    /// What is measured, with valid parameters.
    pub observables: Vec<&'a dyn Observable>,
}

impl Unit<'_> {
    /// Runs it, from `snapshot` if there is one; `columns` are [`crate::observable::columns`] of solver
    /// and observables, and `on_snapshot` gets the snapshots asked for.
    ///
    /// # Panics
    /// If the solver claims a solution that the verifier refuses, or a value does not fit its column:
    /// both are bugs that must not become data.
    pub fn run(
        &self,
        columns: &[Column],
        snapshot: Option<&[u8]>,
        interrupt: &Interrupt,
        mut on_snapshot: impl FnMut(Vec<u8>),
    ) -> Outcome {
        let runs = self.observables.iter().map(|o| o.runs()).max().unwrap_or(1);
        let new = || Repeated::new(self.method, Arc::clone(&self.instance), runs);
        let mut solver = new();
        if let Some(bytes) = snapshot
            && let Err(reason) = solver.restore(bytes)
        {
            let unit = self.id;
            eprintln!("warning: {unit}: snapshot not usable ({reason}); starting the unit afresh");
            solver = new();
        }
        let finished = loop {
            if interrupt.stop.load(Ordering::Relaxed) {
                return Outcome::Suspended(solver.snapshot());
            }
            if interrupt.snapshot.swap(false, Ordering::Relaxed) {
                on_snapshot(solver.snapshot());
            }
            if let Some(finished) = solver.epoch() {
                break finished;
            }
        };
        Outcome::Finished(self.report(columns, finished))
    }

    /// The record of a unit whose solver has ended.
    fn report(&self, columns: &[Column], finished: Finished) -> Record {
        let (instance, unit) = (&*self.instance, self.id);
        let errors = instance.storage.errors(&instance.patterns, &finished.weights);
        let mut record = vec![
            Value::Bool(finished.solved),
            Value::Bool(finished.censored),
            Value::Count(finished.effort.epochs),
            Value::Count(finished.effort.presentations),
            Value::Count(errors as u64),
        ];
        record.extend(finished.values);
        let solution = Solution {
            instance,
            weights: &finished.weights,
            replicas: &finished.replicas,
            center: finished.center.as_ref(),
            independent: &finished.independent,
            solver: self.method.tag(),
        };
        for observable in &self.observables {
            if finished.solved {
                record.extend(observable.measure(&solution));
            }
        }
        record.resize(columns.len().max(record.len()), Value::Missing);
        assert_eq!(record.len(), columns.len(), "{unit}: values and columns differ in number");
        for (value, column) in record.iter().zip(columns) {
            assert!(value.fits(&column.kind), "{unit}: {} = {value:?} does not fit", column.name);
        }
        record
    }
}
