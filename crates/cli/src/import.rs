//! A file into a table.
//!
//! Two passes: the first reads the whole file, checks every row, and, where there is no table yet, finds the types; the
//! second inserts. So a malformed file is refused with the line at fault before anything is written. The second pass is one
//! commit: when a row breaks a constraint, nothing stays, and a third pass finds its line.

mod duplicates;
mod field;
mod format;
mod infer;
mod members;

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use drystone::{ColumnInfo, DataType, Database, TableInfo, Value, quote_identifier};
use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use format::Format;

use field::Field;
use format::Reader;
use infer::Inference;

use crate::interrupt;

/// How often the progress bar moves and Ctrl-C is looked for.
const ROWS_PER_TICK: u64 = 1_000;

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    rows: u64,
    table: String,
    seconds: f64,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows imported into {} in {:.2} s",
            self.rows, self.table, self.seconds
        )
    }
}

/// Imports `file` into `table`, which is made from the data where there is none. All of it is on stable media when this
/// returns, whatever its size: memory is needed for a part of it only.
///
/// # Errors
/// A file that is malformed or does not fit the table, or a row that breaks a constraint, with its line. Nothing was
/// imported, and a table that was to be made is not there.
pub fn run(
    database: &Database,
    table: &str,
    file: &Path,
    primary_key: Option<&str>,
) -> anyhow::Result<Imported> {
    let started = Instant::now();
    let format = Format::of(file)?;
    let existing = existing_columns(database, table)?;
    let is_new = existing.is_none();
    let columns = match existing {
        Some(columns) => check_against(format, file, &columns)?,
        None => create_table(database, table, format, file, primary_key)?,
    };
    let rows = insert(database, table, format, file, &columns);
    if is_new && rows.is_err() {
        // What went wrong first is what is told.
        let _stays = drop_empty(database, table);
    }
    let rows = rows?;
    Ok(Imported {
        rows,
        table: table.to_owned(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Drops a table that was made for an import, as long as it is as it was made: others may have found a use for it.
fn drop_empty(database: &Database, table: &str) -> anyhow::Result<()> {
    let name = quote_identifier(table);
    let mut rows = database.query(&format!("SELECT 1 FROM {name} LIMIT 1"), &[])?;
    if rows.next().is_none() {
        database.execute(&format!("DROP TABLE {name}"), &[])?;
    }
    Ok(())
}

/// A column of the file, and the type of the table's column that it goes into.
#[derive(Clone, Debug)]
struct Target {
    name: String,
    data_type: DataType,
}

fn existing_columns(database: &Database, table: &str) -> anyhow::Result<Option<Vec<ColumnInfo>>> {
    let tables = database.tables()?;
    Ok(tables
        .iter()
        .find(|candidate| candidate.name() == table)
        .map(TableInfo::columns))
}

/// First pass into a table that is there: every row fits.
fn check_against(
    format: Format,
    file: &Path,
    columns: &[ColumnInfo],
) -> anyhow::Result<Vec<Target>> {
    let mut reader = Reader::open(format, file)?;
    let targets =
        targets_for(reader.columns(), columns).with_context(|| file.display().to_string())?;
    let bar = progress("checking", &reader);
    for_each_row(&mut reader, &bar, |fields| {
        to_values(fields, &targets).map(drop)
    })?;
    bar.finish_and_clear();
    Ok(targets)
}

fn targets_for(names: &[String], columns: &[ColumnInfo]) -> anyhow::Result<Vec<Target>> {
    let find = |name: &String| {
        let column = columns
            .iter()
            .find(|column| column.name == *name)
            .with_context(|| {
                let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                format!(
                    "the table has no column \"{name}\"; it has {}",
                    known.join(", ")
                )
            })?;
        Ok(Target {
            name: name.clone(),
            data_type: column.data_type,
        })
    };
    names.iter().map(find).collect()
}

/// First pass without a table: finds the narrowest type of each column, and makes the table.
fn create_table(
    database: &Database,
    table: &str,
    format: Format,
    file: &Path,
    primary_key: Option<&str>,
) -> anyhow::Result<Vec<Target>> {
    let mut reader = Reader::open(format, file)?;
    let mut inference = Inference::new(reader.columns().len());
    let bar = progress("checking", &reader);
    for_each_row(&mut reader, &bar, |fields| {
        inference.observe(fields);
        Ok(())
    })?;
    bar.finish_and_clear();
    let targets: Vec<Target> = reader
        .columns()
        .iter()
        .zip(inference.types())
        .map(|(name, data_type)| Target {
            name: name.clone(),
            data_type,
        })
        .collect();
    database.execute(&create_statement(table, &targets, primary_key)?, &[])?;
    Ok(targets)
}

fn create_statement(
    table: &str,
    targets: &[Target],
    primary_key: Option<&str>,
) -> anyhow::Result<String> {
    if let Some(key) = primary_key
        && !targets.iter().any(|target| target.name == key)
    {
        anyhow::bail!("the file has no column \"{key}\" for the primary key");
    }
    let column = |target: &Target| {
        let key = if primary_key == Some(&target.name) {
            " PRIMARY KEY"
        } else {
            ""
        };
        format!(
            "{} {}{key}",
            quote_identifier(&target.name),
            target.data_type
        )
    };
    let columns: Vec<String> = targets.iter().map(column).collect();
    Ok(format!(
        "CREATE TABLE {} ({})",
        quote_identifier(table),
        columns.join(", ")
    ))
}

/// Second pass.
fn insert(
    database: &Database,
    table: &str,
    format: Format,
    file: &Path,
    targets: &[Target],
) -> anyhow::Result<u64> {
    let mut reader = Reader::open(format, file)?;
    let bar = progress("importing", &reader);
    let rows = Rows {
        reader: &mut reader,
        bar: &bar,
        targets,
        fields: Vec::new(),
        count: 0,
    };
    let inserted = database.try_bulk_insert(table, &names_of(targets), rows);
    bar.finish_and_clear();
    inserted.map_err(|error| duplicates::with_lines(error, format, file, targets))
}

/// The rows of a file as values, with the line where one is none.
struct Rows<'r> {
    reader: &'r mut Reader,
    bar: &'r ProgressBar,
    targets: &'r [Target],
    fields: Vec<Field>,
    count: u64,
}

impl Rows<'_> {
    fn next_row(&mut self) -> anyhow::Result<Option<Vec<Value>>> {
        if !self.reader.next_row(&mut self.fields)? {
            return Ok(None);
        }
        self.count += 1;
        if self.count.is_multiple_of(ROWS_PER_TICK) {
            interrupt::check()?;
            self.bar.set_position(self.reader.bytes_read());
        }
        let values = to_values(&self.fields, self.targets);
        values.map(Some).with_context(|| self.reader.place())
    }
}

impl Iterator for Rows<'_> {
    type Item = anyhow::Result<Vec<Value>>;

    fn next(&mut self) -> Option<anyhow::Result<Vec<Value>>> {
        self.next_row().transpose()
    }
}

fn names_of(targets: &[Target]) -> Vec<&str> {
    targets.iter().map(|target| target.name.as_str()).collect()
}

fn to_values(fields: &[Field], targets: &[Target]) -> anyhow::Result<Vec<Value>> {
    let mut values = Vec::with_capacity(targets.len());
    for (field, target) in fields.iter().zip(targets) {
        let value = field.to_value(&target.data_type);
        values.push(value.with_context(|| format!("column \"{}\"", target.name))?);
    }
    Ok(values)
}

/// Calls `work` with each row; an error of it says the line.
fn for_each_row(
    reader: &mut Reader,
    bar: &ProgressBar,
    mut work: impl FnMut(&[Field]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut fields = Vec::new();
    let mut count = 0;
    while reader.next_row(&mut fields)? {
        work(&fields).with_context(|| reader.place())?;
        count += 1;
        if count % ROWS_PER_TICK == 0 {
            interrupt::check()?;
            bar.set_position(reader.bytes_read());
        }
    }
    Ok(())
}

/// A bar over the bytes of the file. Draws nothing where standard error is not a terminal.
fn progress(what: &'static str, reader: &Reader) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left");
    let bar = ProgressBar::new(reader.bytes_total()).with_message(what);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
