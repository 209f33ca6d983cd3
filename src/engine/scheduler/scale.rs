//! The scheduler with many simulated ranks: efficiency, tail and load of the coordinator.
//!
//! A discrete-event simulation: ranks run their queues, a finished batch reaches the coordinator,
//! which serves one report at a time (`SERVICE` seconds a message and `UNIT` a unit, as measured)
//! and answers with the scheduler's assignments; messages take `LATENCY`.

use super::*;
use crate::rng::{Purpose, Stream};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Seconds the coordinator spends on a message, whatever is in it.
const SERVICE: f64 = 20e-6;
/// And on each unit in it: decoding, insertion, its share of the journal.
const UNIT: f64 = 8e-6;
/// Seconds a message travels, the mean sleep of the receiver included.
const LATENCY: f64 = 2e-3;
/// Solvers end by their limit of epochs: no unit takes longer than so many times the mean.
const LONGEST: f64 = 4.0;

struct Simulation {
    /// Sum of all units' seconds over ranks × makespan.
    efficiency: f64,
    /// Part of the time that the coordinator works.
    load: f64,
    /// Seconds between the first rank without work and the end.
    tail: f64,
    makespan: f64,
}

/// When a report arrives, of which rank, and its units with their nanoseconds.
type Arrival = (u64, usize, Vec<(UnitId, u64)>);

/// Times in integer nanoseconds, so that a heap can order them.
fn ns(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// `cells` of (units, expected seconds by the hint, true mean); unit times are log-normal with
/// standard deviation `spread` of the logarithm, as times to solution are.
fn simulate(ranks: usize, cells: &[(u64, f64, f64)], spread: f64) -> Simulation {
    let plan: Vec<CellPlan> = cells
        .iter()
        .enumerate()
        .map(|(cell, &(units, hint, _))| CellPlan {
            cell: cell as u32,
            samples: std::iter::once(0..units).collect(),
            expected_seconds: hint,
        })
        .collect();
    let mut scheduler = Scheduler::new(plan, ranks);
    let mut stream = Stream::new(7, Purpose::Test, &[ranks as u64]);
    let seconds = |unit: UnitId, stream: &mut Stream| {
        let mean = cells[unit.cell as usize].2;
        (mean * libm::exp(spread * stream.normal() - 0.5 * spread * spread)).min(LONGEST * mean)
    };
    // When each rank's queue runs dry.
    let mut busy_until = vec![0u64; ranks];
    // Reports on their way: (arrival, rank, units).
    let mut reports: BinaryHeap<Reverse<Arrival>> = BinaryHeap::new();
    let (mut coordinator, mut worked, mut work) = (0u64, 0u64, 0.0f64);
    for rank in 0..ranks {
        reports.push(Reverse((0, rank, Vec::new())));
    }
    let mut first = vec![true; ranks];
    let report_every = ns(report_seconds(ranks));
    while let Some(Reverse((arrival, rank, units))) = reports.pop() {
        let cost = ns(SERVICE + UNIT * units.len() as f64);
        coordinator = coordinator.max(arrival) + cost;
        worked += cost;
        let event = if std::mem::take(&mut first[rank]) {
            Event::Ready { rank }
        } else {
            let units = units.into_iter().map(|(unit, t)| (unit, t as f64 * 1e-9)).collect();
            Event::Finished { rank, units }
        };
        for Action::Assign { rank, units } in scheduler.handle(event) {
            coordinator += ns(SERVICE);
            worked += ns(SERVICE);
            let start = (coordinator + ns(LATENCY)).max(busy_until[rank]);
            let mut at = start;
            let mut batch = Vec::new();
            let mut reported = start;
            for unit in units {
                let time = ns(seconds(unit, &mut stream));
                work += time as f64 * 1e-9;
                at += time;
                batch.push((unit, time));
                if at - reported >= report_every {
                    let units = std::mem::take(&mut batch);
                    reports.push(Reverse((at + ns(LATENCY), rank, units)));
                    reported = at;
                }
            }
            if !batch.is_empty() {
                reports.push(Reverse((at + ns(LATENCY), rank, batch)));
            }
            busy_until[rank] = at;
        }
    }
    assert!(scheduler.is_complete(), "every unit was done");
    let makespan = busy_until.iter().copied().max().unwrap_or(0) as f64 * 1e-9;
    let idle_from = busy_until.iter().copied().min().unwrap_or(0) as f64 * 1e-9;
    Simulation {
        efficiency: work / (ranks as f64 * makespan),
        load: worked as f64 * 1e-9 / makespan,
        tail: makespan - idle_from,
        makespan,
    }
}

fn print(name: &str, ranks: usize, s: &Simulation) {
    println!(
        "{name}: {ranks} ranks, {:.0} s, efficiency {:.3}, coordinator {:.1} %, tail {:.1} s",
        s.makespan,
        s.efficiency,
        100.0 * s.load,
        s.tail
    );
}

#[test]
fn hundreds_of_ranks_with_wrong_hints_stay_busy() {
    // Hints ten times too small and too large; a hundred units a rank.
    let cells = [(10_000, 0.2, 2.0), (10_000, 10.0, 1.0), (20_000, 0.5, 0.5)];
    let simulation = simulate(400, &cells, 0.8);
    print("three cells", 400, &simulation);
    assert!(simulation.efficiency > 0.93, "{}", simulation.efficiency);
    assert!(simulation.load < 0.02, "{}", simulation.load);
    // The test has power: one rank with a long unit at the end would show.
    let one_long = simulate(400, &[(1, 100.0, 100.0), (40_000, 0.5, 0.5)], 0.0);
    assert!(one_long.efficiency < 0.6);
}

#[test]
#[ignore = "ten thousand ranks: make validate"]
fn ten_thousand_ranks_and_a_million_units() {
    for (name, mean) in [("1 s", 1.0), ("10 s", 10.0), ("100 s", 100.0), ("0.1 s", 0.1)] {
        // Ten sizes whose cost grows as N², from a tenth to about twice the mean.
        let cells: Vec<_> = (1..=10)
            .map(|size| {
                let mean = mean * f64::from(size * size) / 38.5;
                (100_000u64, mean, mean)
            })
            .collect();
        for ranks in [100, 1_000, 10_000] {
            let simulation = simulate(ranks, &cells, 0.8);
            print(&format!("10^6 units of {name}"), ranks, &simulation);
        }
    }
}
