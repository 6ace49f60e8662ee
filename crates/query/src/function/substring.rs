//! Parts of a text, and where they are. Positions count characters, from 1.

use drystone_record::{Text, Value};

use crate::eval_error::EvalError;
use crate::function::{BOOLEAN, Definition, EvalContext, INTEGER, TEXT, mismatch, take};

use super::text::count;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("substring", &[TEXT, INTEGER], TEXT, substring),
    Definition::new("substring", &[TEXT, INTEGER, INTEGER], TEXT, substring),
    Definition::new("substr", &[TEXT, INTEGER], TEXT, substring),
    Definition::new("substr", &[TEXT, INTEGER, INTEGER], TEXT, substring),
    Definition::new("left", &[TEXT, INTEGER], TEXT, left),
    Definition::new("right", &[TEXT, INTEGER], TEXT, right),
    Definition::new("btrim", &[TEXT], TEXT, btrim),
    Definition::new("btrim", &[TEXT, TEXT], TEXT, btrim),
    Definition::new("trim", &[TEXT], TEXT, btrim),
    Definition::new("ltrim", &[TEXT], TEXT, ltrim),
    Definition::new("ltrim", &[TEXT, TEXT], TEXT, ltrim),
    Definition::new("rtrim", &[TEXT], TEXT, rtrim),
    Definition::new("rtrim", &[TEXT, TEXT], TEXT, rtrim),
    Definition::new("strpos", &[TEXT, TEXT], INTEGER, strpos),
    Definition::new("starts_with", &[TEXT, TEXT], BOOLEAN, starts_with),
    Definition::new("split_part", &[TEXT, TEXT, INTEGER], TEXT, split_part),
];

/// A part of `text` that shares its bytes.
fn part(text: &Text, part: &str) -> Value {
    Value::Text(text.slice_ref(part))
}

/// From a position on, as many characters as are asked for. Positions before the first count, but are empty.
fn substring(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (text, start, end) = match args {
        [Value::Text(text), Value::Integer(start)] => (text, i64::from(*start), i64::MAX),
        [Value::Text(_), _, Value::Integer(len)] if *len < 0 => {
            return Err(EvalError::NegativeSubstring);
        }
        [
            Value::Text(text),
            Value::Integer(start),
            Value::Integer(len),
        ] => (text, i64::from(*start), i64::from(*start) + i64::from(*len)),
        _ => return Err(mismatch(args)),
    };
    let offset = |position: i64| {
        let before = usize::try_from(position.saturating_sub(1)).unwrap_or(0);
        char_offset(text, before)
    };
    Ok(part(text, &text[offset(start)..offset(end)]))
}

/// Byte offset of character number `count`; the end where there are fewer.
fn char_offset(text: &str, count: usize) -> usize {
    let mut offsets = text.char_indices();
    offsets.nth(count).map_or(text.len(), |(offset, _)| offset)
}

/// Byte offset of the character that `count` characters follow to the end; the start where there are fewer.
fn char_offset_from_end(text: &str, count: usize) -> usize {
    match count.checked_sub(1) {
        None => text.len(),
        Some(skip) => {
            let mut offsets = text.char_indices().rev();
            offsets.nth(skip).map_or(0, |(offset, _)| offset)
        }
    }
}

/// The first characters; of a negative number all but the last.
fn left(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Integer(wanted));
    let end = match usize::try_from(*wanted) {
        Ok(wanted) => char_offset(text, wanted),
        Err(_) => char_offset_from_end(text, wanted.unsigned_abs() as usize),
    };
    Ok(part(text, &text[..end]))
}

/// The last characters; of a negative number all but the first.
fn right(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Integer(wanted));
    let start = match usize::try_from(*wanted) {
        Ok(wanted) => char_offset_from_end(text, wanted),
        Err(_) => char_offset(text, wanted.unsigned_abs() as usize),
    };
    Ok(part(text, &text[start..]))
}

fn btrim(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (text, of) = trimmed(args)?;
    Ok(part(text, text.trim_matches(of)))
}

fn ltrim(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (text, of) = trimmed(args)?;
    Ok(part(text, text.trim_start_matches(of)))
}

fn rtrim(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (text, of) = trimmed(args)?;
    Ok(part(text, text.trim_end_matches(of)))
}

/// The text, and whether a character is one of those to cut away.
fn trimmed(args: &[Value]) -> Result<(&Text, impl Fn(char) -> bool + Copy), EvalError> {
    let (text, characters) = match args {
        [Value::Text(text)] => (text, " "),
        [Value::Text(text), Value::Text(characters)] => (text, characters.as_str()),
        _ => return Err(mismatch(args)),
    };
    Ok((text, move |character| characters.contains(character)))
}

fn strpos(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Text(wanted));
    match text.find(wanted.as_str()) {
        Some(offset) => count(text[..offset].chars().count() + 1),
        None => Ok(Value::Integer(0)),
    }
}

fn starts_with(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Text(start));
    Ok(text.starts_with(start.as_str()).into())
}

/// The field of that number, from 1; from the end where it is negative. Empty where there is none.
fn split_part(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Text(separator), Integer(number));
    let distance = number.unsigned_abs() as usize;
    let skip = distance.checked_sub(1).ok_or(EvalError::InvalidParameter(
        "field position must not be zero",
    ))?;
    let field = match (separator.is_empty(), *number > 0) {
        (true, _) => (skip == 0).then_some(text.as_str()),
        (false, true) => text.split(separator.as_str()).nth(skip),
        (false, false) => {
            let fields: Vec<&str> = text.split(separator.as_str()).collect();
            fields.iter().rev().nth(skip).copied()
        }
    };
    Ok(field.map_or_else(|| "".into(), |field| part(text, field)))
}
