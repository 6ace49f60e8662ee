//! E5: readers beside a merge.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use drystone_base::{Env, Lsn};
use drystone_engine::Engine;

use super::EngineLaws;
use super::subject::{LSN_STEP, check_keyspace, folder, merge, ok, settle};
use crate::draw::Draw;
use crate::model::{Generator, Model};

/// Threads that read.
const READERS: u64 = 3;
/// How often a merge gives way, at most, for readers to have read since the last one.
const YIELDS_MAX: u64 = 10_000;

impl EngineLaws {
    /// Any number of threads read, each state whole and never an older one than before, while merges and background
    /// work go on.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn readers_run_beside_merges(&self) {
        let _note = self.note("readers run beside merges");
        let env = Env::memory(self.seed);
        let engine = ok("open", (self.open)(&env, &folder()));
        let (model, batches) = Generator::new(self.seed, self.shape).history(self.merges, LSN_STEP);
        let progress = Progress::default();
        std::thread::scope(|scope| {
            for reader in 0..READERS {
                let (engine, model, progress) = (&*engine, &model, &progress);
                let draw = Draw::of(self.seed, &[reader]);
                scope.spawn(move || read_until(progress, engine, model, draw));
            }
            // Ends the readers also when a merge panics.
            let _done = SetOnDrop(&progress.done);
            for (batch, upto) in batches.iter().zip(model.commits()) {
                ok("merge", merge(&*engine, batch, *upto));
                progress.await_reads();
                settle(&*engine);
            }
        });
    }
}

#[derive(Default)]
struct Progress {
    done: AtomicBool,
    /// Rounds of all readers.
    rounds: AtomicU64,
}

impl Progress {
    /// Gives way until about every reader has read once more. A reader that panicked does not hold it up for long.
    fn await_reads(&self) {
        let target = self.rounds.load(Ordering::Relaxed) + READERS;
        for _ in 0..YIELDS_MAX {
            if self.rounds.load(Ordering::Relaxed) >= target {
                return;
            }
            std::thread::yield_now();
        }
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `read_until`.
        self.0.store(true, Ordering::Release);
    }
}

fn read_until(progress: &Progress, engine: &dyn Engine, model: &Model, mut draw: Draw) {
    let mut newest = Lsn::ZERO;
    loop {
        // Acquire: pairs with the Release of `SetOnDrop`; the last round sees the last merge.
        let last_round = progress.done.load(Ordering::Acquire);
        let merged = engine.merged_lsn();
        let snapshot = engine.snapshot();
        let at = snapshot.lsn();
        assert!(at >= newest, "states never go back: {at} after {newest}");
        assert!(
            at >= merged,
            "a snapshot holds what was merged before: {at}, {merged}"
        );
        let known = at == Lsn::ZERO || model.commits().contains(&at);
        assert!(known, "{at} never was a state");
        newest = at;
        let keyspaces = model.keyspaces(at);
        if !keyspaces.is_empty() {
            check_keyspace(&*snapshot, model, at, *draw.pick(&keyspaces));
        }
        progress.rounds.fetch_add(1, Ordering::Relaxed);
        if last_round {
            return;
        }
    }
}
