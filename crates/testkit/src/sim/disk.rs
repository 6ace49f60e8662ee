//! The simulated disk: making one, crashing it, looking at it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::{Env, FileSystem};
use parking_lot::Mutex;

use super::clock::SimClock;
use super::crash::CrashPolicy;
use super::image::Image;
use super::operation::{Cut, Disk, Power};
use super::step::Step;
use super::trace::Trace;
use super::trace_hash::TraceHash;
use super::volume::Volume;
use crate::draw::Draw;

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
        SimFileSystem::of(Disk::new(volume, seed))
    }

    fn of(disk: Disk) -> SimFileSystem {
        SimFileSystem {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    /// These files, the disk's [`SimFileSystem::clock`], and randomness: all from the disk's seed. Numbers never come
    /// twice, also not to two that ask for an `Env` of one disk.
    #[must_use]
    pub fn env(&self) -> Env {
        let disk = self.disk.lock();
        Env {
            files: Arc::new(self.clone()),
            clock: disk.clock.clone(),
            random: disk.random.clone(),
        }
    }

    /// The clock of the disk. It stands still unless it is moved, or the disk has a [`super::Latency`].
    #[must_use]
    pub fn clock(&self) -> Arc<SimClock> {
        Arc::clone(&self.disk.lock().clock)
    }

    /// The disk as it would be had power been cut now. This one goes on; see [`SimFileSystem::cut_power`].
    ///
    /// No faults, plans, locks, capacity or recording carry over; bad sectors, read-only folders and the time of day
    /// do.
    #[must_use]
    pub fn crash(&self, policy: CrashPolicy) -> SimFileSystem {
        let mut disk = self.disk.lock();
        let seed = disk.draw.number();
        let volume = disk.volume.crash(policy, &mut Draw::new(seed));
        let mut after = Disk::new(volume, seed);
        after.clock = Arc::new(disk.clock.restarted());
        after.bad_sectors = disk.bad_sectors.clone();
        after.limits.read_only = disk.limits.read_only.clone();
        SimFileSystem::of(after)
    }

    /// As [`SimFileSystem::crash`], and the story goes on: faults and plans that have not happened yet, limits, the
    /// count of operations, what happened so far and the hash carry over as well. Locks and the recording do not.
    #[must_use]
    pub fn restart(&self, policy: CrashPolicy) -> SimFileSystem {
        let after = self.crash(policy);
        let disk = self.disk.lock();
        let mut fresh = after.disk.lock();
        fresh.operations = disk.operations;
        fresh.faults = disk.faults.clone();
        fresh.schedule = disk.schedule.clone();
        fresh.schedule.policy = None;
        fresh.happened = disk.happened.clone();
        fresh.limits = disk.limits.clone();
        fresh.generations = disk.generations.clone();
        fresh.hash = disk.hash;
        drop(fresh);
        after
    }

    /// A second disk that is just as this one is now, cache included, as when a running machine is copied. The two
    /// share nothing from here on, and draw from different seeds. No locks, faults or recordings carry over.
    #[must_use]
    pub fn fork(&self) -> SimFileSystem {
        let mut disk = self.disk.lock();
        let seed = disk.draw.number();
        let mut copy = Disk::new(disk.volume.clone(), seed);
        copy.clock = Arc::new(disk.clock.restarted());
        copy.bad_sectors = disk.bad_sectors.clone();
        copy.limits = disk.limits.clone();
        copy.generations = disk.generations.clone();
        SimFileSystem::of(copy)
    }

    /// Starts to hash all that is done on the disk: every operation, how it went, and the bytes that it wrote or read.
    /// Two runs that do the same get the same [`SimFileSystem::hash`].
    pub fn start_hashing(&self) {
        self.disk.lock().hash = Some(TraceHash::default());
    }

    /// The hash of all that was done since [`SimFileSystem::start_hashing`]; `None` before it.
    #[must_use]
    pub fn hash(&self) -> Option<u64> {
        self.disk.lock().hash.map(TraceHash::value)
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

    /// From here on so many operations may be tried, reads and looks included; the next one panics. For finding what goes
    /// round in circles, the same way each time. No such bound carries over to other disks.
    pub fn allow_operations(&self, count: u64) {
        self.disk.lock().allowed.set(count);
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
        self.disk.lock().perform(Some(Step::DropCache));
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

    /// Ends the recording and returns it; `None` when nothing was being recorded. Damage is part of it, except for
    /// sectors that cannot be read.
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
