//! What a plan opens the database with, drawn from its seed.

use std::sync::Arc;

use drystone::{BackgroundWork, CachePolicy, Codec, CustomEngine, Options};
use drystone_testkit::{Draw, ModelEngine};
use serde::{Deserialize, Serialize};

use crate::operation::Durable;

/// Options of the database, and the sizes of what is stored in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimOptions {
    /// Memory for pages; the least is 8 pages.
    pub cache_bytes: u32,
    /// Size at which a memtable is sealed.
    pub memtable_bytes: u32,
    /// Length of a segment of the log.
    pub segment_bytes: u32,
    /// What commits wait for that do not say so.
    pub durability: Durable,
    /// About how long a page of the B+tree is.
    #[serde(default = "page_bytes")]
    pub page_bytes: u32,
    /// What the keyspaces are in.
    #[serde(default)]
    pub engine: SimEngine,
    /// About how long a slice of a merge is.
    #[serde(default = "merge_slice_bytes")]
    pub merge_slice_bytes: u32,
    /// Memory for the writes of a transaction or a load.
    #[serde(default = "transaction_bytes")]
    pub transaction_bytes: u32,
    /// Which pages leave memory first.
    #[serde(default)]
    pub cache_policy: SimCachePolicy,
    /// How the pages of keyspaces are compressed.
    #[serde(default)]
    pub compression: SimCodec,
    /// Whether the log is archived.
    #[serde(default)]
    pub archives: bool,
    /// What is run.
    #[serde(default)]
    pub subject: Subject,
}

/// What a plan is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// The whole database.
    #[default]
    Database,
    /// A log that is used alone.
    Log,
    /// A B+tree that is used alone.
    Tree,
}

/// Where the log is archived to.
pub(crate) const ARCHIVE: &str = "/archive";

/// Of plans from before it was drawn: transactions were in memory.
fn transaction_bytes() -> u32 {
    u32::MAX
}

/// Of plans from before it was drawn: merges were whole.
fn merge_slice_bytes() -> u32 {
    u32::MAX
}

/// Of plans from before it was drawn.
fn page_bytes() -> u32 {
    SimOptions::default().page_bytes
}

/// A policy of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SimCachePolicy {
    /// The default one.
    #[default]
    S3Fifo,
    /// Last used.
    Lru,
    /// Least used.
    Lfu,
}

impl From<SimCachePolicy> for CachePolicy {
    fn from(policy: SimCachePolicy) -> CachePolicy {
        match policy {
            SimCachePolicy::S3Fifo => CachePolicy::S3Fifo,
            SimCachePolicy::Lru => CachePolicy::Lru,
            SimCachePolicy::Lfu => CachePolicy::Lfu,
        }
    }
}

/// A codec that is in every build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SimCodec {
    /// None.
    #[default]
    Plain,
    /// LZ4.
    Lz4,
    /// Snappy.
    Snappy,
}

impl From<SimCodec> for Codec {
    fn from(codec: SimCodec) -> Codec {
        match codec {
            SimCodec::Plain => Codec::None,
            SimCodec::Lz4 => Codec::Lz4,
            SimCodec::Snappy => Codec::Snappy,
        }
    }
}

/// An engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SimEngine {
    /// The default one.
    #[default]
    BTree,
    /// The model of `testkit`: a map in memory, and a file that each merge replaces.
    Model,
}

impl SimEngine {
    /// Its folder in that of the database.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            SimEngine::BTree => "btree",
            SimEngine::Model => "engine",
        }
    }

    fn custom(self) -> Option<CustomEngine> {
        let open: drystone::OpenEngine =
            |env, folder| Ok(Arc::new(ModelEngine::open(env, folder)?));
        match self {
            SimEngine::BTree => None,
            SimEngine::Model => Some(CustomEngine::new("model", open)),
        }
    }
}

/// Of [`Options::cache_bytes`]: 8 pages of 4 KiB.
const CACHE_BYTES_MIN: u32 = 8 * 4096;

