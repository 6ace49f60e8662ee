//! Root payload: what a tree keeps in the pager's superblock.
//!
//! ```text
//! offset  size  field
//!      0     8  magic       "DRYSBTR1"
//!      8     4  version     1; 2 where there was a stage; 3 where a value may lie in pieces
//!     12     4  page_bytes  length that a node's page stays within, MIN_PAGE_BYTES..=MAX_PAGE_BYTES
//!     16    48  directory   tree record of the directory: keyspace number, big-endian, to the keyspace's tree record
//!                           version 1 ends here
//!     64     8  made        number of the stage that was made last
//!     72     8  adopted     number of the stage that was adopted last, 0 for none; <= made
//!     80     8  is_staged   1: stage `made` is undecided, and > adopted; 0: none is, and zeros follow
//!     88    48  directory   as above, of the staged state
//!    136    32  replaced    PageRef of the list of pages that only the newest state has
//!    168    32  added       PageRef of the list of pages that only the staged state has
//! ```
//!
//! Versions 2 and 3 are laid out alike; in version 3 no stage need have been made.
//!
//! Little-endian. Spec: `docs/format/btree.md`, version 3. An empty payload is a tree that has had no merge.

use drystone_engine::{Malformed, StageId};
use drystone_storage_pager::{Codec, Fork, PAGE_REF_BYTES, PageRef};

use crate::node::format::malformed;
use crate::options::{MAX_PAGE_BYTES, MIN_PAGE_BYTES};
use crate::tree::{TREE_BYTES, Tree, TreeRoot};

/// The newest version of the files this crate writes and reads.
pub(crate) const VERSION: u32 = 3;

/// The version without stages. It is written as long as there was none, so that older builds read it.
const VERSION_UNSTAGED: u32 = 1;

/// The version without values in pieces. It is written as long as there was none.
const VERSION_WHOLE: u32 = 2;

const MAGIC: [u8; 8] = *b"DRYSBTR1";
const STAGES: usize = 16 + TREE_BYTES;
const STAGED_DIRECTORY: usize = STAGES + 24;
const REPLACED: usize = STAGED_DIRECTORY + TREE_BYTES;
const ADDED: usize = REPLACED + PAGE_REF_BYTES;
const PAYLOAD_BYTES: usize = ADDED + PAGE_REF_BYTES;

const _: () = assert!(PAYLOAD_BYTES == 200);

/// The contents of a root payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) page_bytes: u32,
    pub(crate) directory: Option<TreeRoot>,
    pub(crate) stages: Stages,
    /// Whether a value may lie in pieces.
    pub(crate) has_pieces: bool,
}

/// What is known of stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stages {
    /// The newest that was made.
    pub(crate) made: StageId,
    /// The newest that was adopted.
    pub(crate) adopted: StageId,
    /// What the newest is, while it is undecided.
    pub(crate) staged: Option<Staged>,
}

/// A state that waits to be adopted or discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Staged {
    pub(crate) directory: Option<TreeRoot>,
    pub(crate) fork: Fork,
}

/// Why a payload is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Malformed(Malformed),
    Version(u32),
}

impl From<Malformed> for Refused {
    fn from(why: Malformed) -> Refused {
        Refused::Malformed(why)
    }
}

