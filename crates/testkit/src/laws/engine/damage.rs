//! E4: damage is found, never believed.

use std::path::Path;

use drystone_base::Lsn;
use drystone_engine::Engine;

use super::EngineLaws;
use super::subject::{compare_state, open_on};
use crate::draw::Draw;
use crate::model::Model;
use crate::sim::{CrashPolicy, SimFileSystem};

/// Bits that are turned over in each file.
const FLIPS: u64 = 1500;
/// Where superblocks and headers are: half of the flips are before this.
const HEAD_BYTES: u64 = 16 << 10;
/// Sectors that are zeroed or garbled, and places where a file is cut, in each file.
const WOUNDS: u64 = 150;

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
        } else {
            let known = at == Lsn::ZERO || model.commits().contains(&at);
            assert!(known, "{place}: {at} never was a state");
        }
        let read = compare_state(&*engine.snapshot(), model, at);
        let read = read.unwrap_or_else(|wrong| panic!("{place}: {wrong}"));
        if let Err(error) = read {
            assert!(
                !verifies_clean(&*engine),
                "{place}: reads fail with {error}, verify finds nothing"
            );
        }
    }
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
