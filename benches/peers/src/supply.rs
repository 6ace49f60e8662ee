//! Changes for a bulk operation, made batch by batch while the clock stands.

use std::time::{Duration, Instant};

use crate::peer::{Change, Order};

/// Rows of a batch.
const BATCH_ROWS: u64 = 10_000;

/// The changes of a bulk operation. The time that it takes to make them is kept apart: it is nobody's merit.
pub(crate) struct Supply<'a> {
    make: &'a dyn Fn(u64) -> Change,
    order: Order,
    next: u64,
    end: u64,
    batch: Vec<Change>,
    /// The change of the batch that is next, for who takes them one by one.
    at: usize,
    spent: Duration,
}

impl<'a> Supply<'a> {
    /// The changes `make(0)` to `make(count - 1)`.
    pub(crate) fn new(count: u64, order: Order, make: &'a dyn Fn(u64) -> Change) -> Supply<'a> {
        Supply {
            make,
            order,
            next: 0,
            end: count,
            batch: Vec::new(),
            at: 0,
            spent: Duration::ZERO,
        }
    }

    /// In which order they come.
    pub(crate) fn order(&self) -> Order {
        self.order
    }

    /// The next batch, or `None` when all are made.
    pub(crate) fn next(&mut self) -> Option<&[Change]> {
        let started = Instant::now();
        let end = (self.next + BATCH_ROWS).min(self.end);
        self.batch.clear();
        self.batch.extend((self.next..end).map(self.make));
        self.next = end;
        self.spent += started.elapsed();
        Some(self.batch.as_slice()).filter(|batch| !batch.is_empty())
    }

    /// The next change, where all are taken one by one.
    pub(crate) fn next_change(&mut self) -> Option<&Change> {
        if self.at == self.batch.len() {
            self.at = 0;
            self.next()?;
        }
        self.at += 1;
        self.batch.get(self.at - 1)
    }

    /// How long it took to make them.
    pub(crate) fn spent(&self) -> Duration {
        self.spent
    }
}
