//! Types from data: the narrowest type that every field of a column is a value of.

use drystone::{DataType, Dim, Value};

use super::field::Field;

/// What is known of each column so far.
#[derive(Debug)]
pub(super) struct Inference {
    columns: Vec<Guess>,
}

/// The narrowest type so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guess {
    /// Only NULLs.
    Nothing,
    Type(DataType),
}

impl Inference {
    pub(super) fn new(columns: usize) -> Inference {
        Inference {
            columns: vec![Guess::Nothing; columns],
        }
    }

    /// Takes a row into account.
    pub(super) fn observe(&mut self, fields: &[Field]) {
        for (guess, field) in self.columns.iter_mut().zip(fields) {
            *guess = match field {
                Field::Null => *guess,
                Field::Text(text) => widen_to_text(*guess, text),
                Field::Json(json) => Guess::Type(widen(*guess, type_of_json(json))),
            };
        }
    }

    /// The types; TEXT where a column has only NULLs.
    pub(super) fn types(&self) -> impl Iterator<Item = DataType> + '_ {
        self.columns.iter().map(|guess| match guess {
            Guess::Nothing => DataType::Text,
            Guess::Type(data_type) => *data_type,
        })
    }
}

/// Most columns keep their type to the end, so it is tried first.
fn widen_to_text(guess: Guess, text: &str) -> Guess {
    match guess {
        Guess::Type(data_type) if is_a(data_type, text) => guess,
        _ => Guess::Type(widen(guess, type_of_text(text))),
    }
}

fn type_of_text(text: &str) -> DataType {
    let candidates = [
        DataType::BigInt,
        DataType::Double,
        DataType::Boolean,
        DataType::Timestamp,
    ];
    candidates
        .into_iter()
        .find(|candidate| is_a(*candidate, text))
        .unwrap_or(DataType::Text)
}

/// Whether `text` is a value of the type and nothing else: `007` is a code, `t` a letter, `NaN` a word.
fn is_a(data_type: DataType, text: &str) -> bool {
    let plain = match data_type {
        DataType::BigInt | DataType::Double => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let leading_zero =
                digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
            digits.starts_with(|first: char| first.is_ascii_digit()) && !leading_zero
        }
        DataType::Boolean => matches!(text, "true" | "false" | "TRUE" | "FALSE" | "True" | "False"),
        DataType::Timestamp => text.len() >= "2000-01-01".len() && text.as_bytes()[4] == b'-',
        DataType::Text => return true,
        _ => true,
    };
    plain && Value::parse(&data_type, text).is_ok()
}

fn type_of_json(json: &serde_json::Value) -> DataType {
    match json {
        serde_json::Value::Bool(_) => DataType::Boolean,
        serde_json::Value::Number(number) if number.is_i64() => DataType::BigInt,
        serde_json::Value::Number(_) => DataType::Double,
        serde_json::Value::Array(elements) if elements.iter().all(serde_json::Value::is_number) => {
            u32::try_from(elements.len())
                .ok()
                .and_then(Dim::new)
                .map_or(DataType::Jsonb, DataType::Vector)
        }
        _ => DataType::Jsonb,
    }
}

/// The narrowest type that holds the values of both.
fn widen(guess: Guess, found: DataType) -> DataType {
    let Guess::Type(known) = guess else {
        return found;
    };
    match (known, found) {
        (known, found) if known == found => known,
        (DataType::BigInt, DataType::Double) | (DataType::Double, DataType::BigInt) => {
            DataType::Double
        }
        (DataType::Vector(_) | DataType::Jsonb, DataType::Vector(_) | DataType::Jsonb) => {
            DataType::Jsonb
        }
        _ => DataType::Text,
    }
}

#[cfg(test)]
mod tests;
