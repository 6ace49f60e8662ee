//! The clock of a simulation: it moves only when something moves it, and in any way that clocks do.
//!
//! # Invariants
//! - I1. The monotonic time never goes backwards, whatever happens to the time of day.
//! - I2. Time passes only through [`SimClock::advance`], [`SimClock::apply`] and a disk with [`Latency`]: so a run that
//!   does the same reads the same times.

use std::fmt;
use std::time::Duration;

use drystone_base::{Clock, Timestamp};
use parking_lot::Mutex;

use crate::draw::Draw;

/// A clock that is told what time it is. The one of a [`super::SimFileSystem`] is moved by its operations as well.
///
/// ```
/// use drystone_base::{Clock, Timestamp};
/// use drystone_testkit::{ClockEvent, SimClock};
/// use std::time::Duration;
///
/// let clock = SimClock::at(Timestamp(1_000_000));
/// clock.advance(Duration::from_secs(2));
/// clock.apply(ClockEvent::Jump { micros: -2_500_000 });
/// assert_eq!(clock.now(), Timestamp(500_000));
/// assert_eq!(clock.monotonic(), Duration::from_secs(2));
/// ```
#[derive(Debug, Default)]
pub struct SimClock {
    time: Mutex<Time>,
}

/// What may happen to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockEvent {
    /// The time of day is set forwards, or backwards; the monotonic time goes on.
    Jump {
        /// How far.
        micros: i64,
    },
    /// Nobody ran for a while, as when a machine is suspended: both times are that much later at once.
    Pause(Duration),
    /// Both times stand still while that much time passes, then catch up at once.
    Stall(Duration),
}

impl fmt::Display for ClockEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClockEvent::Jump { micros } => write!(f, "the time of day jumps by {micros} us"),
            ClockEvent::Pause(time) => write!(f, "nobody runs for {time:?}"),
            ClockEvent::Stall(time) => write!(f, "the clock stands still for {time:?}"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Time {
    wall: Timestamp,
    monotonic: Duration,
    /// Time that must pass before it shows.
    stall: Duration,
    /// Time that has passed and does not show yet.
    hidden: Duration,
}

impl SimClock {
    /// A clock that shows `now`, and no monotonic time yet.
    #[must_use]
    pub fn at(now: Timestamp) -> SimClock {
        let time = Time {
            wall: now,
            ..Time::default()
        };
        SimClock {
            time: Mutex::new(time),
        }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time.lock();
        time.hidden = time.hidden.saturating_add(by);
        if time.hidden >= time.stall {
            let shown = std::mem::take(&mut time.hidden);
            time.stall = Duration::ZERO;
            time.show(shown);
        }
    }

    /// Does something to the clock.
    pub fn apply(&self, event: ClockEvent) {
        let mut time = self.time.lock();
        match event {
            ClockEvent::Jump { micros } => {
                time.wall = Timestamp(time.wall.0.saturating_add(micros));
            }
            ClockEvent::Pause(by) => time.show(by),
            ClockEvent::Stall(by) => time.stall = time.stall.saturating_add(by),
        }
    }

    /// The clock after a restart: the time of day goes on, the monotonic time begins anew.
    pub(super) fn restarted(&self) -> SimClock {
        SimClock::at(self.now())
    }
}

impl Time {
    fn show(&mut self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.wall = Timestamp(self.wall.0.saturating_add(micros));
        self.monotonic = self.monotonic.saturating_add(by);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.time.lock().wall
    }

    fn monotonic(&self) -> Duration {
        self.time.lock().monotonic
    }
}

/// How long the operations of a disk take, on its clock. Reads and looks take time too.
///
/// A disk that is slow now and then, and never fails, is harder on a program than one that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Most operations take up to twice this, and this on average.
    pub usual: Duration,
    /// So many in a hundred are slow.
    pub slow_percent: u64,
    /// What a slow one takes.
    pub slow: Duration,
}

impl Latency {
    pub(super) fn draw(&self, draw: &mut Draw) -> Duration {
        if draw.chance(self.slow_percent) {
            return self.slow;
        }
        let nanos = u64::try_from(self.usual.as_nanos()).unwrap_or(u64::MAX / 2);
        Duration::from_nanos(draw.below(nanos.saturating_mul(2).saturating_add(1)))
    }
}

#[cfg(test)]
mod tests;
