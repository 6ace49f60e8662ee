//! Damaged copies: what a database makes of a disk that rots. Whatever it shows is right, or an error that says so.

use std::path::PathBuf;

use drystone::{Database, Env, Error};
use drystone_testkit::{CrashPolicy, Draw, SimFileSystem};

use super::judge::Stop;
use super::observe::{Unseen, difference, is_reported, observe};
use super::{FOLDER, Run, failure_of};
use crate::failure::{Failure, FailureKind};
use crate::fault::{Damage, DamageKind};
use crate::oracle::Oracle;
use crate::plan::Plan;

const BLOCK_BYTES: u64 = 4096;
const SECTOR_BYTES: u64 = 512;
/// Steps without work after which the log has marked what is durable.
const QUIET_STEPS: u32 = 3;
/// Steps within which that must be.
const STEPS_MAX: u32 = 100;

/// A database that was closed in good order.
pub(crate) struct Closed {
    pub(crate) disk: SimFileSystem,
    oracle: Oracle,
}

/// What became of a damaged copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// Everything was right.
    None,
    /// The database said what is damaged.
    Reported,
}

impl Closed {
    /// Damages a copy of the disk and opens it: nothing may be missing without a word.
    pub(crate) fn probe(
        &self,
        copy: &SimFileSystem,
        plan: &Plan,
        damage: Damage,
    ) -> Result<Harm, Stop> {
        let Some(place) = spoil(copy, damage) else {
            return Ok(Harm::None);
        };
        let newest = self.oracle.newest_number();
        inspect(&copy.env(), plan, &self.oracle, newest).map_err(|stop| at(stop, &place))
    }
}

impl Run<'_> {
    /// All steps, and a close.
    pub(crate) fn finish(mut self) -> Result<Closed, Failure> {
        let done = self.run_steps().and_then(|()| self.close());
        match done {
            Ok(()) => Ok(Closed {
                disk: self.disk,
                oracle: self.oracle,
            }),
            Err(stop) => Err(failure_of(stop, self.step, self.plan)),
        }
    }

    /// Waits for the idle marker, which vouches for the log's last write, so that nothing may be missing without a word
    /// after it; whether it came.
    fn vouch(&mut self) -> Result<bool, Stop> {
        self.sync()?;
        let mut quiet = 0;
        for _ in 0..STEPS_MAX {
            match self.db()?.step() {
                Ok(true) => quiet = 0,
                Ok(false) => quiet += 1,
                Err(error) => return self.write_failed("step", &error).map(|_| false),
            }
            if quiet == QUIET_STEPS {
                break;
            }
        }
        Ok(self.oracle.floor() == self.oracle.newest_number())
    }

    /// Damages a copy of the disk, as it is now, and opens it.
    pub(super) fn probe(&mut self, damage: Damage) -> Result<(), Stop> {
        if !self.vouch()? || self.is_media_broken() || self.disk.is_off() {
            return Ok(());
        }
        let copy = self.disk.crash(CrashPolicy::KeepAll);
        let Some(place) = spoil(&copy, damage) else {
            return Ok(());
        };
        let newest = self.oracle.newest_number();
        let harm = inspect(&copy.env(), self.plan, &self.oracle, newest);
        let harm = harm.map_err(|stop| at(stop, &place))?;
        self.coverage
            .count(&format!("damage: {:?}, {harm:?}", damage.kind));
        Ok(())
    }
}

fn at(stop: Stop, place: &str) -> Stop {
    match stop {
        Stop::Broken { kind, what } => Stop::Broken {
            kind,
            what: format!("{what} (after damage: {place})"),
        },
        Stop::Reported => Stop::Reported,
    }
}

/// Opens a damaged disk, reads everything, and checks it.
pub(crate) fn inspect(
    env: &Env,
    plan: &Plan,
    oracle: &Oracle,
    lowest: usize,
) -> Result<Harm, Stop> {
    let db = match Database::open_in(env, FOLDER, plan.options.database()) {
        Ok(db) => db,
        Err(error) => return reported(&error),
    };
    let found = match observe(&db) {
        Ok(found) => found,
        Err(Unseen::Error(error)) => return reported(&error),
        Err(nonsense) => return Err(nonsense.into()),
    };
    if oracle.candidates(lowest).any(|(_, state)| *state == found) {
        return Ok(Harm::None);
    }
    Err(match oracle.number_of(&found) {
        Some(number) => Stop::broken(
            FailureKind::LostCommit,
            format!(
                "an older state, in silence: {number} of {lowest}..={}",
                oracle.newest_number()
            ),
        ),
        None => Stop::wrong(difference(oracle.newest(), &found)),
    })
}

/// Damage must be said as such; a sector that cannot be read, as a failed read.
fn reported(error: &Error) -> Result<Harm, Stop> {
    if is_reported(error) || error.kind() == drystone::ErrorKind::Io {
        return Ok(Harm::Reported);
    }
    Err(Stop::unexpected("on a damaged disk", error))
}

/// Damages a file of the disk; where, in words. `None` where there is nothing to damage.
pub(crate) fn spoil(disk: &SimFileSystem, damage: Damage) -> Option<String> {
    let mut draw = Draw::new(u64::from(damage.seed));
    let mut files: Vec<(PathBuf, u64)> = Vec::new();
    for path in disk.files() {
        let len = disk.image(&path).ok()?.len();
        if len > 0 && !path.ends_with("LOCK") {
            files.push((path, len));
        }
    }
    if files.is_empty() {
        return None;
    }
    let (path, len) = draw.pick(&files).clone();
    let offset = draw.below(len);
    let sector = offset - offset % SECTOR_BYTES;
    let done = match damage.kind {
        DamageKind::FlipBit => {
            let bit = u8::try_from(draw.below(8)).unwrap_or(0);
            disk.flip_bit(&path, offset, bit)
        }
        DamageKind::ZeroSector => disk.zero_sector(&path, offset),
        DamageKind::GarbleSector => disk.garble_sector(&path, offset),
        DamageKind::BreakSector => disk.break_sector(&path, sector..sector + SECTOR_BYTES),
        DamageKind::Truncate => disk.truncate(&path, offset),
        DamageKind::CopyBlock => {
            let mut block = vec![0; 4096];
            let from = draw.below(len.div_ceil(BLOCK_BYTES)) * BLOCK_BYTES;
            let count = disk.image(&path).ok()?.read_at(&mut block, from);
            disk.overwrite(&path, offset - offset % BLOCK_BYTES, &block[..count])
        }
    };
    done.ok()?;
    Some(format!(
        "{:?} of {} at offset {offset} of {len}",
        damage.kind,
        path.display()
    ))
}
