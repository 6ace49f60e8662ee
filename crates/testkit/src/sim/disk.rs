//! The simulated disk: making one, crashing it, looking at it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::{Env, FileSystem, ManualClock, SeededRandom};
use parking_lot::Mutex;

use super::crash::CrashPolicy;
use super::image::Image;
use super::operation::{Cut, Disk, Power};
use super::trace::Trace;
use super::volume::Volume;
use crate::draw::{Draw, mix};

/// A simulated disk. Clones, and the files opened from it, share it.
///
/// Deterministic from its seed, as long as one thread at a time uses it. Every write, change of length, sync, and
/// change or sync of names counts as one operation.
///
/// ```
/// use drystone_base::{FileSystem, OpenMode};
/// use drystone_testkit::{CrashPolicy, SimFileSystem};
/// use std::path::Path;
///
/// # fn main() -> std::io::Result<()> {
/// let disk = SimFileSystem::new(7);
/// let file = disk.open(Path::new("notes"), OpenMode::CreateNew)?;
/// disk.sync_dir(Path::new(""))?;
/// file.write_all_at(b"stone", 0)?;
/// file.sync()?;
/// file.write_all_at(b"-----", 0)?;
///
/// let after = disk.crash(CrashPolicy::LoseAll);
/// assert_eq!(after.image(Path::new("notes"))?.to_vec(), b"stone");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SimFileSystem {
    pub(super) disk: Arc<Mutex<Disk>>,
}

/// Short: engines print their `Env`, and a disk may hold a long recording.
impl fmt::Debug for SimFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimFileSystem").finish_non_exhaustive()
    }
}

impl SimFileSystem {
    /// An empty disk. Its roots `""` and `"/"` are there.
    #[must_use]
    pub fn new(seed: u64) -> SimFileSystem {
        SimFileSystem::restarted(Volume::default(), seed)
    }

    /// An empty disk on which `folder`, and all above it, is durable.
    ///
    /// # Panics
    /// Never: nothing stands in the way on an empty disk.
    #[must_use]
    pub fn with_folder(seed: u64, folder: impl AsRef<Path>) -> SimFileSystem {
        let disk = SimFileSystem::new(seed);
        disk.create_dir_all(folder.as_ref())
            .expect("an empty disk takes a folder");
        disk.settle();
        disk.disk.lock().operations = 0;
        disk
    }

    pub(super) fn restarted(volume: Volume, seed: u64) -> SimFileSystem {
        SimFileSystem {
            disk: Arc::new(Mutex::new(Disk::new(volume, seed))),
        }
    }

    /// These files, a clock that stands still, and randomness from the disk's seed.
    #[must_use]
    pub fn env(&self) -> Env {
        let seed = mix(self.disk.lock().seed, &[2]);
        Env {
            files: Arc::new(self.clone()),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(seed)),
        }
    }

    /// The disk as it would be had power been cut now. This one goes on; see [`SimFileSystem::cut_power`].
    ///
    /// No faults, locks, capacity or recording carry over; bad sectors and read-only folders do.
    #[must_use]
    pub fn crash(&self, policy: CrashPolicy) -> SimFileSystem {
        let mut disk = self.disk.lock();
        let seed = disk.draw.number();
        let volume = disk.volume.crash(policy, &mut Draw::new(seed));
        let after = SimFileSystem::restarted(volume, seed);
        let mut fresh = after.disk.lock();
        fresh.bad_sectors = disk.bad_sectors.clone();
        fresh.read_only = disk.read_only.clone();
        drop(fresh);
        after
    }

    /// From now on every operation fails, on every handle.
    pub fn cut_power(&self) {
        self.disk.lock().power = Power::Off;
    }

    /// Lets `count` more operations happen, and half of, none of or all of one more; then power is off.
    pub fn cut_power_after(&self, count: u64, how: Cut) {
        self.disk.lock().power = Power::Ends { left: count, how };
    }

    /// Whether power was cut.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.disk.lock().power == Power::Off
    }

    /// How many operations were tried so far, reads and looks not counted.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk.lock().operations
    }

    /// Makes everything durable, as a sync of all files and folders would. For setting the scene.
    pub fn settle(&self) {
        self.disk.lock().volume.settle();
    }

    /// Forgets what is cached of synced files: reads see the medium, as they do after a long while or a restart.
    pub fn drop_cache(&self) {
        self.disk.lock().volume.drop_cache();
    }

    /// Records from now on what changes the disk.
    pub fn start_recording(&self) {
        let mut disk = self.disk.lock();
        disk.trace = Some(Trace::new(disk.volume.clone()));
    }

    /// How many operations were recorded so far; 0 when nothing is being recorded.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.disk.lock().trace.as_ref().map_or(0, Trace::len)
    }

    /// Ends the recording and returns it; `None` when nothing was being recorded. Damage is not part of it.
    #[must_use]
    pub fn take_trace(&self) -> Option<Trace> {
        self.disk.lock().trace.take()
    }

    /// The bytes of a file, as reads see them. Cheap.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn image(&self, path: &Path) -> io::Result<Image> {
        let disk = self.disk.lock();
        Ok(disk.volume.file(disk.find(path)?).cached.clone())
    }

    /// All files, in order of their paths.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let disk = self.disk.lock();
        disk.volume
            .names
            .files()
            .map(|(path, _)| path.to_path_buf())
            .collect()
    }
}

#[cfg(test)]
mod tests;
