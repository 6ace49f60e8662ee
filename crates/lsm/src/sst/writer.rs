//! SST writer: takes entries in order, and makes a durable file of them.

use std::path::PathBuf;
use std::sync::Arc;

use drystone_base::{File, KeyspaceId, OpenMode, checksum};
use drystone_compress::{Codec, Compressor};
use drystone_engine::EngineError;

use super::Partition;
use super::footer::{FOOTER_BYTES, Footer};
use super::meta::SstMeta;
use super::properties::Properties;
use crate::block::build::{BlockBuilder, INDEX_RESTART_EVERY, RESTART_EVERY};
use crate::error::{io_error, not_compressed};
use crate::filter;
use crate::handle::Handle;
use crate::key;
use crate::store::Store;

/// What is written at a time.
const WRITE_BYTES: usize = 256 << 10;
/// Data blocks of a partition, in bytes of contents: some hundred blocks, and as many entries in an index.
const PARTITION_DATA_BYTES: usize = 384 << 10;
/// And in blocks, where those are short.
const PARTITION_BLOCKS: usize = 128;
/// Compressed blocks must be shorter by this part, or they are stored as they are: decompressing costs time.
const GAIN_PART: usize = 8;

/// How blocks are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) block_bytes: usize,
    pub(crate) filter_bits_per_key: u8,
}

/// An SST in the making. The file is there from the first entry on.
#[derive(Debug)]
pub(crate) struct SstWriter {
    store: Arc<Store>,
    shape: Shape,
    number: u64,
    path: PathBuf,
    file: Arc<dyn File>,
    compressor: Compressor,
    /// What is to be written, and where it goes.
    buffer: Vec<u8>,
    written: u64,
    data: BlockBuilder,
    /// The last key of the data block before the one that fills.
    key_before_block: Vec<u8>,
    data_codec: Codec,
    index: BlockBuilder,
    partition_bytes: usize,
    partition_blocks: usize,
    hashes: Vec<u64>,
    top: BlockBuilder,
    /// The separator before the partition that fills.
    partition_key: Vec<u8>,
    properties: Properties,
    smallest: Vec<u8>,
    /// A block's contents on their way.
    contents: Vec<u8>,
}

impl SstWriter {
    /// Makes the file.
    pub(crate) fn create(
        store: &Arc<Store>,
        shape: Shape,
        number: u64,
    ) -> Result<SstWriter, EngineError> {
        let path = store.sst_path(number);
        Ok(SstWriter {
            file: store.open(&path, OpenMode::CreateNew)?,
            store: Arc::clone(store),
            shape,
            number,
            path,
            compressor: Compressor::new(),
            buffer: Vec::new(),
            written: 0,
            data: BlockBuilder::new(RESTART_EVERY),
            key_before_block: Vec::new(),
            data_codec: Codec::None,
            index: BlockBuilder::new(INDEX_RESTART_EVERY),
            partition_bytes: 0,
            partition_blocks: 0,
            hashes: Vec::new(),
            top: BlockBuilder::new(INDEX_RESTART_EVERY),
            partition_key: Vec::new(),
            properties: Properties::default(),
            smallest: Vec::new(),
            contents: Vec::new(),
        })
    }

    /// Adds a key above all others; `value` is `None` for a tombstone. Its block is compressed by `codec`.
    pub(crate) fn add(
        &mut self,
        full_key: &[u8],
        value: Option<&[u8]>,
        codec: Codec,
    ) -> Result<(), EngineError> {
        if self.must_cut(full_key, value) {
            self.finish_data()?;
        }
        if self.properties.shares.is_empty() {
            self.smallest = full_key.to_vec();
        }
        let hash = filter::hash(full_key);
        let keyspace = key::keyspace_of(full_key).unwrap_or(KeyspaceId::CATALOG);
        self.properties.count(keyspace, value.is_none());
        self.hashes.push(hash);
        self.data_codec = codec;
        self.data.add(full_key, value, Some(hash));
        Ok(())
    }

    /// Whether the data block ends before this entry: it is full, or the next keyspace begins.
    fn must_cut(&self, full_key: &[u8], value: Option<&[u8]>) -> bool {
        if self.data.is_empty() {
            return false;
        }
        let len = self.data.len() + full_key.len() + value.map_or(0, <[u8]>::len);
        len > self.shape.block_bytes
            || key::keyspace_of(self.data.last_key()) != key::keyspace_of(full_key)
    }

