//! What may happen to the disk of a plan, and what each kind of it may break.

use drystone_testkit::{CrashPolicy, Cut};
use serde::{Deserialize, Serialize};

/// A power cut, and those in the recoveries after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// How many operations of the disk still happen.
    pub after: u16,
    /// How many operations of the plan still run before power is cut even if the disk saw fewer operations.
    pub within: u8,
    /// What of the last operation of the disk happens.
    pub last: Last,
    /// What is left: a position in [`CrashPolicy::ALL`].
    pub policy: u8,
    /// Power is cut again in the recovery: after so many operations, leaving what.
    pub nested: Vec<(u16, u8)>,
}

impl Crash {
    /// What a position means.
    #[must_use]
    pub fn policy(position: u8) -> CrashPolicy {
        CrashPolicy::ALL[usize::from(position) % CrashPolicy::ALL.len()]
    }
}

/// What of the last operation happens when power is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Last {
    /// Nothing.
    Before,
    /// A part, where it is a write.
    Midway,
    /// All.
    After,
}

impl From<Last> for Cut {
    fn from(last: Last) -> Cut {
        match last {
            Last::Before => Cut::Before,
            Last::Midway => Cut::Midway,
            Last::After => Cut::After,
        }
    }
}

/// A fault to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSpec {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Which part of the database it strikes.
    pub part: Part,
    /// The how manieth operation from now on, from 1.
    pub nth: u16,
    /// How often; 0 for ever.
    pub times: u8,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FaultKind {
    /// An operation fails and does nothing.
    Fails(Struck),
    /// A write fails after a part of it.
    PartialWrite,
    /// A write finds no space.
    NoSpace,
    /// The disk is this many KiB from full; `nth` and `times` say nothing.
    Full(u8),
    /// A sync fails, and the pages count as clean.
    SyncMarkedClean,
    /// A sync fails, and reads see the old bytes.
    SyncReverted,
    /// A sync fails, the pages count as clean, and a part of them is on the medium.
    SyncPartly,
    /// A sync finds no space for what was written, and the pages count as clean.
    SyncFull,
    /// A write is done in pieces.
    ShortWrite,
    /// A read is done in pieces.
    ShortRead,
    /// A sync succeeds without doing anything, and the next one fails.
    SyncLate,
    /// A write is acknowledged, and nothing is written.
    LostWrite,
    /// A write is acknowledged and seen, and never reaches the medium.
    LostBelowCache,
    /// A write lands this many blocks off.
    MisdirectedWrite(i8),
    /// A write is seen where it belongs, and lands this many blocks off on the medium.
    MisdirectedBelowCache(i8),
    /// A read gives what is this many blocks off.
    MisdirectedRead(i8),
}

/// An operation of the disk that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Struck {
    /// Opening a file.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Changing a length.
    SetLen,
    /// Syncing a file.
    Sync,
    /// Syncing a folder.
    SyncDir,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
}

/// A part of the database's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Any,
    /// The log.
    Log,
    /// The engine's files.
    Engine,
}

/// What a fault may break, so that expectations are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MayBreak {
    /// Nothing: calls may fail, and every acknowledged commit stays.
    Calls,
    /// Commits acknowledged since the lie, until a sync of the same file tells of it.
    UnsyncedCommits,
    /// Anything, but not in silence: what is not right is an error that says so.
    Media,
}

impl FaultKind {
    /// What it may break.
    #[must_use]
    pub fn may_break(self) -> MayBreak {
        match self {
            FaultKind::Fails(_)
            | FaultKind::PartialWrite
            | FaultKind::NoSpace
            | FaultKind::Full(_)
            | FaultKind::SyncMarkedClean
            | FaultKind::SyncPartly
            | FaultKind::SyncFull
            | FaultKind::ShortWrite
            | FaultKind::ShortRead
            | FaultKind::SyncReverted => MayBreak::Calls,
            FaultKind::SyncLate => MayBreak::UnsyncedCommits,
            FaultKind::LostWrite
            | FaultKind::LostBelowCache
            | FaultKind::MisdirectedWrite(_)
            | FaultKind::MisdirectedBelowCache(_)
            | FaultKind::MisdirectedRead(_) => MayBreak::Media,
        }
    }
}

/// Damage to a copy of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// What is done.
    pub kind: DamageKind,
    /// What the place is drawn from.
    pub seed: u32,
}

/// A way to damage a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DamageKind {
    /// One bit is turned over.
    FlipBit,
    /// A sector of zeros.
    ZeroSector,
    /// A sector of garbage.
    GarbleSector,
    /// A sector cannot be read.
    BreakSector,
    /// The end of the file is missing.
    Truncate,
    /// A block holds what another one holds.
    CopyBlock,
}

impl DamageKind {
    /// All of them.
    pub const ALL: [DamageKind; 6] = [
        DamageKind::FlipBit,
        DamageKind::ZeroSector,
        DamageKind::GarbleSector,
        DamageKind::BreakSector,
        DamageKind::Truncate,
        DamageKind::CopyBlock,
    ];
}
