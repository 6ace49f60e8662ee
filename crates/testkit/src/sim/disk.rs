//! The simulated disk as a file system.
//!
//! # Invariants
//! - I1. Every change goes through [`Disk::change`]: faults, the power cut, the count of operations and the recording
//!   see each one exactly once.
//! - I2. Once power is off, every operation fails, on every handle.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{
    Env, File, FileSystem, LockError, LockGuard, ManualClock, OpenMode, SeededRandom,
};
use parking_lot::Mutex;

use super::crash::CrashPolicy;
use super::fault::{Effect, Fault, Faults, OpKind};
use super::image::{self, Image};
use super::names::Node;
use super::step::{FileId, Step, SyncFailure};
use super::trace::Trace;
use super::volume::Volume;
use crate::draw::{Draw, mix};

/// Which part of the last operation happens when power is cut at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it.
    Before,
    /// Of a write, a random part; of others nothing. The operation fails.
    Midway,
    /// All of it, and it succeeds; what comes next fails.
    After,
}

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
#[derive(Clone, Debug)]
pub struct SimFileSystem {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct Disk {
    seed: u64,
    draw: Draw,
    volume: Volume,
    power: Power,
    operations: u64,
    faults: Faults,
    capacity: Option<u64>,
    read_only: BTreeSet<PathBuf>,
    bad_sectors: Vec<(FileId, Range<u64>)>,
    locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
    trace: Option<Trace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    On,
    /// The operation after `left` more is the last.
    Ends {
        left: u64,
        how: Cut,
    },
    Off,
}

/// Making disks, crashing them, and looking at them.
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
        let disk = Disk {
            seed,
            draw: Draw::of(seed, &[1]),
            volume,
            power: Power::On,
            operations: 0,
            faults: Faults::default(),
            capacity: None,
            read_only: BTreeSet::new(),
            bad_sectors: Vec::new(),
            locks: Arc::default(),
            trace: None,
        };
        SimFileSystem {
            disk: Arc::new(Mutex::new(disk)),
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

/// Faults and damage.
impl SimFileSystem {
    /// Adds a fault. Several may wait at a time; the first to strike an operation decides.
    pub fn inject(&self, fault: Fault) {
        self.disk.lock().faults.add(fault);
    }

    /// Forgets all faults, those struck and those that wait.
    pub fn clear_faults(&self) {
        self.disk.lock().faults.clear();
    }

    /// How many operations a fault has struck.
    #[must_use]
    pub fn faults_struck(&self) -> u64 {
        self.disk.lock().faults.struck()
    }

    /// Limits the length of all files together; `None` for no limit. A write past it fails with `StorageFull` after
    /// the part that fits.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk.lock().capacity = bytes;
    }

    /// Makes a folder, and all in it, read-only, or writable again with [`SimFileSystem::set_writable`]. Files that
    /// are open for writing stay so.
    pub fn set_read_only(&self, folder: impl Into<PathBuf>) {
        self.disk.lock().read_only.insert(folder.into());
    }

    /// Undoes [`SimFileSystem::set_read_only`].
    pub fn set_writable(&self, folder: &Path) {
        self.disk.lock().read_only.remove(folder);
    }

    /// Turns one bit of a file over, on the medium and in the cache.
    ///
    /// # Errors
    /// `NotFound`; `UnexpectedEof` when the file has no such byte.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> io::Result<()> {
        let mut byte = self.bytes_of::<1>(path, offset)?;
        byte[0] ^= 1 << (bit % 8);
        self.overwrite(path, offset, &byte)
    }

