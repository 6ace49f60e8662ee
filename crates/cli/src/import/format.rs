//! Files of rows: CSV with a header, and JSON lines.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};

use super::field::Field;
use super::members::Members;

/// How the rows of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 4180 with a header.
    Csv { delimiter: u8 },
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// The format that a file's ending names.
    pub(crate) fn of(file: &Path) -> anyhow::Result<Format> {
        let ending = file
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Format::Csv { delimiter: b',' }),
            Some("tsv") => Ok(Format::Csv { delimiter: b'\t' }),
            Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
            _ => bail!(
                "{}: the name must end in .csv, .tsv, .jsonl or .ndjson",
                file.display()
            ),
        }
    }
}

/// The rows of a file, one after the other.
pub(super) struct Reader {
    file: String,
    bytes_total: u64,
    columns: Vec<String>,
    rows: Rows,
}

enum Rows {
    Csv {
        reader: csv::Reader<File>,
        record: csv::StringRecord,
    },
    JsonLines {
        reader: BufReader<File>,
        line: String,
        number: u64,
        bytes: u64,
    },
}

impl Reader {
    pub(super) fn open(format: Format, path: &Path) -> anyhow::Result<Reader> {
        let file =
            File::open(path).with_context(|| format!("could not open {}", path.display()))?;
        let bytes_total = file
            .metadata()
            .with_context(|| path.display().to_string())?
            .len();
        let (columns, rows) = match format {
            Format::Csv { delimiter } => open_csv(file, delimiter),
            Format::JsonLines => open_json_lines(file, path),
        }
        .with_context(|| path.display().to_string())?;
        Ok(Reader {
            file: path.display().to_string(),
            bytes_total,
            columns,
            rows,
        })
    }

    /// Names of the columns, in the order in which rows have them.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    pub(super) fn bytes_read(&self) -> u64 {
        match &self.rows {
            Rows::Csv { reader, .. } => reader.position().byte(),
            Rows::JsonLines { bytes, .. } => *bytes,
        }
    }

    /// Where the row lies that was read last.
    pub(super) fn place(&self) -> String {
        let line = match &self.rows {
            Rows::Csv { record, .. } => record.position().map_or(0, csv::Position::line),
            Rows::JsonLines { number, .. } => *number,
        };
        format!("{} line {line}", self.file)
    }

    /// Reads the next row into `fields`, whose memory it uses again. Whether there was one.
    pub(super) fn next_row(&mut self, fields: &mut Vec<Field>) -> anyhow::Result<bool> {
        match &mut self.rows {
            Rows::Csv { reader, record } => {
                next_csv_row(reader, record, fields).with_context(|| self.file.clone())
            }
            Rows::JsonLines {
                reader,
                line,
                number,
                bytes,
            } => {
                let read = next_json_line(reader, line, number, bytes).and_then(|found| {
                    if found {
                        *fields = fields_of(line, &self.columns)?;
                    }
                    Ok(found)
                });
                read.with_context(|| format!("{} line {number}", self.file))
            }
        }
    }
}

fn open_csv(file: File, delimiter: u8) -> anyhow::Result<(Vec<String>, Rows)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(file);
    let header = reader.headers().context("reading the header")?;
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    check_names(&columns)?;
    Ok((
        columns,
        Rows::Csv {
            reader,
            record: csv::StringRecord::new(),
        },
    ))
}

fn check_names(columns: &[String]) -> anyhow::Result<()> {
    if columns.is_empty() {
        bail!("the file has no header");
    }
    for (idx, name) in columns.iter().enumerate() {
        if name.is_empty() {
            bail!("the header has no name for column {}", idx + 1);
        }
        if columns[..idx].contains(name) {
            bail!("the header names \"{name}\" twice");
        }
    }
    Ok(())
}

fn next_csv_row(
    reader: &mut csv::Reader<File>,
    record: &mut csv::StringRecord,
    fields: &mut Vec<Field>,
) -> anyhow::Result<bool> {
    if !reader.read_record(record)? {
        return Ok(false);
    }
    fields.resize(record.len(), Field::Null);
    for (field, text) in fields.iter_mut().zip(record.iter()) {
        field.set_text(text);
    }
    Ok(true)
}

/// The columns of JSON lines are the members of all its objects, in the order in which they first appear.
fn open_json_lines(file: File, path: &Path) -> anyhow::Result<(Vec<String>, Rows)> {
    let mut columns: Vec<String> = Vec::new();
    let mut reader = BufReader::new(file);
    let (mut line, mut number, mut bytes) = (String::new(), 0, 0);
    while next_json_line(&mut reader, &mut line, &mut number, &mut bytes)? {
        for name in members(&line)
            .with_context(|| format!("line {number}"))?
            .into_names()
        {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    if columns.is_empty() {
        bail!("no object in the file has a member");
    }
    let reader = BufReader::new(File::open(path)?);
    Ok((
        columns,
        Rows::JsonLines {
            reader,
            line: String::new(),
            number: 0,
            bytes: 0,
        },
    ))
}

/// Reads the next line that is not blank. Whether there was one.
fn next_json_line(
    reader: &mut BufReader<File>,
    line: &mut String,
    number: &mut u64,
    bytes: &mut u64,
) -> anyhow::Result<bool> {
    loop {
        line.clear();
        let read = reader.read_line(line)?;
        if read == 0 {
            return Ok(false);
        }
        *number += 1;
        *bytes += read as u64;
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}

fn fields_of(line: &str, columns: &[String]) -> anyhow::Result<Vec<Field>> {
    let mut members = members(line)?;
    let field = |name: &String| match members.take(name) {
        None | Some(serde_json::Value::Null) => Field::Null,
        Some(serde_json::Value::String(text)) => Field::Text(text),
        Some(json) => Field::Json(json),
    };
    Ok(columns.iter().map(field).collect())
}

fn members(line: &str) -> anyhow::Result<Members> {
    serde_json::from_str(line).context("a line must hold one JSON object")
}
