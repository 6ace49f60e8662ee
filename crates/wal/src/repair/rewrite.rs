//! A segment that takes the place of one that was cut.

use std::sync::Arc;

use drystone_base::Lsn;

use crate::chain::Chain;
use crate::error::WalError;
use crate::record::format::{RecordKind, encode_unsealed, seal};
use crate::repair::plan::Cut;
use crate::segment::format::{RECORDS_START, SegmentHeader, encode, records_end};
use crate::segment::{CHUNK_BYTES, LogFile, Segment};

/// A segment that holds the records of another one, up to a cut.
pub(crate) struct Rewrite {
    header: SegmentHeader,
    /// The other one, and where the first record is that is not kept.
    kept: Option<(Arc<Segment>, Lsn)>,
    last: Lsn,
}

impl Rewrite {
    pub(crate) fn of(cut: &Cut, epoch: u64, segment_bytes: u64) -> Rewrite {
        let kept = cut.kept.as_ref();
        Rewrite {
            header: SegmentHeader {
                number: cut.segment,
                epoch,
                first_lsn: kept.map_or(cut.lsn, |kept| kept.first_lsn()),
                capacity: kept.map_or(segment_bytes, |kept| kept.capacity()),
            },
            kept: kept.map(|kept| (Arc::clone(kept), cut.lsn)),
            last: Lsn(cut.lsn.0.saturating_sub(1)),
        }
    }

    /// Writes all of it, and syncs it.
    pub(crate) fn write(&self, file: &LogFile) -> Result<(), WalError> {
        file.write_all_at(&encode(&self.header), 0)?;
        let end = self.write_records(file)?;
        let trailer = records_end(self.header.capacity);
        file.write_zeros(end..self.header.capacity)?;
        let mut marker = Vec::new();
        encode_unsealed(&mut marker, RecordKind::Marker, self.last, &[]);
        seal(&mut marker, self.last, self.header.epoch);
        file.write_all_at(&marker, trailer)?;
        file.sync()
    }

    /// Returns where they end.
    fn write_records(&self, file: &LogFile) -> Result<u64, WalError> {
        let mut end = RECORDS_START;
        let Some((segment, until)) = &self.kept else {
            return Ok(end);
        };
        let mut chain = Chain::new(Arc::clone(segment));
        chain.read_no_further();
        let mut records = Vec::new();
        while chain.next_lsn() < *until {
            let link = chain
                .next_link()
                .map_err(|broken| broken.into_error(&chain))?;
            let start = records.len();
            encode_unsealed(&mut records, RecordKind::Data, link.lsn, &link.payload);
            // All of them were read; none is there before all are durable.
            let before = Lsn(link.lsn.0.saturating_sub(1));
            seal(&mut records[start..], before, self.header.epoch);
            if records.len() >= CHUNK_BYTES {
                file.write_all_at(&records, end)?;
                end += records.len() as u64;
                records.clear();
            }
        }
        file.write_all_at(&records, end)?;
        Ok(end + records.len() as u64)
    }
}
