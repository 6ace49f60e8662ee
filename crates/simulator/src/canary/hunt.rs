//! The hunt for one canary: fresh seeds of the swarm, until one of them finds it or time is up.

use std::time::Duration;

use super::Canary;
use crate::failure::Failure;
use crate::swarm::{Settings, run_seed};

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

/// Puts a canary into this process, for good, and runs the seeds from `start` on until one fails, or until `limit` by
/// `time`, which counts from the start of the process or later.
///
/// # Errors
/// [`NotPlanted`] in a build that has no bugs.
///
/// # Panics
/// When the process has a canary already.
pub fn hunt(
    canary: &Canary,
    start: u64,
    limit: Duration,
    time: impl Fn() -> Duration,
) -> Result<Hunt, NotPlanted> {
    put_in(canary)?;
    let settings = Settings {
        shrinks: false,
        ..Settings::default()
    };
    let mut hunt = Hunt {
        seeds: 0,
        took: Duration::ZERO,
        found: None,
    };
    while hunt.found.is_none() && hunt.took < limit {
        hunt.found = run_seed(start.wrapping_add(hunt.seeds), &settings).err();
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

#[cfg(planted)]
fn put_in(canary: &Canary) -> Result<(), NotPlanted> {
    drystone_base::planted::plant(canary.name);
    Ok(())
}

#[cfg(not(planted))]
fn put_in(_canary: &Canary) -> Result<(), NotPlanted> {
    Err(NotPlanted)
}
