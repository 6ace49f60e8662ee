//! What a workload promised, and when.

use parking_lot::Mutex;

use crate::sim::SimFileSystem;

/// Writes down what a workload begins and acknowledges, and at which operation of the disk.
///
/// The numbers are the workload's own: of commits, say. The check knows what each stands for.
#[derive(Debug)]
pub struct Witness {
    disk: SimFileSystem,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
pub(super) struct Notes {
    begun: Stamped,
    acknowledged: Stamped,
}

/// Numbers, each with the count of operations before it, ascending by that.
#[derive(Debug, Default)]
struct Stamped {
    numbers: Vec<u64>,
    stamps: Vec<usize>,
}

impl Stamped {
    fn push(&mut self, number: u64, stamp: usize) {
        self.numbers.push(number);
        self.stamps.push(stamp);
    }

    fn by(&self, at: usize) -> &[u64] {
        let count = self.stamps.partition_point(|stamp| *stamp <= at);
        &self.numbers[..count]
    }
}

impl Witness {
    pub(super) fn new(disk: SimFileSystem) -> Witness {
        Witness {
            disk,
            notes: Mutex::default(),
        }
    }

    /// From here on a crash may leave number `number` done. To be called before its first write.
    pub fn begin(&self, number: u64) {
        self.notes.lock().begun.push(number, self.disk.recorded());
    }

    /// From here on every crash must leave number `number` done. To be called as soon as that is promised.
    pub fn acknowledge(&self, number: u64) {
        self.notes
            .lock()
            .acknowledged
            .push(number, self.disk.recorded());
    }

    pub(super) fn into_notes(self) -> Notes {
        self.notes.into_inner()
    }
}

impl Notes {
    /// How many numbers had been begun and acknowledged by then.
    pub(super) fn counts_at(&self, at: usize) -> (usize, usize) {
        let promises = self.at(at);
        (promises.begun.len(), promises.acknowledged.len())
    }

    pub(super) fn at(&self, at: usize) -> Promises<'_> {
        Promises {
            begun: self.begun.by(at),
            acknowledged: self.acknowledged.by(at),
        }
    }
}

/// What had been promised when power was cut.
#[derive(Clone, Copy, Debug)]
pub struct Promises<'a> {
    /// What may be done, in the order in which it began.
    pub begun: &'a [u64],
    /// What must be done, in the order in which it was acknowledged.
    pub acknowledged: &'a [u64],
}

impl Promises<'_> {
    /// The last number that was begun; 0 before the first.
    #[must_use]
    pub fn last_begun(&self) -> u64 {
        self.begun.last().copied().unwrap_or(0)
    }

    /// The last number that was acknowledged; 0 before the first.
    #[must_use]
    pub fn last_acknowledged(&self) -> u64 {
        self.acknowledged.last().copied().unwrap_or(0)
    }
}
