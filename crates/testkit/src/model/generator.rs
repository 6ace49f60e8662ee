//! Batches from a seed: keys that collide, share prefixes, are empty or long; values of every size; drops.

use bytes::Bytes;
use drystone_base::KeyspaceId;

use super::{Batch, Model};
use crate::draw::Draw;

/// What a [`Generator`] makes. Every field may be set; the default suits most engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many keyspaces are in use at a time, at least 1.
    pub keyspaces: u32,
    /// How many different keys a keyspace has, about. Fewer collide more often.
    pub keys: u64,
    /// The most changes in a batch, at least 1.
    pub changes_max: u64,
    /// The longest key, in bytes. One in thirty is long.
    pub key_bytes_max: usize,
    /// The longest value, in bytes. One in thirty is long.
    pub value_bytes_max: usize,
    /// How many changes in a hundred are deletes.
    pub delete_percent: u64,
    /// How many batches in a hundred drop a keyspace.
    pub drop_percent: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            keyspaces: 3,
            keys: 60,
            changes_max: 12,
            key_bytes_max: 300,
            value_bytes_max: 3000,
            delete_percent: 25,
            drop_percent: 3,
        }
    }
}

/// An endless stream of batches that a seed and a shape determine.
#[derive(Debug)]
pub struct Generator {
    shape: Shape,
    draw: Draw,
    /// Numbers of keyspaces are never reused: a dropped one is replaced by the next.
    live: Vec<KeyspaceId>,
    next: u32,
}

impl Generator {
    /// The stream of `seed`. Keyspaces are numbered from 1.
    #[must_use]
    pub fn new(seed: u64, shape: Shape) -> Generator {
        let count = shape.keyspaces.max(1);
        Generator {
            shape,
            draw: Draw::new(seed),
            live: (1..=count).map(KeyspaceId).collect(),
            next: count + 1,
        }
    }

    /// The next batch: at least one change.
    pub fn batch(&mut self) -> Batch {
        let mut batch = Batch::new();
        if self.draw.chance(self.shape.drop_percent) {
            let idx = self.draw.index(self.live.len());
            batch.drop_keyspace(self.live[idx]);
            self.live[idx] = KeyspaceId(self.next);
            self.next += 1;
        }
        for _ in 0..=self.draw.below(self.shape.changes_max.max(1)) {
            self.add_change(&mut batch);
        }
        batch
    }

    fn add_change(&mut self, batch: &mut Batch) {
        let keyspace = *self.draw.pick(&self.live);
        let key = self.key();
        if self.draw.chance(self.shape.delete_percent) {
            batch.delete(keyspace, key);
        } else {
            batch.put(keyspace, key, self.value());
        }
    }

    /// A key. Also good for looking up: most are known, some are not.
    pub fn key(&mut self) -> Bytes {
        let number = self.draw.below(self.shape.keys.max(1));
        let mut key = match number % 7 {
            0 if number == 0 => Vec::new(),
            // One byte, up to the highest.
            1 => vec![number.to_le_bytes()[0].wrapping_neg()],
            // A long shared beginning, and keys that begin with each other.
            2 => [
                b"shared/beginning/of/many/keys/".as_slice(),
                &vec![b'k'; as_len(number / 7)],
            ]
            .concat(),
            3 => vec![0xFF; as_len(number / 7)],
            4 => vec![0; as_len(number / 7)],
            5 => number.to_be_bytes().to_vec(),
            _ => format!("key{number:05}").into_bytes(),
        };
        if number % 30 == 17 {
            key.resize(self.shape.key_bytes_max, b'l');
        }
        key.truncate(self.shape.key_bytes_max);
        key.into()
    }

    fn value(&mut self) -> Bytes {
        let max = self.shape.value_bytes_max as u64;
        let len = match self.draw.below(30) {
            0 => max,
            1 | 2 => 0,
            3..6 => self.draw.below(max + 1),
            _ => self.draw.below(max.min(40) + 1),
        };
        self.draw.bytes(as_len(len)).into()
    }

    /// The model after `count` batches at LSNs `step`, `2 * step`, ..., and the batches.
    #[must_use]
    pub fn history(&mut self, count: u64, step: u64) -> (Model, Vec<Batch>) {
        let mut model = Model::new();
        let mut batches = Vec::new();
        for number in 1..=count {
            let batch = self.batch();
            model.commit(drystone_base::Lsn(number * step), &batch);
            batches.push(batch);
        }
        (model, batches)
    }
}

fn as_len(len: u64) -> usize {
    usize::try_from(len).expect("lengths of the shape fit in memory")
}
