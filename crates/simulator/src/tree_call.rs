//! Calls of a B+tree that is used alone. Its keyspaces go by number, and so do the snapshots that are held.

use serde::{Deserialize, Serialize};

use crate::operation::{Change, Order};
use crate::options::SimCodec;

/// One call of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TreeCall {
    /// A write transaction, which reads after each change, and how it ends.
    Transaction(Vec<TreeChange>, End),
    /// The same as a batch.
    Batch(Vec<TreeChange>),
    /// Entries of one keyspace that come sorted: from one key on, so many.
    Load(u8, u16, u8),
    /// A slice of making the file small, of so many bytes.
    Compact(u32),
    /// A slice of giving space back.
    Reclaim(u32),
    /// A slice of what the tree does by itself.
    Step(u32),
    /// Changes how a keyspace is compressed.
    SetCodec(u8, SimCodec),
    /// Changes that wait for a decision.
    Stage(Vec<TreeChange>),
    /// Decides for them.
    Adopt,
    /// Decides against them.
    Discard,
    /// Holds the newest state.
    Pin(u8),
    /// Looks at a state that is held; at the newest where none is.
    Look(u8, u8, u16, u16, Order),
    /// Lets it go.
    Unpin(u8),
    /// Checks everything.
    Verify,
    /// Closes and opens again.
    Reopen,
}

/// What a write to a tree does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TreeChange {
    /// A key gets a value, or goes.
    Key(Change),
    /// A keyspace goes.
    Drop(u8),
}

/// How a write transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// By a commit.
    Commit,
    /// By a rollback.
    Rollback,
}
