//! The oracle: what a multi-keyspace map holds after each commit, kept in the plainest way that can be right.

use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Change, Op};

mod diff;
mod generator;
mod stream;

pub(crate) use diff::show;
pub use diff::{Difference, compare};
pub use generator::{Generator, Shape};
pub use stream::BatchStream;

/// One commit's changes: at most one a key, in order, and the keyspaces that end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Keyspaces that end. Ascending; no change names one of them.
    pub dropped: Vec<KeyspaceId>,
    changes: BTreeMap<(KeyspaceId, Bytes), Option<Bytes>>,
}

impl Batch {
    /// No changes.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Sets a key. The last change of a key in a batch counts.
    pub fn put(&mut self, keyspace: KeyspaceId, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.changes
            .insert((keyspace, key.into()), Some(value.into()));
    }

    /// Removes a key, there or not.
    pub fn delete(&mut self, keyspace: KeyspaceId, key: impl Into<Bytes>) {
        self.changes.insert((keyspace, key.into()), None);
    }

    /// Ends a keyspace; its changes in this batch are forgotten.
    pub fn drop_keyspace(&mut self, keyspace: KeyspaceId) {
        self.changes.retain(|(of, _), _| *of != keyspace);
        self.dropped.push(keyspace);
        self.dropped.sort_unstable();
        self.dropped.dedup();
    }

    /// The changes, ascending by keyspace, then key; `None` for a delete.
    pub fn iter(&self) -> impl Iterator<Item = (KeyspaceId, &Bytes, Option<&Bytes>)> {
        let changes = self.changes.iter();
        changes.map(|((keyspace, key), value)| (*keyspace, key, value.as_ref()))
    }

    /// The changes as an engine takes them, for [`drystone_engine::SliceChanges`].
    #[must_use]
    pub fn changes(&self) -> Vec<Change<'_>> {
        self.changes
            .iter()
            .map(|((keyspace, key), value)| Change {
                keyspace: *keyspace,
                key,
                op: match value {
                    Some(value) => Op::Put(value),
                    None => Op::Delete,
                },
            })
            .collect()
    }

    /// The changes as a stream that owns them, for [`drystone_engine::Engine::begin_merge`].
    #[must_use]
    pub fn stream(&self) -> BatchStream {
        BatchStream::new(self.dropped.clone(), self.changes.clone())
    }

    /// How many changes there are, drops not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.dropped.is_empty()
    }
}

/// All entries of all keyspaces, in order: one state of a [`Model`].
pub type State = BTreeMap<(KeyspaceId, Bytes), Bytes>;

/// What became of a key: ascending by state, `None` where it was removed.
type Versions = Vec<(Lsn, Option<Bytes>)>;

/// A map whose every state can be asked for.
///
/// A key keeps its versions side by side, so a commit costs what it changes, and a state what it holds.
///
/// ```
/// use drystone_base::{KeyspaceId, Lsn};
/// use drystone_testkit::{Batch, Model};
///
/// let mut model = Model::new();
/// let mut batch = Batch::new();
/// batch.put(KeyspaceId(1), "wall", "stone");
/// model.commit(Lsn(1), &batch);
/// batch.delete(KeyspaceId(1), "wall");
/// model.commit(Lsn(2), &batch);
/// assert_eq!(model.get(Lsn(1), KeyspaceId(1), b"wall").unwrap(), "stone");
/// assert!(model.state_at(Lsn(2)).is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Model {
    last: Lsn,
    commits: Vec<Lsn>,
    keys: BTreeMap<(KeyspaceId, Bytes), Versions>,
    /// When a keyspace had its first entry, and when it was dropped.
    lives: BTreeMap<KeyspaceId, (Lsn, Option<Lsn>)>,
}

impl Model {
    /// Empty, at [`Lsn::ZERO`].
    #[must_use]
    pub fn new() -> Model {
        Model::default()
    }

