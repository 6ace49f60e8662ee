//! The threads that drive a database's background work: the core has none of its own.
//!
//! One keeps the log (asynchronous commits, spare segments, the marker), one merges, so that a long merge keeps no commit
//! from stable media, and where there is an archive one fills that. A simulation calls the same steps in their place.

use drystone_base::sync::thread::{Builder, JoinHandle};
use std::sync::Arc;
use std::time::Duration;

use drystone_base::sync::{Condvar, Mutex};
use drystone_engine::Progress;
use drystone_mvcc::{Store, StoreError};

use crate::options::Options;

/// How often to look for a memtable to merge. A full one waits at most this long, while others take the commits.
const MERGE_INTERVAL: Duration = Duration::from_millis(20);
/// How often to look for a file of the log to archive.
const ARCHIVE_INTERVAL: Duration = Duration::from_millis(200);
/// How long to leave a failure alone before the next try.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// After so many looks in a row that found nothing to merge, the time is quiet, and space is given back: after half a
/// second.
const QUIET_LOOKS: u32 = 25;

/// The threads of one open database. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Arc<StopSignal>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct StopSignal {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    /// Waits for `interval`, or less when the signal comes. Whether it came.
    fn wait(&self, interval: Duration) -> bool {
        let mut stopped = self.stopped.lock();
        if !*stopped && !interval.is_zero() {
            self.changed.wait_for(&mut stopped, interval);
        }
        *stopped
    }

    fn raise(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_all();
    }
}

impl Background {
    /// Starts the threads. The log is looked after every [`Options::async_interval`].
    pub(crate) fn start(store: &Store, options: &Options) -> std::io::Result<Background> {
        let log_interval = options.async_interval;
        let mut background = Background {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let log = store.clone();
        background.spawn("drystone-log", log_interval, move || log.step_log())?;
        background.spawn("drystone-merge", MERGE_INTERVAL, upkeep(store.clone()))?;
        if options.log_archive.is_some() {
            let archive = store.clone();
            background.spawn("drystone-archive", ARCHIVE_INTERVAL, move || {
                archive.step_archive()
            })?;
        }
        Ok(background)
    }

    #[expect(clippy::disallowed_methods, reason = "the facade owns the threads")]
    fn spawn(
        &mut self,
        name: &str,
        interval: Duration,
        mut step: impl FnMut() -> Result<Progress, StoreError> + Send + 'static,
    ) -> std::io::Result<()> {
        let stop = Arc::clone(&self.stop);
        let work = move || while !stop.wait(pause_after(step(), interval)) {};
        self.threads
            .push(Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }
}

/// Merges, and in quiet times gives space back.
fn upkeep(store: Store) -> impl FnMut() -> Result<Progress, StoreError> {
    let mut idle_looks = 0;
    move || {
        if store.step_merge()? == Progress::More {
            idle_looks = 0;
            return Ok(Progress::More);
        }
        if idle_looks < QUIET_LOOKS {
            idle_looks += 1;
            return Ok(Progress::Idle);
        }
        store.step_reclaim()
    }
}

/// How long to wait before the next step. A failure is kept by the store, which reports it to the writers it concerns;
/// here it only means that trying again at once is of no use.
fn pause_after(outcome: Result<Progress, StoreError>, interval: Duration) -> Duration {
    match outcome {
        Ok(Progress::More) => Duration::ZERO,
        Ok(Progress::Idle) => interval,
        Err(_) => interval.max(PAUSE_AFTER_FAILURE),
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.raise();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on its own; there is nothing left to end.
            drop(thread.join());
        }
    }
}
