//! E4: damage is found, never believed.

use std::path::Path;

use drystone_base::Lsn;
use drystone_engine::{Engine, EngineError};

use super::EngineLaws;
use super::subject::{Subject, compare_state, merge, open_on};
use crate::draw::Draw;
use crate::model::Model;
use crate::sim::{CrashPolicy, Effect, Fault, OpKind, SimFileSystem};

/// Bits that are turned over in each file.
const FLIPS: u64 = 1500;
/// Where superblocks and headers are: half of the flips are before this.
const HEAD_BYTES: u64 = 16 << 10;
/// Sectors that are zeroed or garbled, and places where a file is cut, in each file.
const WOUNDS: u64 = 150;
/// How many writes, and reads, are turned into lies, one at a time.
const LIES: u64 = 40;

impl EngineLaws {
    /// E4: turn any bit of any file over, zero or garble a sector, cut a file: what can be read is right, the rest is
    /// an error. A single bit never makes the engine step back to an older state in silence, and what a read finds,
    /// `verify` finds.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn damage_is_never_believed(&self) {
        let _note = self.note("damage is never believed");
        let mut subject = self.subject();
        for _ in 0..self.merges {
            subject.merge_next();
        }
        subject.disk.settle();
        let mut draw = Draw::of(self.seed, &[4]);
        for path in subject.disk.files() {
            let len = subject.disk.image(&path).map_or(0, |image| image.len());
            if len == 0 {
                continue;
            }
            for number in 0..FLIPS {
                let reach = if number % 2 == 0 {
                    len.min(HEAD_BYTES)
                } else {
                    len
                };
                let wound = Wound::Flip(draw.below(reach), (number % 8).to_le_bytes()[0]);
                self.check_wound(&subject.disk, &subject.model, &path, wound);
            }
            for number in 0..WOUNDS {
                let at = draw.below(len);
                let wound = match number % 3 {
                    0 => Wound::Zero(at),
                    1 => Wound::Garble(at),
                    _ => Wound::Cut(at),
                };
                self.check_wound(&subject.disk, &subject.model, &path, wound);
            }
        }
    }

    /// E4: a write that the disk acknowledged and lost, or put elsewhere, and a read that it took from elsewhere, are
    /// found: what can be read is right and of one state, the rest is an error.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn lying_disks_are_never_believed(&self) {
        let _note = self.note("lying disks are never believed");
        let lies = [
            (OpKind::Write, Effect::LostWrite),
            (OpKind::Write, Effect::MisdirectedWrite { by: 4096 }),
            (OpKind::Write, Effect::MisdirectedWrite { by: -4096 }),
            (OpKind::Read, Effect::MisdirectedRead { by: 4096 }),
        ];
        for (on, effect) in lies {
            for nth in 1..=LIES {
                self.check_lie(on, effect, nth);
            }
        }
    }

    fn check_lie(&self, on: OpKind, effect: Effect, nth: u64) {
        let mut subject = self.subject();
        for _ in 0..4 {
            subject.merge_next();
        }
        let place = format!("{effect:?}, {on:?} number {nth}");
        subject.disk.inject(Fault::new(on, effect).nth(nth));
        for _ in 0..3 {
            let batch = subject.generator.batch();
            let upto = subject.next_lsn();
            subject.model.commit(upto, &batch);
            let failed = merge(&*subject.engine, &batch, upto).is_err();
            // At once: the next merge may happen to write it again, right.
            self.check_liar(&subject, &place);
            if failed {
                return;
            }
        }
    }

    fn check_liar(&self, subject: &Subject, place: &str) {
        let mut reads = vec![check_believed(&*subject.engine, &subject.model, place)];
        let left = subject.disk.crash(CrashPolicy::KeepAll);
        if let Ok(engine) = open_on(self, &left.env()) {
            reads.push(check_believed(&*engine, &subject.model, place));
        }
        let errors = reads.iter().filter(|read| read.is_err()).count();
        assert!(
            errors == 0 || subject.disk.faults_struck() > 0,
            "{place}: errors without a lie"
        );
    }

    fn check_wound(&self, sound: &SimFileSystem, model: &Model, path: &Path, wound: Wound) {
        let disk = sound.crash(CrashPolicy::KeepAll);
        wound.inflict(&disk, path);
        let place = format!("{wound:?} in {}", path.display());
        let Ok(engine) = open_on(self, &disk.env()) else {
            return;
        };
        let at = engine.merged_lsn();
        if matches!(wound, Wound::Flip(..)) {
            assert_eq!(at, model.last(), "{place}: a silent step to another state");
        }
        if let Err(error) = check_believed(&*engine, model, &place) {
            assert!(
                !verifies_clean(&*engine),
                "{place}: reads fail with {error}, verify finds nothing"
            );
        }
    }
}

/// What can be read is right, and of a state that was. The first error that a read gave.
fn check_believed(engine: &dyn Engine, model: &Model, place: &str) -> Result<(), EngineError> {
    let at = engine.merged_lsn();
    let known = at == Lsn::ZERO || model.commits().contains(&at);
    assert!(known, "{place}: {at} never was a state");
    let read = compare_state(&*engine.snapshot(), model, at);
    read.unwrap_or_else(|wrong| panic!("{place}: {wrong}"))
}

fn verifies_clean(engine: &dyn Engine) -> bool {
    engine
        .verify()
        .is_ok_and(|report| report.findings.is_empty())
}

#[derive(Clone, Copy, Debug)]
enum Wound {
    Flip(u64, u8),
    Zero(u64),
    Garble(u64),
    Cut(u64),
}

impl Wound {
    fn inflict(self, disk: &SimFileSystem, path: &Path) {
        let done = match self {
            Wound::Flip(offset, bit) => disk.flip_bit(path, offset, bit),
            Wound::Zero(offset) => disk.zero_sector(path, offset),
            Wound::Garble(offset) => disk.garble_sector(path, offset),
            Wound::Cut(len) => disk.truncate(path, len),
        };
        done.expect("the file is there and long enough");
    }
}
