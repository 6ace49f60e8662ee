//! Runs the records of one file, and judges each.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use drystone::{Database, Outcome, Row, Session, SqlError, SqlState};

use crate::contradictions;
use crate::format;
use crate::record::{Expected, Kind, Query, Record, Records};
use crate::report::{Difference, Tally, Verdict};

/// Runs a file against a database of its own, and checks that database at the end.
pub(crate) fn run_file(path: &str, text: &str, label: &str) -> drystone::Result<Tally> {
    let database = Database::in_memory()?;
    let mut file = File::new(&database);
    let mut tally = Tally::default();
    for record in Records::of(text).filter(|record| record.runs_under(label)) {
        if matches!(record.kind, Kind::Halt) {
            break;
        }
        let verdict = match contradictions::reason(path, record.line) {
            Some(reason) => Some(Verdict::Skipped(reason.to_owned())),
            None => file.judge(&record),
        };
        verdict.into_iter().for_each(|verdict| tally.add(verdict));
    }
    if let Some(damage) = file.damage(&database) {
        tally.add(Verdict::Failed(damage));
    }
    Ok(tally)
}

/// What is known while a file runs.
struct File {
    session: Session,
    /// Results longer than this are expected as a digest; 0 is never.
    hash_threshold: usize,
    /// The first result of each label.
    labelled: BTreeMap<String, String>,
    /// What a refused statement would have made or changed, and the refusal.
    refused: BTreeMap<String, String>,
}

/// How a statement ended.
enum Ending {
    Rows(Vec<Row>),
    Error(SqlError),
    Panic(String),
}

