//! Time, as the database may ask for it.

use std::fmt;
use std::time::Duration;

use crate::sync::Mutex;

/// Microseconds since 1970-01-01 00:00:00 UTC, leap seconds ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of day. May jump, also backwards.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment. Never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clock.
#[derive(Debug)]
pub struct OsClock {
    started: std::time::Instant,
}

impl OsClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the implementation that all others go through"
    )]
    pub fn new() -> OsClock {
        OsClock {
            started: std::time::Instant::now(),
        }
    }
}

impl Default for OsClock {
    fn default() -> Self {
        OsClock::new()
    }
}

impl Clock for OsClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the implementation that all others go through"
    )]
    fn now(&self) -> Timestamp {
        let micros = match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()),
            Err(before) => i64::try_from(before.duration().as_micros()).map(|micros| -micros),
        };
        Timestamp(micros.unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is moved. For tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock {
    time: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> ManualClock {
        ManualClock {
            time: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves both the time of day and the monotonic time forwards.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time.lock();
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        time.0 = Timestamp(time.0.0.saturating_add(micros));
        time.1 = time.1.saturating_add(by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.time.lock().0
    }

    fn monotonic(&self) -> Duration {
        self.time.lock().1
    }
}
