//! Compression by id: LZ4, Snappy, Zstd with dictionaries and gzip, behind one interface, with bounded decoders.
//!
//! A [`Codec`] says how to compress and how hard; its [`CodecId`] is the byte that is kept beside what was stored, and
//! all that reading needs. A [`Compressor`] and a [`Decompressor`] own the memory that the codecs work in, so that one
//! of each serves a thread for as long as it lives.
//!
//! ```
//! use drystone_compress::{Codec, Compressor, Decompressor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let contents = b"gneiss and granite, ".repeat(50);
//! let mut stored = Vec::new();
//! let pays = Compressor::new().compress(Codec::Lz4, &contents, 512, &mut stored)?;
//! assert!(pays && stored.len() <= 512);
//!
//! let mut read = Vec::new();
//! Decompressor::new().decompress(Codec::Lz4.id(), &stored, contents.len(), &mut read)?;
//! assert_eq!(read, contents);
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//! - C1. What [`Compressor::compress`] stored, [`Decompressor::decompress`] gives back, in this version and every later.
//! - C2. Decompressing is total: any bytes give `Ok` or `Err`, and write to no more than the length that the caller
//!   expects. No memory is set aside for a length that these bytes cannot hold.
//! - C3. `Ok` means that all stored bytes were read and exactly the expected length came out. Whether they are the bytes
//!   that were written is for the caller's checksum to say, *before* decompressing.
//! - C4. A codec that is not in this build is named, with the feature that brings it. Features change no stored byte.
//!
//! No codec compresses by more threads than the caller's, and none knows of files. The bytes: `docs/format/compress.md`.

mod codec;
mod compressor;
mod decompressor;
#[cfg(feature = "zstd")]
mod dictionary;
mod error;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zstd")]
mod zstandard;

pub use codec::{
    CODEC_BYTES, Codec, CodecId, GZIP_LEVELS, MAX_CONTENTS_BYTES, NotACodec, ZSTD_LEVELS,
};
pub use compressor::Compressor;
pub use decompressor::Decompressor;
#[cfg(feature = "zstd")]
pub use dictionary::{Dictionary, DictionaryError, DictionaryId};
pub use error::{CompressError, DecompressError, Malformed, NotBuilt};
