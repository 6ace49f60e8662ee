//! Keys of all keyspaces in one order: the keyspace's number, big-endian, then the key.
//!
//! So a run of SSTs holds any number of keyspaces, and a merge that touches three hundred of them writes one file.

use drystone_base::KeyspaceId;

/// Length of what precedes the key.
pub(crate) const PREFIX_BYTES: usize = 4;

/// Puts the full key in the place of what `out` holds.
pub(crate) fn write_full(keyspace: KeyspaceId, key: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&keyspace.0.to_be_bytes());
    out.extend_from_slice(key);
}

/// The full key.
pub(crate) fn full(keyspace: KeyspaceId, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(PREFIX_BYTES + key.len());
    write_full(keyspace, key, &mut full);
    full
}

/// The keyspace of a full key. `None`: it is too short to be one.
pub(crate) fn keyspace_of(full: &[u8]) -> Option<KeyspaceId> {
    let prefix = full.first_chunk::<PREFIX_BYTES>()?;
    Some(KeyspaceId(u32::from_be_bytes(*prefix)))
}

/// How many bytes two keys begin with alike.
pub(crate) fn common_prefix_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The shortest key that is above `before` and not above `key`, which comes after it.
pub(crate) fn separator<'k>(before: &[u8], key: &'k [u8]) -> &'k [u8] {
    &key[..key.len().min(common_prefix_len(before, key) + 1)]
}
