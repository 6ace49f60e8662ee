//! Readers of values: over memtables, the base, and what a transaction wrote or spilled.

use std::io::{BufRead, Read, Seek, SeekFrom};

use drystone_base::Env;
use drystone_mvcc::{Durability, View};

use crate::large;
use crate::support::{begin, create};

/// Longer than four pieces of a tree with pages of 512 bytes.
const LONG: usize = 100_000;

fn film(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at / 3).to_le_bytes()[0] ^ seed)
        .collect()
}

fn read(view: &View, keyspace: drystone_base::KeyspaceId, key: &str) -> Option<Vec<u8>> {
    let mut reader = view.value_reader(keyspace, key.as_bytes()).unwrap()?;
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(read.len() as u64, reader.byte_len());
    Some(read)
}

#[test]
fn values_are_streamed_from_wherever_they_are() {
    let store = large::open(&Env::memory(1)).unwrap();
    let films = create(&store, "films");
    let mut tx = begin(&store);
    tx.put(films, "old", film(1, LONG)).unwrap();
    tx.put(films, "short", "brief").unwrap();
    tx.commit(Durability::Sync).unwrap();
    store.flush().unwrap();
    let base = store.view();
    let mut reader = base.value_reader(films, b"old").unwrap().unwrap();
    assert!(
        reader.fill_buf().unwrap().len() < LONG / 4,
        "a piece at a time"
    );
    let mut tx = begin(&store);
    tx.put(films, "new", film(2, 3000)).unwrap();
    tx.delete(films, "short").unwrap();
    tx.commit(Durability::Sync).unwrap();
    let newest = store.view();
    assert_eq!(read(&newest, films, "old"), Some(film(1, LONG)));
    assert_eq!(read(&newest, films, "new"), Some(film(2, 3000)));
    assert_eq!(read(&newest, films, "short"), None);
    assert_eq!(read(&base, films, "short"), Some(b"brief".to_vec()));
    assert_eq!(read(&newest, films, "none"), None);
    let mut tx = begin(&store);
    tx.drop_keyspace("films").unwrap();
    assert!(tx.value_reader(films, b"old").unwrap().is_none());
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(read(&store.view(), films, "old"), None);
    reader.seek(SeekFrom::End(-5)).unwrap();
    let mut end = Vec::new();
    reader.read_to_end(&mut end).unwrap();
    assert_eq!(end, film(1, LONG)[LONG - 5..]);
}

#[test]
fn a_transaction_streams_what_it_wrote_and_spilled() {
    let store = large::open(&Env::memory(1)).unwrap();
    let films = create(&store, "films");
    let mut tx = begin(&store);
    tx.put(films, "spilled", film(1, 5000)).unwrap();
    tx.put(films, "kept", film(2, 100)).unwrap();
    tx.delete(films, "gone").unwrap();
    for (key, expected) in [
        ("spilled", Some(film(1, 5000))),
        ("kept", Some(film(2, 100))),
    ] {
        let mut read = Vec::new();
        let reader = tx.value_reader(films, key.as_bytes()).unwrap();
        let found = reader.map(|mut reader| reader.read_to_end(&mut read).unwrap());
        assert_eq!(found.map(|_| read), expected, "{key}");
    }
    assert!(tx.value_reader(films, b"gone").unwrap().is_none());
}
