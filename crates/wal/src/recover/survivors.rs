//! What valid records lie behind the place where the chain of a segment breaks.

use std::sync::Arc;

use drystone_base::Lsn;

use crate::chain::{Broken, Chain};
use crate::error::WalError;
use crate::record::format::{self, ALIGN_BYTES, HEADER_BYTES, Header, RecordKind};
use crate::segment::{Segment, chunk_len};

/// How often the rest of a segment may be read over for records, before a search that finds nothing gives up. Payloads
/// made to look like headers could otherwise make it quadratic.
const SEARCH_ROUNDS_MAX: u64 = 64;

/// What valid records lie behind a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivors {
    None,
    /// Some, but none that says that what is broken was durable.
    Harmless,
    /// One that does. Or the search was given up: then it is not proved, but nothing may be cut either.
    ProveDamage,
}

/// Looks from the place on where `chain` breaks for valid records of the same segment.
pub(crate) fn search(chain: &mut Chain, floor: Lsn) -> Result<Survivors, WalError> {
    let (start, next_lsn) = (chain.offset(), chain.next_lsn());
    let mut budget = chain.segment().capacity().saturating_mul(SEARCH_ROUNDS_MAX);
    let mut survivors = Survivors::None;
    let mut scan = Scan::new(Arc::clone(chain.segment()), start);
    while let Some((offset, header)) = scan.next_header()? {
        let proves_damage = vouches_for(&header, next_lsn, floor);
        if !proves_damage && !may_follow(&header, offset - start, next_lsn) {
            continue;
        }
        match chain.record_at(offset) {
            Ok(_) if proves_damage => return Ok(Survivors::ProveDamage),
            Ok(_) => survivors = Survivors::Harmless,
            Err(Broken::Malformed(_)) => {}
            Err(unread) => return Err(unread.into_error(chain)),
        }
        let Some(left) = budget.checked_sub(header.stored_bytes() as u64) else {
            return Ok(Survivors::ProveDamage);
        };
        budget = left;
    }
    Ok(survivors)
}

/// Whether a header says that `next_lsn` was durable, wherever it stands: a misdirected write may have left it there.
fn vouches_for(header: &Header, next_lsn: Lsn, floor: Lsn) -> bool {
    match header.kind {
        RecordKind::Data => header.durable_lsn >= next_lsn,
        RecordKind::Marker => header.lsn >= next_lsn && header.lsn > floor,
    }
}

/// Whether a record `distance` bytes behind the place of `next_lsn` can have this header.
fn may_follow(header: &Header, distance: u64, next_lsn: Lsn) -> bool {
    let records_between_max = distance / HEADER_BYTES as u64;
    match header.lsn.0.checked_sub(next_lsn.0) {
        Some(ahead) => ahead <= records_between_max,
        None => false,
    }
}

/// Everything in a segment that has the form of a header, at every offset where a record may start.
#[derive(Debug)]
pub(crate) struct Scan {
    segment: Arc<Segment>,
    pub(crate) offset: u64,
    chunk: Vec<u8>,
    chunk_offset: u64,
}

impl Scan {
    pub(crate) fn new(segment: Arc<Segment>, offset: u64) -> Scan {
        Scan {
            segment,
            offset,
            chunk: Vec::new(),
            chunk_offset: offset,
        }
    }

    /// The next header-like place; its checksum is unchecked.
    pub(crate) fn next_header(&mut self) -> Result<Option<(u64, Header)>, WalError> {
        loop {
            let start = usize::try_from(self.offset - self.chunk_offset).unwrap_or(usize::MAX);
            let Some(bytes) = self.chunk.get(start..).and_then(<[u8]>::first_chunk) else {
                if !self.read_chunk()? {
                    return Ok(None);
                }
                continue;
            };
            let offset = self.offset;
            self.offset += ALIGN_BYTES as u64;
            if let Ok(header) = format::decode(bytes, self.segment.records_end() - offset) {
                return Ok(Some((offset, header)));
            }
        }
    }

    /// Reads on from the current offset; `false` when no header fits there any more.
    fn read_chunk(&mut self) -> Result<bool, WalError> {
        let left = self.segment.records_end().saturating_sub(self.offset);
        if left < HEADER_BYTES as u64 {
            return Ok(false);
        }
        let len = chunk_len(left);
        self.chunk.resize(len, 0);
        self.chunk_offset = self.offset;
        self.segment
            .file
            .read_exact_at(&mut self.chunk, self.offset)?;
        Ok(true)
    }
}
