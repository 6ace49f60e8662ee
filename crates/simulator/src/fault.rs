//! What may happen to the disk of a plan, as a plan's text has it. What each may break is said by
//! [`drystone_testkit::FaultAtlas::of_database`] alone.

mod mishap;

use drystone_testkit::{CrashPolicy, Cut, Errno, Harm};
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
    /// What is left: a position in [`CrashPolicy::ALL`], behind them in [`CrashPolicy::BLASTS`], or [`Crash::KILLED`].
    pub policy: u8,
    /// Power is cut again in the recovery: after so many operations, leaving what.
    pub nested: Vec<(u16, u8)>,
}

impl Crash {
    /// The position that leaves everything, the cache included: no power is cut, the process is killed in the middle of a
    /// call.
    pub const KILLED: u8 = 14;

    /// What a position means; `None` for [`Crash::KILLED`].
    #[must_use]
    pub fn policy(position: u8) -> Option<CrashPolicy> {
        let (all, blasts) = (CrashPolicy::ALL, CrashPolicy::BLASTS);
        let mut policies = all.into_iter().chain(blasts);
        policies.nth(usize::from(position))
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
    /// The how manieth operation that it can strike from now on, from 1. What strikes no operation happens after so many of
    /// any kind.
    pub nth: u16,
    /// How often; 0 for ever. What strikes no operation happens once.
    pub times: u8,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FaultKind {
    /// An operation fails with EIO and does nothing.
    Fails(Struck),
    /// An operation fails with another error and does nothing.
    Refused(Struck, Refusal),
    /// A write fails after a part of it.
    PartialWrite,
    /// A write finds no space.
    NoSpace,
    /// A write finds no space after a part of it.
    PartialNoSpace,
    /// The disk is this many KiB from full.
    Full(u8),
    /// As `Full`, but room is looked for only at a sync.
    FullLate(u8),
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
    /// The medium harms a file that is in use.
    Harm(DamageKind),
    /// An operation takes so many milliseconds.
    Slow(Struck, u32),
    /// Operations take so many microseconds on average, and now and then a second.
    SlowDisk(u16),
    /// Nobody runs for so many milliseconds.
    Pause(u32),
    /// The clock stands still for so many milliseconds, and then catches up.
    Stall(u32),
}

/// Why an operation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refusal {
    /// No room is left.
    Enospc,
    /// The user's share of the room is used up.
    Edquot,
    /// Too many files are open.
    Emfile,
    /// The file system became read-only.
    Erofs,
    /// A signal came in between; never for ever.
    Eintr,
}

impl From<Refusal> for Errno {
    fn from(refusal: Refusal) -> Errno {
        match refusal {
            Refusal::Enospc => Errno::Enospc,
            Refusal::Edquot => Errno::Edquot,
            Refusal::Emfile => Errno::Emfile,
            Refusal::Erofs => Errno::Erofs,
            Refusal::Eintr => Errno::Eintr,
        }
    }
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
    /// Making a folder.
    CreateDir,
    /// Listing a folder, asking for a length, or whether a path is there.
    Look,
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
    /// The archive of the log, which lies elsewhere.
    Archive,
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
    /// A sector is what it was some syncs ago.
    StaleSector,
    /// A file is as a whole what it was some syncs ago.
    RollBack,
}

impl DamageKind {
    /// All of them.
    pub const ALL: [DamageKind; 8] = [
        DamageKind::FlipBit,
        DamageKind::ZeroSector,
        DamageKind::GarbleSector,
        DamageKind::BreakSector,
        DamageKind::Truncate,
        DamageKind::CopyBlock,
        DamageKind::StaleSector,
        DamageKind::RollBack,
    ];

    /// Whether the disk must remember what files were some syncs ago.
    #[must_use]
    pub fn needs_generations(self) -> bool {
        matches!(self, DamageKind::StaleSector | DamageKind::RollBack)
    }
}

impl From<DamageKind> for Harm {
    fn from(kind: DamageKind) -> Harm {
        match kind {
            DamageKind::FlipBit => Harm::FlipBit,
            DamageKind::ZeroSector => Harm::ZeroSector,
            DamageKind::GarbleSector => Harm::GarbleSector,
            DamageKind::BreakSector => Harm::BreakSector,
            DamageKind::Truncate => Harm::Truncate,
            DamageKind::CopyBlock => Harm::CopyBlock,
            DamageKind::StaleSector => Harm::StaleSector,
            DamageKind::RollBack => Harm::RollBack,
        }
    }
}
