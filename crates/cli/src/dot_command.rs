//! The commands that are not SQL: lines that start with a dot.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use crate::output::Mode;

/// What a line that starts with a dot asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DotCommand {
    Help,
    Quit,
    Open(PathBuf),
    Tables,
    Schema(Option<String>),
    Import { table: String, file: PathBuf },
    Export { table: String, file: PathBuf },
    Mode(Mode),
    Timer(bool),
    Read(PathBuf),
    Stats,
    Verify,
}

/// The text of `.help`.
pub(crate) const HELP: &str = "\
.open DIRECTORY          open a database, or create it
.tables                  list the tables
.schema [TABLE]          show how tables and indexes are made
.import TABLE FILE       import a .csv, .tsv, .jsonl or .ndjson file; makes the table where there is none
.export TABLE FILE       export a table to such a file
.read FILE               run a file of SQL and dot-commands
.mode table|csv|json     how rows are shown
.timer on|off            show how long each statement takes
.stats                   sizes and counters of the database
.verify                  check every checksum and invariant
.help                    this text
.quit                    leave (also Ctrl-D)

SQL ends with a semicolon and may go over several lines. What is offered: docs/sql.md.";

impl DotCommand {
    /// Reads a line that starts with a dot.
    pub(crate) fn parse(line: &str) -> anyhow::Result<DotCommand> {
        let words = split(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            [".help"] => DotCommand::Help,
            [".quit" | ".exit"] => DotCommand::Quit,
            [".open", path] => DotCommand::Open(path.into()),
            [".tables"] => DotCommand::Tables,
            [".schema"] => DotCommand::Schema(None),
            [".schema", table] => DotCommand::Schema(Some((*table).to_owned())),
            [".import", table, file] => DotCommand::Import {
                table: (*table).to_owned(),
                file: file.into(),
            },
            [".export", table, file] => DotCommand::Export {
                table: (*table).to_owned(),
                file: file.into(),
            },
            [".mode", mode] => DotCommand::Mode(mode.parse()?),
            [".timer", "on"] => DotCommand::Timer(true),
            [".timer", "off"] => DotCommand::Timer(false),
            [".read", file] => DotCommand::Read(file.into()),
            [".stats"] => DotCommand::Stats,
            [".verify"] => DotCommand::Verify,
            [name, ..] => bail!("{}", misuse(name)),
            [] => bail!("an empty command"),
        })
    }
}

/// What to say about a command that is unknown, or whose arguments are wrong.
fn misuse(name: &str) -> String {
    let usage = HELP
        .lines()
        .find(|line| line.split(' ').next() == Some(name));
    match usage {
        Some(usage) => format!("usage: {}", usage.trim_end()),
        None => format!("there is no command {name}; .help lists what there is"),
    }
}

/// Words of a line; single or double quotes keep blanks together.
fn split(line: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '\'' | '"' => rest[1..]
                .split_once(first)
                .ok_or_else(|| anyhow!("a {first} is not closed: {line}"))?,
            _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
