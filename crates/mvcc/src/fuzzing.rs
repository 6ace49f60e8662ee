//! What fuzz targets ask of commit records, in builds with `--cfg fuzzing` alone.

use bytes::Bytes;

use crate::commit_record::{self, CommitRecord};
use crate::write_set::WriteSet;

/// A record that decodes comes back from what would be written of it.
///
/// # Panics
/// When it does not.
pub fn check_commit_record(bytes: &[u8]) {
    let Ok(record) = commit_record::decode(&Bytes::copy_from_slice(bytes)) else {
        return;
    };
    let written = commit_record::encode(&writes_of(&record));
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
