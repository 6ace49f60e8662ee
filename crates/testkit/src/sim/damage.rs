//! Faults and damage: what may be done to a simulated disk.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::clock::Latency;
use super::crash::CrashPolicy;
use super::disk::SimFileSystem;
use super::fault::Fault;
use super::happened::Happened;
use super::harm::Harm;
use super::image::Image;
use super::operation::Limits;
use super::plan::{FaultPlan, Schedule};
use super::step::MediumChange;
use super::zone::Zone;
use crate::draw::Draw;

/// Faults and damage.
impl SimFileSystem {
    /// Adds a fault. Several may wait at a time; the first to strike an operation decides.
    pub fn inject(&self, fault: Fault) {
        self.disk.lock().faults.add(fault, None);
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

    /// Sets out to do all that a plan says, its operations counted from now. A plan that was followed before goes on.
    pub fn follow(&self, plan: &FaultPlan) {
        self.disk.lock().follow(plan);
    }

    /// What went wrong so far: faults that struck and planned events, in order. Damage done by hand is not in it.
    #[must_use]
    pub fn happened(&self) -> Vec<Happened> {
        self.disk.lock().happened.clone()
    }

    /// What went wrong after the first `count` things that did, as [`SimFileSystem::happened`] has it. Cheap where nothing
    /// did.
    #[must_use]
    pub fn happened_since(&self, count: usize) -> Vec<Happened> {
        let disk = self.disk.lock();
        disk.happened.get(count..).map_or(Vec::new(), <[_]>::to_vec)
    }

    /// What the plan wants to survive, once its power cut is due; see [`SimFileSystem::restart`].
    #[must_use]
    pub fn planned_policy(&self) -> Option<CrashPolicy> {
        self.disk.lock().schedule.policy
    }

    /// Ends all faults, plans and limits, so that from now on nothing goes wrong. What is damaged stays so.
    pub fn calm(&self) {
        let mut disk = self.disk.lock();
        disk.faults.clear();
        disk.schedule = Schedule::default();
        disk.limits = Limits::default();
    }

    /// Lets every operation take time, by the clock of the disk; `None` for none.
    pub fn set_latency(&self, latency: Option<Latency>) {
        self.disk.lock().limits.latency = latency;
    }

    /// Whether room for what is written is looked for only at a sync, which then fails with `StorageFull` and loses
    /// what was written ([`super::Effect::SyncFull`]). Until then a full disk takes all writes.
    pub fn allocate_late(&self, late: bool) {
        self.disk.lock().limits.allocates_late = late;
    }

    /// Whether locks are given to everybody who asks, as some network file systems do: for what happens when two
    /// processes open the same files after all.
    pub fn share_locks(&self, shared: bool) {
        self.disk.lock().limits.shares_locks = shared;
    }

    /// From now on keeps what each file was at its last `count` syncs, for [`Harm::StaleSector`] and
    /// [`Harm::RollBack`]. A disk that follows a plan keeps 8.
    pub fn keep_generations(&self, count: usize) {
        self.disk.lock().generations.keep_most(count);
    }

    /// Does harm to a file, or to any in a folder, at a place that the disk draws; false when there is nothing that
    /// could be harmed so.
    pub fn harm(&self, harm: Harm, zone: &Zone) -> bool {
        let mut disk = self.disk.lock();
        let mut draw = Draw::new(disk.draw.number());
        disk.harm(harm, zone, &mut draw).is_some()
    }

    /// As [`SimFileSystem::harm`], at a place that a seed draws; what it did, for [`super::FaultAtlas::of_happened`]. `None`
    /// when there is nothing that could be harmed so.
    pub fn harm_drawn(&self, harm: Harm, zone: &Zone, seed: u64) -> Option<Happened> {
        let mut disk = self.disk.lock();
        let harmed = disk.harm(harm, zone, &mut Draw::new(seed))?;
        Some(Happened {
            item: None,
            operation: disk.operations,
            hazard: harm.hazard(),
            path: harmed.path,
            bytes: harmed.bytes,
            what: harm.to_string(),
        })
    }

    /// Limits the length of all files together; `None` for no limit. A write past it fails with `StorageFull` after
    /// the part that fits.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk.lock().limits.capacity = bytes;
    }

    /// Makes a folder, and all in it, read-only, or writable again with [`SimFileSystem::set_writable`]. Files that
    /// are open for writing stay so.
    pub fn set_read_only(&self, folder: impl Into<PathBuf>) {
        self.disk.lock().limits.read_only.insert(folder.into());
    }

    /// Undoes [`SimFileSystem::set_read_only`].
    pub fn set_writable(&self, folder: &Path) {
        self.disk.lock().limits.read_only.remove(folder);
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
        let bytes = Bytes::copy_from_slice(bytes);
        self.damage(path, MediumChange::Overwrite { offset, bytes })
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
        self.damage(path, MediumChange::Truncate { len })
    }

    /// Puts a file back to an older [`SimFileSystem::image`].
    ///
    /// # Errors
    /// `NotFound`.
    pub fn roll_back(&self, path: &Path, older: &Image) -> io::Result<()> {
        let by = older.clone();
        self.damage(path, MediumChange::Replace { by })
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

    fn damage(&self, path: &Path, change: MediumChange) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let file = disk.find(path)?;
        disk.damage(file, change);
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
