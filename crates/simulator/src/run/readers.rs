//! Snapshots and cursors that are held while others commit, merge and drop.

use std::collections::VecDeque;

use drystone::{Entries, Snapshot};

use super::Run;
use super::judge::Stop;
use super::keys::{Pair, Seen, next_in, order_of};
use crate::operation::{Look, Order, Source};
use crate::oracle::State;

/// A snapshot, and what it must show.
pub(super) struct PinnedSnapshot {
    pub(super) snapshot: Snapshot,
    pub(super) state: State,
}

/// A cursor, and what it has still to give.
pub(super) struct Cursor {
    entries: Box<Entries>,
    expected: VecDeque<Pair>,
    order: Order,
    /// Entries that were read.
    at: usize,
}

impl Run<'_> {
    pub(super) fn take_snapshot(&mut self, task: u8) -> Result<(), Stop> {
        let pinned = PinnedSnapshot {
            snapshot: self.db()?.snapshot(),
            state: self.oracle.newest().clone(),
        };
        self.note(pinned.snapshot.lsn().0);
        self.task(task)?.snapshot = Some(pinned);
        Ok(())
    }

    pub(super) fn drop_snapshot(&mut self, task: u8) -> Result<(), Stop> {
        self.task(task)?.snapshot = None;
        Ok(())
    }

    pub(super) fn open_cursor(
        &mut self,
        task: u8,
        source: Source,
        look: &Look,
    ) -> Result<(), Stop> {
        let Some(handle) = self.handle(look.space()) else {
            return Ok(());
        };
        if let Seen::Entries(expected, entries, count) = self.look(task, source, look, &handle)? {
            self.check_count(look, expected.len(), count)?;
            self.task(task)?.cursor = Some(Cursor {
                entries,
                expected: expected.into(),
                order: order_of(look),
                at: 0,
            });
        }
        Ok(())
    }

    /// Moves the task's cursor on, past its end too.
    pub(super) fn advance(&mut self, task: u8, count: u8) -> Result<(), Stop> {
        for _ in 0..count {
            let Some(mut cursor) = self.task(task)?.cursor.take() else {
                return Ok(());
            };
            let found = match next_in(&mut cursor.entries, cursor.order, cursor.at).transpose() {
                Ok(found) => found,
                // The cursor is let go: what comes after an error says nothing.
                Err(error) => return self.read_failed("cursor", &error),
            };
            let expected = cursor.expected.pop_front();
            if found != expected {
                return Err(Stop::wrong(format!(
                    "a cursor at entry {} gave {found:?} instead of {expected:?}",
                    cursor.at
                )));
            }
            cursor.at += 1;
            self.task(task)?.cursor = Some(cursor);
        }
        Ok(())
    }

    pub(super) fn close_cursor(&mut self, task: u8) -> Result<(), Stop> {
        self.task(task)?.cursor = None;
        Ok(())
    }
}
