//! Casts: which there are, where they happen without being asked for, and what they give.

use drystone_record::{DataType, Json, Text, Value, Vector};
use serde_json::Value as Tree;

use crate::eval_error::{EvalError, types_of};

/// Where a cast happens. Each allows what those before it allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CastContext {
    /// In an expression, unasked: only where nothing is lost.
    Implicit,
    /// Into a column: also where the value may turn out not to fit.
    Assignment,
    /// `CAST(x AS type)`, `x::type`: also where the meaning changes.
    Explicit,
}

/// Whether a value of `from` can become one of `to` in that context.
pub(crate) fn can_cast(from: &DataType, to: &DataType, context: CastContext) -> bool {
    least_context(*from, *to).is_some_and(|least| least <= context)
}

/// The strictest context in which the cast happens; `None` where there is no such cast.
fn least_context(from: DataType, to: DataType) -> Option<CastContext> {
    use DataType::{BigInt, Boolean, Double, Integer, Jsonb, Text, Vector};
    Some(match (from, to) {
        _ if from == to => CastContext::Implicit,
        (Vector(_), Vector(_)) | (Integer, BigInt | Double) | (BigInt, Double) => {
            CastContext::Implicit
        }
        (BigInt, Integer) | (Double, Integer | BigInt) | (_, Text) => CastContext::Assignment,
        (Integer, Boolean)
        | (Boolean, Integer)
        | (Jsonb, Boolean | Integer | BigInt | Double)
        | (Text, _) => CastContext::Explicit,
        _ => return None,
    })
}

/// `value` as a value of `target`. NULL stays NULL.
pub(crate) fn cast(
    value: &Value,
    target: &DataType,
    context: CastContext,
) -> Result<Value, EvalError> {
    let Some(source) = value.data_type() else {
        return Ok(Value::Null);
    };
    if !can_cast(&source, target, context) {
        return Err(EvalError::Mismatch {
            operation: "CAST",
            found: format!("{source} to {target}"),
        });
    }
    match (value, target) {
        (Value::Vector(vector), DataType::Vector(dim)) => sized(vector, dim.as_usize()),
        _ if source == *target => Ok(value.clone()),
        (_, DataType::Text) => Ok(Value::Text(to_text(value))),
        (Value::Text(text), target) => Ok(Value::parse(target, text)?),
        (Value::Json(json), target) => from_json(json, *target),
        (value, target) => number(value, *target),
    }
}

/// A value as the text that a cast to TEXT gives: as it prints, but booleans in full.
pub(crate) fn to_text(value: &Value) -> Text {
    match value {
        Value::Text(text) => text.clone(),
        Value::Boolean(true) => Text::from_static("true"),
        Value::Boolean(false) => Text::from_static("false"),
        other => Text::from(other.to_string()),
    }
}

fn sized(vector: &Vector, expected: usize) -> Result<Value, EvalError> {
    match vector.len() == expected {
        true => Ok(Value::Vector(vector.clone())),
        false => Err(EvalError::VectorLength {
            expected,
            found: vector.len(),
        }),
    }
}

/// A number or boolean as another.
fn number(value: &Value, target: DataType) -> Result<Value, EvalError> {
    let out_of_range = EvalError::OutOfRange(target);
    match (value, target) {
        (Value::Integer(value), DataType::BigInt) => Ok(Value::BigInt(i64::from(*value))),
        (Value::Integer(value), DataType::Double) => Ok(Value::Double(f64::from(*value))),
        (Value::Integer(value), DataType::Boolean) => Ok(Value::Boolean(*value != 0)),
        (Value::Boolean(value), DataType::Integer) => Ok(Value::Integer(i32::from(*value))),
        (Value::BigInt(value), DataType::Integer) => i32::try_from(*value)
            .map(Value::Integer)
            .map_err(|_| out_of_range),
        (Value::BigInt(value), DataType::Double) => Ok(Value::Double(nearest_double(*value))),
        (Value::Double(value), DataType::Integer) => whole(value.round_ties_even())
            .and_then(|whole| i32::try_from(whole).ok())
            .map(Value::Integer)
            .ok_or(out_of_range),
        (Value::Double(value), DataType::BigInt) => whole(value.round_ties_even())
            .map(Value::BigInt)
            .ok_or(out_of_range),
        (value, target) => Err(EvalError::Mismatch {
            operation: "CAST",
            found: format!("{} to {target}", types_of(std::slice::from_ref(value))),
        }),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the nearest double is what SQL asks for"
)]
fn nearest_double(value: i64) -> f64 {
    value as f64
}

/// A double without a fraction as an integer; `None` beyond 64 bits, and for NaN.
fn whole(value: f64) -> Option<i64> {
    /// 2^63: the least double above all 64-bit integers.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "within the range of i64")]
    let whole = (-LIMIT..LIMIT).contains(&value).then_some(value as i64);
    whole
}

/// A scalar document as a number or boolean. Fractions round half away from zero, as the decimals of PostgreSQL do.
fn from_json(json: &Json, target: DataType) -> Result<Value, EvalError> {
    let out_of_range = EvalError::OutOfRange(target);
    match (json.tree(), target) {
        (Tree::Bool(value), DataType::Boolean) => Ok(Value::Boolean(*value)),
        (Tree::Number(value), DataType::Double) => {
            value.as_f64().map(Value::Double).ok_or(out_of_range)
        }
        (Tree::Number(value), DataType::Integer | DataType::BigInt) => {
            let rounded = value
                .as_i64()
                .or_else(|| value.as_f64().and_then(|value| whole(value.round())));
            let rounded = rounded.ok_or(EvalError::OutOfRange(target))?;
            cast(&Value::BigInt(rounded), &target, CastContext::Explicit)
        }
        (other, target) => Err(EvalError::JsonCast {
            kind: kind_of_json(other),
            target,
        }),
    }
}

fn kind_of_json(tree: &Tree) -> &'static str {
    match tree {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Number(_) => "numeric",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests;
