//! The one error of the facade, and the kinds by which a caller acts.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use drystone_base::LockError;
use drystone_compress::CompressError;
use drystone_engine::EngineError;
use drystone_mvcc::StoreError;
use drystone_wal::WalError;

use crate::manifest::NotAManifest;

/// The result of whatever the facade does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a database failed. [`Error::kind`] says how to act on it; its message and its
/// [source](StdError::source) say what happened, and where.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Repr>);

/// What went wrong, by what a caller does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another transaction changed the same keys first. Nothing was committed: run the transaction again
    /// ([`Database::transact`](crate::Database::transact) does).
    Conflict,
    /// The call is wrong: a name, an argument, a statement, a value. Nothing was changed: mend the call.
    Invalid,
    /// What was asked for is not offered by this version or this build; the message says what is.
    Unsupported,
    /// Another process has the database open. Close it there, or wait.
    InUse,
    /// The disk, or a quota, is full. Nothing was committed: free space and try again.
    Full,
    /// The storage failed. The database takes no more writes until it is opened again; reads go on.
    Io,
    /// Bytes on disk are damaged. Restore from a backup; what still reads is right.
    Corrupt,
    /// The database was closed.
    Closed,
    /// The log does not have the commit any more that was asked for: begin anew with a snapshot. See
    /// [`Database::commits_from`](crate::Database::commits_from).
    Forgotten,
}

/// A part of a database that has files of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The log, which holds the newest commits. [`Recovery::Repair`](crate::Recovery::Repair) gives up what is behind damage
    /// to it.
    Log,
    /// The engine, which holds all that is older. Nothing but a backup mends it.
    Engine,
}

#[derive(Debug, thiserror::Error)]
enum Repr {
    #[error("{}", path.display())]
    File { path: PathBuf, source: FileProblem },
    #[error("the database {} is in use", path.display())]
    Locked { path: PathBuf, source: LockError },
    #[error("the name of a keyspace cannot be {name:?}: {why}")]
    KeyspaceName { name: String, why: &'static str },
    #[error("gave up after {attempts} attempts: other transactions kept changing the same keys")]
    RetriesExhausted { attempts: u32, source: StoreError },
    #[error("this build of drystone has no engine; switch on its feature \"btree\"")]
    #[cfg_attr(
        feature = "btree",
        expect(dead_code, reason = "only a build without engines says it")
    )]
    NoEngine,
    #[error(transparent)]
    Store(StoreError),
    #[cfg(feature = "sql")]
    #[error("an index does not agree with its table: {finding}")]
    Index { finding: String },
    #[cfg(feature = "sql")]
    #[error(transparent)]
    Sql(drystone_query::SqlError),
}

/// What is wrong with a file that the facade itself reads or writes.
#[derive(Debug)]
pub(crate) enum FileProblem {
    Io {
        op: &'static str,
        source: io::Error,
    },
    Manifest(NotAManifest),
    Missing,
    Exists,
    PartMissing,
    NotADatabase,
    OtherEngine {
        recorded: String,
        named: String,
    },
    #[cfg_attr(
        not(feature = "btree"),
        expect(dead_code, reason = "only the B+tree has pages")
    )]
    PageBytes {
        found: u32,
        min: u32,
        max: u32,
    },
    #[cfg_attr(
        not(feature = "btree"),
        expect(dead_code, reason = "only the B+tree has pages")
    )]
    Compression(CompressError),
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileProblem::Io { op, .. } => write!(f, "could not {op} it"),
            FileProblem::Manifest(why) => write!(f, "{why}"),
            FileProblem::Missing => f.write_str("there is no database here"),
            FileProblem::Exists => f.write_str("there is a database here already"),
            FileProblem::PartMissing => f.write_str("this part of the database is missing; restore it from a backup"),
            FileProblem::OtherEngine { recorded, named } => write!(
                f,
                "it was created with the engine {recorded}, and the options name {named}"
            ),
            FileProblem::PageBytes { found, min, max } => {
                write!(f, "page_bytes is {found}; {min} to {max} are allowed")
            }
            FileProblem::Compression(_) => f.write_str("pages cannot be compressed so"),
            FileProblem::NotADatabase => f.write_str(
                "the directory has files but no MANIFEST: name an empty or new directory for a new database, or restore \
                 the MANIFEST of this one from a backup",
            ),
        }
    }
}