impl Default for SimOptions {
    fn default() -> SimOptions {
        SimOptions {
            cache_bytes: 256 << 10,
            memtable_bytes: 64 << 10,
            segment_bytes: 64 << 10,
            durability: Durable::Sync,
            page_bytes: 8192,
            engine: SimEngine::BTree,
            merge_slice_bytes: 64 << 10,
            transaction_bytes: u32::MAX,
            cache_policy: SimCachePolicy::default(),
            compression: SimCodec::default(),
            archives: false,
            subject: Subject::Database,
        }
    }
}

impl SimOptions {
    /// Options of a seed. `other` draws what was added later, so that seeds stay as they were in all else.
    pub(crate) fn draw(draw: &mut Draw, other: &mut Draw) -> SimOptions {
        SimOptions {
            cache_bytes: *draw.pick(&[
                CACHE_BYTES_MIN,
                CACHE_BYTES_MIN,
                64 << 10,
                256 << 10,
                4 << 20,
            ]),
            memtable_bytes: *draw.pick(&[1 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 1 << 20]),
            segment_bytes: *draw.pick(&[1, 16 << 10, 16 << 10, 32 << 10, 64 << 10, 256 << 10]),
            durability: *draw.pick(&[Durable::Sync, Durable::Sync, Durable::Async, Durable::None]),
            page_bytes: *other.pick(&[512, 1 << 10, 4 << 10, 8 << 10, 8 << 10, 32 << 10]),
            engine: match other.below(8) {
                0 => SimEngine::Model,
                _ => SimEngine::BTree,
            },
            merge_slice_bytes: *other.pick(&[1, 1 << 10, 8 << 10, 64 << 10, 1 << 20]),
            transaction_bytes: *other.pick(&[1, 256, 1 << 10, 4 << 10, 64 << 10, 64 << 20]),
            cache_policy: *other.pick(&[
                SimCachePolicy::S3Fifo,
                SimCachePolicy::Lru,
                SimCachePolicy::Lfu,
            ]),
            compression: *other.pick(&[SimCodec::Plain, SimCodec::Lz4, SimCodec::Snappy]),
            archives: other.chance(20),
            subject: Subject::Database,
        }
    }

    /// As the database takes them.
    #[must_use]
    pub fn database(&self) -> Options {
        Options {
            cache_bytes: self.cache_bytes as usize,
            memtable_bytes: u64::from(self.memtable_bytes),
            merge_slice_bytes: u64::from(self.merge_slice_bytes),
            transaction_bytes: u64::from(self.transaction_bytes),
            cache_policy: self.cache_policy.into(),
            compression: self.compression.into(),
            segment_bytes: u64::from(self.segment_bytes),
            durability: self.durability.into(),
            page_bytes: self.page_bytes,
            engine: self.engine.custom(),
            log_archive: self.archives.then(|| ARCHIVE.into()),
            background: BackgroundWork::Manual,
            // Nobody else commits while a call runs, so a second attempt meets no conflict.
            attempts_max: 3,
            ..Options::default()
        }
    }

    /// The same with one more option as it is by default, for each that is not.
    pub(crate) fn towards_default(&self) -> Vec<SimOptions> {
        let default = SimOptions::default();
        let with = |change: fn(&mut SimOptions, &SimOptions)| {
            let mut options = self.clone();
            change(&mut options, &default);
            options
        };
        let simpler = [
            with(|options, default| options.cache_bytes = default.cache_bytes),
            with(|options, default| options.memtable_bytes = default.memtable_bytes),
            with(|options, default| options.segment_bytes = default.segment_bytes),
            with(|options, default| options.durability = default.durability),
            with(|options, default| options.page_bytes = default.page_bytes),
            with(|options, default| options.engine = default.engine),
            with(|options, default| options.merge_slice_bytes = default.merge_slice_bytes),
            with(|options, default| options.transaction_bytes = default.transaction_bytes),
            with(|options, default| options.cache_policy = default.cache_policy),
            with(|options, default| options.compression = default.compression),
            with(|options, default| options.archives = default.archives),
        ];
        simpler
            .into_iter()
            .filter(|options| options != self)
            .collect()
    }
}