impl Payload {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let version = match self.stages.made {
            _ if self.has_pieces => VERSION,
            StageId(0) => VERSION_UNSTAGED,
            _ => VERSION_WHOLE,
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&self.page_bytes.to_le_bytes());
        bytes.extend_from_slice(&encode_directory(self.directory));
        if version != VERSION_UNSTAGED {
            self.stages.encode_into(&mut bytes);
        }
        bytes
    }

    /// Total: any bytes give `Ok` or `Err`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Payload, Refused> {
        let Some((header, directory)) = bytes.split_first_chunk::<16>() else {
            let why = malformed("root payload", "64 bytes", bytes.len().to_string());
            return Err(Refused::Malformed(why));
        };
        if header[..8] != MAGIC {
            let why = malformed("magic of the root payload", "DRYSBTR1", "other bytes");
            return Err(Refused::Malformed(why));
        }
        let version = u32_at(header, 8);
        let (directory, stages) = match version {
            VERSION_UNSTAGED => (directory, Stages::default()),
            VERSION_WHOLE | VERSION => match directory.split_at_checked(TREE_BYTES) {
                Some((directory, stages)) => (directory, Stages::decode(stages, version)?),
                None => return Err(wrong_length(bytes).into()),
            },
            other => return Err(Refused::Version(other)),
        };
        let page_bytes = u32_at(header, 12);
        if !(MIN_PAGE_BYTES..=MAX_PAGE_BYTES).contains(&page_bytes) {
            let why = malformed("page_bytes", "512 to 1048576", page_bytes.to_string());
            return Err(Refused::Malformed(why));
        }
        Ok(Payload {
            page_bytes,
            directory: decode_directory(directory)?,
            stages,
            has_pieces: version == VERSION,
        })
    }
}

impl Stages {
    fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.made.0.to_le_bytes());
        bytes.extend_from_slice(&self.adopted.0.to_le_bytes());
        bytes.extend_from_slice(&u64::from(self.staged.is_some()).to_le_bytes());
        if let Some(staged) = self.staged {
            bytes.extend_from_slice(&encode_directory(staged.directory));
            bytes.extend_from_slice(&staged.fork.replaced.encode());
            bytes.extend_from_slice(&staged.fork.added.encode());
        }
        bytes.resize(PAYLOAD_BYTES, 0);
    }

    /// Of the bytes behind the directory.
    fn decode(bytes: &[u8], version: u32) -> Result<Stages, Malformed> {
        let Ok(bytes) = <&[u8; PAYLOAD_BYTES - STAGES]>::try_from(bytes) else {
            return Err(wrong_length(bytes));
        };
        let (made, adopted) = (StageId(u64_at(bytes, 0)), StageId(u64_at(bytes, 8)));
        let rest = &bytes[STAGED_DIRECTORY - STAGES..];
        let staged = match u64_at(bytes, 16) {
            0 if rest.iter().all(|&byte| byte == 0) => None,
            1 => Some(Staged::decode(rest)?),
            other => {
                let found = other.to_string();
                return Err(malformed("whether a stage is undecided", "0 or 1", found));
            }
        };
        let is_none_made = made == StageId(0) && version == VERSION_WHOLE;
        if is_none_made || adopted > made || (staged.is_some() && adopted == made) {
            let found = format!("{made} made, {adopted} adopted");
            return Err(malformed(
                "stages",
                "those adopted after they were made",
                found,
            ));
        }
        Ok(Stages {
            made,
            adopted,
            staged,
        })
    }
}

impl Staged {
    /// Of the bytes from the staged directory on.
    fn decode(bytes: &[u8]) -> Result<Staged, Malformed> {
        let page = |at: usize| {
            let at = at - STAGED_DIRECTORY;
            let bytes = bytes.get(at..at + PAGE_REF_BYTES).unwrap_or_default();
            let bytes = bytes.try_into().map_err(|_| wrong_length(bytes))?;
            PageRef::decode(bytes)
        };
        Ok(Staged {
            directory: decode_directory(bytes.get(..TREE_BYTES).unwrap_or_default())?,
            fork: Fork {
                replaced: page(REPLACED)?,
                added: page(ADDED)?,
            },
        })
    }
}

fn encode_directory(root: Option<TreeRoot>) -> [u8; TREE_BYTES] {
    let codec = Codec::None;
    Tree { codec, root }.encode()
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

fn wrong_length(bytes: &[u8]) -> Malformed {
    let found = bytes.len().to_string();
    malformed("root payload", "64 or 200 bytes", found)
}

fn u32_at(bytes: &[u8; 16], at: usize) -> u32 {
    let [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    u32::from_le_bytes([a, b, c, d])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests;
