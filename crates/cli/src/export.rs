//! A table into a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use drystone::{Database, Outcome, quote_identifier};

use crate::import::Format;
use crate::output::Mode;

/// Writes all rows of `table` to `file`, as its ending says. Returns how many. The file is replaced only when all is
/// written.
pub(crate) fn run(database: &Database, table: &str, file: &Path) -> anyhow::Result<u64> {
    let mode = match Format::of(file)? {
        Format::Csv { delimiter: b',' } => Mode::Csv,
        Format::Csv { .. } => anyhow::bail!("{}: export writes .csv and .jsonl", file.display()),
        Format::JsonLines => Mode::Json,
    };
    let outcome = database
        .session()
        .execute(&format!("SELECT * FROM {}", quote_identifier(table)), &[])?;
    let Outcome::Rows(rows) = outcome else {
        anyhow::bail!("a SELECT gives rows")
    };
    let unfinished = file.with_added_extension("part");
    let written = write(mode, rows, &unfinished)
        .with_context(|| format!("writing {}", unfinished.display()))?;
    std::fs::rename(&unfinished, file)
        .with_context(|| format!("renaming to {}", file.display()))?;
    Ok(written)
}

fn write(mode: Mode, rows: drystone::Rows, path: &Path) -> anyhow::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let count = mode.write(rows, &mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(count)
}
