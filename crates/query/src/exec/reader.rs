//! What a statement reads: a committed state, or a transaction with its own writes.

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_mvcc::{KeyRange, Range, StoreError, Transaction, View};

/// A source of rows.
#[derive(Clone)]
pub(crate) enum Reader<'t> {
    /// A statement outside a transaction. Owns what it reads, so its rows may outlive the call.
    View(View),
    /// A statement in a transaction.
    Transaction(&'t Transaction),
}

impl Reader<'_> {
    #[inline]
    pub(crate) fn get(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<Bytes>, StoreError> {
        match self {
            Reader::View(view) => view.get(keyspace, key),
            Reader::Transaction(transaction) => transaction.get(keyspace, key),
        }
    }

    pub(crate) fn range(&self, keyspace: KeyspaceId, range: KeyRange) -> Range {
        match self {
            Reader::View(view) => view.range(keyspace, range),
            Reader::Transaction(transaction) => transaction.range(keyspace, range),
        }
    }

    /// How many entries lie in a range, without reading them.
    pub(crate) fn count_range(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
    ) -> Result<u64, StoreError> {
        match self {
            Reader::View(view) => view.count_range(keyspace, range),
            Reader::Transaction(transaction) => transaction.count_range(keyspace, range),
        }
    }

    /// The committed state underneath.
    pub(crate) fn view(&self) -> &View {
        match self {
            Reader::View(view) => view,
            Reader::Transaction(transaction) => transaction.view(),
        }
    }
}
