//! Byte strings as text: `\x` and hexadecimal digits out; that, or PostgreSQL's escape form, in.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::data_type::DataType;
use crate::error::{ParseError, ParseErrorKind};

/// Prints `\x` and two digits a byte.
pub(crate) fn print(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\\x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads `\x` and pairs of digits, blanks between pairs allowed; or the escape form, where `\\` is a backslash, `\ooo` the
/// byte of that octal number, and everything else stands for itself.
pub(crate) fn parse(text: &str) -> Result<Bytes, ParseError> {
    match text.strip_prefix("\\x") {
        Some(_) => parse_hex(text),
        None => parse_escaped(text),
    }
}

fn parse_hex(text: &str) -> Result<Bytes, ParseError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text.as_bytes().iter().enumerate().skip(2);
    while let Some((position, &first)) = rest.next() {
        if first.is_ascii_whitespace() {
            continue;
        }
        let second = rest.next().map(|(_, &second)| second);
        let pair = hex_digit(first).zip(second.and_then(hex_digit));
        let (high, low) =
            pair.ok_or_else(|| error(text, position, "expected two hexadecimal digits"))?;
        bytes.push(high << 4 | low);
    }
    Ok(bytes.into())
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn parse_escaped(text: &str) -> Result<Bytes, ParseError> {
    let source = text.as_bytes();
    let mut bytes = Vec::with_capacity(source.len());
    let mut position = 0;
    while let Some(&byte) = source.get(position) {
        let (byte, len) = match byte {
            b'\\' => unescape(&source[position + 1..]).ok_or_else(|| {
                error(
                    text,
                    position,
                    "expected \\\\ or three octal digits after \\",
                )
            })?,
            plain => (plain, 1),
        };
        bytes.push(byte);
        position += len;
    }
    Ok(bytes.into())
}

/// The byte that an escape stands for and the escape's length, from what follows its backslash.
fn unescape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'\\', ..] => Some((b'\\', 2)),
        [
            high @ b'0'..=b'3',
            middle @ b'0'..=b'7',
            low @ b'0'..=b'7',
            ..,
        ] => Some(((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'), 4)),
        _ => None,
    }
}

fn error(text: &str, position: usize, expected: &'static str) -> ParseError {
    let kind = ParseErrorKind::Syntax(Cow::Borrowed(expected));
    ParseError::new(&DataType::Bytea, text, position, kind)
}

#[cfg(test)]
mod tests;
