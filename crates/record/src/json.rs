//! JSON, with the order and the text form of PostgreSQL's `jsonb`.
//!
//! Numbers are 64-bit integers or doubles, where PostgreSQL keeps decimals of any length: whole numbers beyond 64 bits
//! become doubles. Of equal keys in an object the last counts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Number, Value as Tree};

use crate::data_type::DataType;
use crate::error::{Malformed, ParseError, ParseErrorKind};
use crate::{double, number};

/// How deep arrays and objects may nest.
pub const MAX_JSON_DEPTH: usize = 127;

/// A JSON document, shared.
///
/// Its order is `jsonb`'s: null, strings, numbers, booleans, arrays, objects; shorter arrays and objects before longer ones.
#[derive(Clone)]
pub struct Json(Arc<Tree>);

/// A document nests deeper than [`MAX_JSON_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("JSON nests deeper than {max} levels", max = MAX_JSON_DEPTH)]
pub struct JsonTooDeep;

impl Json {
    /// Takes a document.
    ///
    /// # Errors
    /// When it nests too deep to be read back.
    pub fn new(tree: Tree) -> Result<Json, JsonTooDeep> {
        if depth_within(&tree, MAX_JSON_DEPTH) {
            Ok(Json(Arc::new(tree)))
        } else {
            Err(JsonTooDeep)
        }
    }

    /// The document.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.0
    }

    /// A part of this document as a document of its own. Copies the part.
    #[must_use]
    pub fn part(tree: &Tree) -> Json {
        Json(Arc::new(tree.clone()))
    }

    /// Reads a document.
    pub(crate) fn parse(text: &str) -> Result<Json, ParseError> {
        serde_json::from_str(text)
            .map(|tree| Json(Arc::new(tree)))
            .map_err(|why| {
                let kind = ParseErrorKind::Syntax(Cow::Owned(reason(&why)));
                ParseError::new(&DataType::Jsonb, text, offset_of(text, &why), kind)
            })
    }

    /// Reads a document that was stored as its text.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Json, Malformed> {
        serde_json::from_slice(bytes)
            .map(|tree| Json(Arc::new(tree)))
            .map_err(|why| Malformed::new("jsonb", "a JSON document", why.to_string()))
    }
}

/// The parser's complaint without the place, which the error says in bytes.
fn reason(why: &serde_json::Error) -> String {
    let text = why.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Byte offset of the place that the parser's error names by line and column.
fn offset_of(text: &str, why: &serde_json::Error) -> usize {
    let lines = text
        .split_inclusive('\n')
        .take(why.line().saturating_sub(1));
    let before: usize = lines.map(str::len).sum();
    (before + why.column().saturating_sub(1)).min(text.len())
}

/// Whether arrays and objects nest at most `depth` deep. Goes no deeper than that.
fn depth_within(tree: &Tree, depth: usize) -> bool {
    let below = |child: &Tree| depth_within(child, depth - 1);
    match tree {
        Tree::Array(elements) => depth > 0 && elements.iter().all(below),
        Tree::Object(map) => depth > 0 && map.values().all(below),
        _ => true,
    }
}

/// The members of an object in `jsonb`'s order: shorter keys first, then by their bytes.
fn members(map: &Map<String, Tree>) -> Vec<(&String, &Tree)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_unstable_by(|(left, _), (right, _)| compare_keys(left, right));
    members
}

fn compare_keys(left: &str, right: &str) -> Ordering {
    (left.len(), left).cmp(&(right.len(), right))
}

