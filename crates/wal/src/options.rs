//! Settings and figures of a log.

use std::time::Duration;

use drystone_base::Lsn;

use crate::segment::format::{BLOCK_BYTES, SEGMENT_BYTES_MIN};

/// How a log uses its folder and memory. None of these changes stored bytes: a log may be opened with other options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Length of a segment's file in bytes, its header included. Rounded up to a multiple of 4 KiB; at least 12 KiB.
    /// A record that does not fit gets a segment of its own size.
    pub segment_bytes: u64,
    /// How many trimmed segments are kept for reuse. The rest are deleted, and all but two where nothing was appended for ten
    /// seconds. The one that is prepared ahead of need stays also where none is to be kept. As many as are trimmed at once make sure that none has to be filled with zeros again while much is appended.
    pub spare_segments_max: usize,
    /// Bytes of appended records that may wait in memory. An append beyond that hands them to the operating system
    /// first (or waits for the group in flight), so memory stays bounded when nobody syncs.
    pub buffer_bytes_max: usize,
    /// How many bytes of trimmed segments stay readable all the same, for readers that come later: a replica that was
    /// away, a change stream after a reopen. Rounded down to whole segments. Default: none.
    pub retain_bytes: u64,
    /// How many bytes of closed segments may wait for the archive: see [`Log::set_archive`](crate::Log::set_archive). An
    /// append that needs another segment then fails with [`WalError::ArchiveBehind`](crate::WalError::ArchiveBehind),
    /// until the archive has taken some. Default: as many as the disk has room for.
    pub archive_bytes_max: u64,
    /// What to do about damage when the log is opened. Default: [`Recovery::Strict`].
    pub recovery: Recovery,
}

/// What opening a log does about damage to records that were durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// Refuse to open, say where it is, and change nothing.
    #[default]
    Strict,
    /// Keep what is before the damage, and set the rest aside: its files get names that end in `.damaged`, and none is
    /// deleted. So are segments that a trim has left for the archive, and that it cannot take. What was lost is told by [`Log::repaired`](crate::Log::repaired). To be chosen by a person, who has no
    /// better copy: acknowledged records are given up, and their numbers will be used again.
    Repair,
    /// Keep the records up to this one, and set the rest aside as [`Recovery::Repair`] does, damaged or not: to go back to
    /// an earlier moment. Damage before that is repaired, too. Must not be below the floor.
    EndAt(Lsn),
}

/// What has happened to a record when [`Log::commit`](crate::Log::commit) returns, and so what a crash can undo: always the
/// newest records, and none before one that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is on stable media.
    #[default]
    Sync,
    /// It is in memory, and the first [`Log::step`](crate::Log::step) after this time makes it durable. A crash of the
    /// process or the machine undoes what was committed in as long as that, and the time between two steps.
    Async(Duration),
    /// It is in memory, and nobody hurries: it becomes durable with a later `Sync` or `Async` record, with
    /// [`Log::sync`](crate::Log::sync), or with a close.
    None,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            segment_bytes: 16 << 20,
            spare_segments_max: 2,
            buffer_bytes_max: 4 << 20,
            retain_bytes: 0,
            archive_bytes_max: u64::MAX,
            recovery: Recovery::Strict,
        }
    }
}

impl LogOptions {
    /// The same options with every value inside its limits.
    pub(crate) fn clamped(mut self) -> LogOptions {
        let blocks = self.segment_bytes.div_ceil(BLOCK_BYTES).min(1 << 40);
        self.segment_bytes = (blocks * BLOCK_BYTES).max(SEGMENT_BYTES_MIN);
        self.buffer_bytes_max = self.buffer_bytes_max.max(1);
        self
    }
}

/// Figures of a log since it was opened, and of its folder now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Segments that hold records which may still be read.
    pub segments: u64,
    /// Length of those segments' files, in bytes.
    pub segment_bytes: u64,
    /// Of segments that were trimmed, and are still there: for a hold, a reader, the archive, or
    /// [`LogOptions::retain_bytes`]. In bytes of their files; those that can still be read are in `segment_bytes`, too.
    pub kept_bytes: u64,
    /// Segments prepared for what comes next.
    pub spares: u64,
    /// Records appended since the log was opened.
    pub appended: u64,
    /// Their bytes as stored, headers and padding included.
    pub appended_bytes: u64,
    /// Groups written: each one write (one more for every segment begun within it).
    pub groups: u64,
    /// Syncs of segments.
    pub syncs: u64,
    /// The most records in one group.
    pub group_records_max: u64,
    /// The most bytes in one group.
    pub group_bytes_max: u64,
}

/// Whether background work is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do now.
    Idle,
    /// Some was done, and some may be left.
    More,
}
