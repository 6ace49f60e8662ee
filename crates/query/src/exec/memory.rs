//! The memory that a statement may hold: rows it sorts, hashes and keeps.

use std::cell::Cell;

use drystone_record::Value;

use crate::error::SqlError;
use crate::sql_state::SqlState;

/// A budget in bytes. What is taken is given back when the statement ends, or earlier by who took it.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    max: usize,
    used: Cell<usize>,
    /// What outlives the run of the subquery that found it.
    kept: Cell<usize>,
}

impl MemoryBudget {
    pub(crate) fn new(max: usize) -> MemoryBudget {
        MemoryBudget {
            max,
            used: Cell::new(0),
            kept: Cell::new(0),
        }
    }

    /// Takes `bytes`, or fails when they are not there.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), SqlError> {
        self.check(bytes)?;
        self.used.set(self.used.get() + bytes);
        Ok(())
    }

    /// Takes `bytes` until the statement ends, also within [`MemoryBudget::passing`].
    pub(crate) fn keep(&self, bytes: usize) -> Result<(), SqlError> {
        self.check(bytes)?;
        self.kept.set(self.kept.get() + bytes);
        Ok(())
    }

    /// Runs a part whose rows are gone when it returns, and gives back what it took for them.
    pub(crate) fn passing<T>(&self, part: impl FnOnce() -> T) -> T {
        let before = self.used.get();
        let done = part();
        self.used.set(before);
        done
    }

    fn check(&self, bytes: usize) -> Result<(), SqlError> {
        let held = self.used.get().saturating_add(self.kept.get());
        if held.saturating_add(bytes) > self.max {
            return Err(SqlError::new(
                SqlState::OutOfMemory,
                format!(
                    "statement needs more than its memory budget of {} bytes",
                    self.max
                ),
            )
            .with_hint(
                "raise `statement_memory_bytes_max`, or let the statement keep fewer rows",
            ));
        }
        Ok(())
    }

    /// Takes the bytes of a row that is kept.
    pub(crate) fn take_row(&self, row: &[Value]) -> Result<(), SqlError> {
        self.take(row_bytes(row))
    }

    /// Takes the bytes of a value that is held while others are computed, and says how many those are. Only large ones
    /// count: there are no more values than the text of a statement has places for.
    #[inline]
    pub(crate) fn hold(&self, value: &Value) -> Result<usize, SqlError> {
        const LARGE_BYTES: usize = 64 << 10;
        let bytes = match value {
            Value::Text(text) => text.len(),
            Value::Bytea(bytes) => bytes.len(),
            _ => return Ok(0),
        };
        if bytes < LARGE_BYTES {
            return Ok(0);
        }
        self.take(bytes)?;
        Ok(bytes)
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_sub(bytes));
    }
}

/// About how much memory a kept row takes.
pub(crate) fn row_bytes(row: &[Value]) -> usize {
    const ROW_OVERHEAD_BYTES: usize = 40;
    ROW_OVERHEAD_BYTES + row.iter().map(value_bytes).sum::<usize>()
}

fn value_bytes(value: &Value) -> usize {
    const JSON_BYTES: usize = 256;
    let heap = match value {
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::BigInt(_)
        | Value::Double(_)
        | Value::Timestamp(_) => 0,
        Value::Text(text) => text.len(),
        Value::Bytea(bytes) => bytes.len(),
        Value::Json(_) => JSON_BYTES,
        Value::Vector(vector) => vector.len() * size_of::<f32>(),
    };
    size_of::<Value>() + heap
}
