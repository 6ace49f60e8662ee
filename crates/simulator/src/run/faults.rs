//! Faults, and their end.

use std::io::ErrorKind;
use std::path::Path;

use drystone_testkit::{Effect, Fault, OpKind};

use super::judge::Stop;
use super::{FOLDER, Run};
use crate::failure::FailureKind;
use crate::fault::{FaultKind, FaultSpec, Part, Struck};

/// What misdirected operations are off by is counted in these.
const BLOCK_BYTES: i64 = 4096;
/// The first openings may meet an error that a file owes.
const OPENINGS_MAX: usize = 3;

impl Run<'_> {
    /// From now on something goes wrong.
    pub(super) fn inject(&mut self, spec: &FaultSpec) {
        self.faults.declared = self.faults.declared.max(Some(spec.kind.may_break()));
        let is_space = matches!(spec.kind, FaultKind::NoSpace | FaultKind::Full(_));
        self.faults.only_space &= is_space;
        let fails_sync = matches!(
            spec.kind,
            FaultKind::SyncMarkedClean
                | FaultKind::SyncReverted
                | FaultKind::SyncPartly
                | FaultKind::SyncFull
                | FaultKind::SyncLate
                | FaultKind::Fails(Struck::Sync)
        );
        self.faults.sync_failed |= fails_sync;
        self.faults.owes_error |= spec.kind == FaultKind::SyncLate;
        if let FaultKind::Full(left) = spec.kind {
            let bytes = self.file_bytes() + (u64::from(left) << 10);
            self.disk.set_capacity(Some(bytes));
            self.faults.is_capped = true;
            return;
        }
        let (on, effect) = effect(spec.kind);
        let fault = Fault::new(on, effect)
            .under(folder(spec.part))
            .nth(u64::from(spec.nth.max(1)));
        self.disk.inject(match spec.times {
            0 => fault.for_ever(),
            times => fault.times(u64::from(times)),
        });
    }

    fn file_bytes(&self) -> u64 {
        let files = self.disk.files();
        let lens = files.iter().filter_map(|path| self.disk.image(path).ok());
        lens.map(|image| image.len()).sum()
    }

    /// Takes the faults away. Where only space was lacking, the database must go on; otherwise it is opened again.
    pub(super) fn mend(&mut self) -> Result<(), Stop> {
        self.notice_lies();
        self.disk.clear_faults();
        self.disk.set_capacity(None);
        self.faults.is_capped = false;
        self.faults.declared = None;
        let struck = self.disk.faults_struck();
        let went_wrong = struck > self.faults.struck_at_open;
        self.faults.struck_at_step = struck;
        if self.pending.is_some() {
            return Ok(());
        }
        if self.open.is_some() && (!went_wrong || self.faults.only_space) {
            self.faults.struck_at_open = struck;
            return Ok(());
        }
        self.open = None;
        self.faults.struck_at_open = struck;
        match self.opens_in_time()? {
            true => Ok(()),
            false => Err(Stop::broken(
                FailureKind::NotLive,
                "does not open although the disk works again",
            )),
        }
    }

    /// Opens the database; again only where a file owes an error, which is a reason for the first openings to fail.
    pub(super) fn opens_in_time(&mut self) -> Result<bool, Stop> {
        for _ in 0..OPENINGS_MAX {
            if self.open_again()? {
                return Ok(true);
            }
            if !self.faults.owes_error {
                break;
            }
        }
        Ok(false)
    }
}

/// The operation that a fault strikes, and how.
fn effect(kind: FaultKind) -> (OpKind, Effect) {
    let by = |blocks: i8| i64::from(blocks) * BLOCK_BYTES;
    match kind {
        FaultKind::Fails(struck) => (op_kind(struck), Effect::Error(ErrorKind::Other)),
        FaultKind::PartialWrite => (OpKind::Write, Effect::Partial(ErrorKind::Other)),
        FaultKind::NoSpace | FaultKind::Full(_) => {
            (OpKind::Write, Effect::Error(ErrorKind::StorageFull))
        }
        FaultKind::SyncMarkedClean => (OpKind::Sync, Effect::SyncMarkedClean),
        FaultKind::SyncReverted => (OpKind::Sync, Effect::SyncReverted),
        FaultKind::SyncPartly => (OpKind::Sync, Effect::SyncPartly),
        FaultKind::SyncFull => (OpKind::Sync, Effect::SyncFull),
        FaultKind::SyncLate => (OpKind::Sync, Effect::SyncLate),
        FaultKind::ShortWrite => (OpKind::Write, Effect::Short),
        FaultKind::ShortRead => (OpKind::Read, Effect::Short),
        FaultKind::LostBelowCache => (OpKind::Write, Effect::LostBelowCache),
        FaultKind::MisdirectedBelowCache(blocks) => {
            let by = by(blocks);
            (OpKind::Write, Effect::MisdirectedBelowCache { by })
        }
        FaultKind::LostWrite => (OpKind::Write, Effect::LostWrite),
        FaultKind::MisdirectedWrite(blocks) => {
            (OpKind::Write, Effect::MisdirectedWrite { by: by(blocks) })
        }
        FaultKind::MisdirectedRead(blocks) => {
            (OpKind::Read, Effect::MisdirectedRead { by: by(blocks) })
        }
    }
}

fn op_kind(struck: Struck) -> OpKind {
    match struck {
        Struck::Open => OpKind::Open,
        Struck::Read => OpKind::Read,
        Struck::Write => OpKind::Write,
        Struck::SetLen => OpKind::SetLen,
        Struck::Sync => OpKind::Sync,
        Struck::SyncDir => OpKind::SyncDir,
        Struck::Rename => OpKind::Rename,
        Struck::Remove => OpKind::Remove,
    }
}

fn folder(part: Part) -> std::path::PathBuf {
    let root = Path::new(FOLDER);
    match part {
        Part::Any => root.to_owned(),
        Part::Log => root.join("log"),
        Part::Engine => root.join("btree"),
    }
}
