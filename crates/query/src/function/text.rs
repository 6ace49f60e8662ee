//! Text: lengths, letters, and putting texts together.

use std::fmt::Write as _;

use drystone_record::Value;

use crate::eval_error::EvalError;
use crate::function::{
    BYTEA, Definition, EvalContext, INTEGER, Param, TEXT, checked_len, mismatch, take,
};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("length", &[TEXT], INTEGER, char_length),
    Definition::new("length", &[BYTEA], INTEGER, octet_length),
    Definition::new("char_length", &[TEXT], INTEGER, char_length),
    Definition::new("character_length", &[TEXT], INTEGER, char_length),
    Definition::new("octet_length", &[TEXT], INTEGER, octet_length),
    Definition::new("octet_length", &[BYTEA], INTEGER, octet_length),
    Definition::new("bit_length", &[TEXT], INTEGER, bit_length),
    Definition::new("bit_length", &[BYTEA], INTEGER, bit_length),
    Definition::new("lower", &[TEXT], TEXT, lower),
    Definition::new("upper", &[TEXT], TEXT, upper),
    Definition::new("initcap", &[TEXT], TEXT, initcap),
    Definition::new("reverse", &[TEXT], TEXT, reverse),
    Definition::new("repeat", &[TEXT, INTEGER], TEXT, repeat),
    Definition::new("lpad", &[TEXT, INTEGER], TEXT, lpad),
    Definition::new("lpad", &[TEXT, INTEGER, TEXT], TEXT, lpad),
    Definition::new("rpad", &[TEXT, INTEGER], TEXT, rpad),
    Definition::new("rpad", &[TEXT, INTEGER, TEXT], TEXT, rpad),
    Definition::new("replace", &[TEXT, TEXT, TEXT], TEXT, replace),
    Definition::new("translate", &[TEXT, TEXT, TEXT], TEXT, translate),
    Definition::new("concat", &[Param::Any], TEXT, concat)
        .and_more(Param::Any)
        .taking_nulls(),
    Definition::new("concat_ws", &[TEXT, Param::Any], TEXT, concat_ws)
        .and_more(Param::Any)
        .taking_nulls(),
];

/// A count as INTEGER.
pub(super) fn count(count: usize) -> Result<Value, EvalError> {
    i32::try_from(count)
        .map(Value::Integer)
        .map_err(|_| EvalError::OutOfRange(drystone_record::DataType::Integer))
}

fn char_length(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text));
    count(text.chars().count())
}

fn octet_length(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    count(bytes_len(args)?)
}

fn bit_length(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    count(bytes_len(args)?.saturating_mul(8))
}

fn bytes_len(args: &[Value]) -> Result<usize, EvalError> {
    match args {
        [Value::Text(text)] => Ok(text.len()),
        [Value::Bytea(bytes)] => Ok(bytes.len()),
        _ => Err(mismatch(args)),
    }
}

fn lower(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text));
    Ok(text.to_lowercase().into())
}

fn upper(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text));
    Ok(text.to_uppercase().into())
}

/// The first letter of each word in upper case, the others in lower; words are runs of letters and digits.
fn initcap(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text));
    let mut result = String::with_capacity(text.len());
    let mut within_word = false;
    for character in text.chars() {
        match within_word {
            true => result.extend(character.to_lowercase()),
            false => result.extend(character.to_uppercase()),
        }
        within_word = character.is_alphanumeric();
    }
    Ok(result.into())
}

fn reverse(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text));
    Ok(text.chars().rev().collect::<String>().into())
}

fn repeat(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Integer(times));
    let times = usize::try_from(*times).unwrap_or(0);
    checked_len(text.len().saturating_mul(times))?;
    Ok(text.repeat(times).into())
}

fn lpad(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (text, padding) = padded(args)?;
    Ok([padding.as_str(), text].concat().into())
}

fn rpad(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (text, padding) = padded(args)?;
    Ok([text, padding.as_str()].concat().into())
}

/// The text, cut to the length asked for, and what fills it up to that.
fn padded(args: &[Value]) -> Result<(&str, String), EvalError> {
    let (text, len, fill) = match args {
        [Value::Text(text), Value::Integer(len)] => (text.as_str(), *len, " "),
        [Value::Text(text), Value::Integer(len), Value::Text(fill)] => {
            (text.as_str(), *len, fill.as_str())
        }
        _ => return Err(mismatch(args)),
    };
    let len = usize::try_from(len).unwrap_or(0);
    if let Some((end, _)) = text.char_indices().nth(len) {
        return Ok((&text[..end], String::new()));
    }
    let missing = len - text.chars().count();
    let widest = fill.chars().map(char::len_utf8).max().unwrap_or(0);
    checked_len(missing.saturating_mul(widest))?;
    Ok((text, fill.chars().cycle().take(missing).collect()))
}

fn replace(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Text(from), Text(to));
    if from.is_empty() {
        return Ok(Value::Text(text.clone()));
    }
    let grown = text.matches(from.as_str()).count().saturating_mul(to.len());
    checked_len(text.len().saturating_add(grown))?;
    Ok(text.replace(from.as_str(), to).into())
}

/// Each character of the second text as the one at its place in the third, or left out where that is shorter.
fn translate(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Text(from), Text(to));
    let to: Vec<char> = to.chars().collect();
    let translated = text.chars().filter_map(|character| {
        match from.chars().position(|wanted| wanted == character) {
            Some(place) => to.get(place).copied(),
            None => Some(character),
        }
    });
    Ok(translated.collect::<String>().into())
}

/// All arguments as they print, one after the other. NULLs are passed over.
fn concat(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    Ok(joined(args, "")?.into())
}

fn concat_ws(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [Value::Null, ..] => Ok(Value::Null),
        [Value::Text(separator), values @ ..] => Ok(joined(values, separator)?.into()),
        _ => Err(mismatch(args)),
    }
}

fn joined(values: &[Value], separator: &str) -> Result<String, EvalError> {
    let mut result = String::new();
    let known = values.iter().filter(|value| !value.is_null());
    for (idx, value) in known.enumerate() {
        if idx > 0 {
            result.push_str(separator);
        }
        write!(result, "{value}").expect("writing to a String cannot fail");
        checked_len(result.len())?;
    }
    Ok(result)
}
