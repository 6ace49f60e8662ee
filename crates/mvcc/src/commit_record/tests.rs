//! Tests of the commit record: its golden bytes, and that decoding is total.

use proptest::prelude::*;

use super::*;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn example() -> WriteSet {
    let mut writes = WriteSet::default();
    writes.put_unbounded(KeyspaceId(1), bytes("apple"), Some(bytes("red")));
    writes.put_unbounded(KeyspaceId(1), bytes("pear"), None);
    writes.put_unbounded(KeyspaceId(300), bytes(""), Some(bytes("")));
    writes.drop_keyspace(KeyspaceId(2));
    writes
}

/// The bytes of version 1, as `docs/format/commit.md` shows them. Every later version must read them.
const GOLDEN: &[u8] = b"\x01\
    \x01\x02\
    \x02\
    \x01\x02\x0Bapple\x03red\x08pear\
    \xAC\x02\x01\x01\x00";

#[test]
fn golden_bytes() {
    assert_eq!(encode(&example()), GOLDEN);
    let expected = CommitRecord {
        dropped: vec![KeyspaceId(2)],
        groups: vec![
            Group {
                keyspace: KeyspaceId(1),
                changes: vec![(bytes("apple"), Some(bytes("red"))), (bytes("pear"), None)],
            },
            Group {
                keyspace: KeyspaceId(300),
                changes: vec![(bytes(""), Some(bytes("")))],
            },
        ],
    };
    assert_eq!(
        decode(&Bytes::from_static(GOLDEN)),
        Ok(LogRecord::Commit(expected))
    );
}

#[test]
fn golden_bytes_of_an_adoption() {
    let record = encode_adoption(StageId(300));
    assert_eq!(record, b"\x02\xAC\x02");
    let read = decode(&record.into());
    assert_eq!(read, Ok(LogRecord::Adopts(StageId(300))));
}

#[test]
fn every_shorter_record_is_refused() {
    for len in 0..GOLDEN.len() {
        let cut = Bytes::from_static(&GOLDEN[..len]);
        assert!(decode(&cut).is_err(), "cut to {len} bytes");
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    let check = |record: &'static [u8], what: &str| {
        let why = decode(&Bytes::from_static(record)).unwrap_err();
        assert_eq!(why.what, what, "{record:?}");
    };
    check(b"", "version");
    check(b"\x03\x00\x00", "commit record version");
    check(b"\x02", "stage");
    check(b"\x02\x00", "stage");
    check(b"\x02\x07\x00", "commit record");
    check(b"\x01\x02\x05\x05\x00", "keyspace");
    check(b"\x01\x00\x01\x01\x00", "change count");
    check(b"\x01\x00\x01\x01\x02\x02a\x02a", "key");
    check(b"\x01\x00\x02\x01\x01\x02a\x01\x01\x02a", "keyspace");
    check(b"\x01\x00\x01\xFF\xFF\xFF\xFF\x10\x01\x02a", "keyspace");
    check(
        b"\x01\x00\x01\x01\x01\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
        "key",
    );
    check(b"\x01\x00\x00\x00", "commit record");
}

proptest! {
    #[test]
    fn decoding_is_total(record in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode(&record.into());
    }

    #[test]
    fn damage_is_refused_or_is_another_record(at in 0..GOLDEN.len(), flip in 1..=255u8) {
        let mut record = GOLDEN.to_vec();
        record[at] ^= flip;
        if let Ok(read) = decode(&record.into()) {
            prop_assert_ne!(read, decode(&Bytes::from_static(GOLDEN)).unwrap());
        }
    }

    #[test]
    fn what_is_written_is_read(
        changes in proptest::collection::vec((1..5u32, any::<Vec<u8>>(), any::<Option<Vec<u8>>>()), 0..20),
    ) {
        let mut writes = WriteSet::default();
        for (keyspace, key, value) in changes {
            writes.put_unbounded(KeyspaceId(keyspace), key.into(), value.map(Bytes::from));
        }
        let LogRecord::Commit(read) = decode(&encode(&writes).into()).unwrap() else {
            panic!("another kind of record");
        };
        prop_assert_eq!(read.groups.len(), writes.keyspaces().len());
        for (group, (keyspace, written)) in read.groups.iter().zip(writes.keyspaces()) {
            prop_assert_eq!(group.keyspace, keyspace);
            let read: Vec<_> = group.changes.iter().map(|(key, value)| (key, value)).collect();
            prop_assert_eq!(read, written.iter().collect::<Vec<_>>());
        }
    }
}
