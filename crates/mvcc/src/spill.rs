//! Spilling: sorted files that hold what a large transaction wrote and memory should not.
//!
//! ```text
//! a transaction's write set ----+
//!                               +--> run (a sorted file) --+
//! a bulk load's sort buffer ----+                          +--> merged by a loser tree --> the engine's stage
//!                               +--> the last buffer ------+
//! ```
//!
//! Nothing here outlives the process: what opens a store empties the folder. So files are never synced, and their format
//! has no version; a checksum in each block finds what the device loses or swaps meanwhile.

mod filter;
mod folder;
mod join;
mod layer;
mod merge;
mod probe;
mod run;
mod sort_buffer;

pub(crate) use self::folder::SpillFolder;
pub(crate) use self::join::RunBound;
pub(crate) use self::layer::{Layer, Layers, Span, find};
pub(crate) use self::merge::LayerChanges;
pub(crate) use self::probe::LayersProbe;
pub(crate) use self::run::Run;
pub(crate) use self::run::cursor::RunCursor;
pub(crate) use self::run::stream::RunStream;
pub(crate) use self::run::writer::{Lookups, RunWriter};
pub(crate) use self::sort_buffer::{KnownKeys, SortBuffer, Sorted};

/// What fuzz targets look at.
#[cfg(fuzzing)]
pub(crate) mod fuzzing {
    pub(crate) use super::run::format::{HEADER_BYTES, check, encode_entry, entry_at, seal, seed};
}
