//! Which errors are right, given what was done to the disk.

use drystone::{Error, ErrorKind};

use super::Run;
use crate::failure::FailureKind;

/// Why a run ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A promise was broken.
    Broken {
        /// Which.
        kind: FailureKind,
        /// What was seen.
        what: String,
    },
    /// Declared damage was found and said: all that was promised.
    Reported,
}

impl Stop {
    pub(crate) fn broken(kind: FailureKind, what: impl Into<String>) -> Stop {
        Stop::Broken {
            kind,
            what: what.into(),
        }
    }

    pub(crate) fn wrong(what: impl Into<String>) -> Stop {
        Stop::broken(FailureKind::WrongData, what)
    }

    /// A call failed that had no reason to.
    pub(crate) fn unexpected(call: &str, error: &Error) -> Stop {
        let what = format!("{call}: {:?}: {}", error.kind(), error.report());
        Stop::broken(FailureKind::UnexpectedError, what)
    }

    /// Which promise, and what was seen. A report of damage where nothing was damaged is an error without a reason.
    pub(crate) fn into_parts(self) -> (FailureKind, String) {
        match self {
            Stop::Broken { kind, what } => (kind, what),
            Stop::Reported => (
                FailureKind::UnexpectedError,
                "damage was reported".to_owned(),
            ),
        }
    }
}

/// What a failed write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Nothing,
    /// Perhaps nothing, perhaps all.
    Unknown,
}

impl Run<'_> {
    /// A call that writes failed: whether it may, and what it did.
    pub(super) fn write_failed(&mut self, call: &str, error: &Error) -> Result<Fate, Stop> {
        self.notice_lies();
        self.coverage.count(counted_as(error.kind()));
        if self.disk.is_off() {
            return Ok(Fate::Unknown);
        }
        match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Unsupported if self.is_media_broken() => {
                Err(Stop::Reported)
            }
            ErrorKind::Io if self.faults.is_unreadable => Err(Stop::Reported),
            ErrorKind::Full if self.faults.is_capped || self.was_struck_since_open() => {
                Ok(Fate::Nothing)
            }
            ErrorKind::Io if self.was_struck_since_open() => {
                self.faults.only_space = false;
                Ok(Fate::Unknown)
            }
            _ => Err(Stop::unexpected(call, error)),
        }
    }

    /// A call that only reads failed: whether it may. Reads go on beside a log that failed, so only a fault in this
    /// very call is a reason.
    pub(super) fn read_failed(&mut self, call: &str, error: &Error) -> Result<(), Stop> {
        self.notice_lies();
        self.coverage.count(counted_as(error.kind()));
        if self.disk.is_off() {
            return Ok(());
        }
        match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Unsupported if self.is_media_broken() => {
                Err(Stop::Reported)
            }
            ErrorKind::Io if self.faults.is_unreadable => Err(Stop::Reported),
            ErrorKind::Io if self.is_struck_now() => Ok(()),
            // A transaction may have to spill before it reads on, and what it spilled is as good as its medium.
            ErrorKind::Io if is_of_spilled(error) && !self.disk.happened().is_empty() => Ok(()),
            ErrorKind::Full if self.faults.is_capped || self.was_struck_since_open() => Ok(()),
            _ => Err(Stop::unexpected(call, error)),
        }
    }

    /// Whether a fault happened in this step.
    pub(super) fn is_struck_now(&mut self) -> bool {
        self.notice_lies();
        self.faults.struck > self.faults.struck_at_step
    }
}

/// Whether it is about a file that goes with its transaction, and is nobody's loss.
fn is_of_spilled(error: &Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("what a transaction spilled") {
            return true;
        }
        cause = error.source();
    }
    false
}

fn counted_as(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Io => "error: Io",
        ErrorKind::Full => "error: Full",
        ErrorKind::Corrupt => "error: Corrupt",
        ErrorKind::Conflict => "error: Conflict",
        ErrorKind::Invalid => "error: Invalid",
        _ => "error: of another kind",
    }
}
