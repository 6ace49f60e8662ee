//! What a transaction touched, and whether two of them may both commit.
//!
//! Keyspaces, tables and indexes go by their life; keys by their bytes. So the rules are those of the store: a row is a
//! key of its table, and each of its index entries is a key of the index.

use std::collections::BTreeSet;

use bytes::Bytes;

/// A key, and the life of what it is in.
pub(crate) type Place = (u64, Bytes);

/// What a transaction wrote, dropped and guards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footprint {
    pub(crate) written: BTreeSet<Place>,
    pub(crate) guarded: BTreeSet<Place>,
    /// Lives that ended.
    pub(crate) dropped: BTreeSet<u64>,
    /// Lives that must not change.
    pub(crate) guarded_whole: BTreeSet<u64>,
    /// Tables, by number, whose definition changed.
    pub(crate) defined: BTreeSet<u8>,
    /// Tables, by number, whose definition must not change.
    pub(crate) guarded_tables: BTreeSet<u8>,
    /// Whether something was created or dropped.
    pub(crate) changes_catalog: bool,
    /// What the writes take in a memtable, at most.
    bytes: u64,
}

/// What a write takes beside its key and value, at most: an entry, the handle of a long value, its share of the nodes that
/// insertions replace.
const WRITE_BYTES: usize = 256;
/// What a keyspace takes that was not in the memtable yet, or what its first insertion replaces, at most.
const KEYSPACE_BYTES: u64 = 2 << 10;
/// What the catalog takes for one definition, at most.
const DEFINITION_BYTES: u64 = 4 << 10;

/// Whether a transaction meets a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Conflict {
    /// It must not.
    No,
    /// Either way is right.
    Perhaps,
    /// It must.
    Yes,
}

impl Footprint {
    /// Whether it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.dropped.is_empty() && !self.changes_catalog
    }

    /// What a commit that came first means for this transaction.
    pub(crate) fn against(&self, first: &Footprint) -> Conflict {
        let touched = || self.written.iter().chain(&self.guarded);
        let whole = || self.dropped.iter().chain(&self.guarded_whole);
        let same_key = touched().any(|place| first.written.contains(place));
        let dropped = touched().any(|(life, _)| first.dropped.contains(life));
        let changed = whole().any(|life| first.dropped.contains(life) || first.has_written(*life));
        let redefined = self.guarded_tables.intersection(&first.defined).count() > 0;
        if same_key || dropped || changed || redefined {
            Conflict::Yes
        } else if self.changes_catalog && first.changes_catalog {
            Conflict::Perhaps
        } else {
            Conflict::No
        }
    }

    fn has_written(&self, life: u64) -> bool {
        let mut from = self.written.range((life, Bytes::new())..);
        from.next().is_some_and(|(of, _)| *of == life)
    }

    /// Notes that a key was written.
    pub(crate) fn write(&mut self, life: u64, key: Bytes, value_bytes: usize) {
        self.bytes += (key.len() + value_bytes + WRITE_BYTES) as u64;
        self.written.insert((life, key));
    }

    /// Notes that the definition of a table changed.
    pub(crate) fn define(&mut self, number: u8) {
        self.bytes += DEFINITION_BYTES;
        self.changes_catalog = true;
        self.defined.insert(number);
    }

    /// What the commit takes in a memtable, at most.
    pub(crate) fn memory(&self) -> u64 {
        let lives = self.written.iter().map(|(life, _)| life);
        let lives: BTreeSet<_> = lives.chain(&self.dropped).collect();
        let catalog = if self.changes_catalog {
            DEFINITION_BYTES
        } else {
            0
        };
        self.bytes + catalog + KEYSPACE_BYTES * lives.len() as u64
    }
}
