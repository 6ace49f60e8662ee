//! The boundary that makes Drystone's engines pluggable.
//!
//! An engine is a *base*: a durable, ordered, multi-keyspace map that changes only by whole merges. It knows no
//! transactions, no locks and no versions; those are settled above it. That is why engines are small and many can
//! exist, and why one law suite (`drystone_testkit::laws`) proves them all.
//!
//! - [`Engine`]: takes merges, hands out snapshots, does its background work in [`Engine::step`].
//! - [`Snapshot`]: one immutable state; point reads and cursors.
//! - [`Cursor`]: a position in one keyspace of a snapshot, moving both ways.
//! - [`Changes`]: the sorted stream that a merge folds in.
//! - [`MergeJob`]: a merge under way, done in slices.
//! - [`Staging`]: what an engine may offer besides: a merge in two steps.
//! - [`WriteBatch`], [`SortedEntries`], [`Range`]: what engines offer to those who use one alone.
//! - [`LongValue`]: a value that is written and read a piece at a time; [`ValueReader`] reads one as a stream.
//!
//! # Rules of the boundary
//! - E1. A snapshot never changes, whatever is merged after it was taken.
//! - E2. A merge is atomic and durable: after it returns `Ok`, and after any crash since, the engine opens in its state
//!   or in a later one; after `Err`, or a crash before it returned, in the state before or after it, never between.
//! - E3. Keys are ordered as byte strings. The empty key is a key like any other.
//! - E4. Damage is found when it is read and is an error that names the place; wrong data is never returned.
//! - E5. `merge` and `step` are called by one thread at a time, and not while a job of `begin_merge` lives; everything else
//!   by any number, at any time.
//! - E6. A merge in slices is the same as one done whole: nothing of it is seen before its last slice, and a job that is
//!   dropped, or lost in a crash, leaves no trace.
//! - E7. A stage ([`Staging`]) is durable before it is decided, and seen by nobody before it is adopted. One that is
//!   undecided is so after a crash.

mod batch;
mod changes;
mod cursor;
#[allow(clippy::module_inception, reason = "the noun of the crate")]
mod engine;
mod error;
mod long_value;
mod merge_job;
mod range;
mod staging;
mod value_reader;

pub use batch::{SortedEntries, WriteBatch};
pub use changes::{Change, Changes, Op, SliceChanges};
pub use cursor::Cursor;
pub use engine::{Budget, Engine, EngineStats, Limits, Progress, Snapshot, VerifyReport};
pub use error::{EngineError, Malformed};
pub use long_value::{LongValue, Piece, StoredValue, read_whole};
pub use merge_job::MergeJob;
pub use range::Range;
pub use staging::{StageId, Staging};
pub use value_reader::ValueReader;
