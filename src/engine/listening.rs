//! Which rank has fallen silent: a node that dies takes a rank along without the launcher's notice.

use super::protocol::LONGEST_SILENCE;
use std::time::{Duration, Instant};

/// When each rank was last heard, on a clock that stands still while the coordinator is away
/// (commits, a suspended machine): silence then is nobody's fault.
pub struct Listening {
    /// Time spent listening so far.
    clock: Duration,
    last: Instant,
    heard: Vec<Duration>,
    checked: Duration,
}

impl Listening {
    /// A step of the clock is never longer.
    const STEP: Duration = Duration::from_millis(100);
    const CHECK_EVERY: Duration = Duration::from_secs(1);

    /// All of `ranks` ranks count as just heard.
    pub fn new(ranks: usize) -> Self {
        Self {
            clock: Duration::ZERO,
            last: Instant::now(),
            heard: vec![Duration::ZERO; ranks],
            checked: Duration::ZERO,
        }
    }

    /// A message of `rank` has come.
    pub fn heard(&mut self, rank: usize) {
        self.heard[rank] = self.clock;
    }

    /// Moves the clock on; a rank other than 0 that was silent for too long, if there is one.
    pub fn tick(&mut self, now: Instant) -> Option<usize> {
        self.clock += now.saturating_duration_since(self.last).min(Self::STEP);
        self.last = now;
        if self.clock < self.checked + Self::CHECK_EVERY {
            return None;
        }
        self.checked = self.clock;
        (1..self.heard.len()).find(|&rank| self.clock - self.heard[rank] > LONGEST_SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_only_while_somebody_listens() {
        let start = Instant::now();
        let mut listening = Listening { last: start, ..Listening::new(3) };
        let mut now = start;
        // An absence of an hour, then 20 s of listening: nobody is missed.
        now += Duration::from_secs(3600);
        assert_eq!(listening.tick(now), None);
        for _ in 0..200 {
            now += Duration::from_millis(100);
            listening.heard(2);
            assert_eq!(listening.tick(now), None);
        }
        // Rank 1 stays silent.
        let missed = (0..100).find_map(|_| {
            now += Duration::from_millis(100);
            listening.heard(2);
            listening.tick(now)
        });
        assert_eq!(missed, Some(1));
    }
}
