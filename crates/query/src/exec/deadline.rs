//! The time that a statement may take.

use std::cell::Cell;
use std::time::Duration;

use drystone_base::Clock;

use crate::error::SqlError;
use crate::sql_state::SqlState;

/// Rows from one look at the clock to the next.
const ROWS_PER_LOOK: u32 = 256;

/// When a statement must have ended. Every row that it reads or joins is noted, for no other loop of it is long.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// In the clock's monotonic time; `None` for never.
    ends: Option<Duration>,
    rows: Cell<u32>,
}

impl Deadline {
    /// That of a statement which starts now and may take `max`.
    pub(crate) fn new(max: Option<Duration>, clock: &dyn Clock) -> Deadline {
        Deadline {
            ends: max.map(|max| clock.monotonic().saturating_add(max)),
            rows: Cell::new(0),
        }
    }

    /// Notes a row; fails when the time is over.
    #[inline]
    pub(crate) fn note_row(&self, clock: &dyn Clock) -> Result<(), SqlError> {
        match self.ends {
            Some(ends) => self.look(ends, clock),
            None => Ok(()),
        }
    }

    fn look(&self, ends: Duration, clock: &dyn Clock) -> Result<(), SqlError> {
        let rows = self.rows.get();
        self.rows.set(rows.wrapping_add(1));
        if !rows.is_multiple_of(ROWS_PER_LOOK) || clock.monotonic() < ends {
            return Ok(());
        }
        Err(
            SqlError::new(SqlState::QueryCanceled, "statement takes too long")
                .with_hint("raise `statement_time_max`, or let the statement read fewer rows"),
        )
    }
}
