//! Names as PostgreSQL reads them: unquoted ones in lower case, quoted ones as written, `public` the only schema.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, ObjectNamePartFunction};
use sqlparser::tokenizer::Span;

use crate::error::SqlError;
use crate::limits::MAX_NAME_BYTES;
use crate::sql_state::SqlState;

/// A name with its place.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// The name that an identifier stands for.
pub(crate) fn fold(ident: &Ident) -> Name {
    let Ident {
        value,
        quote_style,
        span,
    } = ident;
    Name {
        text: match quote_style {
            Some(_) => value.clone(),
            None => value.to_lowercase(),
        },
        span: *span,
    }
}

/// The parts of a dotted name.
pub(crate) fn parts(name: &ObjectName) -> Result<Vec<Name>, SqlError> {
    let ObjectName(parts) = name;
    parts
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(fold(ident)),
            ObjectNamePart::Function(ObjectNamePartFunction { name, args: _ }) => {
                Err(SqlError::unsupported("a function within a name").at(name.span))
            }
        })
        .collect()
}

/// The name of a table or index: alone, or in schema `public`.
pub(crate) fn object(name: &ObjectName) -> Result<Name, SqlError> {
    let mut parts = parts(name)?;
    let last = parts
        .pop()
        .ok_or_else(|| SqlError::new(SqlState::SyntaxError, "a name is missing"))?;
    match parts.as_slice() {
        [] => Ok(last),
        [schema] if schema.text == "public" => Ok(last),
        [schema, ..] => Err(SqlError::unsupported(format!(
            "schema \"{}\"; all tables are in \"public\": this",
            schema.text
        ))
        .at(schema.span)),
    }
}

/// The name of something new.
pub(crate) fn checked(name: Name) -> Result<Name, SqlError> {
    let problem = match name.text.len() {
        0 => "zero-length delimited identifier".to_owned(),
        len if len > MAX_NAME_BYTES => {
            format!("name of {len} bytes; the limit is {MAX_NAME_BYTES}")
        }
        _ => return Ok(name),
    };
    Err(SqlError::new(SqlState::SyntaxError, problem).at(name.span))
}

/// A name as SQL text that reads back as the same name.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && !is_keyword(name);
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn is_keyword(name: &str) -> bool {
    sqlparser::keywords::ALL_KEYWORDS
        .binary_search(&name.to_ascii_uppercase().as_str())
        .is_ok()
}

/// Fails when syntax is there that is not offered.
pub(crate) fn refuse(present: bool, what: &str, span: Span) -> Result<(), SqlError> {
    match present {
        true => Err(SqlError::unsupported(what).at(span)),
        false => Ok(()),
    }
}
