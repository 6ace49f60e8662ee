//! Joins that go through the right side for each left row: by key, or all of it.

use std::sync::Arc;

use drystone_record::Value;

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::all_true;
use crate::exec::operator::{Operator, Row};
use crate::exec::scan::ScanCursor;
use crate::logical::JoinKind;
use crate::plan::{LookupJoin, LoopJoin};

/// For each left row, a scan by the keys that it gives.
pub(crate) struct LookupJoinOperator {
    left: Box<dyn Operator>,
    join: Arc<LookupJoin>,
    left_row: Row,
    right_row: Row,
    /// The scan for the current left row.
    cursor: Option<ScanCursor>,
    matched: bool,
}

impl LookupJoinOperator {
    pub(crate) fn new(left: Box<dyn Operator>, join: Arc<LookupJoin>) -> LookupJoinOperator {
        LookupJoinOperator {
            left,
            join,
            left_row: Row::new(),
            right_row: Row::new(),
            cursor: None,
            matched: false,
        }
    }
}

impl Operator for LookupJoinOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        loop {
            let cursor = match &mut self.cursor {
                Some(cursor) => cursor,
                none => {
                    if !self.left.next(env, &mut self.left_row)? {
                        return Ok(false);
                    }
                    self.matched = false;
                    none.insert(ScanCursor::new(&self.join.right, &self.left_row, env)?)
                }
            };
            while cursor.next(&self.join.right, env, &mut self.right_row)? {
                combine(row, &self.left_row, &self.right_row);
                if all_true(&self.join.residual, row, env)? {
                    self.matched = true;
                    return Ok(true);
                }
            }
            self.cursor = None;
            if self.join.kind == JoinKind::Left && !self.matched {
                without_partner(row, &self.left_row, self.join.right_width);
                return Ok(true);
            }
        }
    }
}

/// Each left row with each right row. The right side is read once, when the first left row is there.
pub(crate) struct LoopJoinOperator {
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    join: Arc<LoopJoin>,
    right_rows: Option<Vec<Row>>,
    left_row: Row,
    /// The next right row for the current left row; `None` between left rows.
    next_right: Option<usize>,
    matched: bool,
}

impl LoopJoinOperator {
    pub(crate) fn new(
        left: Box<dyn Operator>,
        right: Box<dyn Operator>,
        join: Arc<LoopJoin>,
    ) -> LoopJoinOperator {
        LoopJoinOperator {
            left,
            right,
            join,
            right_rows: None,
            left_row: Row::new(),
            next_right: None,
            matched: false,
        }
    }

    fn read_right(&mut self, env: Env<'_>) -> Result<(), SqlError> {
        let mut rows = Vec::new();
        let mut row = Row::new();
        while self.right.next(env, &mut row)? {
            env.cx.memory.take_row(&row)?;
            rows.push(std::mem::take(&mut row));
        }
        self.right_rows = Some(rows);
        Ok(())
    }
}

impl Operator for LoopJoinOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        loop {
            if self.next_right.is_none() {
                if !self.left.next(env, &mut self.left_row)? {
                    return Ok(false);
                }
                if self.right_rows.is_none() {
                    self.read_right(env)?;
                }
                self.matched = false;
            }
            let right_rows = self.right_rows.as_deref().unwrap_or_default();
            let mut position = self.next_right.unwrap_or(0);
            while let Some(right) = right_rows.get(position) {
                position += 1;
                env.cx.note_row()?;
                combine(row, &self.left_row, right);
                if all_true(&self.join.residual, row, env)? {
                    self.matched = true;
                    self.next_right = Some(position);
                    return Ok(true);
                }
            }
            self.next_right = None;
            if self.join.kind == JoinKind::Left && !self.matched {
                without_partner(row, &self.left_row, self.join.right_width);
                return Ok(true);
            }
        }
    }
}

/// Left slots, then right slots.
pub(crate) fn combine(row: &mut Row, left: &[Value], right: &[Value]) {
    row.clear();
    row.extend_from_slice(left);
    row.extend_from_slice(right);
}

/// Left slots, then NULLs.
pub(crate) fn without_partner(row: &mut Row, left: &[Value], right_width: usize) {
    row.clear();
    row.extend_from_slice(left);
    row.resize(left.len() + right_width, Value::Null);
}
