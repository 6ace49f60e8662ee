//! What the command says of a database: its tables, its figures, its soundness, its errors.

use std::error::Error as _;

use anyhow::bail;
use comfy_table::{CellAlignment, Table, presets};
use drystone::{Compacted, Database, Error, StoreStats};

/// An error with all its causes.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // A transparent error says the same as its source.
        if parts.last() != Some(&text) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

/// Lists the tables.
pub(crate) fn tables(database: &Database) -> anyhow::Result<()> {
    for table in database.tables()? {
        println!("{}", table.name());
    }
    Ok(())
}

/// Shows the statements that would make one table, or all, with their indexes.
pub(crate) fn schema(database: &Database, name: Option<&str>) -> anyhow::Result<()> {
    let tables = database.tables()?;
    let mut found = false;
    for table in tables
        .iter()
        .filter(|table| name.is_none_or(|name| table.name() == name))
    {
        println!("{}", table.to_sql());
        found = true;
    }
    match name {
        Some(name) if !found => bail!("table \"{name}\" does not exist"),
        _ => Ok(()),
    }
}

/// Checks the database; an error when anything is wrong.
pub(crate) fn verify(database: &Database) -> anyhow::Result<()> {
    let report = database.verify()?;
    println!(
        "{} pages, {} bytes, {} entries checked",
        report.pages, report.bytes, report.entries
    );
    if report.is_sound() {
        println!("no damage found");
        return Ok(());
    }
    for finding in &report.findings {
        println!("damaged: {}", with_sources(finding));
    }
    bail!("{} findings: restore from a backup", report.findings.len())
}

/// Compacts the database, and says what came of it.
pub(crate) fn compact(database: &Database) -> anyhow::Result<()> {
    let Compacted { before, after } = database.compact()?;
    println!("{} before, {} after", bytes(before), bytes(after));
    Ok(())
}

fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// Shows the figures of the database.
pub(crate) fn stats(database: &Database) -> anyhow::Result<()> {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(["figure", "value"]);
    for (name, value) in figures(&database.stats()) {
        table.add_row([name.to_owned(), value]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    Ok(())
}

fn figures(stats: &StoreStats) -> [(&'static str, String); 20] {
    let (engine, log) = (&stats.engine, &stats.log);
    [
        ("newest commit", stats.visible_lsn.0.to_string()),
        ("newest durable commit", stats.durable_lsn.0.to_string()),
        ("newest merged commit", stats.merged_lsn.0.to_string()),
        ("commits since it was opened", stats.commits.to_string()),
        ("conflicts since it was opened", stats.conflicts.to_string()),
        ("merges since it was opened", stats.merges.to_string()),
        (
            "time in merges",
            format!("{:.3} s", stats.merge_time.as_secs_f64()),
        ),
        ("memtables", bytes(stats.memtable_bytes)),
        ("log", bytes(log.segment_bytes)),
        ("log kept beyond its merges", bytes(log.kept_bytes)),
        ("engine", engine.kind.to_owned()),
        ("engine's file", bytes(engine.file_bytes)),
        ("of it free for reuse", bytes(engine.free_bytes)),
        ("of it kept for snapshots", bytes(engine.pinned_bytes)),
        ("written since it was opened", bytes(engine.written_bytes)),
        ("moved by compaction since then", bytes(engine.moved_bytes)),
        ("cache", bytes(engine.cache_bytes)),
        ("cache, at most", bytes(engine.cache_bytes_max)),
        ("cache hits", engine.cache_hits.to_string()),
        ("cache misses", engine.cache_misses.to_string()),
    ]
}

fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}