    /// Replaces bytes of a file, on the medium and in the cache: a sector of zeros, garbage, a neighbour's content.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.damage(path, |image| image.write_at(bytes, offset))
    }

    /// Replaces the 512-byte sector around `offset` by zeros.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn zero_sector(&self, path: &Path, offset: u64) -> io::Result<()> {
        self.damage_sector(path, offset, |_, len| vec![0; len])
    }

    /// Replaces the 512-byte sector around `offset` by random bytes.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn garble_sector(&self, path: &Path, offset: u64) -> io::Result<()> {
        self.damage_sector(path, offset, Draw::bytes)
    }

    /// Cuts a file, on the medium and in the cache.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.damage(path, |image| image.set_len(image.len().min(len)))
    }

    /// Puts a file back to an older [`SimFileSystem::image`].
    ///
    /// # Errors
    /// `NotFound`.
    pub fn roll_back(&self, path: &Path, older: &Image) -> io::Result<()> {
        self.damage(path, |image| *image = older.clone())
    }

    /// From now on reads that touch these bytes of a file fail: a latent sector error. Survives crashes.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn break_sector(&self, path: &Path, bytes: Range<u64>) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let file = disk.find(path)?;
        disk.bad_sectors.push((file, bytes));
        Ok(())
    }

    fn bytes_of<const N: usize>(&self, path: &Path, offset: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if self.image(path)?.read_at(&mut bytes, offset) < N {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    fn damage(&self, path: &Path, harm: impl Fn(&mut Image)) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let file = disk.find(path)?;
        disk.volume.file_mut(file).damage(harm);
        Ok(())
    }

    fn damage_sector(
        &self,
        path: &Path,
        offset: u64,
        bytes: impl FnOnce(&mut Draw, usize) -> Vec<u8>,
    ) -> io::Result<()> {
        let start = offset - offset % 512;
        let len = self.image(path)?.len().saturating_sub(start).min(512);
        let len = usize::try_from(len).expect("at most a sector");
        let bytes = bytes(&mut self.disk.lock().draw, len);
        self.overwrite(path, start, &bytes)
    }
}