impl File {
    fn new(database: &Database) -> File {
        File {
            session: database.session(),
            hash_threshold: 0,
            labelled: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// `None` for what is no test but an order to the runner.
    fn judge(&mut self, record: &Record<'_>) -> Option<Verdict> {
        let (sql, expected, found) = match &record.kind {
            Kind::Statement { sql, expected } => {
                let ending = self.execute(sql);
                if let Some(reason) = self.not_offered(sql, &ending) {
                    return Some(Verdict::Skipped(reason));
                }
                (sql, format!("{expected:?}"), ending.against(*expected))
            }
            Kind::Query(query) => {
                let ending = self.execute(&query.sql);
                if let Some(reason) = self.not_offered(&query.sql, &ending) {
                    return Some(Verdict::Skipped(reason));
                }
                (
                    &query.sql,
                    query.expected.join(" "),
                    self.against(query, ending),
                )
            }
            Kind::HashThreshold(count) => {
                self.hash_threshold = *count;
                return None;
            }
            Kind::Halt => return None,
            Kind::Unknown(head) => (
                &String::new(),
                "a record".to_owned(),
                Err((*head).to_owned()),
            ),
        };
        Some(self.verdict(record.line, sql, expected, found))
    }

    fn verdict(
        &self,
        line: usize,
        sql: &str,
        expected: String,
        found: Result<(), String>,
    ) -> Verdict {
        let Err(found) = found else {
            return Verdict::Passed;
        };
        Verdict::Failed(Difference {
            line,
            sql: sql.to_owned(),
            expected,
            found,
        })
    }

    /// Runs one statement to its last row.
    fn execute(&mut self, sql: &str) -> Ending {
        let session = &mut self.session;
        let ran = catch_unwind(AssertUnwindSafe(|| match session.execute(sql, &[])? {
            Outcome::Rows(rows) => rows.collect(),
            Outcome::Affected(_) | Outcome::Done(_) => Ok(Vec::new()),
        }));
        match ran {
            Ok(Ok(rows)) => Ending::Rows(rows),
            Ok(Err(error)) => Ending::Error(error),
            Err(panic) => Ending::Panic(panic_message(&*panic)),
        }
    }

    /// Why a statement says nothing about what is offered: it was refused, or needs what was refused before.
    fn not_offered(&mut self, sql: &str, ending: &Ending) -> Option<String> {
        let words = words(sql);
        let object = object(&words);
        match ending {
            Ending::Error(error) if error.state() == SqlState::FeatureNotSupported => {
                let reason = error.message().to_owned();
                self.remember(object, Some(&reason));
                Some(reason)
            }
            Ending::Error(_) => {
                let needed = words.iter().find_map(|word| self.refused.get(word));
                let reason = needed.cloned();
                match words.first()?.as_str() {
                    "drop" => self.forget(object),
                    "create" => self.remember(object, reason.as_deref()),
                    _ => {}
                }
                Some(format!("depends on: {}", reason?))
            }
            Ending::Rows(_)
                if matches!(words.first().map(String::as_str), Some("create" | "drop")) =>
            {
                self.forget(object);
                None
            }
            Ending::Rows(_) | Ending::Panic(_) => None,
        }
    }

    fn remember(&mut self, object: Option<&str>, reason: Option<&str>) {
        if let (Some(object), Some(reason)) = (object, reason) {
            self.refused.insert(object.to_owned(), reason.to_owned());
        }
    }

    fn forget(&mut self, object: Option<&str>) {
        if let Some(object) = object {
            self.refused.remove(object);
        }
    }

    fn against(&mut self, query: &Query<'_>, ending: Ending) -> Result<(), String> {
        let rows = match ending {
            Ending::Rows(rows) => rows,
            failed => return failed.against(Expected::Ok),
        };
        if let Some(row) = rows.first()
            && row.values().len() != query.types.len()
        {
            return Err(format!("{} columns", row.values().len()));
        }
        let values = format::values(&rows, query);
        let digest = format::digest(&values);
        self.same_as_labelled(query.label, &digest)?;
        let is_hashed = self.hash_threshold > 0 && values.len() > self.hash_threshold
            || matches!(query.expected[..], [one] if one.contains(" values hashing to "));
        let found = if is_hashed { vec![digest] } else { values };
        if found == query.expected {
            return Ok(());
        }
        Err(found.join(" "))
    }

    fn same_as_labelled(&mut self, label: Option<&str>, digest: &str) -> Result<(), String> {
        let Some(label) = label else {
            return Ok(());
        };
        let first = self
            .labelled
            .entry(label.to_owned())
            .or_insert_with(|| digest.to_owned());
        if first == digest {
            return Ok(());
        }
        Err(format!(
            "{digest}, but the first query of {label} had {first}"
        ))
    }

    /// What the check of the whole database finds after the last record.
    fn damage(&self, database: &Database) -> Option<Difference> {
        let found = match database.verify() {
            Ok(report) if report.is_sound() => return None,
            Ok(report) => format!("{report:?}"),
            Err(error) => error.report(),
        };
        Some(Difference {
            line: 0,
            sql: "verify, after the last record".to_owned(),
            expected: "a sound database".to_owned(),
            found,
        })
    }
}

impl Ending {
    fn against(self, expected: Expected) -> Result<(), String> {
        match (self, expected) {
            (Ending::Rows(_), Expected::Ok) | (Ending::Error(_), Expected::Error) => Ok(()),
            (Ending::Rows(_), Expected::Error) => Err("no error".to_owned()),
            (Ending::Error(error), Expected::Ok) => {
                Err(format!("{} {error}", error.state().code()))
            }
            (Ending::Panic(message), _) => Err(format!("panic: {message}")),
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("of no text").to_owned()
}

/// The words of a statement, in lower case.
fn words(sql: &str) -> Vec<String> {
    let split = sql.split(|c: char| !c.is_alphanumeric() && c != '_');
    let words = split.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// The name of what a statement makes, drops or changes.
fn object(words: &[String]) -> Option<&str> {
    let before: BTreeSet<&str> = match words.first()?.as_str() {
        "create" | "drop" => ["table", "index", "view", "trigger"].into(),
        "insert" | "replace" => ["into"].into(),
        "delete" => ["from"].into(),
        "update" => ["update"].into(),
        _ => return None,
    };
    let at = words
        .iter()
        .position(|word| before.contains(word.as_str()))?;
    let mut names = words[at + 1..].iter().map(String::as_str);
    names.find(|word| !["if", "not", "exists"].contains(word))
}
