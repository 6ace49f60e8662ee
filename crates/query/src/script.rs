//! Scripts: texts of several statements.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use crate::error::SqlError;
use crate::parse::{readable_tokens, tokenize};

/// The statements of a script with the byte where each starts. A `;` within a string, a quoted name or a comment ends
/// nothing; what holds no statement is left out.
pub(crate) fn statements(script: &str) -> Result<Vec<(usize, &str)>, SqlError> {
    let tokens = tokenize(script).map_err(|error| error.located_in(script))?;
    let mut offsets = Offsets::new(script);
    let mut found = Vec::new();
    let mut start = None;
    for TokenWithSpan { token, span } in tokens {
        match token {
            Token::Whitespace(_) => {}
            Token::SemiColon => {
                let end = offsets.at(span.start.line, span.start.column);
                if let Some(start) = start.take() {
                    found.push((start, &script[start..end]));
                }
            }
            _ if start.is_none() => {
                start = Some(offsets.at(span.start.line, span.start.column));
            }
            _ => {}
        }
    }
    if let Some(start) = start {
        found.push((start, script[start..].trim_end()));
    }
    Ok(found)
}

/// Where the first statement of `text` ends: behind its semicolon. `None` while there is none outside of strings, quoted
/// names and comments: more text must come. For prompts, and for scripts that are read piece by piece.
#[must_use]
pub fn first_statement(text: &str) -> Option<usize> {
    let mut ends = text
        .match_indices(';')
        .map(|(offset, _)| offset + 1)
        .peekable();
    let mut next_look = 0;
    while let Some(end) = ends.next() {
        // Each look takes in twice as much as the one before: a string full of semicolons costs no square.
        if end < next_look && ends.peek().is_some() {
            continue;
        }
        if let Some(found) = first_semicolon(&text[..end]) {
            return Some(found + 1);
        }
        next_look = end * 2;
    }
    None
}

fn first_semicolon(text: &str) -> Option<usize> {
    let (tokens, _) = readable_tokens(text);
    let semicolon = tokens
        .iter()
        .find(|token| token.token == Token::SemiColon)?;
    Some(offset(text, semicolon.span.start))
}

/// Finds the end of one statement in text that comes piece by piece: at the end of a line, say. What was read once is not
/// read again, but for a string, a quoted name or a comment that goes on over several pieces: it is, when a piece has both
/// a semicolon and what might close it.
#[derive(Clone, Debug, Default)]
pub struct StatementEnd {
    /// Where a token starts that more text may change. No semicolon in front of it ends the statement.
    token: usize,
    /// What more text must have before that token can be whole; none where it is not known.
    closer: Option<char>,
    /// How much text there was last time.
    seen: usize,
}

impl StatementEnd {
    /// Where the statement ends, as [`first_statement`] says. `text` starts with the statement, and is that of the last call
    /// with more behind it.
    pub fn find(&mut self, text: &str) -> Option<usize> {
        let new = &text[self.seen..];
        self.seen = text.len();
        if self.closer.is_some_and(|closer| !new.contains(closer)) {
            return None;
        }
        // From here on the token may be whole, also where this piece has no semicolon.
        self.closer = None;
        if !new.contains(';') {
            return None;
        }
        let rest = &text[self.token..];
        if let Some(end) = first_statement(rest) {
            return Some(self.token + end);
        }
        let (tokens, is_all) = readable_tokens(rest);
        self.token += match tokens.last() {
            None => 0,
            Some(last) if is_all => offset(rest, last.span.start),
            Some(last) => offset(rest, last.span.end),
        };
        self.closer = if is_all {
            None
        } else {
            closer(&text[self.token..])
        };
        None
    }
}

fn offset(text: &str, place: Location) -> usize {
    Offsets::new(text).at(place.line, place.column)
}

/// The character that ends a token which starts like this, if it is one that may go on over lines.
fn closer(token: &str) -> Option<char> {
    // As in E'...' and U&'...'.
    let quote = token.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '&');
    quote.chars().next().filter(|c| "'\"$/".contains(*c))
}

/// Finds bytes by line and column, ever further on: one pass over the text for all of them.
struct Offsets<'t> {
    characters: std::iter::Peekable<std::str::CharIndices<'t>>,
    end: usize,
    line: u64,
    column: u64,
}

impl<'t> Offsets<'t> {
    fn new(text: &'t str) -> Offsets<'t> {
        Offsets {
            characters: text.char_indices().peekable(),
            end: text.len(),
            line: 1,
            column: 1,
        }
    }

    fn at(&mut self, line: u64, column: u64) -> usize {
        while let Some(&(offset, character)) = self.characters.peek() {
            if (self.line, self.column) >= (line, column) {
                return offset;
            }
            self.characters.next();
            match character {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.end
    }
}

#[cfg(test)]
mod tests;