impl Disk {
    fn find(&self, path: &Path) -> io::Result<FileId> {
        match self.volume.names.get(path) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn check_power(&self) -> io::Result<()> {
        match self.power {
            Power::Off => Err(no_power()),
            Power::On | Power::Ends { .. } => Ok(()),
        }
    }

    /// Lets an operation that changes nothing happen, or fail; what else a fault makes of it.
    fn look(&mut self, on: OpKind, path: &Path) -> io::Result<Option<Effect>> {
        self.check_power()?;
        match self.faults.strike(on, path) {
            Some(Effect::Error(kind) | Effect::Partial(kind)) => Err(struck(on, kind)),
            effect => Ok(effect),
        }
    }

    /// Does one operation, or what faults and the power cut make of it.
    fn change(&mut self, on: OpKind, path: &Path, step: Step) -> io::Result<()> {
        self.check_power()?;
        self.operations += 1;
        let (step, result) = match self.faults.strike(on, path) {
            None => (Some(step), Ok(())),
            Some(effect) => self.bend(on, effect, step),
        };
        match self.tick() {
            None => self.perform(step),
            Some(Cut::After) => {
                self.perform(step);
                self.power = Power::Off;
            }
            Some(how) => {
                let part = step.and_then(|step| self.part_of(step));
                self.perform(part.filter(|_| how == Cut::Midway));
                self.power = Power::Off;
                return Err(no_power());
            }
        }
        result
    }

    /// Counts an operation down; how it ends when it is the last.
    fn tick(&mut self) -> Option<Cut> {
        match &mut self.power {
            Power::Ends { left: 0, how } => Some(*how),
            Power::Ends { left, .. } => {
                *left -= 1;
                None
            }
            Power::On | Power::Off => None,
        }
    }

    fn perform(&mut self, step: Option<Step>) {
        let Some(step) = step else { return };
        self.volume.apply(&step);
        if let Some(trace) = &mut self.trace {
            trace.push(step);
        }
    }

    /// A random beginning of a write; nothing of any other step.
    fn part_of(&mut self, step: Step) -> Option<Step> {
        let Step::Write {
            file,
            offset,
            bytes,
        } = step
        else {
            return None;
        };
        let bytes = bytes.slice(..self.draw.index(bytes.len() + 1));
        Some(Step::Write {
            file,
            offset,
            bytes,
        })
    }

    /// What a fault makes of a step, and what the caller is told. An effect that does not fit the step has none.
    fn bend(&mut self, on: OpKind, effect: Effect, step: Step) -> (Option<Step>, io::Result<()>) {
        let fail = |file, how| Some(Step::FailSync { file, how });
        match (effect, step) {
            (Effect::Error(kind), _) => (None, Err(struck(on, kind))),
            (Effect::Partial(kind), step) => (self.part_of(step), Err(struck(on, kind))),
            (Effect::SyncMarkedClean, Step::Sync { file }) => {
                let error = struck(on, io::ErrorKind::Other);
                (fail(file, SyncFailure::MarkedClean), Err(error))
            }
            (Effect::SyncReverted, Step::Sync { file }) => {
                let error = struck(on, io::ErrorKind::Other);
                (fail(file, SyncFailure::Reverted), Err(error))
            }
            (Effect::SyncLate, Step::Sync { file }) => (fail(file, SyncFailure::Late), Ok(())),
            (Effect::LostWrite, Step::Write { .. }) => (None, Ok(())),
            (
                Effect::MisdirectedWrite { by },
                Step::Write {
                    file,
                    offset,
                    bytes,
                },
            ) => {
                let offset = offset.saturating_add_signed(by);
                (
                    Some(Step::Write {
                        file,
                        offset,
                        bytes,
                    }),
                    Ok(()),
                )
            }
            (_, step) => (Some(step), Ok(())),
        }
    }

    fn check_writable(&self, path: &Path) -> io::Result<()> {
        if self.read_only.iter().any(|folder| path.starts_with(folder)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    fn check_folder(&self, folder: Option<&Path>) -> io::Result<()> {
        match folder {
            Some(folder) if self.volume.names.has_folder(folder) => Ok(()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn create(&mut self, path: &Path) -> io::Result<FileId> {
        self.check_folder(path.parent())?;
        self.check_writable(path)?;
        let file = self.volume.next_file();
        let step = Step::Create {
            path: Arc::from(path),
            file,
        };
        self.change(OpKind::Open, path, step)?;
        Ok(file)
    }

    fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<FileId> {
        self.check_power()?;
        match self.volume.names.get(path) {
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            Some(Node::File(_)) if mode == OpenMode::CreateNew => {
                Err(io::ErrorKind::AlreadyExists.into())
            }
            Some(Node::File(file)) => {
                if mode != OpenMode::Read {
                    self.check_writable(path)?;
                }
                self.look(OpKind::Open, path)?;
                Ok(file)
            }
            None if matches!(mode, OpenMode::Create | OpenMode::CreateNew) => self.create(path),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = Vec::new();
        for folder in path.ancestors() {
            match self.volume.names.get(folder) {
                Some(Node::Folder) => break,
                Some(Node::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => missing.push(folder),
            }
        }
        if missing.is_empty() {
            self.look(OpKind::CreateDir, path)?;
            return Ok(());
        }
        self.check_writable(path)?;
        for folder in missing.into_iter().rev() {
            let path = Arc::from(folder);
            self.change(OpKind::CreateDir, folder, Step::CreateFolder { path })?;
        }
        Ok(())
    }

    /// How much longer all files together may get.
    fn space_left(&self) -> u64 {
        let capacity = self.capacity.unwrap_or(u64::MAX);
        capacity.saturating_sub(self.volume.bytes())
    }

    fn write(&mut self, target: &SimFile, bytes: &[u8], offset: u64) -> io::Result<()> {
        let end = image::check_end(offset, bytes.len() as u64)?;
        let len = self.volume.file(target.file).cached.len();
        let fits = match self.capacity {
            Some(_) if end > len => end.min(len.saturating_add(self.space_left())),
            _ => end,
        };
        let kept = usize::try_from(fits.saturating_sub(offset)).expect("part of the buffer");
        let step = Step::Write {
            file: target.file,
            offset,
            bytes: Bytes::copy_from_slice(&bytes[..kept]),
        };
        self.change(OpKind::Write, &target.path, step)?;
        if fits < end {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_len(&mut self, target: &SimFile, len: u64) -> io::Result<()> {
        image::check_end(len, 0)?;
        let grows = len.saturating_sub(self.volume.file(target.file).cached.len());
        if grows > self.space_left() {
            self.check_power()?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = target.file;
        self.change(OpKind::SetLen, &target.path, Step::SetLen { file, len })
    }

    fn sync(&mut self, target: &SimFile) -> io::Result<()> {
        let file = target.file;
        if self.volume.file(file).owes_error {
            self.change(OpKind::Sync, &target.path, Step::ReportSync { file })?;
            return Err(struck(OpKind::Sync, io::ErrorKind::Other));
        }
        self.change(OpKind::Sync, &target.path, Step::Sync { file })
    }

    fn read(&mut self, target: &SimFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = match self.look(OpKind::Read, &target.path)? {
            Some(Effect::MisdirectedRead { by }) => offset.saturating_add_signed(by),
            _ => offset,
        };
        let end = offset.saturating_add(buf.len() as u64);
        let broken = |(file, bytes): &(FileId, Range<u64>)| {
            *file == target.file && bytes.start < end && offset < bytes.end
        };
        if self.bad_sectors.iter().any(broken) {
            return Err(struck(OpKind::Read, io::ErrorKind::Other));
        }
        Ok(self.volume.file(target.file).cached.read_at(buf, offset))
    }
}

fn no_power() -> io::Error {
    io::Error::other("the simulated disk has no power")
}

fn struck(on: OpKind, kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, format!("simulated fault: {on:?} failed"))
}

impl FileSystem for SimFileSystem {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let file = self.disk.lock().open(path, mode)?;
        Ok(Arc::new(SimFile {
            disk: Arc::clone(&self.disk),
            file,
            path: path.to_owned(),
            mode,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut disk = self.disk.lock();
        disk.look(OpKind::Look, path)?;
        disk.check_folder(Some(path))?;
        Ok(disk.volume.names.list(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut disk = self.disk.lock();
        disk.look(OpKind::Look, path)?;
        Ok(disk.volume.names.get(path).is_some())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.find(path)?;
        disk.check_writable(path)?;
        let step = Step::Remove {
            path: Arc::from(path),
        };
        disk.change(OpKind::Remove, path, step)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.find(from)?;
        disk.check_folder(to.parent())?;
        if disk.volume.names.has_folder(to) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        disk.check_writable(from)?;
        disk.check_writable(to)?;
        let step = Step::Rename {
            from: Arc::from(from),
            to: Arc::from(to),
        };
        disk.change(OpKind::Rename, from, step)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.check_folder(Some(path))?;
        let step = Step::SyncFolder {
            path: Arc::from(path),
        };
        disk.change(OpKind::SyncDir, path, step)
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        let mut disk = self.disk.lock();
        disk.open(path, OpenMode::Create).map_err(LockError::Io)?;
        let locks = Arc::clone(&disk.locks);
        drop(disk);
        let mut held = locks.lock();
        if let Some(holder) = held.get(path) {
            let holder = holder.clone();
            return Err(LockError::Held { holder });
        }
        held.insert(path.to_owned(), holder.to_owned());
        drop(held);
        Ok(Box::new(SimLock {
            path: path.to_owned(),
            locks,
        }))
    }
}

/// An open file of a simulated disk.
#[derive(Debug)]
struct SimFile {
    disk: Arc<Mutex<Disk>>,
    file: FileId,
    /// The name it was opened by, which faults go by.
    path: PathBuf,
    mode: OpenMode,
}

impl SimFile {
    fn check_mode(&self) -> io::Result<()> {
        if self.mode == OpenMode::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.lock().read(self, buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.check_mode()?;
        self.disk.lock().write(self, buf, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.lock().sync(self)
    }

    fn len(&self) -> io::Result<u64> {
        let mut disk = self.disk.lock();
        disk.look(OpKind::Look, &self.path)?;
        Ok(disk.volume.file(self.file).cached.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_mode()?;
        self.disk.lock().set_len(self, len)
    }
}

/// Holds a name in the table of locks.
#[derive(Debug)]
struct SimLock {
    path: PathBuf,
    locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.path);
    }
}

#[cfg(test)]
mod tests;
