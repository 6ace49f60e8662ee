//! Cuts a text that comes piece by piece into SQL statements and dot-commands.
//!
//! A line that starts with a dot, between statements, is a command. A statement ends with a semicolon.

use drystone::StatementEnd;

/// Text that was not run yet. What was read once is not read again when more comes.
#[derive(Default)]
pub(crate) struct Feed {
    text: String,
    /// Where the next step starts.
    start: usize,
    /// Line breaks in front of it, those of text that is gone counted in.
    line_breaks: usize,
    /// How far the statement that starts there was read.
    end: StatementEnd,
}

/// One statement or command of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// The line that it starts at, from 1.
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dot,
    Sql,
}

impl Feed {
    /// Adds text: whole lines, or all there is.
    pub(crate) fn push(&mut self, text: &str) {
        // Dropping the front each time would copy the rest each time.
        if self.start > self.text.len() / 2 {
            self.text.drain(..self.start);
            self.start = 0;
        }
        self.text.push_str(text);
    }

    /// The next step whose end has come: a statement's semicolon, a command's line end.
    pub(crate) fn next_whole(&mut self) -> Option<Step<'_>> {
        self.skip_blanks_and_comments();
        let rest = &self.text[self.start..];
        let len = match Kind::of(rest) {
            Kind::Dot => rest.find('\n'),
            Kind::Sql => self.end.find(rest),
        };
        Some(self.step(len?))
    }

    /// All that is left, where no more text comes; `None` when that is blanks and comments.
    pub(crate) fn rest(&mut self) -> Option<Step<'_>> {
        self.skip_blanks_and_comments();
        match self.text.len() - self.start {
            0 => None,
            len => Some(self.step(len)),
        }
    }

    fn step(&mut self, len: usize) -> Step<'_> {
        let (start, line) = (self.start, self.line_breaks + 1);
        self.skip(len);
        let text = &self.text[start..][..len];
        Step {
            kind: Kind::of(text),
            text: text.trim_end(),
            line,
        }
    }

    /// Line comments only: what else a statement may start with is its own.
    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = &self.text[self.start..];
            let blank = rest.len() - rest.trim_start().len();
            let comment = match rest[blank..].starts_with("--") {
                true => rest[blank..].find('\n').unwrap_or(rest.len() - blank),
                false => 0,
            };
            if blank + comment == 0 {
                return;
            }
            self.skip(blank + comment);
        }
    }

    fn skip(&mut self, len: usize) {
        self.line_breaks += self.text[self.start..][..len].matches('\n').count();
        self.start += len;
        self.end = StatementEnd::default();
    }
}

impl Kind {
    fn of(text: &str) -> Kind {
        match text.starts_with('.') {
            true => Kind::Dot,
            false => Kind::Sql,
        }
    }
}

#[cfg(test)]
mod tests;