    /// About how long the file is by now.
    pub(crate) fn len(&self) -> u64 {
        self.written + (self.buffer.len() + self.data.len()) as u64
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn finish_data(&mut self) -> Result<(), EngineError> {
        let separator = key::separator(&self.key_before_block, self.data.first_key()).to_vec();
        self.key_before_block.clear();
        self.key_before_block
            .extend_from_slice(self.data.last_key());
        let mut contents = std::mem::take(&mut self.contents);
        contents.clear();
        self.data.finish_into(&mut contents);
        let handle = self.put_block(&contents, self.data_codec);
        self.partition_bytes += contents.len();
        self.contents = contents;
        if self.index.is_empty() {
            self.partition_key.clone_from(&separator);
        }
        self.index.add(&separator, Some(&handle?.encode()), None);
        self.partition_blocks += 1;
        if self.partition_bytes >= PARTITION_DATA_BYTES || self.partition_blocks >= PARTITION_BLOCKS
        {
            self.finish_partition()?;
        }
        Ok(())
    }

    fn finish_partition(&mut self) -> Result<(), EngineError> {
        let mut contents = std::mem::take(&mut self.contents);
        contents.clear();
        self.index.finish_into(&mut contents);
        let index = self.put_block(&contents, self.data_codec);
        self.contents = contents;
        let filter = filter::build(&self.hashes, self.shape.filter_bits_per_key);
        let filter = match filter.is_empty() {
            true => Ok(Handle::NONE),
            false => self.put_block(&filter, Codec::None),
        };
        let partition = Partition {
            index: index?,
            filter: filter?,
        };
        self.top
            .add(&self.partition_key, Some(&partition.encode()), None);
        self.hashes.clear();
        (self.partition_bytes, self.partition_blocks) = (0, 0);
        Ok(())
    }

    /// Compresses a block where that pays, and puts it behind the others.
    fn put_block(&mut self, contents: &[u8], codec: Codec) -> Result<Handle, EngineError> {
        let offset = self.written + self.buffer.len() as u64;
        let start = self.buffer.len();
        let len_max = contents.len() - contents.len() / GAIN_PART;
        let pays = self
            .compressor
            .compress(codec, contents, len_max, &mut self.buffer);
        let pays = pays.map_err(|why| not_compressed(&self.path, offset, why))?;
        if !pays {
            self.buffer.extend_from_slice(contents);
        }
        let stored = &self.buffer[start..];
        let too_long = |_| {
            io_error(
                "write",
                &self.path,
                offset,
                std::io::ErrorKind::FileTooLarge.into(),
            )
        };
        let handle = Handle {
            offset,
            stored_len: u32::try_from(stored.len()).map_err(too_long)?,
            contents_len: u32::try_from(contents.len()).map_err(too_long)?,
            codec: if pays { codec.id() } else { Codec::None.id() },
            checksum: checksum::crc64(stored),
        };
        if self.buffer.len() >= WRITE_BYTES {
            self.write_buffer()?;
        }
        Ok(handle)
    }

    fn write_buffer(&mut self) -> Result<(), EngineError> {
        let written = self.file.write_all_at(&self.buffer, self.written);
        written.map_err(|source| io_error("write", &self.path, self.written, source))?;
        self.store.note_written(self.buffer.len());
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is left, and makes the file durable; its name is so once the folder is synced. There must be an entry.
    pub(crate) fn finish(mut self, level: usize, run: u64) -> Result<SstMeta, EngineError> {
        if !self.data.is_empty() {
            self.finish_data()?;
        }
        if !self.index.is_empty() {
            self.finish_partition()?;
        }
        let mut top = Vec::new();
        self.top.finish_into(&mut top);
        let footer = Footer {
            top: self.put_block(&top, Codec::None)?,
            properties: self.put_block(&self.properties.encode(), Codec::None)?,
        };
        let (bytes, footer_crc) = footer.encode();
        self.buffer.extend_from_slice(&bytes);
        self.write_buffer()?;
        debug_assert!(self.written > FOOTER_BYTES as u64);
        let synced = self.file.sync();
        synced.map_err(|source| io_error("sync", &self.path, 0, source))?;
        Ok(SstMeta {
            number: self.number,
            level,
            run,
            file_len: self.written,
            footer_crc,
            entries: self.properties.entries(),
            tombstones: self.properties.tombstones(),
            smallest: std::mem::take(&mut self.smallest),
            largest: std::mem::take(&mut self.key_before_block),
        })
    }
}
