//! Expressions, evaluated for one row.
//!
//! Three ways in: [`Expr::value`] lends what lies in a slot instead of copying it, [`Expr::eval`] gives an owned value,
//! and [`Expr::test`] answers a condition without making a value of the answer. SQL's logic has three answers; `None`
//! is unknown.

use std::borrow::Cow;
use std::cmp::Ordering;

use drystone_record::Value;

use crate::cast::cast;
use crate::error::SqlError;
use crate::exec::context::Env;
use crate::like::Pattern;
use crate::operator::{eval_binary, eval_unary, is_not_distinct};
use crate::plan::{Comparison, Expr, Like, LikePattern};

impl Expr {
    /// The value, lent where it lies somewhere already.
    pub(crate) fn value<'a>(
        &'a self,
        row: &'a [Value],
        env: Env<'a>,
    ) -> Result<Cow<'a, Value>, SqlError> {
        Ok(match self {
            Expr::Constant(value) => Cow::Borrowed(value),
            Expr::Slot(slot) => Cow::Borrowed(&row[*slot]),
            Expr::Parameter(position) => Cow::Borrowed(&env.cx.parameters[*position]),
            Expr::Outer(position) => Cow::Borrowed(&env.outer[*position]),
            computed => Cow::Owned(computed.eval(row, env)?),
        })
    }

    /// The value.
    pub(crate) fn eval(&self, row: &[Value], env: Env<'_>) -> Result<Value, SqlError> {
        Ok(match self {
            Expr::Constant(value) => value.clone(),
            Expr::Slot(slot) => row[*slot].clone(),
            Expr::Parameter(position) => env.cx.parameters[*position].clone(),
            Expr::Outer(position) => env.outer[*position].clone(),
            Expr::Unary { op, expr } => eval_unary(*op, &*expr.value(row, env)?)?,
            Expr::Binary { op, left, right } => {
                let left = left.value(row, env)?;
                let held = match &left {
                    Cow::Borrowed(_) => 0,
                    Cow::Owned(left) => env.cx.memory.hold(left)?,
                };
                let right = right.value(row, env)?;
                env.cx.memory.give_back(held);
                eval_binary(*op, &left, &right)?
            }
            Expr::Cast {
                expr,
                target,
                context,
            } => cast(&*expr.value(row, env)?, target, *context)?,
            Expr::Function { function, args } => {
                let mut values = smallvec::SmallVec::<[Value; 4]>::with_capacity(args.len());
                eval_into(args, row, env, |value| values.push(value))?;
                function.call(&values, &env.cx.functions)?
            }
            Expr::Case {
                branches,
                otherwise,
            } => {
                for (condition, result) in branches {
                    if condition.test(row, env)? == Some(true) {
                        return result.eval(row, env);
                    }
                }
                match otherwise {
                    Some(otherwise) => otherwise.eval(row, env)?,
                    None => Value::Null,
                }
            }
            Expr::Coalesce(all) => {
                for expr in all {
                    let value = expr.value(row, env)?;
                    if !value.is_null() {
                        return Ok(value.into_owned());
                    }
                }
                Value::Null
            }
            Expr::Subplan(subplan) => subplan.eval(row, env)?,
            Expr::Compare { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull { .. }
            | Expr::IsTruth { .. }
            | Expr::IsDistinct { .. }
            | Expr::InList { .. }
            | Expr::Like(_) => Value::from(self.test(row, env)?),
        })
    }

    /// The answer of a condition; `None` when it is unknown.
    pub(crate) fn test(&self, row: &[Value], env: Env<'_>) -> Result<Option<bool>, SqlError> {
        match self {
            Expr::Compare { op, left, right } => {
                let left = left.value(row, env)?;
                let right = right.value(row, env)?;
                Ok(compare(*op, &left, &right))
            }
            Expr::And(all) => test_and(all, row, env),
            Expr::Or(all) => test_or(all, row, env),
            Expr::Not(expr) => Ok(expr.test(row, env)?.map(|answer| !answer)),
            Expr::IsNull { expr, negated } => Ok(Some(expr.value(row, env)?.is_null() != *negated)),
            Expr::IsTruth {
                expr,
                truth,
                negated,
            } => {
                let answer = expr.test(row, env)? == Some(*truth);
                Ok(Some(answer != *negated))
            }
            Expr::IsDistinct {
                left,
                right,
                negated,
            } => {
                let left = left.value(row, env)?;
                let right = right.value(row, env)?;
                Ok(Some(is_not_distinct(&left, &right) == *negated))
            }
            Expr::InList {
                expr,
                list,
                negated,
            } => {
                let found = test_in(&*expr.value(row, env)?, list, row, env)?;
                Ok(found.map(|found| found != *negated))
            }
            Expr::Like(like) => test_like(like, row, env),
            other => match &*other.value(row, env)? {
                Value::Boolean(answer) => Ok(Some(*answer)),
                _ => Ok(None),
            },
        }
    }
}

