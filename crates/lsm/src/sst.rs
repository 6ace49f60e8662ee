//! SST: a sorted file that never changes. Data blocks in partitions, each with an index and a filter; above them one top.
//!
//! ```text
//!  data .. data index filter | data .. data index filter | ... | top | properties | footer
//!  <------- partition ------>                                 keeps: first keys of partitions, handles
//! ```
//!
//! # Invariants
//! - S1. Keys ascend strictly, over all blocks.
//! - S2. In the top and in an index, a key is at or below all keys of the block it stands for, and above all keys before.
//! - S3. A block is reached through a handle with its checksum, the footer through the manifest: what is misplaced, stale or
//!   rotten is found when it is read.
//!
//! The top is read once and kept; everything else comes through the cache.

pub(crate) mod cursor;
pub(crate) mod footer;
pub(crate) mod meta;
pub(crate) mod properties;
pub(crate) mod run_writer;
pub(crate) mod scan;
pub(crate) mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::OnceLock;
use drystone_base::sync::atomic::Ordering;
use drystone_base::{File, Malformed, OpenMode};
use drystone_engine::EngineError;

use self::footer::{FOOTER_BYTES, FOOTER_BYTES_U64, Footer, Refused};
use self::meta::SstMeta;
use self::properties::Properties;
use crate::block::{Block, Slot};
use crate::error::{bad_checksum, corrupt, io_error};
use crate::filter;
use crate::handle::{HANDLE_BYTES, Handle};
use crate::store::{Place, Store};

/// Where the index and the filter of a partition are, as the top has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) index: Handle,
    pub(crate) filter: Handle,
}

/// What the top keeps of a partition: two handles.
pub(crate) const PARTITION_BYTES: usize = 2 * HANDLE_BYTES;

impl Partition {
    pub(crate) fn encode(&self) -> [u8; PARTITION_BYTES] {
        let mut bytes = [0; PARTITION_BYTES];
        bytes[..HANDLE_BYTES].copy_from_slice(&self.index.encode());
        bytes[HANDLE_BYTES..].copy_from_slice(&self.filter.encode());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Partition, Malformed> {
        let (index, filter) = bytes.split_at_checked(HANDLE_BYTES).unwrap_or((bytes, &[]));
        Ok(Partition {
            index: Handle::decode(index)?,
            filter: Handle::decode(filter)?,
        })
    }
}

/// An SST of a state.
#[derive(Debug)]
pub(crate) struct Sst {
    pub(crate) meta: SstMeta,
    path: PathBuf,
    store: Arc<Store>,
    file: OnceLock<Arc<dyn File>>,
    head: OnceLock<Head>,
}

/// What is kept of an SST once it was read from.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) footer: Footer,
    pub(crate) top: Block,
}

impl Sst {
    /// Reads nothing.
    pub(crate) fn new(meta: SstMeta, store: Arc<Store>) -> Sst {
        Sst {
            path: store.sst_path(meta.number),
            meta,
            store,
            file: OnceLock::new(),
            head: OnceLock::new(),
        }
    }

    /// What a key has here; `None`: nothing. Reads at most one data block. `hash` is the full key's.
    pub(crate) fn get(&self, full_key: &[u8], hash: u64) -> Result<Option<Slot>, EngineError> {
        let Some(partition) = self.partition_of(full_key)? else {
            return Ok(None);
        };
        if !self.may_hold(&partition, hash)? {
            return Ok(None);
        }
        let Some(data) = self.data_block_of(&partition, full_key)? else {
            return Ok(None);
        };
        let block = self.block(&data)?;
        block
            .find(full_key, hash)
            .map_err(|why| self.corrupt(&data, why))
    }

    /// The partition that would hold a key.
    fn partition_of(&self, full_key: &[u8]) -> Result<Option<Partition>, EngineError> {
        let head = self.head()?;
        let wrong = |why| self.corrupt(&head.footer.top, why);
        let mut top = head.top.clone().cursor();
        if !top.seek_back(full_key).map_err(wrong)? {
            return Ok(None);
        }
        let partition = Partition::decode(top.value().unwrap_or_default());
        partition.map(Some).map_err(wrong)
    }

    fn may_hold(&self, partition: &Partition, hash: u64) -> Result<bool, EngineError> {
        if partition.filter.is_none() {
            return Ok(true);
        }
        let bytes = self.store.read_cached(&self.place()?, &partition.filter)?;
        filter::check(&bytes).map_err(|why| self.corrupt(&partition.filter, why))?;
        let may_hold = filter::may_hold(&bytes, hash);
        let tallies = &self.store.tallies;
        tallies.filter_checks.fetch_add(1, Ordering::Relaxed);
        if !may_hold {
            tallies.filter_refusals.fetch_add(1, Ordering::Relaxed);
        }
        Ok(may_hold)
    }

