//! `format`, and quoting of names and strings.

use drystone_record::Value;

use crate::eval_error::EvalError;
use crate::function::{Definition, EvalContext, Param, TEXT, checked_len, mismatch, take};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("format", &[TEXT], TEXT, format_text)
        .and_more(Param::Any)
        .taking_nulls(),
    Definition::new("quote_ident", &[TEXT], TEXT, quote_ident),
    Definition::new("quote_literal", &[Param::Any], TEXT, quote_literal),
    Definition::new("quote_nullable", &[Param::Any], TEXT, quote_nullable).taking_nulls(),
];

fn quote_ident(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(name));
    Ok(quoted_name(name).into())
}

fn quote_literal(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [value] => Ok(quoted_string(&value.to_string()).into()),
        _ => Err(mismatch(args)),
    }
}

fn quote_nullable(args: &[Value], context: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [Value::Null] => Ok("NULL".into()),
        _ => quote_literal(args, context),
    }
}

/// A name as SQL reads it: in double quotes where it is not lower case letters, digits and `_` alone. Key words are not
/// known here, and stay as they are.
fn quoted_name(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A string as SQL reads it; with a backslash in it as an escape string.
fn quoted_string(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!("E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

/// `format('%s', ...)`: `%[position$][-][width]type` with the types `s`, `I` and `L`, and `%%`.
fn format_text(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let [template, values @ ..] = args else {
        return Err(mismatch(args));
    };
    let template = match template {
        Value::Null => return Ok(Value::Null),
        Value::Text(template) => template,
        _ => return Err(mismatch(args)),
    };
    let mut result = String::with_capacity(template.len());
    let (mut rest, mut next_idx) = (template.as_str(), 0);
    while let Some((before, after)) = rest.split_once('%') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            result.push('%');
            rest = after;
            continue;
        }
        let (placeholder, after) = Placeholder::take(after)?;
        let idx = placeholder.idx.unwrap_or(next_idx);
        next_idx = idx + 1;
        let value = values.get(idx).ok_or(TOO_FEW)?;
        result.push_str(&placeholder.fill(value)?);
        checked_len(result.len())?;
        rest = after;
    }
    result.push_str(rest);
    Ok(result.into())
}

const TOO_FEW: EvalError = EvalError::InvalidParameter("too few arguments for format()");
const UNTERMINATED: EvalError = EvalError::InvalidParameter("unterminated format() type specifier");

/// What stands after a `%`.
struct Placeholder {
    /// Which argument, from 0, where it says so.
    idx: Option<usize>,
    /// Least width in characters.
    width: usize,
    /// Whether blanks are put after it, not before.
    is_left: bool,
    kind: char,
}

impl Placeholder {
    /// Reads one from the front of `text`; returns what follows it.
    fn take(text: &str) -> Result<(Placeholder, &str), EvalError> {
        let (idx, rest) = match take_number(text)? {
            (Some(0), _) => {
                return Err(EvalError::InvalidParameter(
                    "format specifies argument 0, but arguments are numbered from 1",
                ));
            }
            (Some(number), rest) if rest.starts_with('$') => (Some(number - 1), &rest[1..]),
            _ => (None, text),
        };
        let unsigned = rest.trim_start_matches('-');
        let is_left = unsigned.len() < rest.len();
        let (width, rest) = take_number(unsigned)?;
        let kind = rest.chars().next().ok_or(UNTERMINATED)?;
        let placeholder = Placeholder {
            idx,
            width: width.unwrap_or(0),
            is_left,
            kind,
        };
        Ok((placeholder, &rest[kind.len_utf8()..]))
    }

    /// What it becomes.
    fn fill(&self, value: &Value) -> Result<String, EvalError> {
        let text = match (self.kind, value) {
            ('s', Value::Null) => String::new(),
            ('s', value) => value.to_string(),
            ('I', Value::Null) => {
                return Err(EvalError::InvalidParameter(
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            ('I', value) => quoted_name(&value.to_string()),
            ('L', Value::Null) => "NULL".to_owned(),
            ('L', value) => quoted_string(&value.to_string()),
            _ => {
                return Err(EvalError::InvalidParameter(
                    "unrecognized format() type specifier; there are %s, %I, %L and %%",
                ));
            }
        };
        checked_len(self.width)?;
        let blanks = " ".repeat(self.width.saturating_sub(text.chars().count()));
        Ok(match self.is_left {
            true => text + &blanks,
            false => blanks + &text,
        })
    }
}

/// A number at the front of `text`, and what follows it.
fn take_number(text: &str) -> Result<(Option<usize>, &str), EvalError> {
    let len = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(len.unwrap_or(text.len()));
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let number = digits.parse();
    let number = number.map_err(|_| EvalError::InvalidParameter("number is out of range"))?;
    Ok((Some(number), rest))
}
