//! Scripts: texts of several statements.

use sqlparser::tokenizer::{Token, TokenWithSpan};

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
    let tokens = readable_tokens(text);
    let semicolon = tokens
        .iter()
        .find(|token| token.token == Token::SemiColon)?;
    let start = semicolon.span.start;
    Some(Offsets::new(text).at(start.line, start.column))
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
