//! How a keyspace is compressed: the base's business, but for when it may be changed.

use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::Ordering;
use drystone_compress::Codec;

use crate::catalog;
use crate::error::StoreError;
use crate::shared::Shared;
use crate::store::Store;

impl Store {
    /// Changes how the base compresses a keyspace that was created: from now on, and as later merges come by. Durable when
    /// this returns, and so is the keyspace. A merge that is under way is brought to its end first.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKeyspaceId`]; [`StoreError::Engine`] where the engine does not compress by keyspace, or lacks the codec; otherwise as
    /// [`Store::flush`]. The keyspace is as it was.
    pub fn set_codec(&self, keyspace: KeyspaceId, codec: Codec) -> Result<(), StoreError> {
        // Or, after a power cut or a repair of the log, the base would know a keyspace that nobody created, and the next one
        // of its number.
        match self.shared.base_has(keyspace)? || is_planted("mvcc-codec-before-keyspace") {
            true => self.sync()?,
            false => self.flush()?,
        }
        self.shared.set_codec(keyspace, codec)
    }

    /// Whether [`Store::set_codec`] takes a codec.
    ///
    /// # Errors
    /// [`StoreError::Engine`], as there.
    pub fn check_codec(&self, codec: Codec) -> Result<(), StoreError> {
        Ok(self.shared.engine.check_codec(codec)?)
    }
}

impl Shared {
    /// Whether the base has the keyspace in its catalog.
    fn base_has(&self, keyspace: KeyspaceId) -> Result<bool, StoreError> {
        let entry = catalog::number_key(keyspace);
        let known = self.engine.snapshot().get(KeyspaceId::CATALOG, &entry)?;
        Ok(known.is_some())
    }

    fn set_codec(&self, keyspace: KeyspaceId, codec: Codec) -> Result<(), StoreError> {
        loop {
            let mut merges = self.merges.lock();
            if self.closed.load(Ordering::Acquire) {
                return Err(StoreError::Closed);
            }
            if merges.is_underway() {
                self.merge_slice(&mut merges)?;
                continue;
            }
            self.settle_stage(&mut merges)?;
            self.check_exists(keyspace)?;
            let set = self.engine.set_codec(keyspace, codec);
            // Or the layers would pin the state before.
            self.show_base(self.engine.merged_lsn());
            return Ok(set?);
        }
    }
}
