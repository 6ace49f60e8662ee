//! Properties: what an SST holds, keyspace by keyspace.
//!
//! ```text
//! count       u32: how many keyspaces have an entry or a tombstone here, at least 1
//! keyspaces   20 bytes each, ascending: number u32, entries u64, tombstones u64
//! ```
//!
//! Little-endian. Spec: `docs/format/lsm.md`, version 1.

use drystone_base::{KeyspaceId, Malformed};

use crate::error::cut;

const KEYSPACE_BYTES: usize = 20;

/// What of one keyspace is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) entries: u64,
    pub(crate) tombstones: u64,
}

/// Ascending by keyspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) shares: Vec<Share>,
}

impl Properties {
    /// Counts one more key, of the last keyspace or of one after it.
    pub(crate) fn count(&mut self, keyspace: KeyspaceId, is_tombstone: bool) {
        let share = match self.shares.last_mut() {
            Some(last) if last.keyspace == keyspace => last,
            _ => self.shares.push_mut(Share {
                keyspace,
                entries: 0,
                tombstones: 0,
            }),
        };
        match is_tombstone {
            true => share.tombstones += 1,
            false => share.entries += 1,
        }
    }

    pub(crate) fn entries(&self) -> u64 {
        let each = self.shares.iter().map(|share| share.entries);
        each.fold(0, u64::saturating_add)
    }

    pub(crate) fn tombstones(&self) -> u64 {
        let each = self.shares.iter().map(|share| share.tombstones);
        each.fold(0, u64::saturating_add)
    }

    /// Whether it has an entry or a tombstone of a keyspace.
    pub(crate) fn has(&self, keyspace: KeyspaceId) -> bool {
        let found = self
            .shares
            .binary_search_by_key(&keyspace, |share| share.keyspace);
        found.is_ok()
    }

    pub(crate) fn entries_of(&self, keyspace: KeyspaceId) -> u64 {
        let at = self
            .shares
            .binary_search_by_key(&keyspace, |share| share.keyspace);
        at.map_or(0, |at| self.shares[at].entries)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let count = u32::try_from(self.shares.len()).unwrap_or(u32::MAX);
        let mut bytes = count.to_le_bytes().to_vec();
        for share in &self.shares {
            bytes.extend_from_slice(&share.keyspace.0.to_le_bytes());
            bytes.extend_from_slice(&share.entries.to_le_bytes());
            bytes.extend_from_slice(&share.tombstones.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Properties::encode`] wrote. Total.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Properties, Malformed> {
        let (count, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or_else(|| cut("properties"))?;
        let count = usize::try_from(u32::from_le_bytes(*count)).unwrap_or(usize::MAX);
        let (shares, left) = rest.as_chunks::<KEYSPACE_BYTES>();
        if !left.is_empty() || shares.len() != count || count == 0 {
            let expected = format!("1 or more keyspaces, {count}");
            let found = format!("{} bytes", rest.len());
            return Err(Malformed::new("properties", expected, found));
        }
        let shares: Vec<Share> = shares.iter().map(decode_share).collect();
        if !shares.is_sorted_by(|a, b| a.keyspace < b.keyspace) {
            return Err(Malformed::new(
                "keyspaces of an SST",
                "ascending ones",
                "others",
            ));
        }
        Ok(Properties { shares })
    }
}

fn decode_share(bytes: &[u8; KEYSPACE_BYTES]) -> Share {
    let [k0, k1, k2, k3, e0, e1, e2, e3, e4, e5, e6, e7, t @ ..] = *bytes;
    Share {
        keyspace: KeyspaceId(u32::from_le_bytes([k0, k1, k2, k3])),
        entries: u64::from_le_bytes([e0, e1, e2, e3, e4, e5, e6, e7]),
        tombstones: u64::from_le_bytes(t),
    }
}
