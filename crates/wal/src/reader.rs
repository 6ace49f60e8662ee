//! Reading the log from any record on, also while it is written.

use std::collections::VecDeque;
use std::sync::Arc;

use drystone_base::Lsn;

use crate::chain::Chain;
use crate::error::WalError;
use crate::log::Shared;
use crate::record::Record;
use crate::segment::Segment;

/// Iterates the records of a log in the order of their numbers: see [`Log::read_from`](crate::Log::read_from).
///
/// Holds a chunk of 256 KiB, or one longer record. `None` says that all that was flushed has been read; later calls go
/// on after it. After an error it returns `None` for good.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// The record to return next.
    next: Lsn,
    /// The files may be read up to here.
    limit: Lsn,
    /// The segments from the one that holds `next` on. While they are held here, no file of theirs is recycled.
    segments: VecDeque<Arc<Segment>>,
    /// The place in the first of `segments`.
    chain: Option<Chain>,
    has_failed: bool,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, from: Lsn) -> Reader {
        let next = from.max(Lsn(1));
        let mut reader = Reader {
            shared,
            next,
            limit: Lsn(next.0 - 1),
            segments: VecDeque::new(),
            chain: None,
            has_failed: false,
        };
        // Holds the segments from here on. If they are gone already, the first call of `next` says so.
        if let Ok((segments, limit)) = reader.shared.readable(next) {
            reader.segments = segments;
            reader.limit = limit;
        }
        reader
    }

    /// Number of the record that comes next.
    #[must_use]
    pub fn position(&self) -> Lsn {
        self.next
    }

    fn try_next(&mut self) -> Result<Option<Record>, WalError> {
        if self.next > self.limit && !self.extend()? {
            return Ok(None);
        }
        loop {
            self.pass_segments();
            let Some(segment) = self.segments.front() else {
                return Ok(None);
            };
            let chain = self
                .chain
                .get_or_insert_with(|| Chain::new(Arc::clone(segment)));
            let link = chain.next_link();
            let link = link.map_err(|broken| broken.into_error(chain))?;
            if link.lsn >= self.next {
                self.next = link.lsn.next();
                return Ok(Some(Record {
                    lsn: link.lsn,
                    payload: link.payload,
                }));
            }
        }
    }

    /// Looks whether more was flushed; `false` when not.
    fn extend(&mut self) -> Result<bool, WalError> {
        if self.shared.flushed() < self.next {
            return Ok(false);
        }
        let (segments, limit) =
            self.shared
                .readable(self.next)
                .map_err(|oldest| WalError::Trimmed {
                    wanted: self.next,
                    oldest,
                })?;
        self.adopt(segments);
        self.limit = limit;
        Ok(self.next <= limit)
    }

    /// Takes the current list of segments, and stays where it is if that is in the first of them.
    fn adopt(&mut self, segments: VecDeque<Arc<Segment>>) {
        let here = segments.front().map(|segment| segment.number());
        self.chain
            .take_if(|chain| Some(chain.segment().number()) != here);
        if let Some(chain) = &mut self.chain {
            chain.forget_chunk();
        }
        self.segments = segments;
    }

    /// Leaves the segments that end before the next record.
    fn pass_segments(&mut self) {
        while let Some(second) = self.segments.get(1)
            && second.first_lsn() <= self.next
        {
            self.segments.pop_front();
            self.chain = None;
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, WalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.try_next().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}
