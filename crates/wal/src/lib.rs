//! The log: segments, group commit, recovery, tailing. Usable alone.
//!
//! A [`Log`] is a folder of fixed-size files that hold numbered records. It promises:
//!
//! - W1. A record whose number was passed to [`Log::sync_to`], and for which that returned `Ok`, is there after any
//!   crash, with its bytes, at its number.
//! - W2. Numbers are consecutive. What recovery finds is a prefix of what was appended: no record is skipped, none is
//!   invented, and none that was once cut comes back.
//! - W3. Damage to records that are known to have been durable is an error that names segment, offset and LSN. It is
//!   never taken for a torn tail. What is known is written into every record that follows, into the marker of a quiet
//!   or closed log, and into the segment before the last; `docs/format/wal.md` says which window is left.
//! - W4. After a failed write or sync nothing more is acknowledged until the log is opened again.
//! - W5. A full disk met while preparing a segment fails that one append, and uses no number.
//!
//! ```
//! use drystone_base::{Env, Lsn};
//! use drystone_wal::{Log, LogOptions};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), drystone_wal::WalError> {
//! let env = Env::memory(7);
//! let log = Log::open(&env, Path::new("log"), LogOptions::default(), Lsn::ZERO)?;
//! let lsn = log.append(b"laid a stone")?;
//! log.sync_to(lsn)?; // on stable media from here on
//! log.close()?;
//!
//! let log = Log::open(&env, Path::new("log"), LogOptions::default(), Lsn::ZERO)?;
//! for record in log.read_from(Lsn(1)) {
//!     let record = record?;
//!     assert_eq!((record.lsn, &record.payload[..]), (Lsn(1), &b"laid a stone"[..]));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Modules, in reading order
//! `record/format.rs` and `segment/format.rs` are the bytes; `segment.rs` one file; `folder.rs` the folder of them;
//! `group.rs` what waits to be written; `writer.rs` who writes it; `chain.rs` how it is read back; `recover.rs` what
//! opening does; `reader.rs` iterates; `log.rs` ties them together.

mod archive;
mod chain;
mod error;
mod folder;
mod folder_archive;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod hold;
mod house;
mod log;
mod options;
mod reader;
mod record;
mod recover;
mod repair;
mod segment;
mod shared;
mod state;
mod wakers;
mod writer;

pub use archive::{Archive, ArchiveStats, ClosedSegment};
pub use error::{Malformed, WalError};
pub use folder_archive::FolderArchive;
pub use hold::{Hold, HoldStats};
pub use log::Log;
pub use options::{Durability, LogOptions, LogStats, Progress, Recovery};
pub use reader::{Reader, Tailed};
pub use record::{MAX_PAYLOAD_BYTES, Record};
pub use repair::{RepairCause, RepairReport};
pub use segment::SegmentId;
