//! Numbers that name things: newtypes, so that no two of them can be mistaken for each other.

use std::fmt;

/// Log sequence number: the number of a log record, and the version of the commit it holds.
///
/// The first commit of a database is `Lsn(1)`; [`Lsn::ZERO`] is the state before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before the first commit.
    pub const ZERO: Lsn = Lsn(0);
    /// After every commit there can be.
    pub const MAX: Lsn = Lsn(u64::MAX);

    /// The number that follows.
    ///
    /// # Panics
    /// At 2^64 - 1: a million commits a second reach it after 584,000 years.
    #[must_use]
    pub const fn next(self) -> Lsn {
        Lsn(self.0 + 1)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LSN {}", self.0)
    }
}

/// Number of a keyspace: a named ordered map of the database. Never reused, also after a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyspaceId(pub u32);

impl KeyspaceId {
    /// The keyspace that lists all others: name to number.
    pub const CATALOG: KeyspaceId = KeyspaceId(0);
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keyspace {}", self.0)
    }
}
