//! Doing something for a while, on some threads, and how often it was done.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// How often something was done, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    count: u64,
    elapsed: Duration,
}

impl Pace {
    /// How often a second.
    pub(crate) fn rate(self) -> f64 {
        rate(self.count, self.elapsed)
    }

    /// The same, less the time that something else took meanwhile.
    pub(crate) fn without(self, spent: Duration) -> Pace {
        Pace {
            elapsed: self.elapsed.saturating_sub(spent),
            ..self
        }
    }

    /// How much a second, of what was counted meanwhile.
    pub(crate) fn rate_of(self, counted: u64) -> f64 {
        rate(counted, self.elapsed)
    }
}

/// How often a second, for a count and a time.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts here stay far below 2^52"
)]
pub(crate) fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Repeats `step` for a while, at least once. The clock is read after every `stride` steps.
pub(crate) fn repeat(
    time: Duration,
    stride: u64,
    mut step: impl FnMut() -> Result<()>,
) -> Result<Pace> {
    let started = Instant::now();
    let mut count = 0;
    loop {
        for _ in 0..stride {
            step()?;
        }
        count += stride;
        let elapsed = started.elapsed();
        if elapsed >= time {
            return Ok(Pace { count, elapsed });
        }
    }
}

/// Where threads wait until all of them are ready.
pub(crate) struct Start(Barrier);

impl Start {
    /// Hands in what came of getting ready, good or bad, so that nobody waits for one who failed.
    pub(crate) fn ready<T>(&self, prepared: Result<T>) -> Result<T> {
        self.0.wait();
        prepared
    }
}

/// Runs `work` on each of some threads, and returns what each gave. Each calls [`Start::ready`] once.
pub(crate) fn on_threads<T: Send>(
    threads: u64,
    work: impl Fn(u64, &Start) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let start = Start(Barrier::new(usize::try_from(threads)?));
    thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread, start)))
            .collect();
        let results = workers.into_iter().map(|worker| worker.join());
        results
            .map(|result| result.unwrap_or_else(|_| Err(anyhow!("a thread panicked"))))
            .collect()
    })
}
