//! A recorded history of a disk, to be crashed anywhere in it without running the work again.

use std::fmt::Write as _;

use super::crash::CrashPolicy;
use super::disk::SimFileSystem;
use super::step::Step;
use super::subset::Subsets;
use super::trace_hash::TraceHash;
use super::volume::Volume;
use crate::draw::Draw;

/// Everything that changed a disk between [`SimFileSystem::start_recording`] and [`SimFileSystem::take_trace`].
///
/// Positions in a trace count operations: position `n` is after the first `n` of them.
#[derive(Clone, Debug)]
pub struct Trace {
    start: Volume,
    steps: Vec<Step>,
}

impl Trace {
    pub(super) fn new(start: Volume) -> Trace {
        Trace {
            start,
            steps: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// How many operations it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// A hash of all operations and their bytes: two recordings of a workload that is decided by its seed have the
    /// same one.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = TraceHash::default();
        for step in &self.steps {
            step.hash_into(&mut hash);
        }
        hash.value()
    }

    /// A replay that stands before the first operation.
    #[must_use]
    pub fn replay(&self) -> Replay<'_> {
        Replay {
            trace: self,
            volume: self.start.clone(),
            at: 0,
        }
    }

    /// The disk after power was cut at position `at`. Costs a replay up to there.
    ///
    /// # Panics
    /// When `at` is past the end.
    #[must_use]
    pub fn crash(&self, at: usize, policy: CrashPolicy, seed: u64) -> SimFileSystem {
        let mut replay = self.replay();
        replay.advance_to(at);
        replay.crash(policy, seed)
    }

    /// The `count` operations before position `at`, in words, and the one that would come next.
    #[must_use]
    pub fn describe(&self, at: usize, count: usize) -> String {
        let mut text = String::new();
        let first = at.saturating_sub(count);
        for (idx, step) in self.steps.iter().enumerate().take(at).skip(first) {
            let _ = writeln!(text, "  {idx}: {step}");
        }
        match self.steps.get(at) {
            Some(step) => {
                let _ = writeln!(text, "  power is cut before {at}: {step}");
            }
            None => text.push_str("  power is cut at the end\n"),
        }
        text
    }
}

/// A walk through a [`Trace`]. A clone goes on from the same place, on its own.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    trace: &'a Trace,
    volume: Volume,
    at: usize,
}

impl Replay<'_> {
    /// How many operations were replayed.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Replays one more operation; false at the end.
    pub fn advance(&mut self) -> bool {
        let Some(step) = self.trace.steps.get(self.at) else {
            return false;
        };
        self.pass(step);
        true
    }

    /// The operation that comes next.
    pub(super) fn next_step(&self) -> Option<&Step> {
        self.trace.steps.get(self.at)
    }

    /// Does a step in place of the one that comes next.
    pub(super) fn pass(&mut self, step: &Step) {
        self.volume.apply(step);
        self.at += 1;
    }

    pub(super) fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Replays up to position `at`.
    ///
    /// # Panics
    /// When that is behind, or past the end.
    pub fn advance_to(&mut self, at: usize) {
        assert!(
            (self.at..=self.trace.len()).contains(&at),
            "position {at} is not ahead"
        );
        while self.at < at {
            self.advance();
        }
    }

    /// Whether all that was done is durable, so that every policy leaves the same disk.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.volume.is_settled()
    }

    /// The disk after power was cut here. Costs in proportion to what is pending.
    #[must_use]
    pub fn crash(&self, policy: CrashPolicy, seed: u64) -> SimFileSystem {
        SimFileSystem::restarted(self.volume.crash(policy, &mut Draw::new(seed)), seed)
    }

    /// All subsets of what is pending here, cut into at most `limit` parts.
    #[must_use]
    pub fn subsets(&self, limit: u8) -> Subsets {
        Subsets::of(&self.volume, limit)
    }

    /// The disk after power was cut here and one of the [`Replay::subsets`] survived.
    #[must_use]
    pub fn crash_to(&self, subsets: &Subsets, subset: u64, seed: u64) -> SimFileSystem {
        SimFileSystem::restarted(subsets.crash(&self.volume, subset), seed)
    }

    /// The last `count` operations, in words, and the one that would come next.
    #[must_use]
    pub fn describe(&self, count: usize) -> String {
        self.trace.describe(self.at, count)
    }

    /// What no sync has made durable here, in words.
    #[must_use]
    pub fn describe_pending(&self) -> String {
        self.volume.describe_pending()
    }
}
