//! One JSON object a row and line (JSON lines), its members in the order of the columns.

use std::io::Write;

use drystone::{Rows, Value};

pub(super) fn write(rows: Rows, out: &mut dyn Write) -> anyhow::Result<u64> {
    let names: Vec<String> = rows
        .columns()
        .iter()
        .map(|column| serde_json::to_string(column.name.as_str()))
        .collect::<Result<_, _>>()?;
    let mut count = 0;
    for row in rows {
        write_object(&names, row?.values(), out)?;
        count += 1;
    }
    Ok(count)
}

/// `names` are JSON strings already.
fn write_object(names: &[String], values: &[Value], out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(b"{")?;
    for (idx, (name, value)) in names.iter().zip(values).enumerate() {
        let separator = if idx == 0 { "" } else { ", " };
        write!(out, "{separator}{name}: {}", text_of(value)?)?;
    }
    out.write_all(b"}\n")?;
    Ok(())
}

fn text_of(value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        Value::Double(number) if number.is_finite() => serde_json::to_string(number)?,
        Value::Json(json) => json.to_string(),
        Value::Vector(vector) => serde_json::to_string(&vector[..])?,
        text => serde_json::to_string(&text.to_string())?,
    })
}
