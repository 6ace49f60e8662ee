//! The errors that systems give, by the names that their manuals use.

use std::fmt;
use std::io;

/// An error of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Errno {
    /// The device failed.
    Eio,
    /// No room is left.
    Enospc,
    /// A signal came in between. For reads, writes, opens, syncs and changes of length it ends below
    /// [`drystone_base::File`] (rule F5): the operation is tried again, and counts again.
    Eintr,
    /// The user's share of the room is used up.
    Edquot,
    /// Too many files are open.
    Emfile,
    /// The file system became read-only, as it does after damage.
    Erofs,
}

impl Errno {
    /// Every error.
    pub const ALL: [Errno; 6] = [
        Errno::Eio,
        Errno::Enospc,
        Errno::Eintr,
        Errno::Edquot,
        Errno::Emfile,
        Errno::Erofs,
    ];

    /// The kind under which the standard library reports it; `Other` where it has no name for it.
    #[must_use]
    pub fn kind(self) -> io::ErrorKind {
        match self {
            Errno::Eio | Errno::Emfile => io::ErrorKind::Other,
            Errno::Enospc => io::ErrorKind::StorageFull,
            Errno::Eintr => io::ErrorKind::Interrupted,
            Errno::Edquot => io::ErrorKind::QuotaExceeded,
            Errno::Erofs => io::ErrorKind::ReadOnlyFilesystem,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Errno::Eio => "EIO",
            Errno::Enospc => "ENOSPC",
            Errno::Eintr => "EINTR",
            Errno::Edquot => "EDQUOT",
            Errno::Emfile => "EMFILE",
            Errno::Erofs => "EROFS",
        })
    }
}
