//! Makes the end of a log durable, and cleans up behind it and around it.
//!
//! # What may be left behind the end
//! Records of the same torn group can survive behind the break, valid by checksum, numbered above *k*. If new records
//! were written over the break and happened to end where such a one starts, it would chain and come back. So where
//! there are any, everything from the end of the log to the end of the segment is overwritten with zeros, and synced,
//! before anything is appended. A crash on the way changes nothing that decides: *k* stays unreadable, and the
//! survivors never say that it was durable.
//!
//! # What may be in the cache only
//! A killed process leaves records that nobody synced: the last segment and the folder are synced again. After a failed
//! sync that is not enough, for the cache may hold pages, marked clean, that never reached the medium. And whoever saw
//! the failure may have been killed before it could say so. So there is a note in the folder from before the first record
//! until a marker covers the last one, and during a recovery; where one is found, the whole last segment is copied,
//! records and zeros, as read. Only where the disk is too full for the copy, and nobody said that something failed, is
//! it synced where it is.

use std::io::ErrorKind;
use std::sync::Arc;

use drystone_base::planted::is_planted;

use super::end::End;
use crate::error::WalError;
use crate::folder::{Folder, Listing};
use crate::options::LogOptions;
use crate::segment::Spare;

/// Makes the log up to its end durable, and what is valid behind it zero.
pub(crate) fn mend(
    folder: &Folder,
    listing: &mut Listing,
    spares: &mut Vec<Spare>,
    end: &mut End,
    in_doubt: bool,
) -> Result<(), WalError> {
    if in_doubt {
        match spare_for_copy(folder, listing, spares, end.segment.capacity()) {
            Ok(spare) => {
                end.segment = Arc::new(folder.replace(&end.segment, end.offset, spare)?);
                return Ok(());
            }
            Err(error) if listing.is_poisoned || !is_full(&error) => return Err(error),
            // It is not known that anything failed: a full disk must not keep a log closed for what is that unlikely.
            Err(_) => {}
        }
    }
    if end.has_survivors && !is_planted("wal-torn-tail-kept") {
        end.segment
            .file
            .write_zeros(end.offset..end.segment.records_end())?;
    }
    end.segment.file.sync()
}

fn is_full(error: &WalError) -> bool {
    matches!(error, WalError::Io { source, .. } if source.kind() == ErrorKind::StorageFull)
}

/// A spare file of this length; a new one where there is none, so that a full disk is in the way only then.
fn spare_for_copy(
    folder: &Folder,
    listing: &mut Listing,
    spares: &mut Vec<Spare>,
    capacity: u64,
) -> Result<Spare, WalError> {
    if let Some(fits) = spares.pop_if(|spare| spare.capacity == capacity) {
        return Ok(fits);
    }
    let number = listing.next_spare;
    listing.next_spare = number.saturating_add(1);
    folder.create_spare(number, capacity)
}

/// Opens the spare files that fit, as many as are to be kept, and removes the others.
pub(crate) fn take_spares(
    folder: &Folder,
    options: &LogOptions,
    listing: &Listing,
) -> Result<Vec<Spare>, WalError> {
    let mut spares = Vec::new();
    for path in &listing.spares {
        let spare = folder.open_spare(path)?;
        let fits = spare.capacity == options.segment_bytes;
        if fits && spares.len() < options.spare_segments_max {
            spares.push(spare);
        } else {
            folder.remove(path)?;
        }
    }
    Ok(spares)
}

/// Removes half-made files.
pub(crate) fn remove_unfinished(folder: &Folder, listing: &Listing) -> Result<(), WalError> {
    for path in &listing.unfinished {
        folder.remove(path)?;
    }
    Ok(())
}
