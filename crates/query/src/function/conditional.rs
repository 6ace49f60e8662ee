//! The greatest and the least of several values. NULLs among them are passed over.

use std::cmp::Ordering;

use drystone_record::Value;

use crate::eval_error::EvalError;
use crate::function::{Definition, EvalContext, Param};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("greatest", &[Param::Common], Param::Common, greatest)
        .and_more(Param::Common)
        .taking_nulls(),
    Definition::new("least", &[Param::Common], Param::Common, least)
        .and_more(Param::Common)
        .taking_nulls(),
];

fn greatest(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    Ok(best(args, Ordering::Greater))
}

fn least(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    Ok(best(args, Ordering::Less))
}

/// The first value that is on that side of all others; NULL where all are.
fn best(args: &[Value], better: Ordering) -> Value {
    let known = args.iter().filter(|arg| !arg.is_null());
    known
        .reduce(|best, next| match next.sort_cmp(best) == better {
            true => next,
            false => best,
        })
        .cloned()
        .unwrap_or_default()
}
