//! The prompt: line editing, history, SQL over several lines.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use drystone::first_statement;
use reedline::{
    FileBackedHistory, Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal,
    ValidationResult, Validator,
};

use crate::interrupt;
use crate::report;
use crate::script::{self, Echo};
use crate::workbench::{Flow, Workbench};

const HISTORY_LINES: usize = 10_000;

/// Reads and runs until the end of the input or `.quit`. An error ends the statement, not the shell; where the input is
/// not a terminal, it ends the shell too, so that a pipe can tell.
pub(crate) fn run(bench: &mut Workbench) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        return script::run_lines(bench, io::stdin().lock());
    }
    println!(
        "drystone {}. SQL ends with a semicolon; .help lists the commands.",
        env!("CARGO_PKG_VERSION")
    );
    let mut editor = editor();
    loop {
        let prompt = ShellPrompt {
            in_transaction: bench.in_transaction(),
        };
        match editor.read_line(&prompt)? {
            Signal::Success(text) if run_line(bench, text.trim()) == Flow::Quit => return Ok(()),
            Signal::CtrlD => return Ok(()),
            _ => {}
        }
    }
}

fn run_line(bench: &mut Workbench, text: &str) -> Flow {
    interrupt::forget();
    let result = if text.starts_with('.') {
        bench.run_dot(text)
    } else {
        script::run_text(bench, text, Echo::Off).map(|()| Flow::Continue)
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {}", report::describe(&error));
        Flow::Continue
    })
}

fn editor() -> Reedline {
    let editor = Reedline::create().with_validator(Box::new(WholeStatements));
    let history =
        history_path().and_then(|path| FileBackedHistory::with_file(HISTORY_LINES, path).ok());
    match history {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    }
}

/// In the home directory; without one there is no history beyond the session.
fn history_path() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
    Some(PathBuf::from(home).join(".drystone_history"))
}

/// Enter ends the input when it is a dot-command or whole statements; else it starts the next line.
struct WholeStatements;

impl Validator for WholeStatements {
    fn validate(&self, text: &str) -> ValidationResult {
        let mut rest = text.trim();
        if rest.starts_with('.') {
            return ValidationResult::Complete;
        }
        while !rest.is_empty() {
            match first_statement(rest) {
                Some(len) => rest = rest[len..].trim_start(),
                None => return ValidationResult::Incomplete,
            }
        }
        ValidationResult::Complete
    }
}

/// `drystone> `, with a star while a transaction is open.
struct ShellPrompt {
    in_transaction: bool,
}

impl Prompt for ShellPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.in_transaction {
            "drystone*"
        } else {
            "drystone"
        })
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("     ...> ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}
