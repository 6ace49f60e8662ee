//! LIKE and ILIKE: `%` stands for any characters, `_` for one.
//!
//! A pattern is cut at its `%` into segments. The first and the last are compared where they must stand, and those
//! between are looked for from left to right, each as early as can be: taking one later never helps. So a match takes at
//! most text length times pattern length, and without `_` one search for each segment.

use std::fmt::{self, Write};

use crate::eval_error::EvalError;

/// Whether letters must be of the same case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LetterCase {
    /// LIKE.
    Kept,
    /// ILIKE: both sides are made lower case.
    Ignored,
}

/// A pattern, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// What stands before the first `%`, between each two, and after the last.
    segments: Vec<Segment>,
    case: LetterCase,
}

/// A part of a pattern without `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Characters that stand for themselves.
    Plain(String),
    /// Some are `_`: `None`.
    Mixed(Vec<Option<char>>),
}

impl fmt::Display for Pattern {
    /// The pattern as LIKE takes it, with `\` for its escape.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.segments.iter().enumerate() {
            if number > 0 {
                f.write_char('%')?;
            }
            match segment {
                Segment::Plain(text) => {
                    text.chars().try_for_each(|character| plain(character, f))?;
                }
                Segment::Mixed(symbols) => symbols.iter().try_for_each(|symbol| match symbol {
                    Some(character) => plain(*character, f),
                    None => f.write_char('_'),
                })?,
            }
        }
        Ok(())
    }
}

/// A character that stands for itself.
fn plain(character: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if matches!(character, '%' | '_' | '\\') {
        f.write_char('\\')?;
    }
    f.write_char(character)
}

impl Pattern {
    /// Whether it is one of ILIKE.
    pub(crate) fn ignores_case(&self) -> bool {
        self.case == LetterCase::Ignored
    }

    /// Takes a pattern apart, for ILIKE where `ignores_case`. `escape` makes the next character stand for itself; in SQL it
    /// is `\` unless ESCAPE names another, or none.
    ///
    /// # Errors
    /// When the pattern ends in the escape character.
    pub(crate) fn new(
        pattern: &str,
        escape: Option<char>,
        ignores_case: bool,
    ) -> Result<Pattern, EvalError> {
        let case = match ignores_case {
            true => LetterCase::Ignored,
            false => LetterCase::Kept,
        };
        let mut segments = vec![Vec::new()];
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let symbol = match character {
                escaped if Some(escaped) == escape => {
                    Some(characters.next().ok_or(EvalError::EscapeAtEnd)?)
                }
                '%' => {
                    segments.push(Vec::new());
                    continue;
                }
                '_' => None,
                plain => Some(plain),
            };
            if let Some(segment) = segments.last_mut() {
                segment.push(symbol);
            }
        }
        let segments = segments.into_iter();
        Ok(Pattern {
            segments: segments
                .map(|symbols| Segment::new(symbols, case))
                .collect(),
            case,
        })
    }

    /// Whether all of `text` fits the pattern.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self.case {
            LetterCase::Kept => self.fits(text),
            // Letter by letter, as the pattern was: a final sigma is no letter of its own here.
            LetterCase::Ignored => self.fits(
                &text
                    .chars()
                    .flat_map(char::to_lowercase)
                    .collect::<String>(),
            ),
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self.segments.as_slice() {
            [] => text.is_empty(),
            [whole] => whole.prefix_len(text) == Some(text.len()),
            [first, between @ .., last] => {
                let Some(start) = first.prefix_len(text) else {
                    return false;
                };
                let Some(end) = last.suffix_start(&text[start..]) else {
                    return false;
                };
                let mut rest = &text[start..start + end];
                between.iter().all(|segment| match segment.find_end(rest) {
                    Some(end) => {
                        rest = &rest[end..];
                        true
                    }
                    None => false,
                })
            }
        }
    }
}

impl Segment {
    fn new(symbols: Vec<Option<char>>, case: LetterCase) -> Segment {
        let symbols: Vec<Option<char>> = match case {
            LetterCase::Kept => symbols,
            LetterCase::Ignored => symbols.into_iter().flat_map(lower).collect(),
        };
        match symbols.iter().copied().collect::<Option<String>>() {
            Some(plain) => Segment::Plain(plain),
            None => Segment::Mixed(symbols),
        }
    }

    /// Bytes at the front of `text` that fit; `None` when it begins otherwise.
    fn prefix_len(&self, text: &str) -> Option<usize> {
        match self {
            Segment::Plain(plain) => text.starts_with(plain.as_str()).then_some(plain.len()),
            Segment::Mixed(symbols) => {
                let mut characters = text.chars();
                let fits = symbols.iter().all(|symbol| match characters.next() {
                    Some(character) => symbol.is_none_or(|wanted| wanted == character),
                    None => false,
                });
                fits.then(|| text.len() - characters.as_str().len())
            }
        }
    }

    /// Where the end of `text` that fits begins.
    fn suffix_start(&self, text: &str) -> Option<usize> {
        match self {
            Segment::Plain(plain) => text.strip_suffix(plain.as_str()).map(str::len),
            Segment::Mixed(symbols) => {
                let mut characters = text.chars();
                let fits = symbols
                    .iter()
                    .rev()
                    .all(|symbol| match characters.next_back() {
                        Some(character) => symbol.is_none_or(|wanted| wanted == character),
                        None => false,
                    });
                fits.then_some(characters.as_str().len())
            }
        }
    }

    /// Where the first part of `text` that fits ends.
    fn find_end(&self, text: &str) -> Option<usize> {
        match self {
            Segment::Plain(plain) => text.find(plain.as_str()).map(|start| start + plain.len()),
            Segment::Mixed(_) => text
                .char_indices()
                .find_map(|(start, _)| Some(start + self.prefix_len(&text[start..])?)),
        }
    }
}

/// A symbol in lower case, which for some characters is two.
fn lower(symbol: Option<char>) -> Vec<Option<char>> {
    match symbol {
        None => vec![None],
        Some(character) => character.to_lowercase().map(Some).collect(),
    }
}

#[cfg(test)]
mod tests;
