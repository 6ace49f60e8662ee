//! Tree: where one tree begins, as its parent record keeps it.
//!
//! ```text
//! offset  size  field
//!      0     1  state     1 empty, 2 has a root
//!      1     1  level     level of the root; zero when empty
//!      2     2  codec     how its pages are compressed when they are written: number and level (`compress.md`)
//!      4     4  reserved  zero; a reader rejects anything else
//!      8    40  root      Child; zeros when empty
//! ```
//!
//! Little-endian. Spec: `docs/format/btree.md`, version 1.

use drystone_engine::Malformed;
use drystone_storage_pager::Codec;

use crate::node::child::Child;
use crate::node::format::{CHILD_BYTES, MAX_LEVEL, malformed};

/// Length of an encoded tree record.
pub(crate) const TREE_BYTES: usize = 8 + CHILD_BYTES;

const EMPTY: u8 = 1;
const ROOTED: u8 = 2;

/// The root of a tree that has entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TreeRoot {
    /// Its topmost node.
    pub(crate) child: Child,
    /// The level of that node: 0 when it is a leaf.
    pub(crate) level: u8,
}

/// One state of one tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// How pages of it are compressed when they are written. Those that it has may be stored otherwise.
    pub(crate) codec: Codec,
    /// `None` has no entries.
    pub(crate) root: Option<TreeRoot>,
}

impl Tree {
    pub(crate) fn encode(&self) -> [u8; TREE_BYTES] {
        let mut bytes = [0; TREE_BYTES];
        bytes[0] = EMPTY;
        bytes[2..4].copy_from_slice(&self.codec.encode());
        if let Some(root) = self.root {
            bytes[0] = ROOTED;
            bytes[1] = root.level;
            bytes[8..].copy_from_slice(&root.child.encode());
        }
        bytes
    }

    /// Total: any bytes give `Ok` or `Err`. Codecs that are not in this build decode as well.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Tree, Malformed> {
        let Some((&[state, level, codec, how_hard, reserved @ ..], child)) =
            bytes.split_first_chunk::<8>()
        else {
            return Err(malformed(
                "record of a tree",
                "48 bytes",
                bytes.len().to_string(),
            ));
        };
        if reserved != [0; 4] || child.len() != CHILD_BYTES {
            return Err(malformed(
                "record of a tree",
                "zeros and a root",
                "other bytes",
            ));
        }
        Ok(Tree {
            codec: Codec::decode([codec, how_hard])?,
            root: decode_root(state, level, child)?,
        })
    }
}

fn decode_root(state: u8, level: u8, child: &[u8]) -> Result<Option<TreeRoot>, Malformed> {
    match state {
        EMPTY if level == 0 && child.iter().all(|&byte| byte == 0) => Ok(None),
        ROOTED if level <= MAX_LEVEL => Ok(Some(TreeRoot {
            child: Child::decode(child)?,
            level,
        })),
        _ => Err(malformed(
            "record of a tree",
            "state 1 or 2",
            format!("state {state}, level {level}"),
        )),
    }
}

/// Entries of a tree.
pub(crate) fn entries(root: Option<&TreeRoot>) -> u64 {
    root.map_or(0, |root| root.child.entries)
}
