//! What libFuzzer says at its end.

use std::path::Path;

/// Figures of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Inputs that the target ran on, those of the corpus included.
    pub(super) executions: u64,
    /// Edges of the code that were reached; 0 where a find came before the first were counted.
    pub(super) coverage: u64,
    /// The most memory that the process held.
    pub(super) mebibytes: u64,
}

impl Figures {
    /// Reads them. None where libFuzzer did not come to its end.
    pub(super) fn of(said: &str) -> Option<Figures> {
        let figure = |name: &str| {
            let line = said.lines().rev().find_map(|line| line.strip_prefix(name));
            line?.trim().parse().ok()
        };
        let coverage = said.lines().rev().find_map(|line| after(line, " cov: "));
        Some(Figures {
            executions: figure("stat::number_of_executed_units:")?,
            coverage: coverage.unwrap_or(0),
            mebibytes: figure("stat::peak_rss_mb:")?,
        })
    }
}

/// The number behind a word.
fn after(line: &str, word: &str) -> Option<u64> {
    let rest = line.split_once(word)?.1.trim_start();
    rest.split(' ').next()?.parse().ok()
}

/// The input that ended the run. What was merely slow is written, too, but ends nothing.
pub(super) fn input(said: &str) -> Option<&str> {
    let mut written = said
        .lines()
        .rev()
        .filter_map(|line| Some(line.split_once("Test unit written to ")?.1));
    written.find(|path| !path.contains("/slow-unit-"))
}

/// What to say of a target that did not end well.
pub(super) fn found(target: &str, said: &str, log: &Path) -> String {
    match input(said) {
        Some(input) => format!(
            "{target} found something; the input is {input}. Again:\n  cargo xtask fuzz {target} --replay {input}"
        ),
        None => format!(
            "{target} did not run; libFuzzer says why in {}",
            log.display()
        ),
    }
}

#[cfg(test)]
mod tests;
