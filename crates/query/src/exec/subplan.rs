//! Subqueries within expressions. One that uses nothing of the row around it runs once; another runs for each
//! different set of values that it uses, as far as results are kept.

use drystone_record::Value;
use hashbrown::{HashMap, HashSet};

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::eval_all;
use crate::exec::memory::row_bytes;
use crate::exec::operator::{Row, open};
use crate::plan::{Subplan, SubplanKind};
use crate::sql_state::SqlState;

/// Most results of one correlated subquery that are kept.
const KEPT_RESULTS_MAX: usize = 10_000;

/// What is known of a subquery so far.
#[derive(Debug, Default)]
pub(crate) struct SubplanResults {
    /// Answers by the values used.
    answers: HashMap<Box<[Value]>, Value>,
    /// Of an IN that runs once: all its values.
    members: Option<Members>,
}

/// The values of a subquery under IN.
#[derive(Debug, Default)]
struct Members {
    values: HashSet<Value>,
    has_null: bool,
    /// What they take of the statement's memory.
    bytes: usize,
}

impl Members {
    /// Whether `value` is among them; `None` when that is unknown.
    fn contains(&self, value: &Value) -> Option<bool> {
        if self.values.is_empty() && !self.has_null {
            return Some(false);
        }
        if value.is_null() {
            return None;
        }
        match self.values.contains(value) {
            true => Some(true),
            false if self.has_null => None,
            false => Some(false),
        }
    }
}

impl Subplan {
    /// The subquery's value for a row.
    pub(crate) fn eval(&self, row: &[Value], env: Env<'_>) -> Result<Value, SqlError> {
        let outer = eval_all(&self.outer, row, env)?;
        match &self.kind {
            SubplanKind::Scalar => {
                self.kept_in(env, outer, |outer| self.scalar(within(env, outer)))
            }
            SubplanKind::Exists { negated } => self.kept_in(env, outer, |outer| {
                let exists = self.exists(within(env, outer))?;
                Ok(Value::Boolean(exists != *negated))
            }),
            SubplanKind::In { expr, negated } => {
                let operand = expr.eval(row, env)?;
                let found = self.is_member(&operand, &outer, env)?;
                Ok(Value::from(found.map(|found| found != *negated)))
            }
        }
    }

    /// The answer for `outer`, computed unless it is kept.
    fn kept_in(
        &self,
        env: Env<'_>,
        outer: Box<[Value]>,
        compute: impl FnOnce(&[Value]) -> Result<Value, SqlError>,
    ) -> Result<Value, SqlError> {
        if let Some(answer) = env.cx.subplans.borrow()[self.id].answers.get(&outer) {
            return Ok(answer.clone());
        }
        let memory = &env.cx.memory;
        let answer = memory.passing(|| compute(&outer))?;
        let results = &mut env.cx.subplans.borrow_mut()[self.id];
        if results.answers.len() < KEPT_RESULTS_MAX {
            memory.keep(row_bytes(&outer) + row_bytes(std::slice::from_ref(&answer)))?;
            results.answers.insert(outer, answer.clone());
        }
        Ok(answer)
    }

    fn exists(&self, env: Env<'_>) -> Result<bool, SqlError> {
        open(&self.root).next(env, &mut Row::new())
    }

    fn scalar(&self, env: Env<'_>) -> Result<Value, SqlError> {
        let mut operator = open(&self.root);
        let mut row = Row::new();
        if !operator.next(env, &mut row)? {
            return Ok(Value::Null);
        }
        let value = row.swap_remove(0);
        if operator.next(env, &mut row)? {
            return Err(SqlError::new(
                SqlState::CardinalityViolation,
                "more than one row returned by a subquery used as an expression",
            ));
        }
        Ok(value)
    }

    fn is_member(
        &self,
        operand: &Value,
        outer: &[Value],
        env: Env<'_>,
    ) -> Result<Option<bool>, SqlError> {
        let memory = &env.cx.memory;
        if !outer.is_empty() {
            let members = memory.passing(|| self.members(within(env, outer)))?;
            return Ok(members.contains(operand));
        }
        if env.cx.subplans.borrow()[self.id].members.is_none() {
            let members = memory.passing(|| self.members(env))?;
            memory.keep(members.bytes)?;
            env.cx.subplans.borrow_mut()[self.id].members = Some(members);
        }
        let results = &env.cx.subplans.borrow()[self.id];
        Ok(results
            .members
            .as_ref()
            .and_then(|members| members.contains(operand)))
    }

    fn members(&self, env: Env<'_>) -> Result<Members, SqlError> {
        let mut operator = open(&self.root);
        let mut row = Row::new();
        let mut members = Members::default();
        while operator.next(env, &mut row)? {
            match row.swap_remove(0) {
                Value::Null => members.has_null = true,
                value if members.values.contains(&value) => {}
                value => {
                    let bytes = row_bytes(std::slice::from_ref(&value));
                    env.cx.memory.take(bytes)?;
                    members.bytes += bytes;
                    members.values.insert(value);
                }
            }
        }
        Ok(members)
    }
}

fn within<'e>(env: Env<'e>, outer: &'e [Value]) -> Env<'e> {
    Env { cx: env.cx, outer }
}