    fn data_block_of(
        &self,
        partition: &Partition,
        full_key: &[u8],
    ) -> Result<Option<Handle>, EngineError> {
        let wrong = |why| self.corrupt(&partition.index, why);
        let mut index = self.block(&partition.index)?.cursor();
        if !index.seek_back(full_key).map_err(wrong)? {
            return Ok(None);
        }
        let data = Handle::decode(index.value().unwrap_or_default());
        data.map(Some).map_err(wrong)
    }

    /// A block that comes through the cache.
    pub(crate) fn block(&self, handle: &Handle) -> Result<Block, EngineError> {
        let bytes = self.store.read_cached(&self.place()?, handle)?;
        self.opened(handle, bytes)
    }

    /// A block that passes the cache by.
    pub(crate) fn block_uncached(&self, handle: &Handle) -> Result<Block, EngineError> {
        let bytes = self.store.read(&self.place()?, handle)?;
        self.opened(handle, bytes.into())
    }

    fn opened(&self, handle: &Handle, bytes: Bytes) -> Result<Block, EngineError> {
        Block::open(bytes).map_err(|why| self.corrupt(handle, why))
    }

    /// The footer and the top, which are read once.
    pub(crate) fn head(&self) -> Result<&Head, EngineError> {
        if let Some(head) = self.head.get() {
            return Ok(head);
        }
        let footer = self.read_footer()?;
        let top = self.block_uncached(&footer.top)?;
        Ok(self.head.get_or_init(|| Head { footer, top }))
    }

    /// Reads the footer from the file.
    pub(crate) fn read_footer(&self) -> Result<Footer, EngineError> {
        let place = self.place()?;
        let wrong_len = |found: u64| {
            let expected = self.meta.file_len.to_string();
            corrupt(
                &self.path,
                0,
                Malformed::new("length of an SST", expected, found.to_string()),
            )
        };
        let at = self.meta.file_len.checked_sub(FOOTER_BYTES_U64);
        let at = at.ok_or_else(|| wrong_len(FOOTER_BYTES_U64))?;
        let mut bytes = [0; FOOTER_BYTES];
        let read = place.file.read_exact_at(&mut bytes, at);
        read.map_err(|source| place.read_failed(at, source))?;
        let (footer, crc) = Footer::decode(&bytes).map_err(|refused| match refused {
            Refused::Version(found) => EngineError::UnsupportedVersion {
                path: self.path.clone(),
                found,
                supported: footer::VERSION,
            },
            Refused::Malformed(why) => corrupt(&self.path, at, why),
        })?;
        if !drystone_base::checksum::is_right(crc, self.meta.footer_crc) {
            return Err(corrupt(
                &self.path,
                at,
                bad_checksum(self.meta.footer_crc, crc),
            ));
        }
        Ok(footer)
    }

    /// What it holds by keyspace. Through the cache.
    pub(crate) fn properties(&self) -> Result<Properties, EngineError> {
        let handle = self.head()?.footer.properties;
        let bytes = self.store.read_cached(&self.place()?, &handle)?;
        Properties::decode(&bytes).map_err(|why| self.corrupt(&handle, why))
    }

    /// The raw bytes of a partition's filter.
    pub(crate) fn filter(&self, handle: &Handle) -> Result<Vec<u8>, EngineError> {
        self.store.read(&self.place()?, handle)
    }

    /// Its file, opened by the first that reads it.
    pub(crate) fn place(&self) -> Result<Place<'_>, EngineError> {
        let file = match self.file.get() {
            Some(file) => file,
            None => {
                let file = self.store.open(&self.path, OpenMode::Read)?;
                self.check_len(&*file)?;
                self.file.get_or_init(|| file)
            }
        };
        Ok(Place {
            path: &self.path,
            file: &**file,
            number: self.meta.number,
            file_len: self.meta.file_len,
        })
    }

    /// No length that the manifest names is believed before the file has it.
    fn check_len(&self, file: &dyn File) -> Result<(), EngineError> {
        let found = file
            .len()
            .map_err(|source| io_error("look at", &self.path, 0, source))?;
        if found == self.meta.file_len {
            return Ok(());
        }
        let (expected, found) = (self.meta.file_len.to_string(), found.to_string());
        let why = Malformed::new("length of an SST", expected, found);
        Err(corrupt(&self.path, 0, why))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Damage in one of its blocks.
    #[cold]
    pub(crate) fn corrupt(&self, handle: &Handle, why: Malformed) -> EngineError {
        corrupt(&self.path, handle.offset, why)
    }
}

#[cfg(test)]
mod tests;
