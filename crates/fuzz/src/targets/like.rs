//! LIKE patterns.

use drystone_query::fuzzing::check_like;

use crate::source::Source;

/// A pattern and a text.
pub fn pattern(data: &[u8]) {
    let mut source = Source::new(data);
    let escape = match source.byte() % 4 {
        0 => None,
        1 => Some('\\'),
        2 => Some('%'),
        _ => Some('a'),
    };
    let pattern = source.text(60);
    let text = String::from_utf8_lossy(source.rest());
    check_like(&pattern, escape, &text);
}