impl StdError for FileProblem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            FileProblem::Io { source, .. } => Some(source),
            FileProblem::Compression(why) => Some(why),
            _ => None,
        }
    }
}

impl Error {
    /// How to act on it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Repr::File { source, .. } => source.kind(),
            Repr::Locked {
                source: LockError::Held { .. },
                ..
            } => ErrorKind::InUse,
            Repr::Locked {
                source: LockError::Io(source),
                ..
            } => io_kind(source),
            Repr::KeyspaceName { .. } => ErrorKind::Invalid,
            Repr::RetriesExhausted { .. } => ErrorKind::Conflict,
            Repr::NoEngine => ErrorKind::Unsupported,
            Repr::Store(error) => store_kind(error),
            #[cfg(feature = "sql")]
            Repr::Index { .. } => ErrorKind::Corrupt,
            #[cfg(feature = "sql")]
            Repr::Sql(error) => sql_kind(error),
        }
    }

    /// Which part of the database it is about, where it is about files of one.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        match &*self.0 {
            Repr::Store(error) => store_part(error),
            _ => None,
        }
    }

    /// The error of an SQL statement, with its SQLSTATE and its place in the text.
    #[cfg(feature = "sql")]
    #[must_use]
    pub fn as_sql(&self) -> Option<&drystone_query::SqlError> {
        match &*self.0 {
            Repr::Sql(error) => Some(error),
            _ => None,
        }
    }

    /// The message and those of all its sources, joined by `: `.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }

    pub(crate) fn io(op: &'static str, path: &Path, source: io::Error) -> Error {
        Error::file(path.to_owned(), FileProblem::Io { op, source })
    }

    pub(crate) fn file(path: PathBuf, source: FileProblem) -> Error {
        Error(Box::new(Repr::File { path, source }))
    }

    pub(crate) fn from_manifest(path: PathBuf, why: NotAManifest) -> Error {
        Error::file(path, FileProblem::Manifest(why))
    }

    pub(crate) fn locked(path: PathBuf, source: LockError) -> Error {
        Error(Box::new(Repr::Locked { path, source }))
    }

    pub(crate) fn keyspace_name(name: &str, why: &'static str) -> Error {
        Error(Box::new(Repr::KeyspaceName {
            name: name.to_owned(),
            why,
        }))
    }

    pub(crate) fn retries_exhausted(attempts: u32, source: StoreError) -> Error {
        Error(Box::new(Repr::RetriesExhausted { attempts, source }))
    }

    #[cfg(feature = "sql")]
    pub(crate) fn index(finding: String) -> Error {
        Error(Box::new(Repr::Index { finding }))
    }

    #[cfg(not(feature = "btree"))]
    pub(crate) fn no_engine() -> Error {
        Error(Box::new(Repr::NoEngine))
    }
}

impl FileProblem {
    fn kind(&self) -> ErrorKind {
        match self {
            FileProblem::Io { source, .. } => io_kind(source),
            FileProblem::Manifest(NotAManifest::Version { .. } | NotAManifest::Engine { .. }) => {
                ErrorKind::Unsupported
            }
            FileProblem::Manifest(_) | FileProblem::PartMissing => ErrorKind::Corrupt,
            FileProblem::Missing
            | FileProblem::Exists
            | FileProblem::NotADatabase
            | FileProblem::OtherEngine { .. }
            | FileProblem::PageBytes { .. }
            | FileProblem::Compression(_) => ErrorKind::Invalid,
        }
    }
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Full,
        _ => ErrorKind::Io,
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        Error(Box::new(Repr::Store(error)))
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Error {
        Error::from(StoreError::from(error))
    }
}

impl From<WalError> for Error {
    fn from(error: WalError) -> Error {
        Error::from(StoreError::from(error))
    }
}

