//! What can go wrong with a statement: SQLSTATE, message, place in the text, hint.
//!
//! The message says what is wrong in PostgreSQL's words where it has words for it, so that people find it by
//! searching. The place is filled in twice: the binder knows line and column (from the parser's spans), and the edge
//! that holds the text adds the byte offset with [`SqlError::located_in`].

use std::error::Error;
use std::fmt;

use drystone_mvcc::StoreError;
use drystone_record::Value;
use sqlparser::tokenizer::{Location, Span};

use crate::eval_error::EvalError;
use crate::function::ResolveError;
use crate::operator::TypeError;
use crate::sql_state::SqlState;

/// A place in the text of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// A statement failed. Nothing of it remains; a transaction that was open stays open and usable, except where
/// [`SqlError::state`] is [`SqlState::SerializationFailure`] from COMMIT, which ends it.
pub struct SqlError {
    inner: Box<Inner>,
}

struct Inner {
    state: SqlState,
    message: String,
    position: Option<Position>,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    duplicate: Vec<(String, Value)>,
}

impl SqlError {
    pub(crate) fn new(state: SqlState, message: impl Into<String>) -> SqlError {
        SqlError {
            inner: Box::new(Inner {
                state,
                message: message.into(),
                position: None,
                hint: None,
                source: None,
                duplicate: Vec::new(),
            }),
        }
    }

    /// Valid SQL that is not offered.
    pub(crate) fn unsupported(what: impl fmt::Display) -> SqlError {
        SqlError::new(
            SqlState::FeatureNotSupported,
            format!("{what} is not supported"),
        )
    }

    /// Names the place, unless a deeper one is named already.
    pub(crate) fn at(self, span: Span) -> SqlError {
        self.at_location(span.start)
    }

    pub(crate) fn at_location(mut self, at: Location) -> SqlError {
        if self.inner.position.is_none() && at.line > 0 {
            self.inner.position = Some(Position {
                offset: usize::MAX,
                line: at.line,
                column: at.column,
            });
        }
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> SqlError {
        self.inner.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_duplicate(mut self, key: Vec<(String, Value)>) -> SqlError {
        self.inner.duplicate = key;
        self
    }

    /// The columns, and their values, that two rows have and may not: of a [`SqlState::UniqueViolation`].
    #[must_use]
    pub fn duplicate_key(&self) -> Option<&[(String, Value)]> {
        Some(self.inner.duplicate.as_slice()).filter(|key| !key.is_empty())
    }

    /// A hint with the name that was probably meant.
    pub(crate) fn with_near_name(self, near: Option<&str>) -> SqlError {
        match near {
            Some(name) => self.with_hint(format!("did you mean \"{name}\"?")),
            None => self,
        }
    }

    pub(crate) fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> SqlError {
        self.inner.source = Some(Box::new(source));
        self
    }

    /// Fills in the byte offset of a place that was given by line and column of `text`.
    pub(crate) fn located_in(mut self, text: &str) -> SqlError {
        if let Some(position) = &mut self.inner.position
            && position.offset == usize::MAX
        {
            position.offset = byte_offset(text, position.line, position.column);
        }
        self
    }

    /// Moves the place from a statement cut out of `script` at byte `start` to the script itself.
    pub(crate) fn moved_into(mut self, script: &str, start: usize) -> SqlError {
        if let Some(position) = &mut self.inner.position {
            let offset = position.offset.saturating_add(start).min(script.len());
            *position = position_of(script, offset);
        }
        self
    }

    /// What kind of error, as SQL numbers them.
    #[must_use]
    pub fn state(&self) -> SqlState {
        self.inner.state
    }

    /// What is wrong, without place and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where in the text, when the error belongs to a place in it.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.inner.position
    }

    /// What to try.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Whether the same transaction may succeed when it is run again from its start.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.inner.state == SqlState::SerializationFailure
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(position) = self.inner.position {
            write!(f, " (line {}, column {})", position.line, position.column)?;
        }
        match &self.inner.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlError {}: {self}", self.inner.state.code())?;
        match &self.inner.source {
            Some(source) => write!(f, " (caused by {source:?})"),
            None => Ok(()),
        }
    }
}

impl Error for SqlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.inner.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl From<StoreError> for SqlError {
    fn from(error: StoreError) -> SqlError {
        let state = match &error {
            StoreError::Conflict { .. } => SqlState::SerializationFailure,
            _ => SqlState::IoError,
        };
        let message = match state {
            SqlState::SerializationFailure => {
                "could not serialize access due to concurrent update".to_owned()
            }
            _ => "the store failed".to_owned(),
        };
        SqlError::new(state, message).caused_by(error)
    }
}

impl From<EvalError> for SqlError {
    fn from(error: EvalError) -> SqlError {
        SqlError::new(SqlState::of_code(error.sqlstate()), error.to_string())
    }
}

impl From<TypeError> for SqlError {
    fn from(error: TypeError) -> SqlError {
        SqlError::new(SqlState::of_code(error.sqlstate()), error.to_string())
    }
}

impl From<ResolveError> for SqlError {
    fn from(error: ResolveError) -> SqlError {
        SqlError::new(SqlState::of_code(error.sqlstate()), error.to_string())
            .with_near_name(error.near_name())
    }
}

/// The byte at line `line` and column `column` (both from 1) of `text`; its end when it is shorter.
fn byte_offset(text: &str, line: u64, column: u64) -> usize {
    let mut at = (1u64, 1u64);
    for (offset, character) in text.char_indices() {
        if at >= (line, column) {
            return offset;
        }
        at = match character {
            '\n' => (at.0 + 1, 1),
            _ => (at.0, at.1 + 1),
        };
    }
    text.len()
}

/// Line and column of a byte of `text`.
fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        offset,
        line: 1 + before.bytes().filter(|&byte| byte == b'\n').count() as u64,
        column: 1 + before[line_start..].chars().count() as u64,
    }
}
