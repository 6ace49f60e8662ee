//! CSV with a header, as RFC 4180 has it. NULL is an empty field.

use std::io::Write;

use drystone::{Rows, Value};

pub(super) fn write(rows: Rows, out: &mut dyn Write) -> anyhow::Result<u64> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(rows.columns().iter().map(|column| column.name.as_str()))?;
    let mut count = 0;
    for row in rows {
        writer.write_record(row?.values().iter().map(field))?;
        count += 1;
    }
    writer.flush()?;
    Ok(count)
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => value.to_string(),
    }
}
