//! What a plan opens the database with, drawn from its seed.

use drystone::{BackgroundWork, Options};
use drystone_testkit::Draw;
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
        }
    }
}

impl SimOptions {
    /// Options of a seed.
    pub(crate) fn draw(draw: &mut Draw) -> SimOptions {
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
        }
    }

    /// As the database takes them.
    #[must_use]
    pub fn database(&self) -> Options {
        Options {
            cache_bytes: self.cache_bytes as usize,
            memtable_bytes: u64::from(self.memtable_bytes),
            segment_bytes: u64::from(self.segment_bytes),
            durability: self.durability.into(),
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
        ];
        simpler
            .into_iter()
            .filter(|options| options != self)
            .collect()
    }
}
