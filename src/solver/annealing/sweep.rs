//! Sweeps of one replica: attempt by attempt, or by waiting times.

use super::{Rsa, State};

/// Sweeps over which the running mean of accepted flips reaches.
const PACE_SWEEPS: f64 = 8.0;

impl Rsa {
    /// N attempts on replica `r`; ends early, with `true`, when it stores all patterns.
    pub(super) fn sweep(&mut self, r: usize) -> bool {
        if self.replicas[r].errors() == 0 {
            return true;
        }
        let before = self.state.last.accepted;
        let solved = if self.state.pace[r] < self.settings.rejection_free {
            self.state.rejection_free += 1;
            self.wait(r)
        } else {
            self.attempt(r)
        };
        let accepted = (self.state.last.accepted - before) as f64;
        self.state.pace[r] += (accepted - self.state.pace[r]) / PACE_SWEEPS;
        solved
    }

    /// A sweep, attempt by attempt.
    fn attempt(&mut self, r: usize) -> bool {
        let Self { replicas, columns, center, negatives, boltzmann, state, isa, settings, .. } =
            self;
        let (isa, energy, replica) = (*isa, settings.energy, &mut replicas[r]);
        let (sites, n) = (negatives.len(), columns.inputs() as u32);
        let State { streams, best, best_errors, last, .. } = state;
        let stream = &mut streams[r];
        self.waiting[r].forget();
        for _ in 0..sites {
            let site = stream.below(sites as u64) as u32;
            let (unit, input) = ((site / n) as usize, (site % n) as usize);
            let negatives = &mut negatives[site as usize];
            let own = replica.is_negative(unit, input);
            let ratio = boltzmann.ratio(*negatives, own, center.is_negative(unit, input));
            let change = replica.propose(isa, columns, energy, unit, input);
            last.made += 1;
            if !boltzmann.accepts(change, ratio, stream) {
                continue;
            }
            replica.flip(isa, columns, unit, input);
            last.accepted += 1;
            *negatives = if own { *negatives - 1 } else { *negatives + 1 };
            let errors = replica.errors() as u64;
            if errors < *best_errors {
                *best_errors = errors;
                best.copy_from_slice(replica.weights());
                if errors == 0 {
                    return true;
                }
            }
        }
        false
    }

    /// A sweep by waiting times.
    fn wait(&mut self, r: usize) -> bool {
        let Self { replicas, columns, center, negatives, boltzmann, state, isa, settings, .. } =
            self;
        let (isa, energy, replica) = (*isa, settings.energy, &mut replicas[r]);
        let (sites, n) = (negatives.len() as u64, columns.inputs());
        let State { streams, best, best_errors, last, .. } = state;
        let waiting = &mut self.waiting[r];
        let mut left = sites;
        while left > 0 {
            let ratio = |site: usize| {
                let (unit, input) = (site / n, site % n);
                let own = replica.is_negative(unit, input);
                boltzmann.ratio(negatives[site], own, center.is_negative(unit, input))
            };
            let propose = |site: usize| replica.propose(isa, columns, energy, site / n, site % n);
            let next = waiting.next(boltzmann, left, &mut streams[r], propose, ratio);
            let Some((refused, site)) = next else {
                last.made += left;
                break;
            };
            last.made += refused + 1;
            left -= refused + 1;
            let own = replica.is_negative(site / n, site % n);
            replica.flip(isa, columns, site / n, site % n);
            waiting.forget();
            last.accepted += 1;
            negatives[site] = if own { negatives[site] - 1 } else { negatives[site] + 1 };
            let errors = replica.errors() as u64;
            if errors < *best_errors {
                *best_errors = errors;
                best.copy_from_slice(replica.weights());
                if errors == 0 {
                    return true;
                }
            }
        }
        false
    }
}
