//! A field of a file, before it has a type.

use anyhow::{Context, bail};
use drystone::{DataType, Value, Vector};

/// A field of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    /// No value: an empty field of a CSV file, a `null` or a missing member of JSON.
    Null,
    /// Text, as a CSV file has for everything.
    Text(String),
    /// A value of JSON that is not a string.
    Json(serde_json::Value),
}

impl Field {
    /// Makes it what a CSV file has there. Keeps the memory of the text before.
    pub(super) fn set_text(&mut self, text: &str) {
        match self {
            _ if text.is_empty() => *self = Field::Null,
            Field::Text(before) => {
                before.clear();
                before.push_str(text);
            }
            Field::Null | Field::Json(_) => *self = Field::Text(text.to_owned()),
        }
    }

    /// The field as a value of a type.
    pub(super) fn to_value(&self, data_type: &DataType) -> anyhow::Result<Value> {
        let text = match self {
            Field::Null => return Ok(Value::Null),
            Field::Text(text) => return Ok(Value::parse(data_type, text)?),
            Field::Json(json) => json,
        };
        match (text, data_type) {
            (serde_json::Value::Array(elements), DataType::Vector(_)) => {
                vector(elements, data_type)
            }
            (
                serde_json::Value::Array(_) | serde_json::Value::Object(_),
                DataType::Jsonb | DataType::Text,
            ) => Ok(Value::parse(data_type, &text.to_string())?),
            (serde_json::Value::Array(_) | serde_json::Value::Object(_), other) => {
                bail!("{} is no {other}", shortened(&text.to_string()))
            }
            (scalar, _) => Ok(Value::parse(data_type, &scalar.to_string())?),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a vector's elements are 32-bit floats: the nearest one is taken"
)]
fn vector(elements: &[serde_json::Value], data_type: &DataType) -> anyhow::Result<Value> {
    let number = |element: &serde_json::Value| {
        let number = element
            .as_f64()
            .with_context(|| format!("{} is no number", shortened(&element.to_string())))?;
        anyhow::Ok(number as f32)
    };
    let numbers: Vec<f32> = elements.iter().map(number).collect::<Result<_, _>>()?;
    let value = Value::Vector(Vector::new(numbers)?);
    match value.data_type() {
        Some(found) if found == *data_type => Ok(value),
        _ => bail!("{} elements; expected {data_type}", elements.len()),
    }
}

/// The beginning of a long text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
