//! The hunt for one canary: fresh seeds, until one of them finds it or time is up.

use std::time::Duration;

use clap::ValueEnum;

use super::Canary;
use crate::crash_points::{CrashCampaign, crash_points_of};
use crate::damage::{DamageCampaign, damage_of};
use crate::exhaustive::exhaustive_of;
use crate::failure::Failure;
use crate::swarm::{Settings, run_seed};

/// Who looks for canaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Hunter {
    /// [`run_seed`].
    #[default]
    Swarm,
    /// [`crash_points_of`].
    CrashPoints,
    /// [`exhaustive_of`].
    Exhaustive,
    /// [`damage_of`], with bits flipped.
    Flips,
    /// [`damage_of`], with writes lost.
    Lost,
    /// [`damage_of`], with writes misdirected.
    Misdirected,
}

/// Into how many parts a hunter cuts what is pending, for whom fresh seeds are worth more than many subsets of one.
const PARTS: u8 = 8;

impl Hunter {
    /// Whether one seed finds nothing.
    ///
    /// # Errors
    /// The first promise that the database broke.
    pub fn run(self, seed: u64) -> Result<(), Box<Failure>> {
        let none = DamageCampaign {
            flips: 0,
            lost: 0,
            misdirected: 0,
            in_use: 0,
        };
        let damage = match self {
            Hunter::Swarm => {
                let settings = Settings {
                    shrinks: false,
                    ..Settings::default()
                };
                return run_seed(seed, &settings).map(drop);
            }
            Hunter::CrashPoints => {
                return crash_points_of(seed, &CrashCampaign::default()).map(drop);
            }
            Hunter::Exhaustive => return exhaustive_of(seed, PARTS).map(drop),
            Hunter::Flips => DamageCampaign { flips: 500, ..none },
            Hunter::Lost => DamageCampaign { lost: 100, ..none },
            Hunter::Misdirected => DamageCampaign {
                misdirected: 100,
                ..none
            },
        };
        damage_of(seed, &damage).map(drop)
    }

    /// The canaries that it must find.
    #[must_use]
    pub fn finds(self, canary: &Canary) -> bool {
        let names: &[&str] = match self {
            Hunter::Swarm => return true,
            Hunter::CrashPoints => &[
                "wal-segment-name-unsynced",
                "pager-pages-unsynced",
                "facade-manifest-unsynced",
            ],
            Hunter::Exhaustive => &[
                "wal-sync-skipped",
                "wal-segment-name-unsynced",
                "pager-pages-unsynced",
                "facade-manifest-unsynced",
                "facade-manifest-name-unsynced",
            ],
            Hunter::Flips => &[
                "wal-record-checksum-skipped",
                "wal-damage-cut",
                "pager-checksum-skipped",
            ],
            Hunter::Lost | Hunter::Misdirected => &["wal-damage-cut", "pager-checksum-skipped"],
        };
        names.contains(&canary.name)
    }
}

/// What came of a hunt.
#[derive(Debug)]
pub struct Hunt {
    /// How many seeds were run.
    pub seeds: u64,
    /// How long they took.
    pub took: Duration,
    /// What gave the canary away. `None`: it escaped.
    pub found: Option<Box<Failure>>,
}

/// Puts a canary into this process, for good, and has `hunter` run the seeds from `start` on until one fails, or until
/// `limit` by `time`, which counts from the start of the process or later.
///
/// # Errors
/// [`NotPlanted`] in a build that has no bugs.
///
/// # Panics
/// When the process has a canary already.
pub fn hunt(
    canary: &Canary,
    hunter: Hunter,
    start: u64,
    limit: Duration,
    time: impl Fn() -> Duration,
) -> Result<Hunt, NotPlanted> {
    put_in(canary)?;
    let mut hunt = Hunt {
        seeds: 0,
        took: Duration::ZERO,
        found: None,
    };
    while hunt.found.is_none() && hunt.took < limit {
        hunt.found = hunter.run(start.wrapping_add(hunt.seeds)).err();
        hunt.seeds += 1;
        hunt.took = time();
    }
    Ok(hunt)
}

/// This build was made without `--cfg planted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPlanted;

impl std::fmt::Display for NotPlanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this build has no planted bugs: `cargo xtask sim --canary` makes one that has")
    }
}

impl std::error::Error for NotPlanted {}

/// Gives this process a bug, for good.
///
/// # Errors
/// [`NotPlanted`] in a build that has no bugs.
///
/// # Panics
/// When it has one already.
#[cfg(planted)]
pub fn put_in(canary: &Canary) -> Result<(), NotPlanted> {
    drystone_base::planted::plant(canary.name);
    Ok(())
}

/// Gives this process a bug, for good.
///
/// # Errors
/// [`NotPlanted`], for this build has no bugs.
#[cfg(not(planted))]
pub fn put_in(_canary: &Canary) -> Result<(), NotPlanted> {
    Err(NotPlanted)
}
