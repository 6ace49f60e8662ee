//! All that a database takes from the outside world, in one value that is passed down.

use std::sync::Arc;

use crate::clock::{Clock, ManualClock, OsClock};
use crate::file::FileSystem;
use crate::memory_file_system::MemoryFileSystem;
use crate::os_file_system::OsFileSystem;
use crate::random::{OsRandom, Random, SeededRandom};

/// Files, time and randomness. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Env {
    /// Where files are.
    pub files: Arc<dyn FileSystem>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub random: Arc<dyn Random>,
}

impl Env {
    /// The operating system.
    #[must_use]
    pub fn os() -> Env {
        Env {
            files: Arc::new(OsFileSystem),
            clock: Arc::new(OsClock::new()),
            random: Arc::new(OsRandom),
        }
    }

    /// Files in memory, a clock that stands still, and the numbers of `seed`: the same run every time.
    #[must_use]
    pub fn memory(seed: u64) -> Env {
        Env {
            files: Arc::new(MemoryFileSystem::new()),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(seed)),
        }
    }
}
