//! Segments that are older than all that is needed: which of them are set aside.

use std::sync::Arc;

use super::{Found, out_of_order, unreadable};
use crate::archive::ClosedSegment;
use crate::error::{Malformed, WalError};
use crate::repair::OlderDamage;
use crate::segment::format::VERSION;
use crate::segment::{Segment, SegmentId};

impl Found {
    /// Refuses where a leftover that a newer program has written may hold what is needed: that is no damage.
    pub(super) fn check_versions(&self) -> Result<(), WalError> {
        let newer = self.segments.iter().find_map(|(number, segment)| {
            let Err(Malformed::Version { found }) = segment else {
                return None;
            };
            Some((*number, *found))
        });
        match newer {
            Some((segment, found)) => Err(WalError::UnsupportedVersion {
                segment,
                found,
                supported: VERSION,
            }),
            None => Ok(()),
        }
    }

    /// The segments in front of `start` that a strict open would not take, or no archive could, and why.
    pub(super) fn leading(
        &self,
        start: usize,
    ) -> Result<(Vec<SegmentId>, Option<OlderDamage>), WalError> {
        for idx in (0..start).rev() {
            let (number, segment) = &self.segments[idx];
            if number.next() != self.segments[idx + 1].0 {
                return self.rotten(idx + 1);
            }
            let why = match segment {
                Ok(segment) => self
                    .sound(idx + 1)
                    .and_then(|next| out_of_order(segment, next)),
                Err(why) => Some(*why),
            };
            if let Some(why) = why {
                let numbers = self.segments[..=idx].iter().map(|(number, _)| *number);
                let segment = *number;
                return Ok((numbers.collect(), Some(OlderDamage { segment, why })));
            }
        }
        Ok((Vec::new(), None))
    }

    /// The segments before `end`, all of them in front of a gap, that cannot be read whole, and what is wrong with the last of
    /// them. Recovery keeps leftovers for the archive: one that it can never be given would be in its way for good.
    fn rotten(&self, end: usize) -> Result<(Vec<SegmentId>, Option<OlderDamage>), WalError> {
        let mut numbers = Vec::new();
        let mut last = None;
        for idx in 0..end {
            let (segment, found) = &self.segments[idx];
            let why = match found {
                Err(why) => Some(*why),
                Ok(found) => damage_within(found, self.follower(idx))?,
            };
            if let Some(why) = why {
                numbers.push(*segment);
                last = Some(OlderDamage {
                    segment: *segment,
                    why,
                });
            }
        }
        Ok((numbers, last))
    }
}

/// What is wrong with the records of a segment, as an archive would find it.
fn damage_within(
    segment: &Arc<Segment>,
    follower: Option<&Arc<Segment>>,
) -> Result<Option<Malformed>, WalError> {
    let until = follower.map(|follower| follower.first_lsn());
    match ClosedSegment::check(Arc::clone(segment), until) {
        Ok(_) => Ok(None),
        Err(WalError::Corrupt { why, .. }) => Ok(Some(why)),
        Err(error) => unreadable(error).map(Some),
    }
}
