//! Opening: what a tree's file and options must be, and what a crash has left.

use std::io;
use std::path::Path;
use std::sync::Arc;

use drystone_engine::EngineError;
use drystone_storage_pager::{Codec, CompressError, Pager, Root};

use crate::directory;
use crate::options::{MAX_PAGE_BYTES, MIN_PAGE_BYTES};
use crate::payload::{self, Payload, Refused, Stages};
use crate::pin::PinBudget;
use crate::snapshot::{BTreeSnapshot, State};

/// What a crash, or a failed decision, has left undecided.
pub(crate) fn open_staged(
    state: &State,
    budget: &Arc<PinBudget>,
) -> Result<Option<Arc<BTreeSnapshot>>, EngineError> {
    let stages = state.stages();
    let Some(staged) = stages.staged else {
        return Ok(None);
    };
    let keyspaces = directory::read_directory(state.pages(), staged.directory.as_ref(), budget)?;
    let root = Arc::clone(state.root());
    let staged = State::new(root, state.shared_pages(), staged.directory, keyspaces);
    let staged = staged.with_stages(stages).with_pieces(state.has_pieces());
    Ok(Some(Arc::new(BTreeSnapshot::new(staged))))
}

/// # Errors
/// When a tree cannot have nodes of this length.
pub(crate) fn check_page_bytes(dir: &Path, page_bytes: u32) -> Result<(), EngineError> {
    if (MIN_PAGE_BYTES..=MAX_PAGE_BYTES).contains(&page_bytes) {
        return Ok(());
    }
    let why =
        format!("page_bytes is {page_bytes}; {MIN_PAGE_BYTES} to {MAX_PAGE_BYTES} are allowed");
    Err(EngineError::Io {
        op: "open",
        path: dir.to_owned(),
        offset: 0,
        source: io::Error::new(io::ErrorKind::InvalidInput, why),
    })
}

/// # Errors
/// When this build lacks a codec, or the codec a level.
pub(crate) fn check_codec(path: &Path, codec: Codec) -> Result<(), EngineError> {
    let kind = |why: &CompressError| match why {
        CompressError::NotBuilt(_) => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::InvalidInput,
    };
    codec.check().map_err(|why| EngineError::Io {
        op: "open",
        path: path.to_owned(),
        offset: 0,
        source: io::Error::new(kind(&why), why),
    })
}

/// The root payload; for a new tree, what it begins with.
pub(crate) fn read_payload(
    pager: &Pager,
    root: &Root,
    page_bytes: u32,
) -> Result<Payload, EngineError> {
    if root.payload.is_empty() {
        return Ok(Payload {
            page_bytes,
            directory: None,
            stages: Stages::default(),
            has_pieces: false,
        });
    }
    Payload::decode(&root.payload).map_err(|refused| match refused {
        Refused::Version(found) => EngineError::UnsupportedVersion {
            path: pager.path().to_owned(),
            found,
            supported: payload::VERSION,
        },
        Refused::Malformed(why) => EngineError::Corrupt {
            path: pager.path().to_owned(),
            offset: 0,
            why,
        },
    })
}
