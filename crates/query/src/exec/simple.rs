//! Operators that keep little: one row, VALUES, filter, projection, DISTINCT, LIMIT.

use std::sync::Arc;

use drystone_record::Value;
use hashbrown::HashSet;

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::{all_true, eval_into};
use crate::exec::operator::{Operator, Row};
use crate::plan::{Filter, Limit, Project, Values, Window};
use crate::sql_state::SqlState;

/// One row without slots.
#[derive(Default)]
pub(crate) struct OneOperator {
    done: bool,
}

impl Operator for OneOperator {
    fn next(&mut self, _: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        row.clear();
        Ok(!std::mem::replace(&mut self.done, true))
    }
}

/// VALUES.
pub(crate) struct ValuesOperator {
    values: Arc<Values>,
    next: usize,
}

impl ValuesOperator {
    pub(crate) fn new(values: Arc<Values>) -> ValuesOperator {
        ValuesOperator { values, next: 0 }
    }
}

impl Operator for ValuesOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        row.clear();
        let Some(cells) = self.values.rows.get(self.next) else {
            return Ok(false);
        };
        self.next += 1;
        eval_into(cells, &[], env, |value| row.push(value))?;
        Ok(true)
    }
}

/// WHERE and HAVING.
pub(crate) struct FilterOperator {
    input: Box<dyn Operator>,
    filter: Arc<Filter>,
}

impl FilterOperator {
    pub(crate) fn new(input: Box<dyn Operator>, filter: Arc<Filter>) -> FilterOperator {
        FilterOperator { input, filter }
    }
}

impl Operator for FilterOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        while self.input.next(env, row)? {
            if all_true(&self.filter.conjuncts, row, env)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A select list.
pub(crate) struct ProjectOperator {
    input: Box<dyn Operator>,
    project: Arc<Project>,
    input_row: Row,
}

impl ProjectOperator {
    pub(crate) fn new(input: Box<dyn Operator>, project: Arc<Project>) -> ProjectOperator {
        ProjectOperator {
            input,
            project,
            input_row: Row::new(),
        }
    }
}

impl Operator for ProjectOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        if !self.input.next(env, &mut self.input_row)? {
            return Ok(false);
        }
        row.clear();
        eval_into(&self.project.exprs, &self.input_row, env, |value| {
            row.push(value);
        })?;
        Ok(true)
    }
}

/// DISTINCT: each row once, when it first comes.
pub(crate) struct DistinctOperator {
    input: Box<dyn Operator>,
    seen: HashSet<Box<[Value]>>,
}

impl DistinctOperator {
    pub(crate) fn new(input: Box<dyn Operator>) -> DistinctOperator {
        DistinctOperator {
            input,
            seen: HashSet::new(),
        }
    }
}

impl Operator for DistinctOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        while self.input.next(env, row)? {
            if !self.seen.contains(row.as_slice()) {
                env.cx.memory.take_row(row)?;
                self.seen.insert(row.as_slice().into());
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// LIMIT and OFFSET.
pub(crate) struct LimitOperator {
    input: Box<dyn Operator>,
    limit: Arc<Limit>,
    /// Rows still to be given, once that is known.
    left: Option<u64>,
}

impl LimitOperator {
    pub(crate) fn new(input: Box<dyn Operator>, limit: Arc<Limit>) -> LimitOperator {
        LimitOperator {
            input,
            limit,
            left: None,
        }
    }

    /// Skips the rows of OFFSET; returns how many may follow.
    fn start(&mut self, env: Env<'_>, row: &mut Row) -> Result<u64, SqlError> {
        let counts = self.limit.window.counts(env)?;
        for _ in 0..counts.offset {
            if !self.input.next(env, row)? {
                return Ok(0);
            }
        }
        Ok(counts.limit)
    }
}

impl Operator for LimitOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        let left = match self.left {
            Some(left) => left,
            None => self.start(env, row)?,
        };
        let more = left > 0 && self.input.next(env, row)?;
        self.left = Some(match more {
            true => left - 1,
            false => 0,
        });
        Ok(more)
    }
}

/// What a window asks for, once parameters are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// [`u64::MAX`] for no limit.
    pub(crate) limit: u64,
    pub(crate) offset: u64,
}

impl Window {
    pub(crate) fn counts(&self, env: Env<'_>) -> Result<Counts, SqlError> {
        let limit = match &self.limit {
            Some(limit) => count(&limit.eval(&[], env)?, Clause::Limit)?,
            None => None,
        };
        let offset = match &self.offset {
            Some(offset) => count(&offset.eval(&[], env)?, Clause::Offset)?,
            None => None,
        };
        Ok(Counts {
            limit: limit.unwrap_or(u64::MAX),
            offset: offset.unwrap_or(0),
        })
    }
}

enum Clause {
    Limit,
    Offset,
}

/// A count; `None` for NULL, which means no limit and no offset.
fn count(value: &Value, clause: Clause) -> Result<Option<u64>, SqlError> {
    let Value::BigInt(count) = value else {
        return Ok(None);
    };
    u64::try_from(*count).map(Some).map_err(|_| match clause {
        Clause::Limit => SqlError::new(
            SqlState::InvalidRowCountInLimit,
            "LIMIT must not be negative",
        ),
        Clause::Offset => SqlError::new(
            SqlState::InvalidRowCountInOffset,
            "OFFSET must not be negative",
        ),
    })
}
