//! Memory that a long value takes on its way into a tree, and out of it: a few pieces, whatever its length. Alone in its
//! process, for it counts what all threads allocate.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::cell::Cell;
use std::io::{self, Read};

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions, Codec};
use drystone_engine::{Budget, Engine, Progress};
use drystone_testkit::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

const FILMS: KeyspaceId = KeyspaceId(1);
const LEN: u64 = 48 << 20;
/// What it may take: the cache, what the pager writes at once, what is read of a stream before its form is known, and
/// some pieces.
const ROOM: usize = 8 << 20;

/// Bytes without end that note how much memory there is in use while they are asked for.
struct Film<'a> {
    at: u8,
    most: &'a Cell<usize>,
}

impl Read for Film<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.most.set(self.most.get().max(ALLOCATOR.live_bytes()));
        self.at = self.at.wrapping_add(1);
        buf.fill(self.at);
        Ok(buf.len())
    }
}

#[test]
fn a_value_is_written_and_read_with_the_memory_of_a_few_pieces() {
    for codec in [Codec::None, Codec::Lz4] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = BTreeOptions {
            codec,
            ..BTreeOptions::default()
        };
        options.pager.cache_bytes = 1 << 20;
        let tree = BTree::open(&Env::os(), folder.path(), options).unwrap();
        let before = ALLOCATOR.live_bytes();
        let most = Cell::new(0);
        let film = |at| Film { at, most: &most }.take(LEN);
        let mut tx = tree.begin_write();
        tx.put_stream(FILMS, "first", film(1)).unwrap();
        tx.put_stream(FILMS, "second", film(2)).unwrap();
        tx.commit().unwrap();
        let mut reader = tree
            .newest()
            .value_reader(FILMS, b"second")
            .unwrap()
            .unwrap();
        let (mut part, mut len) = ([0; 8 << 10], 0);
        loop {
            most.set(most.get().max(ALLOCATOR.live_bytes()));
            match reader.read(&mut part).unwrap() {
                0 => break,
                read => len += read as u64,
            }
        }
        assert_eq!(len, LEN);
        let taken = most.get() - before;
        assert!(taken < ROOM, "{taken} bytes for a value of {LEN}");
        drop(reader);
        let mut tx = tree.begin_write();
        tx.delete(FILMS, "first").unwrap();
        tx.commit().unwrap();
        while tree.compact(Budget { bytes: 4 << 20 }).unwrap() == Progress::More {
            let live = ALLOCATOR.live_bytes() - before;
            assert!(live < ROOM, "{live} bytes after a slice of compaction");
        }
        assert!(tree.verify().unwrap().findings.is_empty());
        assert!(tree.stats().file_bytes < LEN * 5 / 4);
    }
}
