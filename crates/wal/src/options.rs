//! Settings and figures of a log.

use crate::segment::format::{BLOCK_BYTES, SEGMENT_BYTES_MIN};

/// How a log uses its folder and memory. None of these changes stored bytes: a log may be opened with other options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Length of a segment's file in bytes, its header included. Rounded up to a multiple of 4 KiB; at least 12 KiB.
    /// A record that does not fit gets a segment of its own size.
    pub segment_bytes: u64,
    /// How many trimmed segments are kept for reuse. The rest are deleted.
    pub spare_segments_max: usize,
    /// Bytes of appended records that may wait in memory. An append beyond that hands them to the operating system
    /// first (or waits for the group in flight), so memory stays bounded when nobody syncs.
    pub buffer_bytes_max: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            segment_bytes: 16 << 20,
            spare_segments_max: 2,
            buffer_bytes_max: 4 << 20,
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
