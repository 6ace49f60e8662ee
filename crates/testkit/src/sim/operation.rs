//! One operation on a disk: what faults, the power cut and the limits of the disk make of it.
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
use drystone_base::OpenMode;
use parking_lot::Mutex;

use super::fault::{Effect, Faults, OpKind};
use super::files::SimFile;
use super::image;
use super::names::Node;
use super::step::{FileId, Step, SyncFailure};
use super::trace::Trace;
use super::volume::Volume;
use crate::draw::Draw;

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

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) seed: u64,
    pub(super) draw: Draw,
    pub(super) volume: Volume,
    pub(super) power: Power,
    pub(super) operations: u64,
    pub(super) faults: Faults,
    pub(super) capacity: Option<u64>,
    pub(super) read_only: BTreeSet<PathBuf>,
    pub(super) bad_sectors: Vec<(FileId, Range<u64>)>,
    pub(super) locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
    pub(super) trace: Option<Trace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    /// The operation after `left` more is the last.
    Ends {
        left: u64,
        how: Cut,
    },
    Off,
}

impl Disk {
    /// A disk with power on, no faults and no limits.
    pub(super) fn new(volume: Volume, seed: u64) -> Disk {
        Disk {
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
        }
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<FileId> {
        match self.volume.names.get(path) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn check_power(&self) -> io::Result<()> {
        match self.power {
            Power::Off => Err(no_power()),
            Power::On | Power::Ends { .. } => Ok(()),
        }
    }

    /// Lets an operation that changes nothing happen, or fail; what else a fault makes of it.
    pub(super) fn look(&mut self, on: OpKind, path: &Path) -> io::Result<Option<Effect>> {
        self.check_power()?;
        match self.faults.strike(on, path) {
            Some(Effect::Error(kind) | Effect::Partial(kind)) => Err(struck(on, kind)),
            effect => Ok(effect),
        }
    }

    /// Does one operation, or what faults and the power cut make of it.
    pub(super) fn change(&mut self, on: OpKind, path: &Path, step: Step) -> io::Result<()> {
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

    pub(super) fn check_writable(&self, path: &Path) -> io::Result<()> {
        if self.read_only.iter().any(|folder| path.starts_with(folder)) {
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

    /// How much longer all files together may get.
    fn space_left(&self) -> u64 {
        let capacity = self.capacity.unwrap_or(u64::MAX);
        capacity.saturating_sub(self.volume.bytes())
    }

    pub(super) fn write(&mut self, target: &SimFile, bytes: &[u8], offset: u64) -> io::Result<()> {
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

    pub(super) fn set_len(&mut self, target: &SimFile, len: u64) -> io::Result<()> {
        image::check_end(len, 0)?;
        let grows = len.saturating_sub(self.volume.file(target.file).cached.len());
        if grows > self.space_left() {
            self.check_power()?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = target.file;
        self.change(OpKind::SetLen, &target.path, Step::SetLen { file, len })
    }

    pub(super) fn sync(&mut self, target: &SimFile) -> io::Result<()> {
        let file = target.file;
        if self.volume.file(file).owes_error {
            self.change(OpKind::Sync, &target.path, Step::ReportSync { file })?;
            return Err(struck(OpKind::Sync, io::ErrorKind::Other));
        }
        self.change(OpKind::Sync, &target.path, Step::Sync { file })
    }

    pub(super) fn read(
        &mut self,
        target: &SimFile,
        buf: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
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
