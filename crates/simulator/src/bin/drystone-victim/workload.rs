//! What each commit does, and what the first commits of a writer leave behind. Both follow from the seed alone: whoever
//! knows it and how many commits there were knows every byte.
//!
//! Commit `n` of a writer, in one transaction:
//! - puts `n`, and which commits of the other writers it sees, under the writer's key of the keyspace `latest`;
//! - puts or deletes one of the writer's [`SLOTS`] keys of the keyspace `slots`;
//! - mostly inserts row `n` into a table with an index and a vector index; changes row `n - 1`; deletes row
//!   `n - `[`WINDOW`].

use drystone::{Durability, Options, Result, Transaction, Value, Vector};
use drystone_testkit::Draw;

use crate::parts::Parts;

/// Keys of a writer. Each is written again after as many commits.
pub(crate) const SLOTS: u64 = 48;
/// How many of its rows a writer keeps.
pub(crate) const WINDOW: u64 = 40;
/// Rows of a writer have ids between its number times this, and the next one's.
const IDS_PER_WRITER: u64 = 1_000_000_000;

/// What a draw is for, so that draws for one thing do not move with those for another.
const FOR_VALUE: u64 = 1;
const FOR_ROW: u64 = 2;
const FOR_OPTIONS: u64 = 3;

/// The commits of all writers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    seed: u64,
    writers: u64,
}

impl Workload {
    pub(crate) fn new(seed: u64, writers: u64) -> Workload {
        Workload { seed, writers }
    }

    pub(crate) fn writers(&self) -> std::ops::Range<u64> {
        0..self.writers
    }

    /// A stream of choices for something that no state depends on.
    pub(crate) fn draw(&self, parts: &[u64]) -> Draw {
        Draw::of(self.seed, parts)
    }

    /// Small parts, so that a life of moments meets full segments, full memtables and merges. Stored bytes do not depend
    /// on them, so each life may have others.
    pub(crate) fn options(&self, life: u64) -> Options {
        let mut draw = self.draw(&[FOR_OPTIONS, life]);
        Options {
            cache_bytes: *draw.pick(&[64 << 10, 512 << 10, 8 << 20]),
            memtable_bytes: *draw.pick(&[8 << 10, 32 << 10, 128 << 10, 1 << 20]),
            segment_bytes: *draw.pick(&[16 << 10, 64 << 10, 256 << 10, 1 << 20]),
            durability: Durability::Sync,
            ..Options::default()
        }
    }

    /// Does commit `number` of `writer`. When this returns, it is there as the durability of `parts` says.
    pub(crate) fn commit(&self, parts: &Parts, writer: u64, number: u64) -> Result<()> {
        parts
            .db
            .transact(|tx| self.change(parts, tx, writer, number))
    }

    fn change(&self, parts: &Parts, tx: &mut Transaction, writer: u64, number: u64) -> Result<()> {
        let mut latest = number.to_be_bytes().to_vec();
        for other in self.writers() {
            let seen = tx.get(&parts.latest, other.to_be_bytes())?;
            let seen = seen.as_deref().and_then(|latest| latest.first_chunk());
            latest.extend(seen.unwrap_or(&[0; 8]));
        }
        tx.put(&parts.latest, writer.to_be_bytes().to_vec(), latest)?;
        match self.value(writer, number) {
            Some(value) => tx.put(&parts.slots, slot_key(writer, number), value)?,
            None => tx.delete(&parts.slots, slot_key(writer, number))?,
        }
        self.change_rows(tx, writer, number)
    }

    fn change_rows(&self, tx: &mut Transaction, writer: u64, number: u64) -> Result<()> {
        if self.has_row(writer, number) {
            let values = self.row(writer, number, number);
            tx.execute("INSERT INTO entries VALUES ($1, $2, $3, $4)", &values)?;
        }
        if number > 1 && self.has_row(writer, number - 1) {
            let id = Value::from(id(writer, number - 1));
            tx.execute(
                "UPDATE entries SET mirror = -id, text = NULL WHERE id = $1",
                &[id],
            )?;
        }
        if number > WINDOW && self.has_row(writer, number - WINDOW) {
            let id = Value::from(id(writer, number - WINDOW));
            tx.execute("DELETE FROM entries WHERE id = $1", &[id])?;
        }
        Ok(())
    }

    /// What commit `number` puts into its slot; `None` where it deletes what is there. Mostly small, sometimes more than
    /// a page, rarely more than a memtable.
    fn value(&self, writer: u64, number: u64) -> Option<Vec<u8>> {
        let mut draw = self.draw(&[FOR_VALUE, writer, number]);
        let len = match draw.below(100) {
            0..10 => return None,
            10..90 => draw.index(300),
            90..99 => draw.index(9_000),
            _ => draw.index(60_000),
        };
        Some(draw.bytes(len))
    }

    fn has_row(&self, writer: u64, number: u64) -> bool {
        self.draw(&[FOR_ROW, writer, number]).chance(70)
    }

    /// Row `number` of `writer` after its commit `latest`.
    fn row(&self, writer: u64, number: u64, latest: u64) -> [Value; 4] {
        let id = id(writer, number);
        let is_new = number == latest;
        let text = format!("row {number} of writer {writer}");
        [
            Value::from(id),
            Value::from(if is_new { id } else { -id }),
            if is_new {
                Value::from(text)
            } else {
                Value::Null
            },
            place(writer, number).map_or(Value::Null, Value::Vector),
        ]
    }

    /// All keys and values of `writer` in `slots` after its commit `latest`, by key.
    pub(crate) fn slots(&self, writer: u64, latest: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut slots: Vec<_> = last(SLOTS, latest)
            .filter_map(|number| Some((slot_key(writer, number), self.value(writer, number)?)))
            .collect();
        slots.sort();
        slots
    }

    /// All rows of `writer` after its commit `latest`, by id.
    pub(crate) fn rows(&self, writer: u64, latest: u64) -> Vec<[Value; 4]> {
        last(WINDOW, latest)
            .filter(|&number| self.has_row(writer, number))
            .map(|number| self.row(writer, number, latest))
            .collect()
    }
}

/// The last `count` numbers up to `latest`.
fn last(count: u64, latest: u64) -> std::ops::RangeInclusive<u64> {
    latest.saturating_sub(count) + 1..=latest
}

/// The ids that rows of `writer` may have.
pub(crate) fn ids(writer: u64) -> [Value; 2] {
    [id(writer, 0), id(writer, IDS_PER_WRITER - 1)].map(Value::from)
}

fn id(writer: u64, number: u64) -> i64 {
    i64::try_from(writer * IDS_PER_WRITER + number).expect("few writers, and few commits of each")
}

fn slot_key(writer: u64, number: u64) -> Vec<u8> {
    let mut key = writer.to_be_bytes().to_vec();
    key.extend((number % SLOTS).to_be_bytes());
    key
}

/// A place that no other row has; every third row has none.
fn place(writer: u64, number: u64) -> Option<Vector> {
    if number.is_multiple_of(3) {
        return None;
    }
    let elements = [writer, number / 1_000, number % 1_000].map(|part| {
        let part = u16::try_from(part).unwrap_or(u16::MAX);
        f32::from(part)
    });
    Some(Vector::new(elements).expect("three finite elements"))
}
