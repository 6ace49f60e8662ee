//! The format: records parted by empty lines, read one at a time.
//!
//! ```text
//! # a comment
//! skipif mysql # so may conditions end
//! statement ok | statement error
//! INSERT INTO t VALUES (1)
//!
//! query IRT nosort|rowsort|valuesort [label-1]
//! SELECT a, b, c FROM t
//! ----
//! one value a line, or: 30 values hashing to 3c13dee48d9356ae19af2515e05e6b54
//!
//! hash-threshold 8
//! halt
//! ```
//!
//! # Source
//! <https://www.sqlite.org/sqllogictest/doc/trunk/about.wiki>, and its runner where that page is silent.

use std::iter::Peekable;
use std::str::Lines;

/// One record, and where it is.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// The line of its first word, from 1.
    pub(crate) line: usize,
    pub(crate) conditions: Vec<Condition<'a>>,
    pub(crate) kind: Kind<'a>,
}

#[derive(Debug)]
pub(crate) enum Condition<'a> {
    SkipIf(&'a str),
    OnlyIf(&'a str),
}

#[derive(Debug)]
pub(crate) enum Kind<'a> {
    Statement {
        sql: String,
        expected: Expected,
    },
    Query(Query<'a>),
    HashThreshold(usize),
    Halt,
    /// A line that this runner does not know.
    Unknown(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Ok,
    Error,
}

#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) sql: String,
    /// One letter a column: `I`, `R` or `T`.
    pub(crate) types: &'a str,
    pub(crate) sort: Sort,
    /// Queries of one label have one result.
    pub(crate) label: Option<&'a str>,
    pub(crate) expected: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    No,
    Rows,
    Values,
}

impl Record<'_> {
    /// Whether its conditions let it run under `label`.
    pub(crate) fn runs_under(&self, label: &str) -> bool {
        self.conditions.iter().all(|condition| match condition {
            Condition::SkipIf(name) => *name != label,
            Condition::OnlyIf(name) => *name == label,
        })
    }
}

/// The records of a file, in order. Never ends early: what it cannot read is [`Kind::Unknown`].
pub(crate) struct Records<'a> {
    lines: Peekable<Lines<'a>>,
    /// How many lines were taken.
    taken: usize,
}

impl<'a> Records<'a> {
    pub(crate) fn of(text: &'a str) -> Records<'a> {
        Records {
            lines: text.lines().peekable(),
            taken: 0,
        }
    }

    fn next_line(&mut self) -> Option<&'a str> {
        let line = self.lines.next()?;
        self.taken += 1;
        Some(line)
    }

    /// Takes lines up to an empty one.
    fn block(&mut self) -> Vec<&'a str> {
        let mut block = Vec::new();
        while let Some(line) = self.next_line().filter(|line| !line.trim().is_empty()) {
            block.push(line);
        }
        block
    }

    /// The text of a statement: up to an empty line, or to what is expected of it.
    fn sql(&mut self) -> String {
        let mut sql = Vec::new();
        while let Some(line) = self.lines.peek().copied() {
            if line.trim().is_empty() || line == "----" {
                break;
            }
            sql.push(line);
            self.next_line();
        }
        sql.join("\n")
    }

    fn kind(&mut self, head: &'a str) -> Kind<'a> {
        let words: Vec<&str> = head.split_whitespace().collect();
        match words[..] {
            ["halt", ..] => Kind::Halt,
            ["hash-threshold", count, ..] => match count.parse() {
                Ok(count) => Kind::HashThreshold(count),
                Err(_) => Kind::Unknown(head),
            },
            ["statement", "ok", ..] => self.statement(Expected::Ok),
            ["statement" | "query", "error", ..] => self.statement(Expected::Error),
            ["query", types] => self.query(types, Sort::No, None),
            ["query", types, sort, ..] => match sort_of(sort) {
                Some(sort) => self.query(types, sort, words.get(3).copied()),
                None => Kind::Unknown(head),
            },
            _ => Kind::Unknown(head),
        }
    }

    fn statement(&mut self, expected: Expected) -> Kind<'a> {
        let sql = self.sql();
        self.block();
        Kind::Statement { sql, expected }
    }

    fn query(&mut self, types: &'a str, sort: Sort, label: Option<&'a str>) -> Kind<'a> {
        let sql = self.sql();
        let block = self.block();
        let expected = block.into_iter().skip(1).collect();
        Kind::Query(Query {
            sql,
            types,
            sort,
            label: label.filter(|label| !label.starts_with('#')),
            expected,
        })
    }
}

fn sort_of(word: &str) -> Option<Sort> {
    match word {
        "nosort" => Some(Sort::No),
        "rowsort" => Some(Sort::Rows),
        "valuesort" => Some(Sort::Values),
        _ => None,
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let mut conditions = Vec::new();
        loop {
            let head = self.next_line()?;
            let mut words = head.split_whitespace();
            match (words.next(), words.next()) {
                (None, _) => {}
                (Some(word), _) if word.starts_with('#') => {}
                (Some("skipif"), Some(name)) => conditions.push(Condition::SkipIf(name)),
                (Some("onlyif"), Some(name)) => conditions.push(Condition::OnlyIf(name)),
                _ => {
                    return Some(Record {
                        line: self.taken,
                        conditions,
                        kind: self.kind(head),
                    });
                }
            }
        }
    }
}
