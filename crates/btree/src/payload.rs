//! Root payload: what a tree keeps in the pager's superblock.
//!
//! ```text
//! offset  size  field
//!      0     8  magic       "DRYSBTR1"
//!      8     4  version     1
//!     12     4  page_bytes  length that a node's page stays within, MIN_PAGE_BYTES..=MAX_PAGE_BYTES
//!     16    48  directory   tree record of the directory: keyspace number, big-endian, to the keyspace's tree record
//! ```
//!
//! Little-endian. Spec: `docs/format/btree.md`, version 1. An empty payload is a tree that has had no merge.

use drystone_engine::Malformed;
use drystone_storage_pager::Codec;

use crate::node::format::malformed;
use crate::options::{MAX_PAGE_BYTES, MIN_PAGE_BYTES};
use crate::tree::{TREE_BYTES, Tree, TreeRoot};

/// Version of the files this crate writes, and the newest it reads.
pub(crate) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"DRYSBTR1";
const PAYLOAD_BYTES: usize = 16 + TREE_BYTES;

/// The contents of a root payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) page_bytes: u32,
    pub(crate) directory: Option<TreeRoot>,
}

/// Why a payload is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Malformed(Malformed),
    Version(u32),
}

impl Payload {
    pub(crate) fn encode(&self) -> [u8; PAYLOAD_BYTES] {
        let directory = Tree {
            codec: Codec::None,
            root: self.directory,
        };
        let mut bytes = [0; PAYLOAD_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.page_bytes.to_le_bytes());
        bytes[16..].copy_from_slice(&directory.encode());
        bytes
    }

    /// Total: any bytes give `Ok` or `Err`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Payload, Refused> {
        let Some((header, directory)) = bytes.split_first_chunk::<16>() else {
            let why = malformed("root payload", "64 bytes", bytes.len().to_string());
            return Err(Refused::Malformed(why));
        };
        let [
            m0,
            m1,
            m2,
            m3,
            m4,
            m5,
            m6,
            m7,
            v0,
            v1,
            v2,
            v3,
            p0,
            p1,
            p2,
            p3,
        ] = *header;
        if [m0, m1, m2, m3, m4, m5, m6, m7] != MAGIC {
            let why = malformed("magic of the root payload", "DRYSBTR1", "other bytes");
            return Err(Refused::Malformed(why));
        }
        let version = u32::from_le_bytes([v0, v1, v2, v3]);
        if version != VERSION {
            return Err(Refused::Version(version));
        }
        let page_bytes = u32::from_le_bytes([p0, p1, p2, p3]);
        if !(MIN_PAGE_BYTES..=MAX_PAGE_BYTES).contains(&page_bytes) {
            let why = malformed("page_bytes", "512 to 1048576", page_bytes.to_string());
            return Err(Refused::Malformed(why));
        }
        Ok(Payload {
            page_bytes,
            directory: decode_directory(directory).map_err(Refused::Malformed)?,
        })
    }
}

/// The directory is small, and read whole whenever the tree is opened: it is not compressed.
fn decode_directory(bytes: &[u8]) -> Result<Option<TreeRoot>, Malformed> {
    let Tree { codec, root } = Tree::decode(bytes)?;
    if codec == Codec::None {
        return Ok(root);
    }
    let found = codec.id().to_string();
    Err(malformed("codec of the directory", "none", found))
}

#[cfg(test)]
mod tests;
