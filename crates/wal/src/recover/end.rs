//! Where a log ends, and whether that is a torn tail or damage.
//!
//! Only the last segment can end in a torn tail (rules D2 of `folder.rs` and V1 of `writer.rs`). There the chain of
//! records breaks at some offset, where record *k* should be:
//!
//! - a valid record there or behind it, or the marker, says that *k* was durable: the place was whole once, or *k* was in
//!   a segment behind this one that is gone. [`WalError::Corrupt`]. That record, or the marker, may be what damaged the
//!   place, when the medium wrote it there instead of where it belongs.
//! - nothing says so: *k* was never acknowledged, or only by the last group before a crash. The log ends before it.

use std::collections::VecDeque;
use std::sync::Arc;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use super::corrupt;
use super::survivors::{Survivors, search};
use crate::chain::{Broken, Chain};
use crate::error::{Malformed, WalError};
use crate::record::format::{self, HEADER_BYTES, RecordKind};
use crate::segment::Segment;

/// Where the log ends.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) segment: Arc<Segment>,
    /// The last record; before the first one of the last segment when that holds none.
    pub(crate) last: Lsn,
    /// Where the next record goes.
    pub(crate) offset: u64,
    /// Everything up to here is known to be durable, whatever becomes of the last record.
    pub(crate) known: Lsn,
    /// Whether valid records are behind the end.
    pub(crate) has_survivors: bool,
}

/// Reads everything after `floor`.
pub(crate) fn find_end(
    segments: &VecDeque<Arc<Segment>>,
    floor: Lsn,
) -> Result<Option<End>, WalError> {
    let needed = floor.0.saturating_add(1);
    let after = segments.partition_point(|segment| segment.first_lsn().0 <= needed);
    let before_last = segments.len().checked_sub(2).map(|idx| &*segments[idx]);
    let mut segments = segments.range(after.saturating_sub(1)..).peekable();
    while let Some(segment) = segments.next() {
        let chain = Chain::new(Arc::clone(segment));
        match segments.peek() {
            Some(next) => check_inner(chain, next.first_lsn())?,
            None => return find_tail(chain, before_last, floor).map(Some),
        }
    }
    Ok(None)
}

/// Checks that a segment holds every record before `until`, with which the next one begins.
fn check_inner(mut chain: Chain, until: Lsn) -> Result<(), WalError> {
    while chain.next_lsn() < until {
        let link = chain.next_link();
        link.map_err(|broken| broken.into_error(&chain))?;
    }
    Ok(())
}

/// Reads the last segment to where its chain breaks, and says what the break is. A marker that vouches for nothing after
/// `floor` does not matter: so it may be where all segments are given up, the last one first.
///
/// The marker of the segment before it vouches for its first records: see `vouch` in `writer.rs`.
fn find_tail(mut chain: Chain, before: Option<&Segment>, floor: Lsn) -> Result<End, WalError> {
    let why = loop {
        match chain.next_link() {
            Ok(_) => {}
            Err(Broken::Malformed(why)) => break why,
            Err(unread) => return Err(unread.into_error(&chain)),
        }
    };
    judge(&mut chain, before, floor, why)
}

/// Says what a break of the last segment's chain is, where `chain` stands.
pub(crate) fn judge(
    chain: &mut Chain,
    before: Option<&Segment>,
    floor: Lsn,
    why: Malformed,
) -> Result<End, WalError> {
    let segment = Arc::clone(chain.segment());
    let (offset, next_lsn) = (chain.offset(), chain.next_lsn());
    let known = known_durable(&segment)?;
    let survivors = search(chain, floor)?;
    let vouched = before.map_or(Ok(known), known_durable)?.max(known);
    let is_vouched_for = vouched >= next_lsn && vouched > floor;
    let is_proved = survivors == Survivors::ProveDamage || is_vouched_for;
    if is_proved && !is_planted("wal-damage-cut") {
        return Err(corrupt(segment.number(), offset, next_lsn, why));
    }
    Ok(End {
        last: Lsn(next_lsn.0.saturating_sub(1)),
        offset,
        known,
        has_survivors: survivors == Survivors::Harmless,
        segment,
    })
}

/// What a segment says is durable without regard to its records: everything before it, and what its marker says.
pub(crate) fn known_durable(segment: &Segment) -> Result<Lsn, WalError> {
    let mut bytes = [0; HEADER_BYTES];
    segment
        .file
        .read_exact_at(&mut bytes, segment.records_end())?;
    let before = Lsn(segment.first_lsn().0.saturating_sub(1));
    let marker = format::decode(&bytes, bytes.len() as u64)
        .ok()
        .filter(|header| {
            header.kind == RecordKind::Marker
                && format::check(header, &bytes, segment.header.epoch).is_ok()
        });
    Ok(marker.map_or(before, |marker| before.max(marker.lsn)))
}
