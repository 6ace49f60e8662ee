//! Runs a text of SQL statements and dot-commands, one after the other.

mod feed;

use std::fs;
use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, anyhow};
use drystone::SqlError;

use crate::interrupt;
use crate::report;
use crate::workbench::{Flow, Workbench};
pub(crate) use feed::Feed;
use feed::{Kind, Step};

/// Whether each statement is shown before its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    On,
    Off,
}

/// Runs a file, and shows each statement before its result. Stops at the first that fails.
pub(crate) fn run_file(bench: &mut Workbench, file: &Path) -> anyhow::Result<()> {
    let text =
        fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    run_text(bench, &text, Echo::On)
}

/// Runs a text. Stops at the first statement that fails, and says where it stands.
pub(crate) fn run_text(bench: &mut Workbench, text: &str, echo: Echo) -> anyhow::Result<()> {
    let mut feed = Feed::default();
    feed.push(text);
    if run_whole(bench, &mut feed, echo)? == Flow::Continue {
        run_rest(bench, &mut feed, echo)?;
    }
    Ok(())
}

/// Runs standard input statement by statement, as they come.
pub(crate) fn run_lines(bench: &mut Workbench, lines: impl BufRead) -> anyhow::Result<()> {
    let mut feed = Feed::default();
    for line in lines.lines() {
        feed.push(&line?);
        feed.push("\n");
        if run_whole(bench, &mut feed, Echo::Off)? == Flow::Quit {
            return Ok(());
        }
    }
    run_rest(bench, &mut feed, Echo::Off)
}

/// Runs the statements and commands whose end has come.
fn run_whole(bench: &mut Workbench, feed: &mut Feed, echo: Echo) -> anyhow::Result<Flow> {
    while let Some(step) = feed.next_whole() {
        if run_step(bench, &step, echo)? == Flow::Quit {
            return Ok(Flow::Quit);
        }
    }
    Ok(Flow::Continue)
}

/// Runs what is left: the last statement may lack its semicolon.
fn run_rest(bench: &mut Workbench, feed: &mut Feed, echo: Echo) -> anyhow::Result<()> {
    if let Some(step) = feed.rest() {
        run_step(bench, &step, echo)?;
    }
    Ok(())
}

fn run_step(bench: &mut Workbench, step: &Step<'_>, echo: Echo) -> anyhow::Result<Flow> {
    interrupt::check()?;
    if echo == Echo::On {
        println!("\n{}", step.text);
    }
    let flow = match step.kind {
        Kind::Dot => bench.run_dot(step.text),
        Kind::Sql => bench.run_sql(step.text).map(|()| Flow::Continue),
    };
    flow.map_err(|error| locate(error, step.line))
}

/// Says where in the text an error is, whose statement starts at `line`. What Ctrl-C ended stays what it is.
fn locate(error: anyhow::Error, line: usize) -> anyhow::Error {
    if error.is::<interrupt::Interrupted>() {
        return error;
    }
    let Some((sql, place)) = error
        .downcast_ref::<SqlError>()
        .and_then(|sql| Some((sql, sql.position()?)))
    else {
        return anyhow!("line {line}: {}", report::describe(&error));
    };
    let hint = sql
        .hint()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    // Lines of the statement are counted from 1, and so are those of the text.
    let line = line as u64 + place.line - 1;
    anyhow!(
        "line {line}, column {}: {}{hint}",
        place.column,
        sql.message()
    )
}
