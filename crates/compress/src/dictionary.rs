//! Dictionary: what Zstd may refer back to before the contents begin.
//!
//! # Source
//! RFC 8878, section 5; training by the reference implementation (COVER).

use std::fmt;
use std::num::NonZeroU32;

use zstd::zstd_safe::{self, CDict, DDict};

use crate::codec::Codec;
use crate::error::CompressError;

/// The number of a dictionary, which stands in it, and in every frame that was compressed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DictionaryId(pub NonZeroU32);

/// A dictionary could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DictionaryError {
    /// No such level.
    #[error(transparent)]
    Level(CompressError),
    /// Samples from which none can be trained: give more of them, at least some hundred, and together a hundred times
    /// the dictionary's length.
    #[error("no dictionary of {len_max} bytes from {count} samples: {why}")]
    Samples {
        /// How many samples there were.
        count: usize,
        /// How long the dictionary was allowed to be.
        len_max: usize,
        /// What the library said.
        why: &'static str,
    },
    /// These bytes are no dictionary.
    #[error("{len} bytes that are no Zstd dictionary")]
    Malformed {
        /// How many there are.
        len: usize,
    },
}

/// A dictionary, prepared for compressing at one level, and for decompressing what was compressed at any.
///
/// Keep [`Dictionary::bytes`] for as long as there is something that was compressed with it: without them it is lost.
///
/// Memory: about three times its length, and the tables of its level. Threads: any number may use it at once.
pub struct Dictionary {
    id: DictionaryId,
    bytes: Box<[u8]>,
    encoder: CDict<'static>,
    decoder: DDict<'static>,
}

impl Dictionary {
    /// Trains one of at most `len_max` bytes from samples of what will be compressed; 16 to 112 KiB is usual. The same
    /// samples give the same dictionary, and another id than others do, but for chance (1 in 2^31).
    ///
    /// Cost: some seconds for 10 MiB of samples, which it copies.
    ///
    /// # Errors
    /// [`DictionaryError::Samples`], [`DictionaryError::Level`].
    pub fn train(
        samples: &[&[u8]],
        len_max: usize,
        level: u8,
    ) -> Result<Dictionary, DictionaryError> {
        let lens: Vec<usize> = samples.iter().map(|sample| sample.len()).collect();
        let mut bytes = vec![0; len_max];
        let trained = zstd_safe::train_from_buffer(&mut bytes[..], &samples.concat(), &lens);
        let len = trained.map_err(|code| DictionaryError::Samples {
            count: samples.len(),
            len_max,
            why: zstd_safe::get_error_name(code),
        })?;
        Dictionary::from_bytes(&bytes[..len], level)
    }

    /// One that was kept. Any level will do for decompressing.
    ///
    /// # Errors
    /// [`DictionaryError::Malformed`], [`DictionaryError::Level`].
    pub fn from_bytes(bytes: &[u8], level: u8) -> Result<Dictionary, DictionaryError> {
        Codec::Zstd(level).check().map_err(DictionaryError::Level)?;
        let malformed = || DictionaryError::Malformed { len: bytes.len() };
        let id = zstd_safe::get_dict_id_from_dict(bytes).ok_or_else(malformed)?;
        let encoder = CDict::try_create(bytes, i32::from(level)).ok_or_else(malformed)?;
        let decoder = DDict::try_create(bytes).ok_or_else(malformed)?;
        Ok(Dictionary {
            id: DictionaryId(id),
            bytes: bytes.into(),
            encoder,
            decoder,
        })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> DictionaryId {
        self.id
    }

    /// What to keep.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn encoder(&self) -> &CDict<'static> {
        &self.encoder
    }

    pub(crate) fn decoder(&self) -> &DDict<'static> {
        &self.decoder
    }
}

impl DictionaryId {
    /// The dictionary that a frame was compressed with.
    pub(crate) fn of_frame(stored: &[u8]) -> Option<DictionaryId> {
        zstd_safe::get_dict_id_from_frame(stored).map(DictionaryId)
    }
}

impl fmt::Display for DictionaryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &self.id)
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
