//! How results are shown: as an aligned table, as CSV, or as JSON.

mod csv;
mod json;
mod table;

use std::io::{self, Write};
use std::str::FromStr;

use drystone::Rows;

/// How rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// An aligned table, for people
    #[default]
    Table,
    /// CSV with a header (RFC 4180); NULL is an empty field
    Csv,
    /// One JSON object a row
    Json,
}

impl Mode {
    /// Writes all rows; returns how many there were.
    pub(crate) fn write(self, rows: Rows, out: &mut dyn Write) -> anyhow::Result<u64> {
        match self {
            Mode::Table => table::write(rows, out),
            Mode::Csv => csv::write(rows, out),
            Mode::Json => json::write(rows, out),
        }
    }
}

impl FromStr for Mode {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Mode> {
        match text {
            "table" => Ok(Mode::Table),
            "csv" => Ok(Mode::Csv),
            "json" => Ok(Mode::Json),
            other => anyhow::bail!("there is no mode {other:?}; there are table, csv and json"),
        }
    }
}

/// Whether an error only says that whoever read the output has gone away, as `head` does.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_errors = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    io_errors
        .into_iter()
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
