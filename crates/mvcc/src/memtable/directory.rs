//! Directory: a memtable's tables by keyspace. Tables are added and never removed; finding one takes no latch.
//!
//! Two levels of buckets, the lower ones made when a table needs them: a few tables take one block of them, and of ten
//! thousand no more than three share a bucket.

use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_base::sync::OnceLock;

use super::table::Table;

/// Buckets of a block, and blocks of a directory.
const FANOUT: usize = 64;

pub(crate) struct Directory {
    blocks: [OnceLock<Box<Block>>; FANOUT],
}

type Block = [Bucket; FANOUT];

/// The first of the tables that fall into a bucket.
type Bucket = OnceLock<Box<Place>>;

struct Place {
    table: Arc<Table>,
    next: Bucket,
}

impl Directory {
    pub(crate) fn new() -> Directory {
        Directory {
            blocks: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    #[inline]
    pub(crate) fn get(&self, keyspace: KeyspaceId) -> Option<&Arc<Table>> {
        let (block, bucket) = position(keyspace);
        let mut tables = places(&self.blocks[block].get()?[bucket]).map(|place| &place.table);
        tables.find(|table| table.keyspace() == keyspace)
    }

    /// The table of a keyspace, added when missing. Called by one thread at a time.
    pub(crate) fn get_or_add(&self, keyspace: KeyspaceId) -> &Arc<Table> {
        let (block, bucket) = position(keyspace);
        let block = self.blocks[block].get_or_init(|| Box::new(new_block()));
        let mut bucket = &block[bucket];
        loop {
            let place = bucket.get_or_init(|| {
                Box::new(Place {
                    table: Arc::new(Table::new(keyspace)),
                    next: OnceLock::new(),
                })
            });
            if place.table.keyspace() == keyspace {
                return &place.table;
            }
            bucket = &place.next;
        }
    }

    /// All tables, ascending by keyspace.
    pub(crate) fn tables(&self) -> Vec<Arc<Table>> {
        let blocks = self.blocks.iter().filter_map(OnceLock::get);
        let places = blocks.flat_map(|block| block.iter()).flat_map(places);
        let mut tables: Vec<_> = places.map(|place| Arc::clone(&place.table)).collect();
        tables.sort_unstable_by_key(|table| table.keyspace());
        tables
    }
}

/// Which block a keyspace falls into, and which bucket there: neighbours share a block.
#[inline]
fn position(keyspace: KeyspaceId) -> (usize, usize) {
    let number = keyspace.0 as usize;
    (number / FANOUT % FANOUT, number % FANOUT)
}

fn new_block() -> Block {
    std::array::from_fn(|_| OnceLock::new())
}

fn places(bucket: &Bucket) -> impl Iterator<Item = &Place> {
    let first = bucket.get().map(Box::as_ref);
    std::iter::successors(first, |place| place.next.get().map(Box::as_ref))
}
