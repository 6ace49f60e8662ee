//! Housekeeping: files that are no segments yet, or no more.

use std::sync::Arc;

use crate::error::WalError;
use crate::folder::Folder;
use crate::options::Progress;
use crate::segment::{Segment, Spare};
use crate::shared::Shared;

#[derive(Debug)]
pub(crate) struct House {
    folder: Folder,
    /// Number of the next spare.
    next_spare: u64,
}

impl House {
    pub(crate) fn new(folder: Folder, next_spare: u64) -> House {
        House { folder, next_spare }
    }

    fn number_spare(&mut self) -> u64 {
        let number = self.next_spare;
        self.next_spare = number.wrapping_add(1);
        number
    }
}

impl Shared {
    /// Prepares a segment of `capacity` bytes, unless one is there.
    pub(crate) fn prepare(&self, capacity: u64) -> Result<(), WalError> {
        let mut house = self.house.lock();
        if self.state.lock().has_spare(capacity) {
            return Ok(());
        }
        let number = house.number_spare();
        let spare = house.folder.create_spare(number, capacity)?;
        self.state.lock().spares.push(spare);
        Ok(())
    }

    pub(crate) fn prepare_ahead(&self) -> Result<Progress, WalError> {
        let capacity = self.options.segment_bytes;
        let state = self.state.lock();
        if state.is_poisoned || state.has_spare(capacity) || !state.group.is_past_half() {
            return Ok(Progress::Idle);
        }
        drop(state);
        self.prepare(capacity)?;
        Ok(Progress::More)
    }

    /// Retires the segments that nobody needs, makes spares of those that nobody reads any more, and deletes what is too
    /// many.
    pub(crate) fn recycle(&self) -> Result<Progress, WalError> {
        let is_shorter = self.state.lock().retire_segments(self.options.retain_bytes);
        if is_shorter {
            self.vouch_for_the_rest()?;
        }
        let mut house = self.house.lock();
        let (mut unread, kept) = self.state.lock().take_unread();
        if unread.is_empty() {
            return Ok(Progress::Idle);
        }
        let wanted = self.options.spare_segments_max.saturating_sub(kept);
        let mut spares = Vec::new();
        let retired = self.retire(&mut house, &mut unread, &mut spares, wanted);
        // What is left after an error is tried again by the next call.
        self.state
            .lock()
            .retired
            .extend(unread.into_iter().map(Arc::new));
        house.folder.sync()?;
        self.state.lock().spares.extend(spares);
        retired.map(|()| Progress::More)
    }

    /// Turns segments into spares, until there are as many as `wanted`, and removes the files of the others.
    fn retire(
        &self,
        house: &mut House,
        unread: &mut Vec<Segment>,
        spares: &mut Vec<Spare>,
        wanted: usize,
    ) -> Result<(), WalError> {
        while let Some(segment) = unread.last() {
            let is_standard = segment.capacity() == self.options.segment_bytes;
            if is_standard && spares.len() < wanted {
                let number = house.number_spare();
                spares.push(house.folder.retire(segment, number)?);
            } else {
                house.folder.remove(&segment.file.path)?;
            }
            unread.pop();
        }
        Ok(())
    }
}