    /// Adds the state `at`: the last one, changed by `batch`.
    ///
    /// # Panics
    /// When `at` is not above the last state, or the batch touches a keyspace that was dropped: numbers of keyspaces
    /// are never reused.
    pub fn commit(&mut self, at: Lsn, batch: &Batch) {
        assert!(at > self.last, "{at} is not above {}", self.last);
        self.last = at;
        self.commits.push(at);
        for keyspace in &batch.dropped {
            self.drop_keyspace(at, *keyspace);
        }
        for (keyspace, key, value) in batch.iter() {
            self.change(at, keyspace, key, value);
        }
    }

    fn drop_keyspace(&mut self, at: Lsn, keyspace: KeyspaceId) {
        for ((of, _), versions) in &mut self.keys {
            if *of == keyspace && newest(versions).is_some() {
                versions.push((at, None));
            }
        }
        if let Some(life) = self.lives.get_mut(&keyspace) {
            life.1 = life.1.or(Some(at));
        }
    }

    fn change(&mut self, at: Lsn, keyspace: KeyspaceId, key: &Bytes, value: Option<&Bytes>) {
        if value.is_some() {
            let life = self.lives.entry(keyspace).or_insert((at, None));
            assert_eq!(life.1, None, "{keyspace} was dropped");
        }
        let versions = self.keys.entry((keyspace, key.clone())).or_default();
        versions.push((at, value.cloned()));
    }

    /// The last commit.
    #[must_use]
    pub fn last(&self) -> Lsn {
        self.last
    }

    /// All commits, ascending.
    #[must_use]
    pub fn commits(&self) -> &[Lsn] {
        &self.commits
    }

    /// The value of a key in the state of the last commit at or before `at`.
    #[must_use]
    pub fn get(&self, at: Lsn, keyspace: KeyspaceId, key: &[u8]) -> Option<&Bytes> {
        let versions = self.keys.get(&(keyspace, Bytes::copy_from_slice(key)))?;
        visible(versions, at)
    }

    /// The entries of one keyspace in the state at `at`, ascending.
    #[must_use]
    pub fn entries(&self, at: Lsn, keyspace: KeyspaceId) -> Vec<(Bytes, Bytes)> {
        let all = self.keys.range((keyspace, Bytes::new())..);
        all.take_while(|((of, _), _)| *of == keyspace)
            .filter_map(|((_, key), versions)| Some((key.clone(), visible(versions, at)?.clone())))
            .collect()
    }

    /// Everything in the state at `at`.
    #[must_use]
    pub fn state_at(&self, at: Lsn) -> State {
        let all = self.keys.iter();
        all.filter_map(|(key, versions)| Some((key.clone(), visible(versions, at)?.clone())))
            .collect()
    }

    /// The keyspaces that had had an entry by `at`, and were not dropped by then, ascending.
    #[must_use]
    pub fn keyspaces(&self, at: Lsn) -> Vec<KeyspaceId> {
        let lives =
            |(born, died): &(Lsn, Option<Lsn>)| *born <= at && died.is_none_or(|died| died > at);
        let all = self.lives.iter();
        all.filter(|(_, life)| lives(life))
            .map(|(keyspace, _)| *keyspace)
            .collect()
    }

    /// All keys that a keyspace ever had, ascending: what to look up besides what is there.
    #[must_use]
    pub fn known_keys(&self, keyspace: KeyspaceId) -> Vec<Bytes> {
        let all = self.keys.range((keyspace, Bytes::new())..);
        all.take_while(|((of, _), _)| *of == keyspace)
            .map(|((_, key), _)| key.clone())
            .collect()
    }
}

fn visible(versions: &[(Lsn, Option<Bytes>)], at: Lsn) -> Option<&Bytes> {
    let count = versions.partition_point(|(version, _)| *version <= at);
    newest(&versions[..count])
}

fn newest(versions: &[(Lsn, Option<Bytes>)]) -> Option<&Bytes> {
    versions.last()?.1.as_ref()
}

#[cfg(test)]
mod tests;
