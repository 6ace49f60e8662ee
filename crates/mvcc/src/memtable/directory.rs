//! Directory: a memtable's tables by keyspace. Tables are added and never removed; finding one takes no latch.

use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_base::sync::OnceLock;

use super::table::Table;

const BUCKETS: usize = 64;

pub(crate) struct Directory {
    buckets: [Bucket; BUCKETS],
}

/// The first of the tables that fall into a bucket.
type Bucket = OnceLock<Box<Place>>;

struct Place {
    table: Arc<Table>,
    next: Bucket,
}

impl Directory {
    pub(crate) fn new() -> Directory {
        Directory {
            buckets: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    #[inline]
    pub(crate) fn get(&self, keyspace: KeyspaceId) -> Option<&Arc<Table>> {
        let mut tables = places(self.bucket(keyspace)).map(|place| &place.table);
        tables.find(|table| table.keyspace() == keyspace)
    }

    /// The table of a keyspace, added when missing. Called by one thread at a time.
    pub(crate) fn get_or_add(&self, keyspace: KeyspaceId) -> &Arc<Table> {
        let mut bucket = self.bucket(keyspace);
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
        let places = self.buckets.iter().flat_map(places);
        let mut tables: Vec<_> = places.map(|place| Arc::clone(&place.table)).collect();
        tables.sort_unstable_by_key(|table| table.keyspace());
        tables
    }

    fn bucket(&self, keyspace: KeyspaceId) -> &Bucket {
        &self.buckets[keyspace.0 as usize % BUCKETS]
    }
}

fn places(bucket: &Bucket) -> impl Iterator<Item = &Place> {
    let first = bucket.get().map(Box::as_ref);
    std::iter::successors(first, |place| place.next.get().map(Box::as_ref))
}
