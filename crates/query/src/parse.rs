//! Text to syntax trees: `sqlparser` with PostgreSQL's dialect, behind limits that hold for any text.
//!
//! The parser builds left-deep trees for chains of operators in a loop, and the tree's destructor recurses, so the
//! depth is bounded on the tokens before anything is parsed.

use sqlparser::ast::Statement;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::SqlError;
use crate::limits::{MAX_PARSER_RECURSION, MAX_STATEMENT_BYTES, MAX_SYNTAX_DEPTH};
use crate::parse::dialect::SqlDialect;
use crate::sql_state::SqlState;

mod dialect;

static DIALECT: SqlDialect = SqlDialect;

/// Parses one statement; a `;` after it is allowed. `None` for text that holds none.
pub(crate) fn parse_statement(text: &str) -> Result<Option<Statement>, SqlError> {
    let tokens = tokenize(text)?;
    check_depth(&tokens)?;
    let end = tokens.last().map(|token| token.span.end);
    let mut parser = Parser::new(&DIALECT)
        .with_recursion_limit(MAX_PARSER_RECURSION)
        .with_tokens_with_locations(tokens);
    while parser.consume_token(&Token::SemiColon) {}
    if parser.peek_token_ref().token == Token::EOF {
        return Ok(None);
    }
    let statement = parser
        .parse_statement()
        .map_err(|error| parse_error(error, end))?;
    while parser.consume_token(&Token::SemiColon) {}
    match parser.peek_token() {
        TokenWithSpan {
            token: Token::EOF, ..
        } => Ok(Some(statement)),
        next => Err(after_the_end(&next)),
    }
}

/// Tokens of `text`, white space and comments included.
pub(crate) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    if text.len() > MAX_STATEMENT_BYTES {
        return Err(SqlError::new(
            SqlState::ProgramLimitExceeded,
            format!(
                "statement of {} bytes; the limit is {MAX_STATEMENT_BYTES}",
                text.len()
            ),
        ));
    }
    Tokenizer::new(&DIALECT, text)
        .tokenize_with_location()
        .map_err(|error| {
            SqlError::new(SqlState::SyntaxError, error.message).at_location(error.location)
        })
}

/// Tokens up to the first place that cannot be read, and whether they are all.
pub(crate) fn readable_tokens(text: &str) -> (Vec<TokenWithSpan>, bool) {
    let mut tokens = Vec::new();
    let read = Tokenizer::new(&DIALECT, text).tokenize_with_location_into_buf(&mut tokens);
    (tokens, read.is_ok())
}

fn after_the_end(next: &TokenWithSpan) -> SqlError {
    let message = format!("syntax error at or near \"{}\"", next.token);
    SqlError::new(SqlState::SyntaxError, message)
        .at(next.span)
        .with_hint("expected the end of the statement")
}

/// The parser's error, with the place taken out of its text. It gives none for the end.
fn parse_error(error: ParserError, end: Option<Location>) -> SqlError {
    match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let (message, place) = split_place(&message);
            let error = SqlError::new(SqlState::SyntaxError, format!("syntax error: {message}"));
            let at_end = end.filter(|_| message.ends_with("found: EOF"));
            match place.or(at_end) {
                Some(place) => error.at_location(place),
                None => error,
            }
        }
        ParserError::RecursionLimitExceeded => too_deep(),
    }
}

/// Splits `"... at Line: 3, Column: 7"`.
fn split_place(message: &str) -> (&str, Option<Location>) {
    let Some((before, place)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let numbers = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.parse().ok()?, column.trim().parse().ok()?)));
    match numbers {
        Some((line, column)) => (before, Some(Location { line, column })),
        None => (message, None),
    }
}

fn too_deep() -> SqlError {
    SqlError::new(
        SqlState::StatementTooComplex,
        "statement is nested too deeply",
    )
}

/// How deep the tree of one bracket's contents can be: `now` for the current item, `max` for those before a comma.
#[derive(Default)]
struct Level {
    now: u32,
    max: u32,
}

impl Level {
    fn depth(&self) -> u32 {
        self.now.max(self.max)
    }
}

/// Bounds the depth of the syntax tree: each operator or keyword adds a level to what stands left of it, each bracket
/// adds one to its contents, and a comma starts afresh.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut open: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                open.push(std::mem::take(&mut level));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                let inner = level.depth() + 1;
                level = open.pop().unwrap_or_default();
                level.now = level.now.max(inner);
            }
            Token::Comma => {
                level.max = level.depth();
                level.now = 0;
            }
            Token::SemiColon => level = Level::default(),
            token if deepens(token) => level.now += 1,
            _ => {}
        }
        if level.now > MAX_SYNTAX_DEPTH || open.len() > MAX_SYNTAX_DEPTH as usize {
            return Err(too_deep().at(token.span));
        }
    }
    Ok(())
}

fn deepens(token: &Token) -> bool {
    match token {
        Token::Whitespace(_) | Token::Number(..) | Token::Period | Token::Placeholder(_) => false,
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
