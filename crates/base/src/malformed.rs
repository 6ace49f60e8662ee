//! What decoders of formats say of bytes that break the format.

use std::borrow::Cow;
use std::fmt;

/// How bytes break a format: what was expected, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The field or rule that is broken.
    pub what: &'static str,
    /// What would have been right.
    pub expected: Cow<'static, str>,
    /// What was there.
    pub found: Cow<'static, str>,
}

impl Malformed {
    /// A finding in words.
    #[cold]
    pub fn new(
        what: &'static str,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Malformed {
        Malformed {
            what,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Malformed {
            what,
            expected,
            found,
        } = self;
        write!(f, "{what}: expected {expected}, found {found}")
    }
}

impl std::error::Error for Malformed {}
