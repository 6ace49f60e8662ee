//! What a recorded run did to its log, to tell which of its writes nothing vouches for.
//!
//! A record says what was durable before it was written, and so does a marker. So a write is vouched for once another one
//! of the log follows its sync, and is durable itself. Until then its loss looks as if a power cut had torn it
//! (`docs/format/wal.md`, "What is left").

use std::ops::Range;
use std::path::{Path, PathBuf};

use drystone_testkit::Trace;

use crate::run::FOLDER;

/// Writes and syncs of the log's segments, in order.
#[derive(Debug)]
pub(super) struct LogHistory {
    events: Vec<Event>,
}

#[derive(Debug)]
struct Event {
    /// Its position in the recording.
    at: usize,
    segment: PathBuf,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Write(Range<u64>),
    Sync,
}

impl LogHistory {
    pub(super) fn of(trace: &Trace) -> LogHistory {
        let mut replay = trace.replay();
        let mut events = Vec::new();
        loop {
            let write = replay.next_write();
            let write = write.map(|write| (write.path, What::Write(write.bytes)));
            let sync = || replay.next_sync().map(|path| (path, What::Sync));
            let event = write.or_else(sync);
            events.extend(
                event
                    .filter(|(path, _)| is_segment(path))
                    .map(|(segment, what)| Event {
                        at: replay.at(),
                        segment,
                        what,
                    }),
            );
            if !replay.advance() {
                return LogHistory { events };
            }
        }
    }

    /// The last write of a byte before a position of the recording.
    pub(super) fn write_of(&self, segment: &Path, offset: u64, before: usize) -> Option<usize> {
        let mut events = self.events.iter().rev();
        let found = events.find(|event| match &event.what {
            What::Write(bytes) => {
                event.at < before && event.segment == segment && bytes.contains(&offset)
            }
            What::Sync => false,
        });
        found.map(|event| event.at)
    }

    /// Whether a write of the log is at this position of the recording.
    pub(super) fn is_write(&self, at: usize) -> bool {
        let found = self.events.iter().find(|event| event.at == at);
        found.is_some_and(|event| event.what != What::Sync)
    }

    /// Whether anything vouches at `at` for the write at position `write`: a later one of the log, which is durable, or
    /// which is kept all the same.
    pub(super) fn is_vouched(&self, write: usize, at: usize, keeps_all: bool) -> bool {
        let mut events = self.events.iter().filter(|event| event.at < at);
        let Some(written) = events.find(|event| event.at == write) else {
            return false;
        };
        let is_sync = |event: &&Event, of: &Path| event.what == What::Sync && event.segment == of;
        if !events.any(|event| is_sync(&event, &written.segment)) {
            return false;
        }
        let Some(voucher) = events.find(|event| event.what != What::Sync) else {
            return false;
        };
        keeps_all || events.any(|event| is_sync(&event, &voucher.segment))
    }
}

/// A segment in use, and not a file that is to become one.
fn is_segment(path: &Path) -> bool {
    path.starts_with(Path::new(FOLDER).join("log"))
        && path.extension().is_some_and(|extension| extension == "log")
}
