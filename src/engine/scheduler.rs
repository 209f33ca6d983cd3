//! Who runs what next: a pure state machine, events in, actions out.
//!
//! Longest expected first (Graham's LPT rule); units travel in batches of about [`BATCH_SECONDS`] of
//! expected work (more with very many ranks, so that the coordinator keeps up), with one batch prefetched while units are short, so that a rank never waits for
//! its next batch. Expectations start from the solver's hint and become the mean of what was
//! measured in the cell: the first unit of every cell goes out before all others, and cells are
//! sorted anew when the number of measured units doubles, so that wrong hints do not leave the
//! longest units for the end. The order of assignment changes nothing in the results. Cost O(1) a
//! unit, and O(c log c log n) in all for the sorting of c cells with n units.

use crate::record::UnitId;
use std::collections::VecDeque;
use std::ops::Range;

/// Expected work of one batch.
pub const BATCH_SECONDS: f64 = 0.010;
/// The coordinator can serve a message in far less; batches and the time between a rank's reports
/// grow with the ranks so that messages come no closer than this.
const MESSAGE_SECONDS: f64 = 200e-6;
/// Towards the end no batch is larger than this part of a rank's share of what is left.
const PART_OF_SHARE: f64 = 0.25;
/// Batches after which the size of a batch is worked out anew.
const KEEP_SIZE: u32 = 64;
/// Units longer than this are not prefetched: at the end of a run they would wait for one rank
/// while another is idle.
const PREFETCH_BELOW: f64 = 1.0;
/// Most units of one batch.
const MOST_UNITS: usize = 2048;

/// A rank among `ranks` reports what it has finished after so long (at once when its queue is empty).
pub fn report_seconds(ranks: usize) -> f64 {
    BATCH_SECONDS.max(ranks as f64 * MESSAGE_SECONDS)
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A rank has started and can take work.
    Ready {
        /// The rank.
        rank: usize,
    },
    /// A rank finished units, with the seconds each took.
    Finished {
        /// The rank.
        rank: usize,
        /// The units.
        units: Vec<(UnitId, f64)>,
    },
    /// The coordinator will be away for so long: ranks need work until then.
    Away {
        /// Seconds.
        seconds: f64,
    },
    /// No more assignments.
    Stop,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send these units to this rank.
    Assign {
        /// The rank.
        rank: usize,
        /// The units, in order.
        units: Vec<UnitId>,
    },
}

/// Units of one cell that are still to be assigned.
struct Pending {
    cell: u32,
    samples: VecDeque<Range<u64>>,
    hint: f64,
    measured: u64,
    seconds: f64,
}

impl Pending {
    /// Expected seconds of one unit.
    fn expected(&self) -> f64 {
        if self.measured > 0 {
            self.seconds / self.measured as f64
        } else {
            // Unmeasured: one unit a batch, whatever the hint promises.
            self.hint.max(BATCH_SECONDS)
        }
    }

    fn pop(&mut self) -> Option<UnitId> {
        let range = self.samples.front_mut()?;
        let sample = range.start;
        range.start += 1;
        if range.is_empty() {
            self.samples.pop_front();
        }
        Some(UnitId { cell: self.cell, sample })
    }
}

/// One rank's outstanding work.
#[derive(Default)]
struct Load {
    ready: bool,
    /// In the order of execution.
    outstanding: VecDeque<UnitId>,
}

impl Load {
    /// Removes a finished unit; nearly always the first. False if it was not outstanding.
    fn remove(&mut self, unit: UnitId) -> bool {
        let at = self.outstanding.iter().position(|&u| u == unit);
        at.and_then(|at| self.outstanding.remove(at)).is_some()
    }
}

/// The scheduler's state.
pub struct Scheduler {
    pending: Vec<Pending>,
    /// Cell → index in `pending`.
    index: Vec<usize>,
    /// Entries of `pending` no unit of which was assigned yet, longest hint last.
    unprobed: Vec<usize>,
    /// Entries of `pending` that may have units left, longest expectation last.
    order: Vec<usize>,
    ranks: Vec<Load>,
    /// Expected work of a batch now, and for how many batches that holds.
    batch: (f64, u32),
    stopped: bool,
}

/// Units to do in one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellPlan {
    /// The cell.
    pub cell: u32,
    /// Disjoint ranges of samples still to be done.
    pub samples: Vec<Range<u64>>,
    /// Expected seconds of one unit.
    pub expected_seconds: f64,
}

