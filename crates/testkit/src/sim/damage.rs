//! Faults and damage: what may be done to a simulated disk.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::disk::SimFileSystem;
use super::fault::Fault;
use super::image::Image;
use crate::draw::Draw;

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
