//! Blocks in a file: allocation, cache, checksums held in the parent, an atomic switch of the root.
//!
//! A [`Pager`] keeps *pages*, immutable runs of 4 KiB blocks, in one file. A [`Writer`] writes new pages to free blocks,
//! names the pages that the next state does without, and switches to that state with one durable superblock. Nothing is
//! ever overwritten that the last durable state, or a state that a reader still holds, uses. So a crash leaves the
//! state before or the one after, and readers never wait.
//!
//! A [`PageRef`] says where a page lies and what its checksum is. It is kept in the page's parent, and the topmost ones
//! in the root payload, so the pages form a Merkle tree: damage, lost writes and misdirected writes are found when they
//! are read.
//!
//! ```
//! use drystone_base::{Env, Lsn};
//! use drystone_storage_pager::{PAGE_REF_BYTES, PageRef, Pager, PagerOptions};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pager = Pager::open(&Env::memory(7), Path::new("stones"), PagerOptions::default())?;
//! let mut writer = pager.begin()?;
//! let page = writer.write(b"a flat one")?;
//! writer.commit(&page.encode(), Lsn(1))?;
//!
//! let root = pager.root(); // pins every page of its state for as long as it is held
//! let page = PageRef::decode(root.payload[..].try_into()?)?;
//! assert_eq!(&pager.read(&page)?[..], b"a flat one");
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//! - P1. A page is read while a [`Root`] whose state holds it is held, or by the writer that wrote it.
//! - P2. One [`Writer`] at a time ([`PagerError::Busy`]); [`Pager::step`] counts as one. Everything else may be called
//!   from any number of threads, at any time, while a writer works.
//! - P3. After a failed sync, or a failed write of a superblock's second copy ([`PagerError::Failed`]), nothing more is
//!   written until the file is opened again ([`PagerError::Poisoned`]); reads go on. After any other failed write the
//!   state is the old one, and writing may be tried again for as long as it takes.
//! - P4. One process has the file open for writing. The caller sees to it.
//!
//! Pages can be compressed, each by itself: [`Writer::write_compressed`]. The cache holds their contents.
//!
//! The bytes on disk: `docs/format/pager.md`.

mod births;
mod block;
mod buffers;
mod cache;
mod compressed;
mod data_file;
mod error;
mod extent_list;
mod extent_set;
mod frame;
mod frame_pointers;
mod free_list;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod options;
mod page_cache;
mod page_map;
mod page_ref;
mod pager;
mod read_ahead;
mod read_around;
mod regions;
mod root;
mod slots;
mod space;
mod superblock;
mod verify;
mod writer;

pub use block::{BLOCK_BYTES, BlockNo};
pub use cache::CachePolicy;
pub use drystone_compress::{Codec, CompressError};
pub use error::{Malformed, PagerError};
pub use frame_pointers::{FramePointers, FrameRef};
pub use options::{PagerOptions, ReadMode};
pub use page_cache::PageCache;
pub use page_ref::{CODEC_NONE, MAX_PAGE_BYTES, PAGE_REF_BYTES, PageRef};
pub use pager::{Pager, PagerStats};
pub use root::Root;
pub use slots::{LostSuperblock, SuperblockCopy};
pub use superblock::MAX_PAYLOAD_BYTES;
pub use verify::{Verifier, VerifyReport};
pub use writer::{Fork, ListedPages, Writer};
