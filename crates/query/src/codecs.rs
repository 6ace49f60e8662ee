//! Codecs: the store is told how tables are compressed, as the catalog says.
//!
//! A codec is a property of keyspaces in the engine, which no transaction changes. So the catalog, which transactions do
//! change, is what counts: whatever the newest committed one says is told to the store after each commit that changed the
//! catalog, and when a database is opened, for a crash may have come between. Telling it again changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_base::sync::Mutex;
use drystone_compress::Codec;
use drystone_mvcc::Store;

use crate::catalog::{Catalog, CatalogVersion, Table};
use crate::error::SqlError;

/// What the store was told.
#[derive(Debug, Default)]
pub(crate) struct Codecs {
    /// The catalog that was followed last. Latch: for moments, so that commits which change no catalog wait for nobody.
    followed: Mutex<Option<CatalogVersion>>,
    /// Latch: while the store is told.
    told: Mutex<BTreeMap<KeyspaceId, Codec>>,
}

impl Codecs {
    /// Tells the store what the newest catalog says and it was not told yet. As much as can be told before an error.
    ///
    /// Nothing is to be told where the catalog that is `known` was followed. Otherwise the newest is asked for under the
    /// latch: of two that follow at once, the later must not act on an older one.
    pub(crate) fn follow(
        &self,
        known: CatalogVersion,
        newest: impl FnOnce() -> Result<Arc<Catalog>, SqlError>,
        store: &Store,
    ) -> Result<(), SqlError> {
        if *self.followed.lock() == Some(known) {
            return Ok(());
        }
        let mut told = self.told.lock();
        let catalog = newest()?;
        if *self.followed.lock() == Some(catalog.version()) {
            return Ok(());
        }
        let compressed = |table: &Arc<Table>| Table::compression(table);
        let wanted: BTreeMap<KeyspaceId, Codec> = catalog
            .tables()
            .filter_map(compressed)
            .flat_map(|(codec, keyspaces)| keyspaces.into_iter().map(move |id| (id, codec)))
            .collect();
        for (&keyspace, &codec) in &wanted {
            if told.get(&keyspace) != Some(&codec) {
                store.set_codec(keyspace, codec)?;
                told.insert(keyspace, codec);
            }
        }
        *told = wanted;
        *self.followed.lock() = Some(catalog.version());
        Ok(())
    }
}
