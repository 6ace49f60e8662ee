//! An aligned table. Numbers stand right, all else left; what is too long for a line is cut and marked.

use std::io::Write;

use comfy_table::{Cell, CellAlignment, Table, presets};
use drystone::{Rows, Value};

/// Characters of one cell; what is longer ends in an ellipsis.
const CELL_CHARS_MAX: usize = 80;
/// Rows that are aligned together. More come as further tables, so that any result fits in memory.
const ROWS_PER_TABLE: usize = 10_000;

pub(super) fn write(rows: Rows, out: &mut dyn Write) -> anyhow::Result<u64> {
    let header: Vec<Cell> = rows
        .columns()
        .iter()
        .map(|column| Cell::new(column.name.as_str()))
        .collect();
    let mut table = new_table(&header);
    let mut count = 0u64;
    for row in rows {
        table.add_row(row?.values().iter().map(cell));
        count += 1;
        if table.row_count() == ROWS_PER_TABLE {
            writeln!(out, "{table}")?;
            table = new_table(&header);
        }
    }
    if count == 0 || table.row_count() > 0 {
        writeln!(out, "{table}")?;
    }
    Ok(count)
}

fn new_table(header: &[Cell]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(header.to_vec());
    table
}

fn cell(value: &Value) -> Cell {
    let alignment = match value {
        Value::Integer(_) | Value::BigInt(_) | Value::Double(_) => CellAlignment::Right,
        _ => CellAlignment::Left,
    };
    Cell::new(shorten(&shown(value))).set_alignment(alignment)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        value => value.to_string(),
    }
}

/// One line of at most [`CELL_CHARS_MAX`] characters, without control characters that would move the cursor.
fn shorten(text: &str) -> String {
    let visible = text
        .chars()
        .map(|letter| if letter.is_control() { '␣' } else { letter });
    let mut short: String = visible.take(CELL_CHARS_MAX).collect();
    if text.chars().nth(CELL_CHARS_MAX).is_some() {
        short.pop();
        short.push('…');
    }
    short
}
