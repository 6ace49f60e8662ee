//! Counts of rows by their keys: the store counts what lies between two keys, and no row is read.

use std::sync::Arc;

use drystone_record::Value;

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::key_span::Span;
use crate::exec::operator::{Operator, Row};
use crate::exec::scan::parts;
use crate::plan::KeyCount;
use crate::sql_state::SqlState;

pub(crate) struct CountOperator {
    count: Arc<KeyCount>,
    is_done: bool,
}

impl CountOperator {
    pub(crate) fn new(count: Arc<KeyCount>) -> CountOperator {
        CountOperator {
            count,
            is_done: false,
        }
    }

    fn rows(&self, env: Env<'_>) -> Result<u64, SqlError> {
        let scan = &self.count.scan;
        let keyspace = scan.keyspace();
        let mut rows: u64 = 0;
        for part in parts(scan, &[], env)? {
            env.cx.note_row()?;
            rows += match part {
                Span::Key(key) => u64::from(env.cx.reader.get(keyspace, &key)?.is_some()),
                Span::Range(range) => env.cx.reader.count_range(keyspace, range)?,
            };
        }
        Ok(rows)
    }
}

impl Operator for CountOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        row.clear();
        if std::mem::replace(&mut self.is_done, true) {
            return Ok(false);
        }
        let rows = i64::try_from(self.rows(env)?)
            .map_err(|_| SqlError::new(SqlState::NumericValueOutOfRange, "bigint out of range"))?;
        row.resize(self.count.columns, Value::BigInt(rows));
        Ok(true)
    }
}
