//! How an LSM engine is set up.

use std::io;
use std::path::Path;

use drystone_compress::Codec;
use drystone_engine::EngineError;
use drystone_storage_pager::CachePolicy;

use crate::error::{io_error, not_compressed};

/// Bounds of [`LsmOptions::block_bytes`].
pub const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 128..=(1 << 20);

/// Bounds of [`LsmOptions::sst_bytes`].
pub const SST_BYTES: std::ops::RangeInclusive<u64> = 1024..=(1 << 30);

/// How an engine writes, and what it keeps in memory. All of it may differ from one opening to the next: files say for
/// themselves how they were written.
#[derive(Clone, Debug)]
pub struct LsmOptions {
    /// Memory for blocks, in bytes.
    pub cache_bytes: usize,
    /// Which blocks leave the cache first.
    pub cache_policy: CachePolicy,
    /// About how long a block's contents are, in bytes: what a point read reads. Within [`BLOCK_BYTES`].
    pub block_bytes: u32,
    /// About how long an SST is, in bytes. Within [`SST_BYTES`].
    pub sst_bytes: u64,
    /// Filter bits for each key; 0 for no filters. 10 make one needless read in a hundred, 16 one in a thousand.
    pub filter_bits_per_key: u8,
    /// How blocks are compressed, by level: level 0 by the first, and so on; deeper ones by the last. Empty: not at all.
    /// A keyspace's own codec ([`Engine::set_codec`](drystone_engine::Engine::set_codec)) comes before these.
    pub codecs: Vec<Codec>,
    /// How many runs level 0 gathers before they are merged into a deeper level. More of them make writing cheaper and
    /// reading dearer.
    pub level0_runs: usize,
    /// With so many runs in level 0 merges wait for compaction, a slice for a slice; with twice as many, for all of it.
    pub level0_runs_slow: usize,
    /// How many times longer than what comes down a level may be that is merged with it.
    pub level_ratio: u64,
    /// How long the manifest is at least, in bytes, before it is written anew, and only once it is four times as long as it
    /// was then. Shorter ones open faster, and cost more syncs.
    pub manifest_bytes: u64,
}

impl Default for LsmOptions {
    /// 64 MiB of cache, blocks of 4 KiB, SSTs of 32 MiB, 10 bits a key, LZ4; 6 runs in level 0, a ratio of 10,
    /// a manifest of 64 KiB.
    fn default() -> LsmOptions {
        LsmOptions {
            cache_bytes: 64 << 20,
            cache_policy: CachePolicy::default(),
            block_bytes: 4 << 10,
            sst_bytes: 32 << 20,
            filter_bits_per_key: 10,
            codecs: vec![Codec::Lz4],
            level0_runs: 6,
            level0_runs_slow: 12,
            level_ratio: 10,
            manifest_bytes: 64 << 10,
        }
    }
}

impl LsmOptions {
    /// # Errors
    /// [`EngineError::Io`] of kind `InvalidInput` for a figure out of its bounds, `Unsupported` for a codec that this
    /// build lacks.
    pub(crate) fn check(&self, dir: &Path) -> Result<(), EngineError> {
        let wrong = if !BLOCK_BYTES.contains(&self.block_bytes) {
            Some(format!("block_bytes is {}", self.block_bytes))
        } else if !SST_BYTES.contains(&self.sst_bytes) {
            Some(format!("sst_bytes is {}", self.sst_bytes))
        } else if self.level0_runs == 0 || self.level0_runs_slow < self.level0_runs {
            Some(format!(
                "level0_runs is {}, level0_runs_slow {}",
                self.level0_runs, self.level0_runs_slow
            ))
        } else if self.level_ratio == 0 {
            Some("level_ratio is 0".to_owned())
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let source = io::Error::new(io::ErrorKind::InvalidInput, wrong);
            return Err(io_error("open", dir, 0, source));
        }
        self.codecs
            .iter()
            .try_for_each(|codec| check_codec(dir, *codec))
    }

    /// How blocks of a level are compressed.
    pub(crate) fn codec_of_level(&self, level: usize) -> Codec {
        let at = level.min(self.codecs.len().saturating_sub(1));
        self.codecs.get(at).copied().unwrap_or(Codec::None)
    }
}

/// # Errors
/// When this build lacks a codec, or the codec a level.
pub(crate) fn check_codec(path: &Path, codec: Codec) -> Result<(), EngineError> {
    codec.check().map_err(|why| not_compressed(path, 0, why))
}
