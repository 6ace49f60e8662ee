//! The log: segments, group commit, recovery, readers that follow it, archiving. Usable alone.
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
//! - W6. A [`Reader`] returns only what is durable, in order, without a gap; what it returned, no crash takes back.
//! - W7. No segment is reused or removed that an [`Archive`] has not taken, or that a [`Hold`] keeps within its bound.
//!
//! ```
//! use drystone_base::{Env, Lsn};
//! use drystone_wal::{Durability, Log, LogOptions};
//! use std::path::Path;
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), drystone_wal::WalError> {
//! let env = Env::memory(7); // or Env::os()
//! let log = Log::open(&env, Path::new("log"), LogOptions::default(), Lsn::ZERO)?;
//! let first = log.commit(b"laid a stone", Durability::Sync)?; // on stable media from here on
//! log.commit(b"and another", Durability::Async(Duration::from_millis(10)))?; // by a step in 10 ms
//! log.commit(b"and a third", Durability::None)?;
//! log.sync()?; // a barrier: now all of them are
//! log.close()?;
//!
//! let log = Log::open(&env, Path::new("log"), LogOptions::default(), Lsn::ZERO)?;
//! let records = log.read_from(first).collect::<Result<Vec<_>, _>>()?;
//! assert_eq!((records[0].lsn, &records[0].payload[..]), (Lsn(1), &b"laid a stone"[..]));
//! assert_eq!(records.len(), 3);
//! log.trim(Lsn(2))?; // whole segments before the third record may go; the next open says so:
//! drop(log);
//! Log::open(&env, Path::new("log"), LogOptions::default(), Lsn(2))?;
//! # Ok(())
//! # }
//! ```
//!
//! # How to use it
//! - **Write**: [`Log::commit`], or [`Log::append`] for many records and then [`Log::sync_to`] for the last. Threads that
//!   wait at the same time share one write and one sync; while that runs, the next group gathers.
//! - **Drive it**: [`Log::step`] ten times a second or so, from a thread of yours. It has none of its own: it prepares
//!   segments, keeps the promises of `Async`, archives, recycles.
//! - **Read**: [`Log::read_from`] any record on, also while it is written; [`Reader::next_within`] waits for what comes, and
//!   [`Reader::poll_next`] does so for async code. Who falls behind what was trimmed gets [`WalError::Trimmed`].
//! - **Keep**: [`Log::hold`] for a reader that must not fall behind; [`LogOptions::retain_bytes`] for those that come later;
//!   [`Log::set_archive`] for all time, with [`FolderArchive`] or an [`Archive`] of yours.
//! - **Cut**: [`Log::trim`] in front. Behind, only while it is opened: [`Recovery::EndAt`] to go back, [`Recovery::Repair`] to
//!   give up what is behind damage, which a person decides.
//! - **When it fails**: a full disk fails one append. A failed write or sync poisons the log; readers go on; open it again.
//!
//! `examples/follow.rs` shows a replica and an archive; `examples/commit_rate.rs` measures.
//!
//! # Modules, in reading order
//! `record/format.rs` and `segment/format.rs` are the bytes; `segment.rs` one file; `folder.rs` the folder of them;
//! `group.rs` what waits to be written; `writer.rs` who writes it; `chain.rs` how it is read back; `recover.rs` what
//! opening does, and `repair.rs` where a person lets it; `state.rs` what the latch guards; `shared.rs` how threads work
//! together, `gather.rs` whom a leader waits for, `early.rs` what is written before anybody waits, `marker.rs` when markers
//! are; `house.rs` and `shed.rs` which files come and go; `hold.rs` and `archive.rs` what keeps them; `reader.rs`
//! iterates, `tail.rs` waits; `log.rs` ties them together.

mod archive;
mod chain;
mod early;
mod error;
mod folder;
mod folder_archive;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod gather;
mod group;
mod hold;
mod house;
mod log;
mod marker;
mod options;
mod reader;
mod record;
mod recover;
mod repair;
mod segment;
mod shared;
mod shed;
mod state;
mod tail;
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
pub use repair::{OlderDamage, RepairCause, RepairReport};
pub use segment::SegmentId;
