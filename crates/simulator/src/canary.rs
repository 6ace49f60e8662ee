//! Canaries: the planted bugs that the swarm must find, to show that it would find others like them.
//!
//! Each is a mistake at one place of the code, `if is_planted("...")`, that a build with `--cfg planted` can be told to
//! have. `cargo xtask sim --canary` looks for all of them, one process each; one that is not found in time is a hole in
//! the swarm. A mistake that another safeguard makes harmless is no canary. `cargo xtask tidy` checks that this list and
//! the code name the same.

mod hunt;

pub use hunt::{Hunt, Hunter, NotPlanted, hunt, put_in};

use crate::failure::FailureKind::{
    self, LostCommit, MissingError, NotSound, UnexpectedError, WrongConflict, WrongData,
};

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// What it is called in the code: the crate, then the mistake.
    pub name: &'static str,
    /// What comes of it, as a rule. A seed may meet another consequence first.
    pub expected: FailureKind,
    /// What is wrong.
    pub wrong: &'static str,
}

/// All of them, from the log up. One line each: it is a table.
#[rustfmt::skip]
pub const CANARIES: &[Canary] = &[
    bug("wal-sync-skipped", UnexpectedError, "a commit is acknowledged without a sync of the log"),
    bug("wal-segment-begun-early", UnexpectedError, "a segment is begun before the one before it is synced"),
    bug("wal-header-unsynced", UnexpectedError, "a segment gets its name before its header is on the medium"),
    bug("wal-segment-name-unsynced", UnexpectedError, "the folder is not synced after a segment got its name"),
    bug("wal-recycled-records-accepted", UnexpectedError, "a recycled segment keeps its epoch, and records may follow in any order"),
    bug("wal-record-checksum-skipped", UnexpectedError, "records are taken whatever their checksum says"),
    bug("wal-recovered-tail-unsynced", LostCommit, "recovery does not sync what a killed process left in the cache"),
    bug("wal-torn-tail-kept", WrongData, "records behind a torn tail stay, and follow the next ones that are as long as those before them"),
    bug("wal-damage-cut", LostCommit, "damage to durable records is taken for a torn tail"),
    bug("wal-poison-ignored", UnexpectedError, "the log goes on after a failed sync"),
    bug("wal-poison-note-missing", UnexpectedError, "a failed sync leaves no note for the next open"),
    bug("wal-marker-overstated", UnexpectedError, "the idle marker vouches for one record too many"),
    bug("wal-trim-too-far", UnexpectedError, "trimming takes segments that hold records after the merge"),
    bug("wal-retired-keeps-name", UnexpectedError, "a retired segment is written over under the name that it had"),
    bug("wal-close-unsettled", LostCommit, "closing syncs nothing"),
    bug("wal-archive-passed-over", LostCommit, "segments are recycled that the archive has not taken"),
    bug("wal-archive-copy-unsynced", UnexpectedError, "the archive says that it took a segment before its copy is on the medium"),
    bug("wal-hold-ignored", LostCommit, "segments are trimmed that a hold needs"),
    bug("wal-reader-skips-one", LostCommit, "a reader leaves out the record that it is at"),
    bug("wal-repair-silent", MissingError, "a repair does not say what it cut"),
    bug("wal-repair-leaves-behind", UnexpectedError, "a repair leaves the segments behind the cut where they are"),
    bug("wal-end-one-too-many", WrongData, "going back to a record keeps the one after it, too"),
    bug("pager-pages-unsynced", UnexpectedError, "the superblock is switched before the pages are synced"),
    bug("pager-superblock-copies-together", UnexpectedError, "both copies of a superblock are written before either is synced"),
    bug("pager-superblock-unmended", NotSound, "a damaged copy of a superblock is left as it is"),
    bug("pager-length-not-set", UnexpectedError, "the file is left to grow by being written to, and ends before its last free block"),
    bug("pager-set-length-error-swallowed", UnexpectedError, "an error of making the file longer is passed over"),
    bug("pager-cut-too-far", UnexpectedError, "the free end of the file is cut off with one block too many"),
    bug("pager-freed-block-reused", UnexpectedError, "a block is written to again before the commit that freed it"),
    bug("pager-cut-before-switch", UnexpectedError, "the free end of the file is cut off before the state that does without it is durable"),
    bug("pager-born-ignored", UnexpectedError, "blocks are reused that a reader's state needs, if it did not write them itself"),
    bug("pager-reader-ignored", UnexpectedError, "blocks are reused that a reader's state needs"),
    bug("pager-free-list-stale", NotSound, "a commit names the free list of the one before"),
    bug("pager-rollback-leaks", NotSound, "a merge that fails, on a full disk say, leaks the blocks it had taken"),
    bug("pager-rollback-keeps-freed", UnexpectedError, "a merge that fails leaves pages freed that are still in use"),
    bug("pager-file-name-unsynced", UnexpectedError, "the folder is not synced after the file got its name"),
    bug("pager-cache-stale", WrongData, "a block's old page stays in the cache when the block is reused, and is not told apart"),
    bug("pager-cache-one-for-one", FailureKind::OverBudget, "one page leaves the cache for each that comes, however long they are"),
    bug("pager-s3-fifo-promoted-lost", FailureKind::Panic, "a page that was read again is in no queue, and stays in the cache for ever"),
    bug("pager-lru-used-lost", FailureKind::Panic, "the same, where what was not used for longest leaves first"),
    bug("pager-checksum-skipped", WrongData, "pages are taken whatever their checksum says"),
    bug("btree-moved-page-parent-stale", NotSound, "compaction moves a page, and leaves its old place in its parent"),
    bug("btree-last-slot-dropped", WrongData, "a merge drops the last entry of a leaf it changes"),
    bug("btree-deletes-skipped", WrongData, "a merge skips tombstones"),
    bug("btree-same-length-unchanged", NotSound, "a merge takes a value of the same length for the same value"),
    bug("btree-overflow-leaked", NotSound, "the pages of a large value stay when it is replaced"),
    bug("btree-dropped-values-leaked", NotSound, "the pages of large values stay when their keyspace is dropped"),
    bug("btree-overflow-flag-lost", NotSound, "a node forgets that large values lie below it"),
    bug("btree-drop-ignored", NotSound, "a merge leaves a dropped keyspace where it is"),
    bug("btree-slice-skips-change", WrongData, "a merge that goes on after a pause skips the change at hand"),
    bug("btree-failed-merge-continued", WrongData, "a merge that failed, on a full disk say, goes on with the next slice"),
    bug("btree-count-end-included", WrongData, "a count takes the key that its range ends before, too"),
    bug("btree-seek-ends-with-leaf", WrongData, "a seek behind the last key of a leaf finds nothing"),
    bug("btree-first-leaf-missed", WrongData, "a cursor that moves back stops before the first leaf"),
    bug("btree-write-range-shows-replaced", WrongData, "a range of a write transaction shows what the transaction replaced, too"),
    bug("mvcc-early-visibility", LostCommit, "a commit is seen before it is durable"),
    bug("mvcc-applied-before-logged", WrongData, "a commit is in the memtable before the log has taken it"),
    bug("mvcc-conflict-lost", WrongConflict, "two transactions that write one key both commit"),
    bug("mvcc-keyspace-conflict-lost", WrongConflict, "what others did to a keyspace that is dropped or guarded is no conflict"),
    bug("mvcc-guard-ignored", WrongConflict, "guarded keys are not looked at when a transaction commits"),
    bug("mvcc-later-memtables-unchecked", WrongConflict, "only the memtable that was active at the beginning is searched for conflicts"),
    bug("mvcc-replay-misses-last", LostCommit, "replay ends before the last record"),
    bug("mvcc-merge-lsn-too-new", LostCommit, "a merge says that it holds what was committed after its memtable"),
    bug("mvcc-log-trimmed-before-merge", UnexpectedError, "the log is trimmed before the merge is durable"),
    bug("mvcc-log-trimmed-too-far", UnexpectedError, "the log is trimmed up to what is visible, not what is merged"),
    bug("mvcc-unmerged-memtable-dropped", LostCommit, "a merge drops sealed memtables that it does not hold"),
    bug("mvcc-memtable-dropped-before-merged", WrongData, "readers lose a memtable when its merge begins"),
    bug("mvcc-batch-ends-with-split", WrongData, "a commit forgets what goes to a leaf of the memtable after it has split that"),
    bug("mvcc-filter-misses-deletes", WrongData, "the memtable's filter is not told of deletes"),
    bug("mvcc-snapshot-sees-newest", WrongData, "a point read sees versions newer than its view"),
    bug("mvcc-range-repeats-key", WrongData, "a range shows a key once for each memtable that has it"),
    bug("mvcc-range-end-included", NotSound, "a range shows the key that it ends before"),
    bug("mvcc-count-shadowed-twice", WrongData, "a count takes a key in memory that the base has, too, for two"),
    bug("mvcc-savepoint-keeps-first", WrongData, "going back to a savepoint leaves the first write after it"),
    bug("mvcc-savepoint-keeps-drop", WrongData, "going back to a savepoint leaves a keyspace dropped"),
    bug("mvcc-keyspace-number-reused", NotSound, "the number of a dropped keyspace is given to the next one"),
    bug("mvcc-drop-not-logged", NotSound, "the drop of a keyspace is not in the log"),
    bug("mvcc-async-forgotten", LostCommit, "background work does not make Async commits durable"),
    bug("mvcc-savepoint-keeps-runs", WrongData, "going back to a savepoint leaves what was spilled after it"),
    bug("mvcc-spilled-epochs-joined", WrongData, "what was spilled before and after a savepoint is in one run"),
    bug("mvcc-joined-runs-reversed", WrongData, "of a key in several runs that are joined the oldest write counts"),
    bug("mvcc-spilled-writes-unread", WrongData, "a point read does not look into what the transaction has spilled"),
    bug("mvcc-older-layer-counts", UnexpectedError, "a key that was spilled twice comes twice, and the older value last"),
    bug("mvcc-bulk-keeps-first", WrongData, "of several entries of one key in a bulk load the first counts"),
    bug("mvcc-staged-conflict-lost", WrongConflict, "an older transaction is not checked against a commit that went straight into the base"),
    bug("mvcc-large-commit-unchecked", WrongConflict, "a commit that has spilled is not checked against those since its view"),
    bug("mvcc-adopted-before-record", UnexpectedError, "a stage is adopted before the log has a record of it"),
    bug("mvcc-record-names-no-stage", UnexpectedError, "the log adopts a stage that the engine does not have"),
    bug("mvcc-codec-before-keyspace", NotSound, "the base is told how a keyspace is compressed of which the log alone knows"),
    bug("mvcc-lent-value-stale", WrongData, "an entry is shown with the value of the one before"),
    bug("mvcc-stage-left-behind", UnexpectedError, "a stage that lost its commit is not discarded"),
    bug("pager-forked-pages-leaked", NotSound, "the pages of a stage, or those that it replaced, are never freed"),
    bug("btree-adopted-in-memory-only", LostCommit, "a stage is adopted in memory, and stays undecided on the medium"),
    bug("mvcc-sync-of-durable-only", LostCommit, "waiting for all commits waits for those that are durable"),
    bug("vector-delete-ignored", NotSound, "a deleted vector stays in the graph"),
    bug("vector-undo-keeps-births", NotSound, "a merge that fails leaves its new nodes in the graph"),
    bug("vector-links-unwritten", NotSound, "links of older nodes that change are not written down"),
    bug("vector-tail-not-hiding", UnexpectedError, "a vector that was changed since the merge is also found where it was"),
    bug("vector-nearest-given-up", WrongData, "a search that has one neighbor too many gives up the nearest, not the farthest"),
    bug("record-sign-kept", WrongData, "keys sort negative numbers behind positive ones"),
    bug("query-index-entry-stale", NotSound, "an UPDATE leaves the old entry of an index"),
    bug("query-index-entry-kept", UnexpectedError, "a DELETE leaves the entries of indexes"),
    bug("query-moved-row-stays", WrongData, "an UPDATE of the primary key leaves the row under the old one, too"),
    bug("query-unique-unchecked", MissingError, "a unique index takes a second row of one value"),
    bug("query-failed-statement-kept", WrongData, "a statement that fails leaves in its transaction what it had done"),
    bug("query-index-fill-skips-first", NotSound, "CREATE INDEX leaves out the first row"),
    bug("query-high-bound-excluded", WrongData, "a key scan leaves out the upper bound of BETWEEN"),
    bug("query-plan-stale", MissingError, "a cached plan is used after its table was created anew"),
    bug("facade-manifest-unsynced", UnexpectedError, "the manifest's content is not synced"),
    bug("facade-manifest-name-unsynced", LostCommit, "the folder is not synced after the manifest got its name"),
    bug("facade-second-opening", MissingError, "a database that is open is opened by another process"),
    bug("facade-leftovers-kept", UnexpectedError, "a creation that was cut short leaves its files to the next"),
    bug("facade-sync-made-async", LostCommit, "a transaction that asks for Sync commits as Async"),
];

const fn bug(name: &'static str, expected: FailureKind, wrong: &'static str) -> Canary {
    Canary {
        name,
        expected,
        wrong,
    }
}

/// The canary of a name.
#[must_use]
pub fn canary(name: &str) -> Option<&'static Canary> {
    CANARIES.iter().find(|canary| canary.name == name)
}
