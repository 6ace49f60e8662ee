//! What a workload is given, and what it gives back.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::data::DataSet;
use crate::device::Meter;
use crate::draw::{Draw, mix};
use crate::engines::Engine;
use crate::peer::{Change, Durability, Memory, Peer, Settings};

/// Where data is larger than memory, it is so many times the cache.
pub(crate) const SCARCE_TIMES: u64 = 4;

/// The version of all values after the load.
pub(crate) const FIRST_VERSION: u64 = 0;

/// One engine, one folder, and how long to measure.
pub(crate) struct Work {
    /// Who works.
    pub(crate) engine: Engine,
    /// Where its files are.
    pub(crate) folder: PathBuf,
    /// The rows.
    pub(crate) data: DataSet,
    /// The budget where memory is ample.
    pub(crate) cache_bytes: u64,
    /// How long to measure what has no end of its own.
    pub(crate) time: Duration,
    /// How long to do the same before it counts.
    pub(crate) warm_up: Duration,
    /// Chooses rows.
    pub(crate) seed: u64,
    /// The version of the values that this workload writes. No other one writes it.
    pub(crate) version: u64,
    /// Counts what reaches the disk.
    pub(crate) meter: Meter,
}

impl Work {
    /// Opens the engine where all data fits in the cache.
    pub(crate) fn open(&self, durability: Durability, threads: u64) -> Result<Box<dyn Peer>> {
        self.open_in(Memory::Ample, durability, threads)
    }

    /// Opens the engine.
    pub(crate) fn open_in(
        &self,
        memory: Memory,
        durability: Durability,
        threads: u64,
    ) -> Result<Box<dyn Peer>> {
        let settings = Settings {
            cache_bytes: match memory {
                Memory::Ample => self.cache_bytes,
                Memory::Scarce => scarce_cache_bytes(&self.data),
            },
            durability,
            threads,
            rows: self.data.rows(),
            memory,
        };
        let opened = self.engine.open(&self.folder, &settings);
        opened.with_context(|| format!("open {} in {}", self.engine.name(), self.folder.display()))
    }

    /// Random numbers for one thread, not those of any other.
    pub(crate) fn draw(&self, thread: u64) -> Draw {
        Draw::new(mix(self.seed ^ mix(thread)))
    }

    /// The change that sets row `number` to this workload's version.
    pub(crate) fn update(&self, number: u64) -> Change {
        self.put(number, self.version)
    }

    /// The change that sets row `number` to a version.
    pub(crate) fn put(&self, number: u64, version: u64) -> Change {
        Change {
            key: self.data.key(number),
            value: Some(self.data.value(number, version)),
        }
    }
}

/// The cache where data is larger than memory.
pub(crate) fn scarce_cache_bytes(data: &DataSet) -> u64 {
    data.bytes() / SCARCE_TIMES
}

/// What a workload found.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The figures, in the units of `figures`.
    pub(crate) figures: Vec<(String, f64)>,
    /// How many rows it committed; 0 where it commits none, or where the count says nothing.
    pub(crate) committed: u64,
}

impl Outcome {
    /// One figure.
    pub(crate) fn of(name: &str, value: f64) -> Outcome {
        Outcome::default().and(name, value)
    }

    /// One figure more.
    pub(crate) fn and(mut self, name: &str, value: f64) -> Outcome {
        self.figures.push((name.to_owned(), value));
        self
    }

    /// With the count of committed rows.
    pub(crate) fn committing(mut self, committed: u64) -> Outcome {
        self.committed = committed;
        self
    }
}
