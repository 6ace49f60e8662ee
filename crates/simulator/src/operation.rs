//! What a plan is made of: calls of the database's interface, power cuts and faults.
//!
//! Operations name keys, values and rows by numbers, so that a plan is short, can be printed, and loses no meaning when
//! other operations are left out of it. One that finds nothing to work on (a commit without a transaction) does nothing.

use bytes::Bytes;
use drystone::Durability;
use drystone_testkit::Draw;
use serde::{Deserialize, Serialize};

use crate::fault::{Crash, Damage, FaultSpec};
use crate::log_call::LogCall;
use crate::options::SimCodec;
use crate::statement::{Query, Statement};
use crate::tree_call::TreeCall;

/// One call, or one thing that happens to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// A call of the log, in a plan of a log that is used alone.
    Log(LogCall),
    /// A call of the tree, in a plan of a B+tree that is used alone.
    Tree(TreeCall),
    /// One change that commits by itself.
    Write(Durable, Change),
    /// Several changes that commit as a batch.
    Batch(Durable, Vec<Change>),
    /// Several changes that commit as a bulk load.
    Load(Vec<Change>),
    /// A look at keys.
    Read(Source, Look),
    /// Creates a keyspace where there is none of this number.
    CreateKeyspace(u8),
    /// Drops a keyspace.
    DropKeyspace(u8),
    /// Changes how a keyspace is compressed from now on.
    SetCodec(u8, SimCodec),
    /// Begins the task's transaction.
    Begin(Through),
    /// One change in the task's transaction.
    Change(Change),
    /// Guards a key: the commit conflicts with whoever changes it first.
    Guard(u8, u16),
    /// Guards a keyspace as a whole.
    GuardKeyspace(u8),
    /// A savepoint of the task's transaction.
    Savepoint,
    /// Back to one of the savepoints, counted from the oldest, modulo how many there are.
    RollbackTo(u8),
    /// Ends the task's transaction.
    Commit(Durable),
    /// Takes the task's transaction back.
    Rollback,
    /// A statement, in the task's transaction where it has one.
    Sql(Statement),
    /// A query, in the task's transaction where it has one.
    Query(Query),
    /// Takes the task's snapshot.
    TakeSnapshot,
    /// Lets it go.
    DropSnapshot,
    /// Opens the task's cursor over a part of a keyspace.
    OpenCursor(Source, Look),
    /// Moves it so many entries on.
    Advance(u8),
    /// Lets it go.
    CloseCursor,
    /// One slice of background work.
    Step,
    /// Merges what is in memory.
    Flush,
    /// Makes the files small.
    Compact,
    /// Waits until all commits are on stable media.
    Sync,
    /// Checks everything.
    Verify,
    /// Looks at the figures.
    Stats,
    /// Closes and opens again.
    Reopen,
    /// Tries to open what is open.
    OpenTwice,
    /// Copies the disk of a running machine, and goes on with both for a moment.
    PartWays,
    /// Takes a copy back by so many commits.
    GoBack(u8),
    /// Moves the clock, in milliseconds.
    Wait(u32),
    /// Sets the clock so many seconds forwards or backwards.
    SetClock(i32),
    /// Forgets the page cache of the operating system.
    DropCache,
    /// Cuts power, now or a little later, and opens what is left.
    Crash(Crash),
    /// The process dies, and another opens what it left: files and the operating system's cache stay as they are.
    Kill,
    /// From now on something goes wrong.
    Inject(FaultSpec),
    /// Takes the faults away, and opens again where the log was poisoned.
    Mend,
    /// Damages a copy of the disk and looks at it.
    Probe(Damage),
}

impl Operation {
    /// Whether the disk must remember what files were some syncs ago.
    pub(crate) fn needs_generations(&self) -> bool {
        match self {
            Operation::Inject(fault) => fault.kind.needs_generations(),
            Operation::Probe(damage) => damage.kind.needs_generations(),
            _ => false,
        }
    }
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Durable {
    /// [`Durability::Sync`].
    Sync,
    /// [`Durability::Async`].
    Async,
    /// [`Durability::None`].
    None,
}

impl From<Durable> for Durability {
    fn from(durable: Durable) -> Durability {
        match durable {
            Durable::Sync => Durability::Sync,
            Durable::Async => Durability::Async,
            Durable::None => Durability::None,
        }
    }
}

/// Which interface a transaction goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Through {
    /// [`drystone::Transaction`].
    Transaction,
    /// [`drystone::Session`], by `BEGIN` and `COMMIT`.
    Session,
}

/// What a read reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The newest commit.
    Newest,
    /// The task's transaction, or the newest commit where it has none.
    Transaction,
    /// The task's snapshot, or the newest commit where it has none.
    Snapshot,
}

/// Which keys a read looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// One key of a keyspace.
    Get(u8, u16),
    /// From one key to before another.
    Range(u8, u16, u16, Order),
    /// The keys that start as this one does.
    Prefix(u8, u16, Order),
    /// All.
    All(u8, Order),
}

impl Look {
    /// The keyspace it looks at.
    #[must_use]
    pub fn space(&self) -> u8 {
        match self {
            Look::Get(space, _)
            | Look::Range(space, ..)
            | Look::Prefix(space, ..)
            | Look::All(space, _) => *space,
        }
    }
}

/// Which way a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Ascending.
    Forward,
    /// Descending.
    Backward,
    /// From both ends in turn.
    Both,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Number of the keyspace.
    pub space: u8,
    /// Number of the key.
    pub key: u16,
    /// The value; `None` removes the key.
    pub value: Option<Payload>,
}

/// A value, by its length and a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Length in bytes.
    pub len: u32,
    /// What its bytes are drawn from.
    pub seed: u32,
}

impl Payload {
    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> Bytes {
        let mut draw = Draw::of(u64::from(self.seed), &[u64::from(self.len)]);
        draw.bytes(self.len as usize).into()
    }
}

/// The longest key that [`key_bytes`] gives.
const KEY_BYTES_MAX: usize = 400;

/// The key of a number. Keys share beginnings, begin with each other, are empty, and some are long.
#[must_use]
pub fn key_bytes(number: u16) -> Bytes {
    let row = usize::from(number / 6);
    let mut key = match number % 6 {
        0 if number == 0 => Vec::new(),
        0 => vec![number.to_le_bytes()[0].wrapping_neg()],
        1 => [b"shared/beginning/of/keys/".as_slice(), &vec![b'k'; row]].concat(),
        2 => vec![0xFF; row],
        3 => vec![0; row + 1],
        4 => number.to_be_bytes().to_vec(),
        _ => format!("key{number:05}").into_bytes(),
    };
    if number % 40 == 17 {
        key.resize(KEY_BYTES_MAX, b'l');
    }
    key.into()
}

/// The name of a keyspace.
#[must_use]
pub fn keyspace_name(space: u8) -> String {
    format!("k{space}")
}