impl Scheduler {
    /// A scheduler over `plan` for `ranks` ranks.
    pub fn new(mut plan: Vec<CellPlan>, ranks: usize) -> Self {
        plan.sort_by(|a, b| {
            b.expected_seconds.total_cmp(&a.expected_seconds).then(a.cell.cmp(&b.cell))
        });
        let cells = plan.iter().map(|p| p.cell as usize + 1).max().unwrap_or(0);
        let mut index = vec![usize::MAX; cells];
        let pending: Vec<_> = plan
            .into_iter()
            .enumerate()
            .map(|(at, plan)| {
                index[plan.cell as usize] = at;
                Pending {
                    cell: plan.cell,
                    samples: plan.samples.into_iter().filter(|r| !r.is_empty()).collect(),
                    hint: plan.expected_seconds,
                    measured: 0,
                    seconds: 0.0,
                }
            })
            .collect();
        let ranks = (0..ranks).map(|_| Load::default()).collect();
        let order: Vec<usize> = (0..pending.len()).rev().collect();
        Self {
            pending,
            index,
            unprobed: order.clone(),
            order,
            ranks,
            batch: (BATCH_SECONDS, 0),
            stopped: false,
        }
    }

    /// Sorts the cells by what is now expected of them.
    fn sort(&mut self) {
        let pending = &self.pending;
        self.order.sort_by(|&a, &b| {
            let (a, b) = (&pending[a], &pending[b]);
            a.expected().total_cmp(&b.expected()).then(b.cell.cmp(&a.cell))
        });
    }

    /// The entry of `pending` that the next unit comes from.
    fn next(&mut self) -> Option<usize> {
        for list in [&mut self.unprobed, &mut self.order] {
            while let Some(&at) = list.last() {
                if !self.pending[at].samples.is_empty() {
                    return Some(at);
                }
                list.pop();
            }
        }
        None
    }

    /// Processes one event.
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Ready { rank } => {
                self.ranks[rank].ready = true;
                let seconds = self.batch_seconds();
                self.top_up(rank, seconds).into_iter().collect()
            }
            Event::Finished { rank, units } => {
                let mut doubled = false;
                for (unit, seconds) in units {
                    if self.ranks[rank].remove(unit) {
                        let pending = &mut self.pending[self.index[unit.cell as usize]];
                        pending.measured += 1;
                        pending.seconds += seconds;
                        doubled |= pending.measured.is_power_of_two();
                    }
                }
                if doubled {
                    self.sort();
                }
                let seconds = self.batch_seconds();
                self.top_up(rank, seconds).into_iter().collect()
            }
            Event::Away { seconds } => {
                let seconds = seconds.max(BATCH_SECONDS);
                (0..self.ranks.len()).filter_map(|rank| self.top_up(rank, seconds)).collect()
            }
            Event::Stop => {
                self.stopped = true;
                Vec::new()
            }
        }
    }

    /// Whether nothing is pending or outstanding.
    pub fn is_complete(&self) -> bool {
        self.pending.iter().all(|p| p.samples.is_empty())
            && self.ranks.iter().all(|r| r.outstanding.is_empty())
    }

    /// The unit that `rank` is running, as far as is known.
    pub fn running(&self, rank: usize) -> Option<UnitId> {
        self.ranks[rank].outstanding.front().copied()
    }

    /// Takes back everything outstanding at a rank that has stopped.
    pub fn release(&mut self, rank: usize) -> Vec<UnitId> {
        self.ranks[rank].ready = false;
        std::mem::take(&mut self.ranks[rank].outstanding).into()
    }

    /// Ranks with outstanding units.
    pub fn busy(&self) -> usize {
        self.ranks.iter().filter(|r| !r.outstanding.is_empty()).count()
    }

    /// Expected seconds of the units that are still to be assigned.
    fn pending_seconds(&self) -> f64 {
        let units = |p: &Pending| p.samples.iter().map(|r| (r.end - r.start) as f64).sum::<f64>();
        self.order.iter().map(|&at| &self.pending[at]).map(|p| p.expected() * units(p)).sum()
    }

    /// Expected work of the next batch.
    fn batch_seconds(&mut self) -> f64 {
        let largest = report_seconds(self.ranks.len());
        if largest <= BATCH_SECONDS {
            return BATCH_SECONDS;
        }
        if self.batch.1 == 0 {
            let share = self.pending_seconds() / self.ranks.len() as f64;
            self.batch = ((PART_OF_SHARE * share).clamp(BATCH_SECONDS, largest), KEEP_SIZE);
        }
        self.batch.1 -= 1;
        self.batch.0
    }

    /// Expected seconds of the work that is left, over all ranks.
    pub fn seconds_left(&self) -> f64 {
        self.pending_seconds() + self.ranks.iter().map(|r| self.outstanding_seconds(r)).sum::<f64>()
    }

    fn outstanding_seconds(&self, rank: &Load) -> f64 {
        // At most a few thousand small units, or one or two long ones.
        rank.outstanding
            .iter()
            .map(|unit| self.pending[self.index[unit.cell as usize]].expected())
            .sum()
    }

    /// A batch for `rank` if its outstanding work is less than one batch (of `seconds`).
    fn top_up(&mut self, rank: usize, seconds: f64) -> Option<Action> {
        if self.stopped || !self.ranks[rank].ready {
            return None;
        }
        let idle = self.ranks[rank].outstanding.is_empty();
        let load = self.outstanding_seconds(&self.ranks[rank]);
        if !idle && load > seconds {
            return None;
        }
        let wanted = if idle { seconds } else { 2.0 * seconds - load };
        let mut units = Vec::new();
        let mut total = 0.0;
        while units.len() < MOST_UNITS && total < wanted {
            let Some(at) = self.next() else { break };
            let pending = &mut self.pending[at];
            let expected = pending.expected();
            let first = idle && units.is_empty();
            if !first && (expected > PREFETCH_BELOW || total + expected > wanted.max(seconds)) {
                break;
            }
            total += expected;
            units.extend(pending.pop());
            self.unprobed.pop_if(|probed| *probed == at);
        }
        if units.is_empty() {
            return None;
        }
        self.ranks[rank].outstanding.extend(units.iter().copied());
        Some(Action::Assign { rank, units })
    }
}

