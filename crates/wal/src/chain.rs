//! Reading a segment back: records one after another, each checked to follow the one before.
//!
//! Reads in chunks of [`CHUNK_BYTES`](crate::segment::CHUNK_BYTES); a longer record is read by itself. Used by recovery,
//! which decides what a broken chain means, and by readers, for whom it is corruption.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::error::{Malformed, WalError};
use crate::record::format::{self, HEADER_BYTES, Header, RecordKind};
use crate::segment::format::RECORDS_START;
use crate::segment::{Segment, chunk_len};

/// The records of one segment, from its start.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    segment: Arc<Segment>,
    /// Where the next record starts.
    offset: u64,
    /// Nothing is read from here on.
    end: u64,
    /// The number of the next data record.
    next_lsn: Lsn,
    chunk: Bytes,
    chunk_offset: u64,
    /// Whether more is read at once than is asked for.
    reads_ahead: bool,
}

/// One link of the chain.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) lsn: Lsn,
    pub(crate) payload: Bytes,
}

/// Why there is no next link.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The bytes there are no record, or not the one that follows.
    Malformed(Malformed),
    /// The file could not be read.
    Unread(WalError),
}

impl From<Malformed> for Broken {
    fn from(why: Malformed) -> Broken {
        Broken::Malformed(why)
    }
}

impl Broken {
    /// For whom a break is no end: the place where `chain` stands is damaged.
    pub(crate) fn into_error(self, chain: &Chain) -> WalError {
        match self {
            Broken::Unread(error) => error,
            Broken::Malformed(why) => WalError::Corrupt {
                segment: chain.segment.number(),
                offset: chain.offset,
                lsn: chain.next_lsn,
                why,
            },
        }
    }
}

impl Chain {
    /// All records of a segment.
    pub(crate) fn new(segment: Arc<Segment>) -> Chain {
        let end = segment.records_end();
        Chain::up_to(segment, end)
    }

    /// The records of a segment before offset `end`, which nobody writes to any more.
    pub(crate) fn up_to(segment: Arc<Segment>, end: u64) -> Chain {
        Chain {
            offset: RECORDS_START,
            end,
            next_lsn: segment.first_lsn(),
            chunk: Bytes::new(),
            chunk_offset: 0,
            reads_ahead: true,
            segment,
        }
    }

    /// From now on reads what it needs, and not more: a sector that cannot be read is in the way of its own record alone.
    pub(crate) fn read_no_further(&mut self) {
        self.reads_ahead = false;
    }

    /// Goes on to offset `end`: what lies before it will not change any more.
    pub(crate) fn extend(&mut self, end: u64) {
        self.end = self.end.max(end);
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Where the next record starts.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of the next data record.
    pub(crate) fn next_lsn(&self) -> Lsn {
        self.next_lsn
    }

    /// The next record. At an error the chain stays where it is.
    pub(crate) fn next_link(&mut self) -> Result<Link, Broken> {
        let (header, record) = self.record_at(self.offset)?;
        self.check_sequence(&header)?;
        self.offset += header.stored_bytes() as u64;
        self.next_lsn = header.lsn.next();
        let payload = record.slice(HEADER_BYTES..HEADER_BYTES + header.len as usize);
        Ok(Link {
            lsn: header.lsn,
            payload,
        })
    }

    /// The record that starts at `offset`, whatever its number.
    pub(crate) fn record_at(&mut self, offset: u64) -> Result<(Header, Bytes), Broken> {
        let header = self.header_at(offset)?;
        let record = self.bytes_at(offset, header.stored_bytes())?;
        format::check(&header, &record, self.segment.header.epoch)?;
        Ok((header, record))
    }

    /// The header at `offset`, its checksum unchecked.
    pub(crate) fn header_at(&mut self, offset: u64) -> Result<Header, Broken> {
        let room = self.end.saturating_sub(offset);
        if room < HEADER_BYTES as u64 {
            return Err(Malformed::Missing.into());
        }
        let bytes = self.bytes_at(offset, HEADER_BYTES)?;
        let bytes = bytes.first_chunk().expect("as many bytes as asked for");
        Ok(format::decode(bytes, room)?)
    }

    fn check_sequence(&self, header: &Header) -> Result<(), Malformed> {
        if header.kind != RecordKind::Data {
            let found = header.kind as u8;
            return Err(Malformed::Kind { found });
        }
        let is_next = header.lsn == self.next_lsn || is_planted("wal-recycled-records-accepted");
        if is_next && header.lsn != Lsn::MAX {
            return Ok(());
        }
        Err(Malformed::Sequence {
            expected: self.next_lsn,
            found: header.lsn,
        })
    }

    /// `len` bytes at `offset`, which lie before the end.
    fn bytes_at(&mut self, offset: u64, len: usize) -> Result<Bytes, Broken> {
        if let Some(bytes) = self.chunk_slice(offset, len) {
            return Ok(bytes);
        }
        let ahead = match self.reads_ahead {
            true => chunk_len(self.end.saturating_sub(offset)),
            false => 0,
        };
        let mut chunk = vec![0; ahead.max(len)];
        let read = self.segment.file.read_exact_at(&mut chunk, offset);
        read.map_err(Broken::Unread)?;
        self.chunk = Bytes::from(chunk);
        self.chunk_offset = offset;
        Ok(self.chunk.slice(..len))
    }

    fn chunk_slice(&self, offset: u64, len: usize) -> Option<Bytes> {
        let start = usize::try_from(offset.checked_sub(self.chunk_offset)?).ok()?;
        let end = start.checked_add(len)?;
        (end <= self.chunk.len()).then(|| self.chunk.slice(start..end))
    }
}
