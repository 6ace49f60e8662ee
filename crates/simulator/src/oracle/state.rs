//! One state of the database as it must be: keyspaces and tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::operation::key_bytes;
use crate::operation::{Look, Order};
use crate::statement::{Cells, IndexOn, Query};

/// The keyspace where every commit leaves its number. Beyond those that plans name.
pub(crate) const COUNTER: u8 = u8::MAX;

/// The entries of a keyspace.
pub(crate) type Entries = BTreeMap<Bytes, Bytes>;

/// All that a commit left. Cheap to clone: what a commit did not change is shared.
///
/// Two states are equal when readers cannot tell them apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// By number.
    pub(crate) spaces: BTreeMap<u8, Space>,
    /// By number.
    pub(crate) tables: BTreeMap<u8, Table>,
}

/// A keyspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    /// Unique to this keyspace: one that is dropped and made again is another.
    pub(crate) life: u64,
    pub(crate) entries: Arc<Entries>,
}

impl PartialEq for Space {
    fn eq(&self, other: &Space) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries) || self.entries == other.entries
    }
}

impl Eq for Space {}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) life: u64,
    pub(crate) rows: Arc<BTreeMap<i16, Cells>>,
    /// Each with a life of its own.
    pub(crate) indexes: BTreeMap<IndexOn, u64>,
}

impl PartialEq for Table {
    fn eq(&self, other: &Table) -> bool {
        self.indexes.keys().eq(other.indexes.keys())
            && (Arc::ptr_eq(&self.rows, &other.rows) || self.rows == other.rows)
    }
}

impl Eq for Table {}

impl State {
    /// The keyspace of this life, where it lives.
    pub(crate) fn space_of(&self, life: u64) -> Option<&Space> {
        self.spaces.values().find(|space| space.life == life)
    }

    pub(crate) fn space_mut(&mut self, life: u64) -> Option<&mut Space> {
        self.spaces.values_mut().find(|space| space.life == life)
    }

    /// What a look at a keyspace gives; nothing where it does not live.
    pub(crate) fn look(&self, life: u64, look: &Look) -> Vec<(Bytes, Bytes)> {
        let Some(space) = self.space_of(life) else {
            return Vec::new();
        };
        let owned = |(key, value): (&Bytes, &Bytes)| (key.clone(), value.clone());
        let entries = &space.entries;
        match look {
            Look::Get(_, key) => {
                let found = entries.get_key_value(&key_bytes(*key));
                found.map(owned).into_iter().collect()
            }
            Look::Range(_, from, to, order) => {
                let (from, to) = span(*from, *to);
                in_order(entries.range(from..to).map(owned).collect(), *order)
            }
            Look::Prefix(_, key, order) => {
                let prefix = key_bytes(*key);
                let all = entries.range(prefix.clone()..);
                let all = all.take_while(|(key, _)| key.starts_with(&prefix));
                in_order(all.map(owned).collect(), *order)
            }
            Look::All(_, order) => in_order(entries.iter().map(owned).collect(), *order),
        }
    }
}

/// The bounds of a range between two keys, the lower one first.
pub(crate) fn span(from: u16, to: u16) -> (Bytes, Bytes) {
    let (from, to) = (key_bytes(from), key_bytes(to));
    if from <= to { (from, to) } else { (to, from) }
}

/// Puts what is ascending into the order in which it is read.
fn in_order(mut entries: Vec<(Bytes, Bytes)>, order: Order) -> Vec<(Bytes, Bytes)> {
    match order {
        Order::Forward => {}
        Order::Backward => entries.reverse(),
        Order::Both => {
            let mut left = std::collections::VecDeque::from(std::mem::take(&mut entries));
            while let Some(first) = left.pop_front() {
                entries.push(first);
                entries.extend(left.pop_back());
            }
        }
    }
    entries
}

impl Table {
    /// The rows that a query finds, in order of their ids. Of the nearest: all rows.
    pub(crate) fn find(&self, query: &Query) -> Vec<Cells> {
        let fits = |cells: &Cells| match query {
            Query::All(_) | Query::Nearest(..) => true,
            Query::Id(_, id) => cells.id == *id,
            Query::A(_, from, to) => (i64::from(*from)..=i64::from(*to)).contains(&cells.a),
            Query::B(_, label) => cells.b == Some(*label),
            Query::Sum(_, from) => cells.a >= i64::from(*from),
        };
        self.rows
            .values()
            .filter(|row| fits(row))
            .copied()
            .collect()
    }
}

impl Cells {
    /// How far it is from a point, squared.
    pub(crate) fn distance(&self, (x, y): (i8, i8)) -> i32 {
        let (dx, dy) = (
            i32::from(self.v.0) - i32::from(x),
            i32::from(self.v.1) - i32::from(y),
        );
        dx * dx + dy * dy
    }
}
