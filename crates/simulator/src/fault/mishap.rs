//! What a fault of a plan is on the simulated disk: one [`Mishap`] of `testkit`, whose class the atlas knows.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use drystone_testkit::{
    ClockEvent, Effect, Errno, Event, Fault, Hazard, Latency, Mishap, OpKind, Outcome, Zone,
};

use super::{FaultKind, FaultSpec, Part, Refusal, Struck};
use crate::options::ARCHIVE;

/// What misdirected operations are off by is counted in these.
const BLOCK_BYTES: i64 = 4096;
/// Of a slow disk: how many operations in a hundred take how long.
const SLOW_PERCENT: u64 = 2;
const SLOW: Duration = Duration::from_secs(1);

/// What a fault comes to: something that strikes an operation, or something between operations.
enum Form {
    Strikes(OpKind, Effect),
    Happens(Event),
}

impl FaultSpec {
    /// As a disk follows it on which the database is in `folder`, and its engine's files in `engine`.
    pub(crate) fn mishap(&self, folder: &Path, engine: &str) -> Mishap {
        let under = self.part.path(folder, engine);
        match self.kind.form(&under) {
            Form::Happens(event) => Mishap::At {
                after: u64::from(self.nth.max(1)) - 1,
                event,
            },
            Form::Strikes(on, effect) => {
                let fault = Fault::new(on, effect).under(under);
                let fault = fault.nth(u64::from(self.nth.max(1)));
                Mishap::Fault(match self.times {
                    0 if effect == Effect::Errno(Errno::Eintr) => fault,
                    0 => fault.for_ever(),
                    times => fault.times(u64::from(times)),
                })
            }
        }
    }
}

impl Part {
    fn path(self, folder: &Path, engine: &str) -> PathBuf {
        match self {
            Part::Any => folder.to_owned(),
            Part::Log => folder.join("log"),
            Part::Engine => folder.join(engine),
            Part::Archive => PathBuf::from(ARCHIVE),
        }
    }
}

impl FaultKind {
    /// The class that it belongs to.
    #[must_use]
    pub fn hazard(self) -> Hazard {
        match self.form(Path::new("")) {
            Form::Strikes(_, effect) => effect.hazard(),
            Form::Happens(event) => event.hazard(),
        }
    }

    /// Whether it may make no call fail, and break nothing.
    pub(crate) fn is_harmless(self) -> bool {
        self.hazard().outcome() == Outcome::Kept
    }

    /// Whether only space is lacking, and the log has not been told of a failed sync: then the database goes on by itself
    /// once there is room.
    pub(crate) fn lacks_space_alone(self) -> bool {
        matches!(
            self,
            FaultKind::NoSpace
                | FaultKind::PartialNoSpace
                | FaultKind::Full(_)
                | FaultKind::Refused(Struck::Write, Refusal::Enospc | Refusal::Edquot)
        )
    }

    /// Whether it makes syncs of files fail.
    pub(crate) fn fails_syncs(self) -> bool {
        matches!(self.hazard(), Hazard::SyncFailure | Hazard::LyingSync)
            || matches!(
                self,
                FaultKind::Fails(Struck::Sync)
                    | FaultKind::Refused(Struck::Sync, _)
                    | FaultKind::FullLate(_)
            )
    }

    /// Whether the disk must remember what files were some syncs ago.
    pub(crate) fn needs_generations(self) -> bool {
        matches!(self, FaultKind::Harm(kind) if kind.needs_generations())
    }

    /// One line for each.
    fn form(self, under: &Path) -> Form {
        match self {
            FaultKind::Fails(struck) => strikes(struck, Effect::Error(ErrorKind::Other)),
            FaultKind::Refused(struck, why) => strikes(struck, Effect::Errno(why.into())),
            FaultKind::Slow(struck, time) => strikes(struck, Effect::Slow(millis(time))),
            FaultKind::PartialWrite => write(Effect::Partial(ErrorKind::Other)),
            FaultKind::NoSpace => write(Effect::Error(ErrorKind::StorageFull)),
            FaultKind::PartialNoSpace => write(Effect::Partial(ErrorKind::StorageFull)),
            FaultKind::ShortWrite => write(Effect::Short),
            FaultKind::LostWrite => write(Effect::LostWrite),
            FaultKind::LostBelowCache => write(Effect::LostBelowCache),
            FaultKind::MisdirectedWrite(blocks) => {
                write(Effect::MisdirectedWrite { by: by(blocks) })
            }
            FaultKind::MisdirectedBelowCache(blocks) => {
                write(Effect::MisdirectedBelowCache { by: by(blocks) })
            }
            FaultKind::SyncMarkedClean => strikes(Struck::Sync, Effect::SyncMarkedClean),
            FaultKind::SyncReverted => strikes(Struck::Sync, Effect::SyncReverted),
            FaultKind::SyncPartly => strikes(Struck::Sync, Effect::SyncPartly),
            FaultKind::SyncFull => strikes(Struck::Sync, Effect::SyncFull),
            FaultKind::SyncLate => strikes(Struck::Sync, Effect::SyncLate),
            FaultKind::ShortRead => strikes(Struck::Read, Effect::Short),
            FaultKind::MisdirectedRead(blocks) => {
                strikes(Struck::Read, Effect::MisdirectedRead { by: by(blocks) })
            }
            FaultKind::Full(left) => space(left, false),
            FaultKind::FullLate(left) => space(left, true),
            FaultKind::Harm(kind) => Form::Happens(Event::Harm {
                harm: kind.into(),
                zone: Zone::under(under),
            }),
            FaultKind::SlowDisk(micros) => slow_disk(micros),
            FaultKind::Pause(time) => Form::Happens(Event::Clock(ClockEvent::Pause(millis(time)))),
            FaultKind::Stall(time) => Form::Happens(Event::Clock(ClockEvent::Stall(millis(time)))),
        }
    }
}

fn strikes(struck: Struck, effect: Effect) -> Form {
    Form::Strikes(struck.into(), effect)
}

fn write(effect: Effect) -> Form {
    strikes(Struck::Write, effect)
}

fn space(left_kib: u8, allocates_late: bool) -> Form {
    Form::Happens(Event::Space {
        left: u64::from(left_kib) << 10,
        allocates_late,
    })
}

fn slow_disk(micros: u16) -> Form {
    Form::Happens(Event::Latency(Latency {
        usual: Duration::from_micros(u64::from(micros)),
        slow_percent: SLOW_PERCENT,
        slow: SLOW,
    }))
}

fn millis(millis: u32) -> Duration {
    Duration::from_millis(u64::from(millis))
}

fn by(blocks: i8) -> i64 {
    i64::from(blocks) * BLOCK_BYTES
}

impl From<Struck> for OpKind {
    fn from(struck: Struck) -> OpKind {
        match struck {
            Struck::Open => OpKind::Open,
            Struck::Read => OpKind::Read,
            Struck::Write => OpKind::Write,
            Struck::SetLen => OpKind::SetLen,
            Struck::Sync => OpKind::Sync,
            Struck::SyncDir => OpKind::SyncDir,
            Struck::Rename => OpKind::Rename,
            Struck::Remove => OpKind::Remove,
            Struck::CreateDir => OpKind::CreateDir,
            Struck::Look => OpKind::Look,
        }
    }
}
