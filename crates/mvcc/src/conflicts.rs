//! Conflicts: whether what was committed since a transaction's view touches what it wrote or guards.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Lsn};

use crate::error::{Contended, StoreError};
use crate::link::{Commits, StagedCommit};
use crate::memtable::{Memtable, Table};
use crate::spill::{LayerChanges, Layers, LayersProbe};
use crate::view::View;
use crate::write_set::WriteSet;

/// What a commit that is to be wrote and guards, and what it saw.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'a> {
    /// Commits up to here it saw.
    pub(crate) seen: Lsn,
    pub(crate) writes: &'a WriteSet,
    /// What it spilled.
    pub(crate) layers: Option<&'a Layers>,
}

/// Memory for a comparison of two large commits.
const COMPARISON_BYTES: u64 = 8 << 20;

impl Claims<'_> {
    /// The first conflict with what was committed since the view was taken: `since` are the commits from its link on.
    pub(crate) fn find_in_view_or(
        &self,
        view: &View,
        since: impl Iterator<Item = Option<Arc<Commits>>>,
    ) -> Result<Option<Contended>, StoreError> {
        for commits in since {
            let Some(commits) = commits else {
                return Ok(Some(Contended::Forgotten));
            };
            if let Some(what) = self.find_conflict(&commits)? {
                return Ok(Some(what));
            }
        }
        // The view's own sealed memtables count too: they may hold commits that were not visible when it was taken.
        for memtable in view.layers().sealed() {
            if let Some(what) = self.find_in_memtable(memtable)? {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }

    /// The first conflict with any of these commits. Reads files only where one side is a commit that has spilled.
    pub(crate) fn find_conflict(&self, commits: &Commits) -> Result<Option<Contended>, StoreError> {
        match commits {
            Commits::Memtable(memtable) => self.find_in_memtable(memtable),
            Commits::Staged(staged) if is_planted("mvcc-staged-conflict-lost") => {
                let _never_mind = staged;
                Ok(None)
            }
            Commits::Staged(staged) if staged.lsn > self.seen => self.find_in_staged(staged),
            Commits::Staged(_) => Ok(None),
        }
    }

    pub(crate) fn find_in_memtable(
        &self,
        memtable: &Memtable,
    ) -> Result<Option<Contended>, StoreError> {
        if memtable.newest() <= self.seen {
            return Ok(None);
        }
        let found = find_conflict(memtable, self.writes, self.seen);
        match (found, self.layers) {
            (None, Some(layers)) => find_layers_conflict(memtable, layers, self.seen),
            (found, _) => Ok(found),
        }
    }

    fn find_in_staged(&self, staged: &StagedCommit) -> Result<Option<Contended>, StoreError> {
        let theirs = &staged.layers;
        let mut whole = self.whole_keyspaces();
        if let Some(&keyspace) = whole.find(|&&keyspace| theirs.has_keyspace(keyspace)) {
            return Ok(Some(Contended::Keyspace(keyspace)));
        }
        let written = self.writes.keyspaces();
        let written = written.flat_map(|(id, writes)| writes.keys().map(move |key| (id, key)));
        if let Some(what) = find_key(theirs, written)? {
            return Ok(Some(what));
        }
        if let Some(what) = find_key(theirs, self.writes.guarded_keys())? {
            return Ok(Some(what));
        }
        self.layers
            .map_or(Ok(None), |mine| find_common(mine, theirs))
    }

    /// Keyspaces in which any change is a conflict.
    fn whole_keyspaces(&self) -> impl Iterator<Item = &KeyspaceId> {
        let dropped = self.writes.dropped().iter();
        dropped.chain(self.writes.guarded_keyspaces())
    }
}

/// Which of these keys, in order, a large commit wrote.
fn find_key<'a>(
    theirs: &Layers,
    keys: impl Iterator<Item = (KeyspaceId, &'a Bytes)>,
) -> Result<Option<Contended>, StoreError> {
    let mut probe = LayersProbe::new(theirs);
    for (keyspace, key) in keys {
        if theirs.dropped.contains(&keyspace) {
            return Ok(Some(Contended::Keyspace(keyspace)));
        }
        if probe.has(keyspace, key)? {
            let key = key.clone();
            return Ok(Some(Contended::Key { keyspace, key }));
        }
    }
    Ok(None)
}

/// A key that two large commits wrote, or a keyspace that both touched and one dropped, or wrote to without keeping its
/// keys: both are read side by side.
fn find_common(mine: &Layers, theirs: &Layers) -> Result<Option<Contended>, StoreError> {
    let (ours, others) = (mine.keyspaces(), theirs.keyspaces());
    let common: BTreeSet<KeyspaceId> = ours.intersection(&others).copied().collect();
    let is_whole = |layers: &Layers, id| layers.dropped.contains(&id) || layers.has_span_in(id);
    let mut whole = common.iter();
    if let Some(keyspace) = whole.find(|id| is_whole(mine, **id) || is_whole(theirs, **id)) {
        return Ok(Some(Contended::Keyspace(*keyspace)));
    }
    if common.is_empty() {
        return Ok(None);
    }
    let mut mine = LayerChanges::new(mine, COMPARISON_BYTES / 2)?;
    let mut theirs = LayerChanges::new(theirs, COMPARISON_BYTES / 2)?;
    while let (Some(ours), Some(other)) = (mine.entry(), theirs.entry()) {
        match (ours.keyspace, ours.key).cmp(&(other.keyspace, other.key)) {
            std::cmp::Ordering::Less => mine.advance()?,
            std::cmp::Ordering::Greater => theirs.advance()?,
            std::cmp::Ordering::Equal => {
                let (keyspace, key) = (ours.keyspace, Bytes::copy_from_slice(ours.key));
                return Ok(Some(Contended::Key { keyspace, key }));
            }
        }
    }
    Ok(None)
}

/// What a memtable has that is newer than `lsn` and that large changes touch. Walks over what the memtable has of their
/// keyspaces, and beside it over them.
fn find_layers_conflict(
    memtable: &Memtable,
    layers: &Layers,
    lsn: Lsn,
) -> Result<Option<Contended>, StoreError> {
    let mut probe = LayersProbe::new(layers);
    for table in memtable.tables() {
        let keyspace = table.keyspace();
        if table.newest() <= lsn || !layers.has_keyspace(keyspace) {
            continue;
        }
        if table
            .dropped_at()
            .is_some_and(|dropped_at| dropped_at > lsn)
        {
            return Ok(Some(Contended::Keyspace(keyspace)));
        }
        if is_planted("mvcc-large-commit-unchecked") {
            continue;
        }
        let mut cursor = table.cursor(Lsn::MAX);
        cursor.seek(std::ops::Bound::Unbounded);
        while let Some(key) = cursor.key() {
            let is_newer = cursor.newest().is_some_and(|newest| newest > lsn);
            if is_newer && probe.has(keyspace, key)? {
                let key = Bytes::copy_from_slice(key);
                return Ok(Some(Contended::Key { keyspace, key }));
            }
            cursor.next();
        }
    }
    Ok(None)
}

/// What a memtable has that is newer than `lsn` and that `writes` writes or guards.
fn find_conflict(memtable: &Memtable, writes: &WriteSet, lsn: Lsn) -> Option<Contended> {
    let newer_table = |keyspace| {
        let table = memtable.table(keyspace);
        table.filter(|table| table.newest() > lsn)
    };
    let mut whole = writes.dropped().iter().chain(writes.guarded_keyspaces());
    if let Some(&keyspace) = whole.find(|&&keyspace| newer_table(keyspace).is_some())
        && !is_planted("mvcc-keyspace-conflict-lost")
    {
        return Some(Contended::Keyspace(keyspace));
    }
    for (keyspace, changes) in writes.keyspaces() {
        if let Some(table) = newer_table(keyspace)
            && let Some(what) = find_key_conflict(table, changes.keys(), lsn)
        {
            return Some(what);
        }
    }
    if is_planted("mvcc-guard-ignored") {
        return None;
    }
    writes.guarded_keys().find_map(|(keyspace, key)| {
        let table = newer_table(keyspace)?;
        find_key_conflict(table, std::iter::once(key), lsn)
    })
}

fn find_key_conflict<'a>(
    table: &Table,
    mut keys: impl Iterator<Item = &'a bytes::Bytes>,
    lsn: Lsn,
) -> Option<Contended> {
    let keyspace = table.keyspace();
    if table
        .dropped_at()
        .is_some_and(|dropped_at| dropped_at > lsn)
    {
        return Some(Contended::Keyspace(keyspace));
    }
    if is_planted("mvcc-conflict-lost") {
        return None;
    }
    let key = keys.find(|key| table.newest_of(key).is_some_and(|newest| newest > lsn))?;
    let key = key.clone();
    Some(Contended::Key { keyspace, key })
}