fn compare(left: &Tree, right: &Tree) -> Ordering {
    match (left, right) {
        (Tree::Bool(left), Tree::Bool(right)) => left.cmp(right),
        (Tree::Number(left), Tree::Number(right)) => compare_numbers(left, right),
        (Tree::String(left), Tree::String(right)) => left.cmp(right),
        (Tree::Array(left), Tree::Array(right)) => compare_arrays(left, right),
        (Tree::Object(left), Tree::Object(right)) => compare_objects(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// Place of a kind of JSON among the others.
fn rank(tree: &Tree) -> u8 {
    match tree {
        Tree::Null => 0,
        Tree::String(_) => 1,
        Tree::Number(_) => 2,
        Tree::Bool(_) => 3,
        Tree::Array(_) => 4,
        Tree::Object(_) => 5,
    }
}

fn compare_arrays(left: &[Tree], right: &[Tree]) -> Ordering {
    let pairs = || left.iter().zip(right);
    left.len().cmp(&right.len()).then_with(|| {
        pairs()
            .map(|(left, right)| compare(left, right))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

fn compare_objects(left: &Map<String, Tree>, right: &Map<String, Tree>) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| {
        let pairs = members(left).into_iter().zip(members(right));
        pairs
            .map(|((left_key, left), (right_key, right))| {
                compare_keys(left_key, right_key).then_with(|| compare(left, right))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

/// A JSON number: an integer where it was written as one that fits, else a double.
enum Numeric {
    Integer(i128),
    Double(f64),
}

fn numeric(value: &Number) -> Numeric {
    match value.as_i128() {
        Some(integer) => Numeric::Integer(integer),
        None => Numeric::Double(value.as_f64().unwrap_or(f64::NAN)),
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (numeric(left), numeric(right)) {
        (Numeric::Integer(left), Numeric::Integer(right)) => left.cmp(&right),
        (Numeric::Double(left), Numeric::Double(right)) => double::compare(left, right),
        (Numeric::Integer(left), Numeric::Double(right)) => number::compare(left, right),
        (Numeric::Double(left), Numeric::Integer(right)) => number::compare(right, left).reverse(),
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Json {}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Json) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Json {
    fn cmp(&self, other: &Json) -> Ordering {
        // At the top, and only there, the empty array comes before everything.
        let first = |json: &Json| json.0.as_array().is_some_and(Vec::is_empty);
        first(other)
            .cmp(&first(self))
            .then_with(|| compare(&self.0, &other.0))
    }
}

impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

/// Equal documents hash alike: 1 and 1.0 too, and objects whatever order their members came in.
fn hash<H: Hasher>(tree: &Tree, state: &mut H) {
    rank(tree).hash(state);
    match tree {
        Tree::Null => {}
        Tree::Bool(value) => value.hash(state),
        Tree::Number(value) => hash_number(value, state),
        Tree::String(value) => value.hash(state),
        Tree::Array(elements) => {
            state.write_usize(elements.len());
            elements.iter().for_each(|element| hash(element, state));
        }
        Tree::Object(map) => {
            state.write_usize(map.len());
            for (key, value) in members(map) {
                key.hash(state);
                hash(value, state);
            }
        }
    }
}

/// As a double: equal numbers become the same one, and different ones seldom do.
fn hash_number<H: Hasher>(value: &Number, state: &mut H) {
    double::ordered_bits(value.as_f64().unwrap_or(f64::NAN)).hash(state);
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({self})")
    }
}

impl fmt::Display for Json {
    /// As PostgreSQL prints `jsonb`: `{"a": 1, "bc": [1, 2]}`. Stored documents are this text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.0, f)
    }
}

fn print(tree: &Tree, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match tree {
        Tree::Null => f.write_str("null"),
        Tree::Bool(value) => write!(f, "{value}"),
        Tree::Number(value) => print_number(value, f),
        Tree::String(value) => print_string(value, f),
        Tree::Array(elements) => {
            f.write_str("[")?;
            for (idx, element) in elements.iter().enumerate() {
                f.write_str(if idx == 0 { "" } else { ", " })?;
                print(element, f)?;
            }
            f.write_str("]")
        }
        Tree::Object(map) => {
            f.write_str("{")?;
            for (idx, (key, value)) in members(map).into_iter().enumerate() {
                f.write_str(if idx == 0 { "" } else { ", " })?;
                print_string(key, f)?;
                f.write_str(": ")?;
                print(value, f)?;
            }
            f.write_str("}")
        }
    }
}

/// Digits without an exponent; a double always has a point, so that it is read back as one.
fn print_number(value: &Number, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match numeric(value) {
        Numeric::Integer(integer) => write!(f, "{integer}"),
        Numeric::Double(double) if double.fract() == 0.0 => write!(f, "{:.1}", double + 0.0),
        Numeric::Double(double) => write!(f, "{double}"),
    }
}

fn print_string(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    f.write_str(&quoted)
}

#[cfg(test)]
mod tests;
