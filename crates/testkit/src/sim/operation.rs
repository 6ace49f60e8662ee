//! One operation on a disk: what faults, the power cut and the limits of the disk make of it.
//!
//! # Invariants
//! - I1. Every change that somebody asked for goes through [`Disk::change`]: faults, the power cut, the count of
//!   operations and the recording see each one exactly once. Every step goes through [`Disk::perform`].
//! - I2. Once power is off, every operation fails, on every handle.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::SeededRandom;
use parking_lot::Mutex;

use super::clock::{Latency, SimClock};
use super::fault::{Effect, Faults, OpKind};
use super::generations::Generations;
use super::happened::Happened;
use super::plan::Schedule;
use super::step::{FileId, Step};
use super::trace::Trace;
use super::trace_hash::TraceHash;
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

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) seed: u64,
    pub(super) draw: Draw,
    pub(super) random: Arc<SeededRandom>,
    pub(super) clock: Arc<SimClock>,
    pub(super) volume: Volume,
    pub(super) power: Power,
    /// How many operations may still be tried, of any kind.
    pub(super) allowed: Cell<u64>,
    pub(super) operations: u64,
    /// Reads and looks that something could go wrong with, since the last operation.
    looks: u64,
    pub(super) faults: Faults,
    pub(super) schedule: Schedule,
    pub(super) happened: Vec<Happened>,
    pub(super) limits: Limits,
    pub(super) bad_sectors: Vec<(FileId, Range<u64>)>,
    pub(super) generations: Generations,
    pub(super) locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
    pub(super) trace: Option<Trace>,
    pub(super) hash: Option<TraceHash>,
}

/// What a disk cannot do.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// The length of all files together.
    pub(super) capacity: Option<u64>,
    /// Whether room is looked for only at a sync.
    pub(super) allocates_late: bool,
    pub(super) read_only: BTreeSet<PathBuf>,
    pub(super) latency: Option<Latency>,
    /// Whether locks are given to everybody.
    pub(super) shares_locks: bool,
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
            random: Arc::new(SeededRandom::new(mix(seed, &[2]))),
            clock: Arc::default(),
            volume,
            power: Power::On,
            allowed: Cell::new(u64::MAX),
            operations: 0,
            looks: 0,
            faults: Faults::default(),
            schedule: Schedule::default(),
            happened: Vec::new(),
            limits: Limits::default(),
            bad_sectors: Vec::new(),
            generations: Generations::default(),
            locks: Arc::default(),
            trace: None,
            hash: None,
        }
    }

    /// Every operation begins with this.
    pub(super) fn check_power(&self) -> io::Result<()> {
        let allowed = self.allowed.get();
        // Set first: what is dropped while this unwinds uses the disk, too.
        self.allowed.set(allowed.checked_sub(1).unwrap_or(u64::MAX));
        assert!(allowed > 0, "more operations than were allowed");
        match self.power {
            Power::Off => Err(no_power()),
            Power::On | Power::Ends { .. } => Ok(()),
        }
    }

    /// Lets an operation that changes nothing happen, or fail; what else a fault makes of it.
    pub(super) fn look(&mut self, on: OpKind, path: &Path) -> io::Result<Option<Effect>> {
        self.check_power()?;
        if self.is_undisturbed() {
            return Ok(None);
        }
        self.looks += 1;
        self.pass_time();
        self.follow_schedule();
        let effect = self.strike(on, path, 0..u64::MAX);
        let outcome = match effect {
            Some(Effect::Error(kind) | Effect::Partial(kind)) => Err(struck(on, kind)),
            Some(Effect::Errno(errno)) => Err(refused(on, errno)),
            effect => Ok(effect),
        };
        self.note(on, path, outcome.as_ref().err());
        outcome
    }

    /// Whether nothing can go wrong with a look and nobody keeps count: then there is a short way, which recoveries
    /// owe their speed to.
    pub(super) fn is_undisturbed(&self) -> bool {
        self.faults.is_empty()
            && self.schedule.is_empty()
            && self.limits.latency.is_none()
            && self.hash.is_none()
    }

    /// Does one operation, or what faults and the power cut make of it; of a write, how many bytes were taken.
    pub(super) fn change(&mut self, on: OpKind, path: &Path, step: Step) -> io::Result<usize> {
        self.check_power()?;
        self.pass_time();
        self.follow_schedule();
        self.operations += 1;
        self.looks = 0;
        let (step, outcome) = match self.strike(on, path, step.bytes()) {
            None => step.whole(),
            Some(effect) => self.bend(on, effect, step),
        };
        let outcome = self.until_power_ends(step, outcome);
        self.note(on, path, outcome.as_ref().err());
        outcome
    }

    fn until_power_ends(
        &mut self,
        step: Option<Step>,
        outcome: io::Result<usize>,
    ) -> io::Result<usize> {
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
        outcome
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

    /// The fault that strikes an operation, which is written down.
    fn strike(&mut self, on: OpKind, path: &Path, bytes: Range<u64>) -> Option<Effect> {
        let strike = self.faults.strike(on, path)?;
        if let Effect::Slow(time) = strike.effect {
            self.clock.advance(time);
        }
        self.happened.push(Happened {
            item: strike.item,
            operation: self.operations,
            hazard: strike.effect.hazard(),
            path: path.to_owned(),
            bytes: strike.effect.reach(bytes),
            what: format!("{on:?}: {:?}", strike.effect),
        });
        Some(strike.effect)
    }

    fn pass_time(&mut self) {
        if let Some(latency) = self.limits.latency {
            let time = latency.draw(&mut self.draw_for(4));
            self.clock.advance(time);
        }
    }

    /// Draws for one use at this operation: what is dropped from a plan changes no other draw.
    pub(super) fn draw_for(&self, purpose: u64) -> Draw {
        Draw::of(self.seed, &[purpose, self.operations, self.looks])
    }

    /// Does a step, whether somebody asked for it or not.
    pub(super) fn perform(&mut self, step: Option<Step>) {
        let Some(step) = step else { return };
        if let Step::Sync { file } = step {
            self.generations.keep(file, &self.volume.file(file).durable);
        }
        self.volume.apply(&step);
        if let Some(hash) = &mut self.hash {
            step.hash_into(hash);
        }
        if let Some(trace) = &mut self.trace {
            trace.push(step);
        }
    }

    /// Adds an operation and how it went to the hash of the run.
    fn note(&mut self, on: OpKind, path: &Path, error: Option<&io::Error>) {
        if let Some(hash) = &mut self.hash {
            hash.number(on as u64);
            hash.bytes(path.as_os_str().as_encoded_bytes());
            let kind = error.map_or(String::new(), |error| format!("{:?}", error.kind()));
            hash.bytes(kind.as_bytes());
        }
    }

    /// Lets power go off at the next change.
    pub(super) fn end_power(&mut self, how: Cut) {
        self.power = Power::Ends { left: 0, how };
    }
}

pub(super) fn no_power() -> io::Error {
    io::Error::other("the simulated disk has no power")
}

pub(super) fn struck(on: OpKind, kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, format!("simulated fault: {on:?} failed"))
}

pub(super) fn refused(on: OpKind, errno: super::errno::Errno) -> io::Error {
    io::Error::new(
        errno.kind(),
        format!("simulated fault: {on:?} failed with {errno}"),
    )
}
