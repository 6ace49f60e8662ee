//! Scalar functions: which there are, what they take, and what they give.
//!
//! Each family has a file with a table of [`Definition`]s; [`resolve`] picks the one that a call means. COALESCE, NULLIF
//! and CASE are not among them: they do not evaluate all their arguments.

mod calendar;
mod conditional;
mod encoding;
mod format;
mod json;
mod math;
mod resolve;
mod rounding;
mod substring;
mod system;
mod text;
mod time;
mod to_char;
mod vector;

use std::fmt;

use drystone_base::Env;
use drystone_record::{DataType, Timestamp, Value};

use crate::eval_error::{EvalError, types_of};

pub(crate) use json::to_json;
#[cfg(fuzzing)]
pub(crate) use resolve::name_at;
pub(crate) use resolve::{ResolveError, resolve};

/// Longest text or byte string that a function makes. Memory for a statement's own rows is budgeted elsewhere.
const MAX_RESULT_BYTES: usize = 64 << 20;

/// What functions may ask of the world.
#[derive(Clone, Debug)]
pub(crate) struct EvalContext {
    /// When the transaction began: what `now()` says throughout it.
    pub(crate) now: Timestamp,
    /// Time and randomness.
    pub(crate) env: Env,
}

/// How a function is computed. NULLs come in only where [`Nulls::Taken`].
type Eval = fn(&[Value], &EvalContext) -> Result<Value, EvalError>;

/// One function of one signature.
struct Definition {
    name: &'static str,
    params: &'static [Param],
    /// What any further arguments are.
    more: Option<Param>,
    result: Param,
    nulls: Nulls,
    volatility: Volatility,
    eval: Eval,
}

/// What an argument may be. As a result: what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Param {
    /// Of this type, or cast to it unasked.
    Is(DataType),
    /// A vector of any length.
    Vector,
    /// Of any type.
    Any,
    /// Of the one type that all arguments marked so have in common.
    Common,
}

const BOOLEAN: Param = Param::Is(DataType::Boolean);
const INTEGER: Param = Param::Is(DataType::Integer);
const BIGINT: Param = Param::Is(DataType::BigInt);
const DOUBLE: Param = Param::Is(DataType::Double);
const TEXT: Param = Param::Is(DataType::Text);
const BYTEA: Param = Param::Is(DataType::Bytea);
const TIMESTAMP: Param = Param::Is(DataType::Timestamp);
const JSONB: Param = Param::Is(DataType::Jsonb);

/// What becomes of a call with a NULL among its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nulls {
    /// It is NULL.
    Returned,
    /// The function decides.
    Taken,
}

/// When the same arguments give the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Volatility {
    /// Always.
    Immutable,
    /// Within a statement.
    Stable,
    /// Never: each row asks anew.
    Volatile,
}

impl Definition {
    /// An immutable function that is NULL of NULL.
    const fn new(
        name: &'static str,
        params: &'static [Param],
        result: Param,
        eval: Eval,
    ) -> Definition {
        Definition {
            name,
            params,
            more: None,
            result,
            nulls: Nulls::Returned,
            volatility: Volatility::Immutable,
            eval,
        }
    }

    /// Takes any number of further arguments.
    const fn and_more(mut self, param: Param) -> Definition {
        self.more = Some(param);
        self
    }

    /// Sees NULLs itself.
    const fn taking_nulls(mut self) -> Definition {
        self.nulls = Nulls::Taken;
        self
    }

    const fn stable(mut self) -> Definition {
        self.volatility = Volatility::Stable;
        self
    }

    const fn volatile(mut self) -> Definition {
        self.volatility = Volatility::Volatile;
        self
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Param::Is(data_type) => data_type.fmt(f),
            Param::Vector => f.write_str("vector"),
            Param::Any => f.write_str("any"),
            Param::Common => f.write_str("anycompatible"),
        }
    }
}

impl fmt::Display for Definition {
    /// `name(type, type, ...)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = self.params.iter().map(Param::to_string);
        let more = self.more.iter().map(|param| format!("{param}, ..."));
        let params: Vec<String> = params.chain(more).collect();
        write!(f, "{}({})", self.name, params.join(", "))
    }
}

/// A function whose argument types are settled.
#[derive(Clone)]
pub(crate) struct ResolvedFunction {
    definition: &'static Definition,
    args: Vec<DataType>,
    result: DataType,
}

impl ResolvedFunction {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.definition.name
    }

    /// The types that its arguments must be cast to.
    pub(crate) fn arg_types(&self) -> &[DataType] {
        &self.args
    }

    /// The type of its result.
    pub(crate) fn return_type(&self) -> DataType {
        self.result
    }

    /// When the same arguments give the same result.
    pub(crate) fn volatility(&self) -> Volatility {
        self.definition.volatility
    }

    /// Whether each row must ask anew.
    pub(crate) fn is_volatile(&self) -> bool {
        self.volatility() == Volatility::Volatile
    }

    /// The result for arguments of the types of [`ResolvedFunction::arg_types`], or NULLs.
    pub(crate) fn call(&self, args: &[Value], context: &EvalContext) -> Result<Value, EvalError> {
        let null_in = args.iter().any(Value::is_null);
        match null_in && self.definition.nulls == Nulls::Returned {
            true => Ok(Value::Null),
            false => (self.definition.eval)(args, context),
        }
    }
}

impl PartialEq for ResolvedFunction {
    fn eq(&self, other: &ResolvedFunction) -> bool {
        std::ptr::eq(self.definition, other.definition) && self.args == other.args
    }
}

impl fmt::Debug for ResolvedFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args: Vec<String> = self.args.iter().map(DataType::to_string).collect();
        write!(f, "{}({})", self.name(), args.join(", "))
    }
}

/// The arguments are not what the function was planned for.
fn mismatch(args: &[Value]) -> EvalError {
    EvalError::Mismatch {
        operation: "the function",
        found: types_of(args),
    }
}

/// Refuses to make a text of more than [`MAX_RESULT_BYTES`].
pub(crate) fn checked_len(len: usize) -> Result<(), EvalError> {
    match len <= MAX_RESULT_BYTES {
        true => Ok(()),
        false => Err(EvalError::LimitExceeded("requested length too large")),
    }
}

/// Names a function's arguments by their variants, or leaves with an error where they are others.
macro_rules! take {
    ($args:expr, $($variant:ident($name:ident)),+) => {
        let [$(drystone_record::Value::$variant($name)),+] = $args else {
            return Err(crate::function::mismatch($args));
        };
    };
}
use take;

#[cfg(test)]
mod tests;
