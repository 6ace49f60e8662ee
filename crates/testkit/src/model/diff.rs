//! Two lists of entries, compared: where they differ, in words that fit on a screen.

use std::fmt;

/// How many differences are spelt out.
const SHOWN: usize = 5;
/// How much of a key or value is shown, in bytes.
const SHOWN_BYTES: usize = 24;

/// What makes found entries differ from the expected ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Difference {
    /// Entries that were expected.
    pub expected_count: usize,
    /// Entries that were found.
    pub found_count: usize,
    /// The first differences, by key.
    pub first: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            expected_count,
            found_count,
            first,
        } = self;
        write!(f, "expected {expected_count} entries, found {found_count}")?;
        for line in first {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// Compares entries in order.
///
/// # Errors
/// The first differences: entries missing, entries too many or out of order, other values.
pub fn compare<K, V>(expected: &[(K, V)], found: &[(K, V)]) -> Result<(), Difference>
where
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let first = differences(expected, found);
    if first.is_empty() {
        return Ok(());
    }
    Err(Difference {
        expected_count: expected.len(),
        found_count: found.len(),
        first,
    })
}

fn differences<K, V>(expected: &[(K, V)], found: &[(K, V)]) -> Vec<String>
where
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let mut lines = Vec::new();
    let (mut left, mut right) = (expected, found);
    while lines.len() < SHOWN {
        let (expected, found) = (left.first(), right.first());
        let order = match (expected, found) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((expected, _)), Some((found, _))) => expected.as_ref().cmp(found.as_ref()),
        };
        if order.is_le() {
            left = &left[1..];
        }
        if order.is_ge() {
            right = &right[1..];
        }
        lines.extend(line(order, expected, found));
    }
    lines
}

fn line<K, V>(
    order: std::cmp::Ordering,
    expected: Option<&(K, V)>,
    found: Option<&(K, V)>,
) -> Option<String>
where
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    match (order, expected, found) {
        (std::cmp::Ordering::Less, Some((key, value)), _) => {
            Some(format!("missing {} = {}", show(key), show(value)))
        }
        (std::cmp::Ordering::Greater, _, Some((key, value))) => {
            Some(format!("unexpected here {} = {}", show(key), show(value)))
        }
        (_, Some((key, expected)), Some((_, found))) if expected.as_ref() != found.as_ref() => {
            let (key, expected, found) = (show(key), show(expected), show(found));
            Some(format!("{key} = {found}, expected {expected}"))
        }
        _ => None,
    }
}

/// A key or value as text: its beginning, and its length where that is not all.
pub(crate) fn show(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let text = shown.escape_ascii();
    if shown.len() == bytes.len() {
        return format!("\"{text}\"");
    }
    format!("\"{text}\"... ({} bytes)", bytes.len())
}