#[cfg(test)]
mod scale;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn plan(counts: &[u64], seconds: f64) -> Vec<CellPlan> {
        counts
            .iter()
            .enumerate()
            .map(|(cell, &count)| CellPlan {
                cell: cell as u32,
                samples: std::iter::once(0..count).collect(),
                expected_seconds: seconds * (cell + 1) as f64,
            })
            .collect()
    }

    #[test]
    fn longest_first_and_small_units_in_batches() {
        let mut scheduler = Scheduler::new(plan(&[10_000, 3], 1e-5), 1);
        let Action::Assign { units, .. } = scheduler.handle(Event::Ready { rank: 0 }).remove(0);
        assert_eq!(units, [UnitId { cell: 1, sample: 0 }], "unmeasured: one unit, the longest");
        let mut sizes = Vec::new();
        let mut queue = VecDeque::from([units]);
        while let Some(units) = queue.pop_front() {
            sizes.push(units.len());
            let units = units.into_iter().map(|u| (u, 1e-5)).collect();
            for Action::Assign { units, .. } in scheduler.handle(Event::Finished { rank: 0, units })
            {
                queue.push_back(units);
            }
        }
        assert!(scheduler.is_complete());
        assert!(sizes.iter().max().unwrap() >= &900, "{sizes:?}");
    }

    #[test]
    fn long_units_are_not_prefetched() {
        let mut scheduler = Scheduler::new(plan(&[10], 5.0), 2);
        for rank in 0..2 {
            let actions = scheduler.handle(Event::Ready { rank });
            assert_eq!(actions.len(), 1);
            let Action::Assign { units, .. } = &actions[0];
            assert_eq!(units.len(), 1);
        }
        assert!(scheduler.handle(Event::Away { seconds: 1.0 }).is_empty());
    }

    proptest! {
        /// Whatever the order of events: every unit is assigned exactly once, nothing after Stop,
        /// and a run without Stop completes.
        #[test]
        fn every_unit_exactly_once(
            counts in prop::collection::vec(0u64..60, 1..5),
            ranks in 1usize..5,
            exponent in -6.0f64..1.0,
            picks in prop::collection::vec(any::<u32>(), 600),
            stop_at in prop::option::of(0usize..100),
        ) {
            let mut scheduler = Scheduler::new(plan(&counts, libm::exp10(exponent)), ranks);
            let mut queues: Vec<VecDeque<UnitId>> = vec![VecDeque::new(); ranks];
            let mut seen = BTreeSet::new();
            let mut stopped = false;
            let mut actions = Vec::new();
            for rank in 0..ranks {
                actions.extend(scheduler.handle(Event::Ready { rank }));
            }
            for (step, pick) in picks.iter().cycle().enumerate().take(5000) {
                for Action::Assign { rank, units } in actions.drain(..) {
                    prop_assert!(!stopped);
                    for unit in units {
                        prop_assert!(seen.insert(unit), "{unit} twice");
                        queues[rank].push_back(unit);
                    }
                }
                if stop_at == Some(step) {
                    stopped = true;
                    prop_assert!(scheduler.handle(Event::Stop).is_empty());
                }
                let rank = *pick as usize % ranks;
                if pick % 7 == 0 {
                    actions = scheduler.handle(Event::Away { seconds: 0.1 });
                } else {
                    let take = queues[rank].len().min(1 + (pick >> 8) as usize % 20);
                    let units = queues[rank].drain(..take).map(|u| (u, 1e-3)).collect();
                    actions = scheduler.handle(Event::Finished { rank, units });
                }
            }
            let total: u64 = counts.iter().sum();
            if stop_at.is_none() {
                prop_assert!(scheduler.is_complete());
                prop_assert_eq!(seen.len() as u64, total);
            }
        }
    }
}
