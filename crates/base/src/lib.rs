//! The vocabulary that every crate of Drystone shares, and that decides nothing.
//!
//! - [`Lsn`], [`KeyspaceId`]: the numbers that name a commit and a keyspace.
//! - [`FileSystem`], [`File`], [`Clock`], [`Random`], bundled as [`Env`]: all that a database takes from the outside
//!   world. Core crates own no clock, randomness, file or thread; they are handed an `Env`. So the same code runs on
//!   the operating system ([`Env::os`]), in memory ([`Env::memory`]) and on the simulated disk of `drystone-testkit`.
//! - [`checksum`]: CRC-32C for records, CRC-64/NVME for pages.
//! - [`huge_pages`]: asks the operating system to map memory in larger pieces.
//! - [`Malformed`]: what decoders say of bytes that break a format.
//! - [`planted`]: bugs put in on purpose, for the tests that must find them; never in a normal build.
//! - [`sync`]: latches, atomics and cells, which model checkers can stand in for.
//! - [`varint`]: LEB128 integers, decoded totally.
//!
//! ```
//! use drystone_base::{Env, OpenMode};
//! use std::path::Path;
//!
//! # fn main() -> std::io::Result<()> {
//! let env = Env::memory(7);
//! let file = env.files.open(Path::new("notes"), OpenMode::CreateNew)?;
//! file.write_all_at(b"stone", 0)?;
//! file.sync()?;
//! assert_eq!(file.len()?, 5);
//! # Ok(())
//! # }
//! ```

pub mod checksum;
mod clock;
mod env;
mod file;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod huge_pages;
mod id;
mod malformed;
mod mapping;
mod memory_file_system;
mod os_file_system;
pub mod planted;
pub mod prefault;
mod random;
mod read_hint;
pub mod sync;
pub mod transfer;
pub mod varint;
mod write_hint;

pub use clock::{Clock, ManualClock, OsClock, Timestamp};
pub use env::Env;
pub use file::{Cached, File, FileSystem, LockError, LockGuard, OpenMode};
pub use id::{KeyspaceId, Lsn};
pub use malformed::Malformed;
pub use mapping::Mapping;
pub use memory_file_system::MemoryFileSystem;
pub use os_file_system::OsFileSystem;
pub use random::{OsRandom, Random, SeededRandom};
