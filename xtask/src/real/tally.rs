//! What a run counted.

use std::time::{Duration, Instant};

/// Counts, and how long it took to get there.
#[derive(Debug)]
pub(crate) struct Tally {
    what: &'static str,
    started: Instant,
    shown: Instant,
    count: u64,
    commits: u64,
}

/// How often a running count is shown.
const SHOW_INTERVAL: Duration = Duration::from_secs(10);

impl Tally {
    /// Nothing yet. `what` is counted: "cuts".
    pub(crate) fn new(what: &'static str) -> Tally {
        Tally {
            what,
            started: Instant::now(),
            shown: Instant::now(),
            count: 0,
            commits: 0,
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// One more, before which as many commits were acknowledged.
    pub(crate) fn add(&mut self, commits: u64) {
        self.count += 1;
        self.commits += commits;
        if self.shown.elapsed() > SHOW_INTERVAL {
            self.shown = Instant::now();
            eprintln!("{}", self.line());
        }
    }

    /// Counts and rates.
    pub(crate) fn line(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = self.count as f64 * 60.0 / seconds.max(f64::EPSILON);
        let mut line = format!(
            "{} {} in {seconds:.0} s, {rate:.0} a minute",
            self.count, self.what
        );
        if self.commits > 0 {
            line += &format!("; {} commits were acknowledged", self.commits);
        }
        line
    }
}
