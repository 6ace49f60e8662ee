//! What fuzz targets ask of commit records and of the catalog of keyspaces, in builds with `--cfg fuzzing` alone.

use bytes::Bytes;

use drystone_base::KeyspaceId;
use drystone_base::fuzzing::AnyChecksum;

use crate::catalog;
use crate::commit_record::{self, CommitRecord, LogRecord};
use crate::spill::fuzzing::{HEADER_BYTES, check, encode_entry, entry_at, seal, seed};
use crate::write_set::WriteSet;

/// A record that decodes comes back from what would be written of it.
///
/// # Panics
/// When it does not.
pub fn check_commit_record(bytes: &[u8]) {
    let Ok(record) = commit_record::decode(&Bytes::copy_from_slice(bytes)) else {
        return;
    };
    let written = match &record {
        LogRecord::Commit(commit) => commit_record::encode(&writes_of(commit)),
        LogRecord::Adopts(stage) => commit_record::encode_adoption(*stage),
    };
    let again = commit_record::decode(&Bytes::from(written));
    assert_eq!(again, Ok(record));
}

fn writes_of(record: &CommitRecord) -> WriteSet {
    let mut writes = WriteSet::default();
    for keyspace in &record.dropped {
        writes.drop_keyspace(*keyspace);
    }
    for group in &record.groups {
        for (key, value) in &group.changes {
            writes.put_unbounded(group.keyspace, key.clone(), value.clone());
        }
    }
    writes
}

/// An entry of the catalog of keyspaces that decodes is what would be written, as a key and as a value.
///
/// # Panics
/// When it is not.
pub fn check_keyspace_entry(bytes: &[u8]) {
    if let Ok(id) = catalog::decode_number(bytes) {
        assert_eq!(catalog::number_key(id), bytes);
    }
    if let Ok(name) = catalog::decode_name(bytes) {
        assert_eq!(catalog::name_key(&name), bytes);
    }
    let value = Bytes::copy_from_slice(bytes);
    if let Ok(id) = catalog::decode_next(Some(&value)) {
        assert_eq!(catalog::encode_id(id), value);
    }
}

/// A block of a run that is taken is the one that would be written of its entries, but for its checksum, and one that is
/// written is taken at its place alone.
///
/// # Panics
/// When it is not.
pub fn check_run_block(bytes: &[u8]) {
    let keyspace = bytes.get(8..HEADER_BYTES).and_then(<[u8]>::first_chunk);
    let Some(keyspace) = keyspace.map(|id| KeyspaceId(u32::from_le_bytes(*id))) else {
        return;
    };
    let any = AnyChecksum::accept();
    if check(bytes, keyspace, 0).is_err() {
        return;
    }
    drop(any);
    let mut written = vec![0; HEADER_BYTES];
    let mut at = HEADER_BYTES;
    while let Some(entry) = entry_at(bytes, at) {
        let value = entry.value.map(|value| value.of(bytes));
        encode_entry(entry.key.of(bytes), value, &mut written);
        assert!(entry.end > at && entry.end <= bytes.len());
        at = entry.end;
    }
    let place = seed(7, 4096);
    seal(&mut written, keyspace, place);
    assert_eq!(written[HEADER_BYTES..], bytes[HEADER_BYTES..at]);
    assert_eq!(check(&written, keyspace, place), Ok(()));
    for elsewhere in [seed(7, 0), seed(8, 4096)] {
        assert!(check(&written, keyspace, elsewhere).is_err());
    }
}