#[cfg(feature = "sql")]
impl From<drystone_query::SqlError> for Error {
    fn from(error: drystone_query::SqlError) -> Error {
        Error(Box::new(Repr::Sql(error)))
    }
}

/// How to act on an error of the store.
fn store_kind(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Conflict { .. } => ErrorKind::Conflict,
        StoreError::Unsupported { .. } => ErrorKind::Unsupported,
        StoreError::NoSuchKeyspace { .. }
        | StoreError::NoSuchKeyspaceId { .. }
        | StoreError::KeyspaceExists { .. }
        | StoreError::KeyspaceName { .. }
        | StoreError::CatalogIsReadOnly
        | StoreError::TooLarge { .. }
        | StoreError::NotSpillable { .. }
        | StoreError::KeyExists { .. }
        | StoreError::Unsorted { .. }
        | StoreError::LoadBroken
        | StoreError::NoSuchSavepoint => ErrorKind::Invalid,
        StoreError::MergeStalled { source } => store_kind(source),
        StoreError::Closed => ErrorKind::Closed,
        StoreError::Wal(error) => log_kind(error),
        StoreError::Engine(error) => engine_kind(error),
        StoreError::Spill { source, .. } => io_kind(source),
        StoreError::CorruptRecord { .. }
        | StoreError::StageMissing { .. }
        | StoreError::CorruptCatalog { .. }
        | StoreError::LogGap { .. } => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

fn store_part(error: &StoreError) -> Option<Part> {
    match error {
        StoreError::MergeStalled { source } => store_part(source),
        StoreError::Wal(_)
        | StoreError::LogFailed { .. }
        | StoreError::Poisoned
        | StoreError::CorruptRecord { .. } => Some(Part::Log),
        StoreError::Engine(_)
        | StoreError::CorruptCatalog { .. }
        | StoreError::StageMissing { .. } => Some(Part::Engine),
        _ => None,
    }
}

fn log_kind(error: &WalError) -> ErrorKind {
    match error.first() {
        WalError::Io { source, .. } => io_kind(source),
        WalError::TooLarge { .. } | WalError::BelowFloor { .. } => ErrorKind::Invalid,
        WalError::ArchiveBehind { .. } => ErrorKind::Full,
        WalError::Archive { source, .. } => io_kind(source),
        WalError::Corrupt { .. } | WalError::MissingSegment { .. } | WalError::Gap { .. } => {
            ErrorKind::Corrupt
        }
        WalError::UnsupportedVersion { .. } => ErrorKind::Unsupported,
        WalError::Trimmed { .. } => ErrorKind::Forgotten,
        _ => ErrorKind::Io,
    }
}

fn engine_kind(error: &EngineError) -> ErrorKind {
    match error {
        EngineError::Io { source, .. } => io_kind(source),
        EngineError::Corrupt { .. } => ErrorKind::Corrupt,
        EngineError::UnsupportedVersion { .. } | EngineError::NoCompression => {
            ErrorKind::Unsupported
        }
        EngineError::KeyTooLarge { .. } | EngineError::ValueTooLarge { .. } => ErrorKind::Invalid,
        _ => ErrorKind::Io,
    }
}

/// How to act on an error of an SQL statement: as the store's says, where it came from there.
#[cfg(feature = "sql")]
fn sql_kind(error: &drystone_query::SqlError) -> ErrorKind {
    use drystone_query::SqlState;

    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<StoreError>() {
            return store_kind(error);
        }
        if let Some(error) = cause.downcast_ref::<EngineError>() {
            return engine_kind(error);
        }
        source = cause.source();
    }
    match error.state() {
        SqlState::FeatureNotSupported => ErrorKind::Unsupported,
        SqlState::SerializationFailure => ErrorKind::Conflict,
        SqlState::IoError => ErrorKind::Io,
        SqlState::DataCorrupted | SqlState::IndexCorrupted => ErrorKind::Corrupt,
        _ => ErrorKind::Invalid,
    }
}
