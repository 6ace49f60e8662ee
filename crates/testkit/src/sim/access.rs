//! What the traits of files ask of a disk, down to one operation each.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::OpenMode;

use super::errno::Errno;
use super::fault::{Effect, OpKind};
use super::files::SimFile;
use super::image;
use super::names::Node;
use super::operation::{Disk, refused, struck};
use super::step::{FileId, Step, SyncFailure};

impl Disk {
    pub(super) fn find(&self, path: &Path) -> io::Result<FileId> {
        match self.volume.names.get(path) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn check_writable(&self, path: &Path) -> io::Result<()> {
        let read_only = &self.limits.read_only;
        if read_only.iter().any(|folder| path.starts_with(folder)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    pub(super) fn check_folder(&self, folder: Option<&Path>) -> io::Result<()> {
        match folder {
            Some(folder) if self.volume.names.has_folder(folder) => Ok(()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<FileId> {
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

    pub(super) fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
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

    /// How much longer all files together may get; what is written counts, or only what is synced.
    fn space_left(&self) -> u64 {
        match self.limits.capacity {
            Some(capacity) if !self.limits.allocates_late => {
                capacity.saturating_sub(self.volume.bytes())
            }
            _ => u64::MAX,
        }
    }

    /// Writes a beginning of `bytes`: all of it, unless the disk is full or a fault says otherwise.
    pub(super) fn write_some(
        &mut self,
        target: &SimFile,
        bytes: &[u8],
        offset: u64,
    ) -> io::Result<usize> {
        let end = image::check_end(offset, bytes.len() as u64)?;
        let kept = usize::try_from(self.room(target.file, end).saturating_sub(offset));
        let kept = kept.expect("part of the buffer");
        if kept == 0 {
            self.check_power()?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let step = Step::Write {
            file: target.file,
            offset,
            bytes: Bytes::copy_from_slice(&bytes[..kept]),
        };
        self.change(OpKind::Write, &target.path, step)
    }

    /// Up to where a write that would end at `end` fits.
    fn room(&self, file: FileId, end: u64) -> u64 {
        let len = self.volume.file(file).cached.len();
        match self.limits.capacity {
            Some(_) if end > len => end.min(len.saturating_add(self.space_left())),
            _ => end,
        }
    }

    pub(super) fn set_len(&mut self, target: &SimFile, len: u64) -> io::Result<()> {
        image::check_end(len, 0)?;
        let grows = len.saturating_sub(self.volume.file(target.file).cached.len());
        if grows > 0 && grows > self.space_left() {
            self.check_power()?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = target.file;
        self.change(OpKind::SetLen, &target.path, Step::SetLen { file, len })?;
        Ok(())
    }

    pub(super) fn sync(&mut self, target: &SimFile) -> io::Result<()> {
        let file = target.file;
        if self.volume.file(file).owes_error {
            self.change(OpKind::Sync, &target.path, Step::ReportSync { file })?;
            return Err(struck(OpKind::Sync, io::ErrorKind::Other));
        }
        if !self.has_room_for(file) {
            let how = SyncFailure::MarkedClean;
            self.change(OpKind::Sync, &target.path, Step::FailSync { file, how })?;
            return Err(refused(OpKind::Sync, Errno::Enospc));
        }
        self.change(OpKind::Sync, &target.path, Step::Sync { file })?;
        Ok(())
    }

    /// Whether a file may be synced; always, unless room is looked for only then.
    fn has_room_for(&self, file: FileId) -> bool {
        let state = self.volume.file(file);
        let grows = state.cached.len().saturating_sub(state.durable.len());
        match self.limits.capacity {
            Some(capacity) if self.limits.allocates_late && grows > 0 => {
                grows <= capacity.saturating_sub(self.volume.durable_bytes())
            }
            _ => true,
        }
    }

    /// Reads a beginning of what was asked for: all up to the end of the file, unless a fault says otherwise.
    pub(super) fn read_some(
        &mut self,
        target: &SimFile,
        buf: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
        let effect = self.look(OpKind::Read, &target.path)?;
        let count = match effect {
            Some(Effect::Short) if buf.len() > 1 => 1 + self.draw_for(3).index(buf.len() - 1),
            _ => buf.len(),
        };
        let offset = match effect {
            Some(Effect::MisdirectedRead { by }) => offset.saturating_add_signed(by),
            _ => offset,
        };
        let read = self.read_bytes(target, &mut buf[..count], offset)?;
        if let Some(hash) = &mut self.hash {
            hash.number(offset);
            hash.bytes(&buf[..read]);
        }
        Ok(read)
    }

    /// Reads as much as there is, unless the medium cannot.
    pub(super) fn read_bytes(
        &self,
        target: &SimFile,
        buf: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
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
