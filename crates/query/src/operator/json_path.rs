//! The right side of `#>` and `#>>`: a path written as an array of text, `{a,b,0}`.

use serde_json::Value as Tree;

use crate::eval_error::EvalError;
use crate::operator::json::{element_idx, member};

/// Keys and positions from the root of a document to a part of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<String>);

impl JsonPath {
    /// Reads `{key,"key, quoted",0}`.
    pub(crate) fn parse(text: &str) -> Result<JsonPath, EvalError> {
        let inner = text
            .trim()
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .ok_or(MALFORMED)?;
        if inner.trim().is_empty() {
            return Ok(JsonPath(Vec::new()));
        }
        let mut steps = Vec::new();
        let mut rest = inner;
        loop {
            let (step, after) = take_step(rest.trim_start())?;
            steps.push(step);
            match after.trim_start().strip_prefix(',') {
                Some(next) => rest = next,
                None if after.trim().is_empty() => return Ok(JsonPath(steps)),
                None => return Err(MALFORMED),
            }
        }
    }

    /// The keys and positions, from the root on.
    pub(crate) fn steps(&self) -> &[String] {
        &self.0
    }

    /// The part that it leads to.
    pub(crate) fn get<'a>(&self, tree: &'a Tree) -> Option<&'a Tree> {
        self.0
            .iter()
            .try_fold(tree, |tree, step| step_into(tree, step))
    }
}

const MALFORMED: EvalError =
    EvalError::InvalidPath("malformed path: it is written as {key,key,position}");

/// One step down: by key into an object, by position into an array.
pub(crate) fn step_into<'a>(tree: &'a Tree, step: &str) -> Option<&'a Tree> {
    match tree {
        Tree::Array(elements) => {
            let position: i32 = step.trim().parse().ok()?;
            elements.get(element_idx(elements.len(), position)?)
        }
        other => member(other, step),
    }
}

/// The step at the front of `rest`, and what follows it.
fn take_step(rest: &str) -> Result<(String, &str), EvalError> {
    match rest.strip_prefix('"') {
        Some(quoted) => take_quoted(quoted),
        None => {
            let end = rest.find(',').unwrap_or(rest.len());
            let step = rest[..end].trim_end();
            match step.is_empty() || step.contains(['{', '}', '"', '\\']) {
                true => Err(MALFORMED),
                false => Ok((step.to_owned(), &rest[end..])),
            }
        }
    }
}

/// A step up to its closing quote; a backslash takes the next character as it is.
fn take_quoted(quoted: &str) -> Result<(String, &str), EvalError> {
    let mut step = String::new();
    let mut characters = quoted.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => return Ok((step, &quoted[offset + 1..])),
            '\\' => step.extend(characters.next().map(|(_, escaped)| escaped)),
            plain => step.push(plain),
        }
    }
    Err(MALFORMED)
}
