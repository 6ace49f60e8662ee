//! Snapshot: one durable state of all keyspaces.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Cursor, EngineError, Snapshot, StoredValue, ValueReader};
use drystone_storage_pager::{Codec, Root};

use crate::cursor::BTreeCursor;
use crate::keyspace::Keyspace;
use crate::keyspace_list::{KeyspaceList, ListPlace};
use crate::pages::Pages;
use crate::payload::Stages;
use crate::positions::count_range;
use crate::tree::{self, TreeRoot};

/// What a snapshot shares with its clones and cursors.
#[derive(Debug)]
pub(crate) struct State {
    /// Pins the pages.
    root: Arc<Root>,
    pages: Arc<Pages>,
    directory: Option<TreeRoot>,
    keyspaces: KeyspaceList,
    stages: Stages,
    /// Whether a value may lie in pieces: then files say so, for what reads older ones only.
    has_pieces: bool,
}

/// The entries between two bounds: an iterator from both ends.
pub type Range = drystone_engine::Range<BTreeCursor>;

/// One durable state. It never changes; a clone costs a pointer. While it, a clone or a cursor of it lives, its pages
/// stay in the file.
#[derive(Clone, Debug)]
pub struct BTreeSnapshot {
    state: Arc<State>,
}

impl State {
    pub(crate) fn new(
        root: Arc<Root>,
        pages: Arc<Pages>,
        directory: Option<TreeRoot>,
        keyspaces: KeyspaceList,
    ) -> State {
        State {
            root,
            pages,
            directory,
            keyspaces,
            stages: Stages::default(),
            has_pieces: false,
        }
    }

    /// The same state, of which values may lie in pieces.
    pub(crate) fn with_pieces(self, has_pieces: bool) -> State {
        State { has_pieces, ..self }
    }

    pub(crate) fn has_pieces(&self) -> bool {
        self.has_pieces
    }

    /// The same state, with this known of stages.
    pub(crate) fn with_stages(self, stages: Stages) -> State {
        State { stages, ..self }
    }

    pub(crate) fn stages(&self) -> Stages {
        self.stages
    }

    /// Whether nothing waits to be adopted or discarded, on which a merge could not build.
    pub(crate) fn check_decided(&self) -> Result<(), EngineError> {
        match self.stages.staged {
            None => Ok(()),
            Some(_) => Err(EngineError::Undecided {
                stage: self.stages.made,
            }),
        }
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    pub(crate) fn shared_pages(&self) -> Arc<Pages> {
        Arc::clone(&self.pages)
    }

    pub(crate) fn root(&self) -> &Arc<Root> {
        &self.root
    }

    pub(crate) fn directory(&self) -> Option<TreeRoot> {
        self.directory
    }

    pub(crate) fn keyspaces(&self) -> &KeyspaceList {
        &self.keyspaces
    }

    #[inline]
    pub(crate) fn keyspace(&self, id: KeyspaceId) -> Option<&Arc<Keyspace>> {
        let place = self.keyspace_place(id)?;
        Some(self.keyspaces.at(place))
    }

    /// Where among the keyspaces it is.
    #[inline]
    pub(crate) fn keyspace_place(&self, id: KeyspaceId) -> Option<ListPlace> {
        self.keyspaces.find(id)
    }

    /// The same state under a newer root of the pager.
    pub(crate) fn with_root(&self, root: Arc<Root>) -> State {
        State {
            root,
            pages: Arc::clone(&self.pages),
            directory: self.directory,
            keyspaces: self.keyspaces.clone(),
            stages: self.stages,
            has_pieces: self.has_pieces,
        }
    }
}

impl BTreeSnapshot {
    pub(crate) fn new(state: State) -> BTreeSnapshot {
        BTreeSnapshot {
            state: Arc::new(state),
        }
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The entries of a keyspace within `bounds`, in key order; from the back with `rev`. Nothing is read before the
    /// first step. A keyspace that is not there is empty.
    #[must_use]
    pub fn range<'k>(&self, keyspace: KeyspaceId, bounds: impl RangeBounds<&'k [u8]>) -> Range {
        let owned = |bound: Bound<&&'k [u8]>| bound.map(|key| key.to_vec());
        Range::new(
            BTreeCursor::new(Arc::clone(&self.state), keyspace),
            BTreeCursor::new(Arc::clone(&self.state), keyspace),
            owned(bounds.start_bound()),
            owned(bounds.end_bound()),
        )
    }

    /// Reads the value of `key` as a stream, a piece at a time: values that are longer than memory, or parts of long ones. `None`
    /// where there is no value.
    ///
    /// # Errors
    /// Damage or a failed read; later ones come from the reader.
    pub fn value_reader(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<ValueReader>, EngineError> {
        Ok(self.open_value(keyspace, key)?.map(ValueReader::new))
    }

    /// How pages of a keyspace are compressed when they are written. `None`: there is no such keyspace.
    #[must_use]
    pub fn codec(&self, keyspace: KeyspaceId) -> Option<Codec> {
        let keyspace = self.state.keyspace(keyspace);
        keyspace.map(|keyspace| keyspace.tree().codec)
    }

    /// How many entries of a keyspace have a key below `key`. Reads one node a level, whatever the answer.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn rank(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<u64, EngineError> {
        match self.state.keyspace(keyspace) {
            Some(keyspace) => keyspace.rank(&self.state.pages, key),
            None => Ok(0),
        }
    }
}

impl Snapshot for BTreeSnapshot {
    fn lsn(&self) -> Lsn {
        self.state.root.lsn
    }

    #[inline]
    fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        match self.state.keyspace(keyspace) {
            Some(keyspace) => keyspace.get(&self.state.pages, key),
            None => Ok(None),
        }
    }

    fn open_value(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<StoredValue>, EngineError> {
        match self.state.keyspace(keyspace) {
            Some(keyspace) => keyspace.open_value(&self.state, key),
            None => Ok(None),
        }
    }

    #[inline]
    fn get_with(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        read: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, EngineError> {
        match self.state.keyspace(keyspace) {
            Some(keyspace) => keyspace.get_with(&self.state.pages, key, read),
            None => Ok(false),
        }
    }

    fn cursor(&self, keyspace: KeyspaceId) -> Result<Box<dyn Cursor>, EngineError> {
        let cursor = BTreeCursor::new(Arc::clone(&self.state), keyspace);
        Ok(Box::new(cursor))
    }

    fn count(&self, keyspace: KeyspaceId) -> Result<u64, EngineError> {
        let keyspace = self.state.keyspace(keyspace);
        Ok(tree::entries(keyspace.and_then(|keyspace| keyspace.root())))
    }

    fn count_range(
        &self,
        keyspace: KeyspaceId,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
    ) -> Result<u64, EngineError> {
        match self.state.keyspace(keyspace) {
            Some(keyspace) => count_range(keyspace, &self.state.pages, start, end),
            None => Ok(0),
        }
    }

    fn keyspaces(&self) -> Result<Vec<KeyspaceId>, EngineError> {
        Ok(self
            .state
            .keyspaces
            .iter()
            .map(|keyspace| keyspace.id())
            .collect())
    }
}
