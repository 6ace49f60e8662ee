//! Values as the format writes them: by the letter of their column, not by their type.

use drystone::{Row, Value};
use md5::{Digest, Md5};

use crate::record::{Query, Sort};

/// All values of a result, in the order that the query's record asks for.
pub(crate) fn values(rows: &[Row], query: &Query<'_>) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row_values(row, query.types))
        .collect();
    if query.sort == Sort::Rows {
        rows.sort();
    }
    let mut values: Vec<String> = rows.into_iter().flatten().collect();
    if query.sort == Sort::Values {
        values.sort();
    }
    values
}

fn row_values(row: &Row, types: &str) -> Vec<String> {
    let columns = row.values().iter().zip(types.chars());
    columns
        .map(|(value, letter)| written(value, letter))
        .collect()
}

/// What stands for a result that is too long to be listed.
pub(crate) fn digest(values: &[String]) -> String {
    let mut md5 = Md5::new();
    for value in values {
        md5.update(value);
        md5.update("\n");
    }
    let hex: String = md5
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} values hashing to {hex}", values.len())
}

fn written(value: &Value, letter: char) -> String {
    match (value, letter) {
        (Value::Null, _) => "NULL".to_owned(),
        (_, 'I') => integer(value),
        (_, 'R') => real(value),
        _ => text(&value.to_string()),
    }
}

fn integer(value: &Value) -> String {
    match value {
        Value::Boolean(value) => i32::from(*value).to_string(),
        Value::Double(value) => whole(*value),
        Value::Text(value) => leading_integer(value),
        other => other.to_string(),
    }
}

/// Without its fraction; minus zero is zero.
fn whole(value: f64) -> String {
    format!("{:.0}", value.trunc() + 0.0)
}

/// As C's `atoi`: the digits that the text begins with, or 0.
fn leading_integer(text: &str) -> String {
    let text = text.trim_start();
    let sign_len = usize::from(text.starts_with(['-', '+']));
    let digits = text[sign_len..]
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    text[..sign_len + digits]
        .parse::<i64>()
        .unwrap_or(0)
        .to_string()
}

fn real(value: &Value) -> String {
    match value {
        Value::Boolean(value) => format!("{}.000", i32::from(*value)),
        Value::Integer(value) => format!("{value}.000"),
        Value::BigInt(value) => format!("{value}.000"),
        Value::Double(value) => format!("{value:.3}"),
        other => format!("{:.3}", other.to_string().trim().parse().unwrap_or(0.0)),
    }
}

/// Nothing becomes a word, and what cannot be printed an `@`.
fn text(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let bytes = text.bytes();
    bytes
        .map(|byte| {
            if (b' '..=b'~').contains(&byte) {
                char::from(byte)
            } else {
                '@'
            }
        })
        .collect()
}
