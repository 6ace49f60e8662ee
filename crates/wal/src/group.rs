//! What was appended and is not written yet: parts of one group, each for one segment.

use drystone_base::Lsn;

use crate::record::format::{RecordKind, encode_unsealed, seal, stored_bytes};
use crate::segment::format::{RECORDS_START, records_end};
use crate::segment::{SegmentId, Spare};

/// Buffers up to this size are kept for the next group.
const KEPT_BUFFER_BYTES_MAX: usize = 1 << 20;

/// A segment that begins within a group: the writer makes it when it gets there.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) spare: Spare,
    pub(crate) number: SegmentId,
    pub(crate) first_lsn: Lsn,
}

/// Consecutive records for one segment.
#[derive(Debug)]
pub(crate) struct Part {
    /// The segment that these records begin, or `None` for the one that is being written.
    pub(crate) begin: Option<Begin>,
    /// Where in the segment's file the first of them starts.
    pub(crate) offset: u64,
    /// The records, unsealed until [`Part::seal`].
    pub(crate) bytes: Vec<u8>,
    /// Number of the last data record up to here.
    pub(crate) last: Lsn,
}

impl Part {
    /// Completes the records with what is known now. Returns their number.
    pub(crate) fn seal(&mut self, durable: Lsn, epoch: u64) -> u64 {
        seal(&mut self.bytes, durable, epoch)
    }
}

/// Where the next record goes: the end of the newest segment, begun or still to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) offset: u64,
    pub(crate) capacity: u64,
}

impl Tail {
    fn fits(&self, stored: usize) -> bool {
        self.offset + stored as u64 <= records_end(self.capacity)
    }
}

/// The group that fills.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) parts: Vec<Part>,
    /// Bytes in `parts`.
    pub(crate) bytes: usize,
    /// The end of the log, or `None` until there is a segment.
    tail: Option<Tail>,
    /// Number of the next segment.
    next_segment: SegmentId,
    /// An empty buffer of the group before.
    buffer: Vec<u8>,
}

impl Group {
    pub(crate) fn new(tail: Option<Tail>, next_segment: SegmentId) -> Group {
        Group {
            parts: Vec::new(),
            bytes: 0,
            tail,
            next_segment,
            buffer: Vec::new(),
        }
    }

    /// Whether a data record of `stored` bytes fits the segment that is being filled.
    pub(crate) fn fits(&self, stored: usize) -> bool {
        self.tail.is_some_and(|tail| tail.fits(stored))
    }

    /// Whether more than half of the segment that is being filled is taken: time to prepare the next.
    pub(crate) fn is_past_half(&self) -> bool {
        self.tail.is_none_or(|tail| tail.offset > tail.capacity / 2)
    }

    /// Continues in a new segment, which `spare` is to become.
    pub(crate) fn begin_segment(&mut self, spare: Spare, first_lsn: Lsn) {
        let number = self.next_segment;
        self.next_segment = number.next();
        self.tail = Some(Tail {
            offset: RECORDS_START,
            capacity: spare.capacity,
        });
        let begin = Begin {
            spare,
            number,
            first_lsn,
        };
        self.push_part(Some(begin), RECORDS_START);
    }

    /// Adds a record, which [`Group::fits`].
    pub(crate) fn push(&mut self, lsn: Lsn, payload: &[u8]) {
        let tail = self
            .tail
            .as_mut()
            .expect("a record fits only when a segment was begun");
        let stored = stored_bytes(payload.len());
        let offset = tail.offset;
        tail.offset += stored as u64;
        assert!(
            tail.offset <= records_end(tail.capacity),
            "records stay out of the trailer"
        );
        if self.parts.is_empty() {
            self.push_part(None, offset);
        }
        let part = self.parts.last_mut().expect("a part was pushed above");
        encode_unsealed(&mut part.bytes, RecordKind::Data, lsn, payload);
        part.last = lsn;
        self.bytes += stored;
    }

    fn push_part(&mut self, begin: Option<Begin>, offset: u64) {
        self.parts.push(Part {
            begin,
            offset,
            bytes: std::mem::take(&mut self.buffer),
            last: Lsn::ZERO,
        });
    }

    /// Hands out what has gathered; the next group starts empty.
    pub(crate) fn take(&mut self) -> Vec<Part> {
        self.bytes = 0;
        std::mem::take(&mut self.parts)
    }

    /// Takes a written group's memory back for the next ones.
    pub(crate) fn recycle(&mut self, mut written: Vec<Part>) {
        let Some(part) = written.pop() else { return };
        let mut buffer = part.bytes;
        if buffer.capacity() <= KEPT_BUFFER_BYTES_MAX && self.buffer.capacity() < buffer.capacity()
        {
            buffer.clear();
            self.buffer = buffer;
        }
        if self.parts.capacity() == 0 {
            written.clear();
            self.parts = written;
        }
    }
}

#[cfg(test)]
mod tests;
