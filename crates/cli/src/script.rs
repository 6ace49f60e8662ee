//! A text of SQL statements and dot-commands, one after the other.
//!
//! A line that starts with a dot, between statements, is a command. A statement ends with a semicolon.

use std::fs;
use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, anyhow};
use drystone::{SqlError, first_statement};

use crate::interrupt;
use crate::report;
use crate::workbench::{Flow, Workbench};

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
    let mut feed = Feed {
        text: text.to_owned(),
        start: 0,
        line: 1,
        echo,
    };
    feed.finish(bench).map(drop)
}

/// Runs standard input statement by statement, as they come.
pub(crate) fn run_lines(bench: &mut Workbench, lines: impl BufRead) -> anyhow::Result<()> {
    let mut feed = Feed {
        text: String::new(),
        start: 0,
        line: 1,
        echo: Echo::Off,
    };
    for line in lines.lines() {
        feed.text.push_str(&line?);
        feed.text.push('\n');
        if feed.run_whole(bench)? == Flow::Quit {
            return Ok(());
        }
    }
    feed.finish(bench).map(drop)
}

/// Text that is being run, from the front.
struct Feed {
    text: String,
    /// Where what was not run yet starts.
    start: usize,
    /// The line that it starts at.
    line: usize,
    echo: Echo,
}

impl Feed {
    /// Runs the statements and commands whose end has come.
    fn run_whole(&mut self, bench: &mut Workbench) -> anyhow::Result<Flow> {
        while let Some(step) = next_step(&self.text[self.start..]).filter(|step| step.is_whole) {
            if self.run_step(bench, &step)? == Flow::Quit {
                return Ok(Flow::Quit);
            }
            let end = self.start + step.end;
            self.line += line_breaks(&self.text[self.start..end]);
            self.start = end;
        }
        // Dropping the front each time would copy the rest each time.
        if self.start > self.text.len() / 2 {
            self.text.drain(..self.start);
            self.start = 0;
        }
        Ok(Flow::Continue)
    }

    /// Runs all that is left: the last statement may lack its semicolon.
    fn finish(&mut self, bench: &mut Workbench) -> anyhow::Result<Flow> {
        if self.run_whole(bench)? == Flow::Quit {
            return Ok(Flow::Quit);
        }
        match next_step(&self.text[self.start..]) {
            Some(step) => self.run_step(bench, &step),
            None => Ok(Flow::Continue),
        }
    }

    fn run_step(&self, bench: &mut Workbench, step: &Step<'_>) -> anyhow::Result<Flow> {
        interrupt::check()?;
        if self.echo == Echo::On {
            println!("\n{}", step.text);
        }
        let flow = match step.kind {
            Kind::Dot => bench.run_dot(step.text),
            Kind::Sql => bench.run_sql(step.text).map(|()| Flow::Continue),
        };
        flow.map_err(|error| {
            locate(
                error,
                self.line + line_breaks(&self.text[self.start..][..step.start]),
            )
        })
    }
}

fn line_breaks(text: &str) -> usize {
    text.matches('\n').count()
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

/// One statement or command of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    kind: Kind,
    pub(crate) text: &'a str,
    /// Where `text` starts.
    pub(crate) start: usize,
    /// Where the rest starts.
    pub(crate) end: usize,
    /// Whether its end has come: a statement's semicolon, a command's line end.
    is_whole: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dot,
    Sql,
}

/// The first statement or command of `text`; `None` when only blanks and comments are left.
pub(crate) fn next_step(text: &str) -> Option<Step<'_>> {
    let start = skip_blanks_and_comments(text);
    let rest = &text[start..];
    if rest.is_empty() {
        return None;
    }
    if rest.starts_with('.') {
        return Some(step(Kind::Dot, rest, start, rest.find('\n')));
    }
    Some(step(Kind::Sql, rest, start, first_statement(rest)))
}

fn step(kind: Kind, rest: &str, start: usize, len: Option<usize>) -> Step<'_> {
    let is_whole = len.is_some();
    let len = len.unwrap_or(rest.len());
    Step {
        kind,
        text: rest[..len].trim_end(),
        start,
        end: start + len,
        is_whole,
    }
}

/// Length of the blanks and line comments in front of a statement.
fn skip_blanks_and_comments(text: &str) -> usize {
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        let line = rest.find('\n').unwrap_or(rest.len());
        rest = rest[line..].trim_start();
    }
    text.len() - rest.len()
}

#[cfg(test)]
mod tests;
