//! Functions, against what PostgreSQL 15 answers.
//!
//! Each case is a call as it would be written in SQL, with arguments `type value`, `'literal'` or `NULL`.

mod json;
mod math;
mod resolution;
mod text;
mod time;
mod vector;

use std::sync::Arc;

use drystone_base::{Env, ManualClock};
use drystone_record::{DataType, Timestamp, Value};

use super::*;
use crate::cast::{CastContext, cast};

fn context() -> EvalContext {
    let env = Env {
        clock: Arc::new(ManualClock::at(Timestamp(2_000_000))),
        ..Env::memory(7)
    };
    EvalContext {
        now: Timestamp(1_000_000),
        env,
    }
}

/// An argument and its type, where it has one.
fn argument(text: &str) -> (Option<DataType>, Value) {
    if text == "NULL" {
        return (None, Value::Null);
    }
    if let Some(literal) = text.strip_prefix('\'') {
        return (None, Value::from(literal.strip_suffix('\'').unwrap()));
    }
    let (name, value) = text.split_once(' ').unwrap();
    let data_type: DataType = match name {
        "double" => DataType::Double,
        name => name.parse().unwrap(),
    };
    let value = match value {
        "NULL" => Value::Null,
        value => Value::parse(&data_type, value).unwrap(),
    };
    (Some(data_type), value)
}

/// The result with its type, or the error with its code.
fn answer(name: &str, args: &[&str]) -> String {
    let (types, values): (Vec<_>, Vec<_>) = args.iter().map(|text| argument(text)).unzip();
    let function = match resolve(name, &types) {
        Ok(function) => function,
        Err(error) => return format!("{}: {error}", error.sqlstate()),
    };
    let targets = types.into_iter().zip(function.arg_types());
    let coerced = values.iter().zip(targets).map(|(value, (from, to))| {
        let context = match from {
            Some(_) => CastContext::Implicit,
            None => CastContext::Explicit,
        };
        cast(value, to, context)
    });
    let result = coerced
        .collect::<Result<Vec<Value>, EvalError>>()
        .and_then(|args| function.call(&args, &context()));
    match result {
        Err(error) => format!("{}: {error}", error.sqlstate()),
        Ok(value) => {
            let found = value.data_type();
            let expected = function.return_type();
            assert!(found.is_none_or(|found| found == expected), "{value:?}");
            format!("{expected} {value}")
        }
    }
}

/// Checks calls whose results are of one type, or errors.
#[track_caller]
fn check(data_type: &str, cases: &[(&str, &[&str], &str)]) {
    for (name, args, expected) in cases {
        let found = answer(name, args);
        let is_error = expected.as_bytes().get(5) == Some(&b':') && found == *expected;
        if !is_error {
            assert_eq!(found, format!("{data_type} {expected}"), "{name}{args:?}");
        }
    }
}
