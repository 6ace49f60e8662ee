//! Housekeeping: files that are no segments yet, or no more, and the note that segments are being written.

use std::collections::VecDeque;

use drystone_base::Lsn;

use crate::error::{WalError, both};
use crate::folder::Folder;
use crate::options::Progress;
use crate::segment::{Segment, Spare};
use crate::shared::Shared;

#[derive(Debug)]
pub(crate) struct House {
    folder: Folder,
    /// Number of the next spare.
    next_spare: u64,
    /// Segments that got the names of spares, which may not be durable yet: not to be written to before the folder is synced.
    renamed: Vec<Spare>,
}

impl House {
    pub(crate) fn new(folder: Folder, next_spare: u64) -> House {
        House {
            folder,
            next_spare,
            renamed: Vec::new(),
        }
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    fn number_spare(&mut self) -> u64 {
        let number = self.next_spare;
        self.next_spare = number.wrapping_add(1);
        number
    }

    /// Turns segments into spares, until there are as many as `wanted`, and removes the files of the others; from the oldest
    /// on, so that what a crash leaves is whole.
    fn retire(
        &mut self,
        unread: &mut VecDeque<(Segment, Option<Lsn>)>,
        segment_bytes: u64,
        wanted: usize,
    ) -> Result<(), WalError> {
        while let Some((segment, _)) = unread.front() {
            let is_standard = segment.capacity() == segment_bytes;
            if is_standard && self.renamed.len() < wanted {
                let number = self.number_spare();
                let spare = self.folder.retire(segment, number)?;
                self.renamed.push(spare);
            } else {
                self.folder.remove(&segment.file.path)?;
            }
            unread.pop_front();
        }
        Ok(())
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
    /// many. What is left after an error is tried again by the next call.
    pub(crate) fn recycle(&self) -> Result<Progress, WalError> {
        {
            let mut state = self.state.lock();
            state.retire_segments(self.options.retain_bytes, self.durable());
        }
        let marked = self.write_missing_marker();
        let recycled = self.recycle_unread();
        let ((), progress) = both(marked, recycled)?;
        Ok(progress)
    }

    fn recycle_unread(&self) -> Result<Progress, WalError> {
        let mut house = self.house.lock();
        let (mut unread, spares) = {
            let mut state = self.state.lock();
            (state.take_unread(), state.spares.len())
        };
        if unread.is_empty() && house.renamed.is_empty() {
            return Ok(Progress::Idle);
        }
        let wanted = self.options.spare_segments_max.saturating_sub(spares);
        let retired = house.retire(&mut unread, self.options.segment_bytes, wanted);
        self.state.lock().put_back(unread);
        both(retired, house.folder.sync())?;
        let renamed = std::mem::take(&mut house.renamed);
        self.state.lock().spares.extend(renamed);
        Ok(Progress::More)
    }

    /// Leaves the note that segments are being written, unless it is there. Before a record is appended, so that a full
    /// disk fails that, and nothing that has a number already.
    pub(crate) fn note_writing(&self) -> Result<(), WalError> {
        let house = self.house.lock();
        if self.state.lock().is_noted {
            return Ok(());
        }
        house.folder.note_writing()?;
        self.state.lock().is_noted = true;
        Ok(())
    }

    /// Takes the note away, where nothing is written any more, and a marker covers all that was.
    pub(crate) fn remove_note(&self) {
        let house = self.house.lock();
        {
            let mut state = self.state.lock();
            let is_quiet = state.marked >= state.appended;
            if !is_quiet || state.writer.is_none() || state.is_poisoned {
                return;
            }
            state.is_noted = false;
        }
        // One that stays costs the next open a copy, and no more.
        let _removed = house.folder.remove_writing_note();
    }
}
