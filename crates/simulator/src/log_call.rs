//! Calls of a log that is used alone.
//!
//! Holds and tails go by number. What comes first in a log that was trimmed is named in hundredths of what is left.

use serde::{Deserialize, Serialize};

use crate::operation::{Durable, Payload};

/// One call of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogCall {
    /// One record.
    Append(Durable, Payload),
    /// A barrier.
    Sync,
    /// One slice of what the log does by itself.
    Step,
    /// The records up to here are no longer needed: hundredths of those that are durable.
    Trim(u8),
    /// Closes and opens again.
    Reopen,
    /// A hold from hundredths of what is left on, of so many KiB at most; 0 for any number of them.
    Hold(u8, u8, u16),
    /// Moves a hold on by so many records.
    Advance(u8, u8),
    /// Lets a hold go.
    LetGo(u8),
    /// A reader from hundredths of what is left on.
    Tail(u8, u8),
    /// Reads so many records on.
    Follow(u8, u8),
}
