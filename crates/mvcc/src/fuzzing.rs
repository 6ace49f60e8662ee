//! What fuzz targets ask of commit records and of the catalog of keyspaces, in builds with `--cfg fuzzing` alone.

use bytes::Bytes;

use crate::catalog;
use crate::commit_record::{self, CommitRecord, LogRecord};
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
