//! UNION, INTERSECT and EXCEPT.

use std::sync::Arc;

use drystone_record::Value;
use hashbrown::HashMap;

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::operator::{Operator, Row};
use crate::logical::SetOp;
use crate::plan::SetOperation;

/// How often each row came.
type Tally = HashMap<Box<[Value]>, u64>;

pub(crate) struct SetOperator {
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    operation: Arc<SetOperation>,
    left_is_done: bool,
    /// Of INTERSECT and EXCEPT: the right side, less what was matched.
    right_tally: Option<Tally>,
    /// Rows given so far, where each is given once.
    given: Tally,
}

impl SetOperator {
    pub(crate) fn new(
        left: Box<dyn Operator>,
        right: Box<dyn Operator>,
        operation: Arc<SetOperation>,
    ) -> SetOperator {
        SetOperator {
            left,
            right,
            operation,
            left_is_done: false,
            right_tally: None,
            given: Tally::new(),
        }
    }

    /// The next row of the left side, then of the right side.
    fn next_of_both(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        if !self.left_is_done {
            if self.left.next(env, row)? {
                return Ok(true);
            }
            self.left_is_done = true;
        }
        self.right.next(env, row)
    }

    fn next_of_union(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        while self.next_of_both(env, row)? {
            if self.operation.all || self.is_new(row, env)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next left row that is, or is not, among the right ones. With ALL each right row matches one left row.
    fn next_of_left(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        let wants_match = self.operation.op == SetOp::Intersect;
        let mut tally = match self.right_tally.take() {
            Some(tally) => tally,
            None => self.read_right(env)?,
        };
        let mut found = false;
        while !found && self.left.next(env, row)? {
            let matched = match tally.get_mut(row.as_slice()) {
                Some(left) if *left > 0 => {
                    *left -= u64::from(self.operation.all);
                    true
                }
                _ => false,
            };
            found = matched == wants_match && (self.operation.all || self.is_new(row, env)?);
        }
        self.right_tally = Some(tally);
        Ok(found)
    }

    fn read_right(&mut self, env: Env<'_>) -> Result<Tally, SqlError> {
        let mut tally = Tally::new();
        let mut row = Row::new();
        while self.right.next(env, &mut row)? {
            match tally.get_mut(row.as_slice()) {
                Some(count) => *count += 1,
                None => {
                    env.cx.memory.take_row(&row)?;
                    tally.insert(row.as_slice().into(), 1);
                }
            }
        }
        Ok(tally)
    }

    /// Notes a row; whether it came for the first time.
    fn is_new(&mut self, row: &[Value], env: Env<'_>) -> Result<bool, SqlError> {
        if self.given.contains_key(row) {
            return Ok(false);
        }
        env.cx.memory.take_row(row)?;
        self.given.insert(row.into(), 1);
        Ok(true)
    }
}

impl Operator for SetOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        match self.operation.op {
            SetOp::Union => self.next_of_union(env, row),
            SetOp::Intersect | SetOp::Except => self.next_of_left(env, row),
        }
    }
}
