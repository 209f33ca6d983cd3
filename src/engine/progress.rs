//! Progress on rank 0: a bar on a terminal, else one dated line an interval.

use crate::job::Span;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// What there is to show.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Units done, over all runs.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// Units solved.
    pub solved: u64,
    /// Ranks at work and all ranks.
    pub busy: (usize, usize),
    /// Age of the unit that has been out longest, with its name.
    pub oldest: Option<(Duration, String)>,
    /// Time since the last commit.
    pub since_commit: Duration,
    /// Expected time to the end.
    pub left: Option<Duration>,
}

/// Shows progress on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    every: Duration,
    last: Instant,
}

impl Progress {
    /// A bar if standard error is a terminal and `quiet` is not set.
    pub fn new(total: u64, every: Duration, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total);
            let template = "{elapsed_precise} {wide_bar} {pos}/{len} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        let every = if quiet { Duration::MAX } else { every.max(Duration::from_millis(100)) };
        Self { bar, every, last: Instant::now() }
    }

    /// Whether it is time to call [`Self::show`].
    pub fn due(&self) -> bool {
        let every = if self.bar.is_some() { Duration::from_millis(200) } else { self.every };
        self.last.elapsed() >= every
    }

    /// Shows `state`.
    pub fn show(&mut self, state: &State) {
        self.last = Instant::now();
        let percent = 100.0 * state.solved as f64 / state.done.max(1) as f64;
        let mut text = format!("solved {percent:.1} % · busy {}/{}", state.busy.0, state.busy.1);
        if let Some((age, name)) = &state.oldest
            && age.as_secs() >= 1
        {
            text += &format!(" · oldest {} {name}", whole_seconds(*age));
        }
        text += &format!(" · committed {} ago", whole_seconds(state.since_commit));
        if let Some(left) = state.left {
            text += &format!(" · ETA {}", whole_seconds(left));
        }
        match &self.bar {
            Some(bar) => {
                bar.set_position(state.done);
                bar.set_message(text);
            }
            None => self.line(&format!("{}/{} units · {text}", state.done, state.total)),
        }
    }

    /// Prints a dated line, above the bar where there is one.
    pub fn line(&self, text: &str) {
        let line = format!("{} {text}", now());
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Local date and time to the second.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn whole_seconds(duration: Duration) -> Span {
    Span(Duration::from_secs(duration.as_secs()))
}