/// Whether all conditions are true.
pub(crate) fn all_true(conjuncts: &[Expr], row: &[Value], env: Env<'_>) -> Result<bool, SqlError> {
    for conjunct in conjuncts {
        if conjunct.test(row, env)? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The values of some expressions.
pub(crate) fn eval_all(
    exprs: &[Expr],
    row: &[Value],
    env: Env<'_>,
) -> Result<Box<[Value]>, SqlError> {
    let mut values = Vec::with_capacity(exprs.len());
    eval_into(exprs, row, env, |value| values.push(value))?;
    Ok(values.into())
}

/// Gives the values of some expressions, which together keep to the memory of the statement, to `push`.
pub(crate) fn eval_into(
    exprs: &[Expr],
    row: &[Value],
    env: Env<'_>,
    mut push: impl FnMut(Value),
) -> Result<(), SqlError> {
    let mut held = 0;
    for expr in exprs {
        let value = expr.eval(row, env)?;
        held += env.cx.memory.hold(&value)?;
        push(value);
    }
    env.cx.memory.give_back(held);
    Ok(())
}

/// The value of an expression of constants; `None` when it is none, is one already, or fails.
pub(crate) fn constant(expr: &Expr) -> Option<Value> {
    let known = |expr: &Expr| match expr {
        Expr::Constant(value) => Some(value.clone()),
        _ => None,
    };
    match expr {
        Expr::Unary { op, expr } => eval_unary(*op, &known(expr)?).ok(),
        Expr::Binary { op, left, right } => eval_binary(*op, &known(left)?, &known(right)?).ok(),
        Expr::Compare { op, left, right } => {
            Some(Value::from(compare(*op, &known(left)?, &known(right)?)))
        }
        Expr::Cast {
            expr,
            target,
            context,
        } => cast(&known(expr)?, target, *context).ok(),
        Expr::Not(expr) => match known(expr)? {
            Value::Boolean(answer) => Some(Value::Boolean(!answer)),
            _ => Some(Value::Null),
        },
        _ => None,
    }
}

fn compare(op: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let order = left.compare(right)?;
    Some(match op {
        Comparison::Eq => order == Ordering::Equal,
        Comparison::NotEq => order != Ordering::Equal,
        Comparison::Lt => order == Ordering::Less,
        Comparison::LtEq => order != Ordering::Greater,
        Comparison::Gt => order == Ordering::Greater,
        Comparison::GtEq => order != Ordering::Less,
    })
}

fn test_and(all: &[Expr], row: &[Value], env: Env<'_>) -> Result<Option<bool>, SqlError> {
    let mut answer = Some(true);
    for expr in all {
        match expr.test(row, env)? {
            Some(false) => return Ok(Some(false)),
            Some(true) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

fn test_or(all: &[Expr], row: &[Value], env: Env<'_>) -> Result<Option<bool>, SqlError> {
    let mut answer = Some(false);
    for expr in all {
        match expr.test(row, env)? {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

fn test_in(
    value: &Value,
    list: &[Expr],
    row: &[Value],
    env: Env<'_>,
) -> Result<Option<bool>, SqlError> {
    let mut answer = Some(false);
    for item in list {
        match compare(Comparison::Eq, value, &*item.value(row, env)?) {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

fn test_like(like: &Like, row: &[Value], env: Env<'_>) -> Result<Option<bool>, SqlError> {
    let text = like.expr.value(row, env)?;
    let Value::Text(text) = &*text else {
        return Ok(None);
    };
    let matched = match &like.pattern {
        LikePattern::Ready(pattern) => pattern.matches(text),
        LikePattern::Computed {
            pattern,
            escape,
            ignores_case,
        } => match &*pattern.value(row, env)? {
            Value::Text(pattern) => Pattern::new(pattern, *escape, *ignores_case)?.matches(text),
            _ => return Ok(None),
        },
    };
    Ok(Some(matched != like.negated))
}
