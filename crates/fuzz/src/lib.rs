//! Fuzz targets: every decoder and every input from outside, each a function of bytes that returns when all is well.
//!
//! The same function runs in three places: under libFuzzer (`fuzz_targets/`, `cargo xtask fuzz`), on stable with seeds and
//! random changes of them ([`smoke`], `cargo xtask fuzz --smoke`), and for one file of bytes ([`replay`]). What is wrong
//! panics, does not come back within [`HANG_SECONDS`], or takes more memory than [`MEMORY_BYTES_MAX`].
//!
//! Everything here is built with `--cfg fuzzing`, which shows private decoders (each crate's module `fuzzing`) and lets a
//! target take any checksum for the right one.
//!
//! # Modules, in reading order
//! `target` (the list), `targets/` (what each does), `source` (choices out of bytes), `grammar` (statements out of
//! choices), `seeds`, `mutation`, `smoke`, `watch`, `replay`,
//! `sqlite_corpus`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what drives targets works on the real file system and the real clock"
)]

pub mod grammar;
mod limits;
pub mod mutation;
pub mod replay;
pub mod sample;
pub mod seeds;
pub mod small_database;
pub mod smoke;
pub mod source;
#[cfg(feature = "sqlite")]
pub mod sqlite_corpus;
mod target;
pub mod targets;
mod watch;

pub use limits::{HANG_SECONDS, MEMORY_BYTES_MAX};
pub use target::{FORMATS, Runner, TARGET_VARIABLE, TARGETS, Target};
