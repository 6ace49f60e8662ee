//! Operators on JSONB.

use drystone_record::{Json, Value};
use serde_json::{Map, Value as Tree};

use crate::eval_error::EvalError;
use crate::operator::json_path::JsonPath;
use crate::operator::{BinaryOp, mismatch};

/// `left op right`, neither NULL.
pub(super) fn eval(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, EvalError> {
    let Value::Json(document) = left else {
        return Err(mismatch(op, left, right));
    };
    let tree = document.tree();
    match (op, right) {
        (BinaryOp::JsonGet, key) => Ok(get(tree, key).map(part).into()),
        (BinaryOp::JsonGetText, key) => Ok(get(tree, key).and_then(text).into()),
        (BinaryOp::JsonPath, Value::Text(path)) => {
            let path = JsonPath::parse(path)?;
            Ok(path.get(tree).map(part).into())
        }
        (BinaryOp::JsonPathText, Value::Text(path)) => {
            let path = JsonPath::parse(path)?;
            Ok(path.get(tree).and_then(text).into())
        }
        (BinaryOp::JsonContains, Value::Json(other)) => {
            Ok(Value::Boolean(contains(document, other)))
        }
        (BinaryOp::JsonContainedBy, Value::Json(other)) => {
            Ok(Value::Boolean(contains(other, document)))
        }
        (BinaryOp::JsonHasKey, Value::Text(key)) => Ok(Value::Boolean(has_key(tree, key))),
        _ => Err(mismatch(op, left, right)),
    }
}

fn part(tree: &Tree) -> Json {
    Json::part(tree)
}

/// A part as text: strings without their quotes, null as NULL.
pub(crate) fn text(tree: &Tree) -> Option<String> {
    match tree {
        Tree::Null => None,
        Tree::String(text) => Some(text.clone()),
        other => Some(part(other).to_string()),
    }
}

/// The member of that key, or the element at that position.
fn get<'a>(tree: &'a Tree, key: &Value) -> Option<&'a Tree> {
    match key {
        Value::Text(key) => member(tree, key),
        Value::Integer(position) => match tree {
            Tree::Object(_) => None,
            Tree::Array(elements) => elements.get(element_idx(elements.len(), *position)?),
            // A lone scalar is an array of one, as in PostgreSQL.
            scalar => matches!(position, 0 | -1).then_some(scalar),
        },
        _ => None,
    }
}

/// The member of an object.
pub(crate) fn member<'a>(tree: &'a Tree, key: &str) -> Option<&'a Tree> {
    tree.as_object().and_then(|members| members.get(key))
}

/// A position as an index: counted from the end where it is negative. `None` before the start.
pub(crate) fn element_idx(len: usize, position: i32) -> Option<usize> {
    let distance = usize::try_from(position.unsigned_abs()).ok()?;
    match position < 0 {
        true => len.checked_sub(distance),
        false => Some(distance),
    }
}

fn has_key(tree: &Tree, key: &str) -> bool {
    match tree {
        Tree::Object(members) => members.contains_key(key),
        Tree::Array(elements) => elements.iter().any(|element| element == key),
        Tree::String(text) => text == key,
        _ => false,
    }
}

/// `@>`. An array at the top contains a scalar that is one of its elements.
fn contains(whole: &Json, part: &Json) -> bool {
    match (whole.tree(), part.tree()) {
        (Tree::Array(elements), scalar) if is_scalar(scalar) => elements
            .iter()
            .any(|element| contains_tree(element, scalar)),
        (whole, part) => contains_tree(whole, part),
    }
}

fn is_scalar(tree: &Tree) -> bool {
    !matches!(tree, Tree::Array(_) | Tree::Object(_))
}

fn contains_tree(whole: &Tree, part: &Tree) -> bool {
    match (whole, part) {
        (Tree::Object(whole), Tree::Object(part)) => part.iter().all(|(key, value)| {
            whole
                .get(key)
                .is_some_and(|member| contains_tree(member, value))
        }),
        (Tree::Array(whole), Tree::Array(part)) => part
            .iter()
            .all(|wanted| whole.iter().any(|element| contains_tree(element, wanted))),
        (Tree::Number(_), Tree::Number(_)) => Json::part(whole) == Json::part(part),
        (whole, part) => is_scalar(part) && whole == part,
    }
}

/// `||`: members of both objects, those of the right one first; else the elements of both, where anything but an array is
/// an array of one.
pub(super) fn concat(left: &Json, right: &Json) -> Result<Value, EvalError> {
    let tree = match (left.tree(), right.tree()) {
        (Tree::Object(left), Tree::Object(right)) => {
            let members = left.iter().chain(right);
            Tree::Object(
                members
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect::<Map<_, _>>(),
            )
        }
        (left, right) => Tree::Array([elements(left), elements(right)].concat()),
    };
    Ok(Value::Json(Json::new(tree)?))
}

fn elements(tree: &Tree) -> Vec<Tree> {
    match tree {
        Tree::Array(elements) => elements.clone(),
        other => vec![other.clone()],
    }
}

/// `-`: without the member or the strings of that key, or without the element at that position.
pub(super) fn without(document: &Json, key: &Value) -> Result<Value, EvalError> {
    let tree = match (document.tree(), key) {
        (Tree::Object(members), Value::Text(key)) => {
            let mut members = members.clone();
            members.remove(key.as_str());
            Tree::Object(members)
        }
        (Tree::Array(elements), Value::Text(key)) => {
            let kept = elements.iter().filter(|element| *element != key.as_str());
            Tree::Array(kept.cloned().collect())
        }
        (Tree::Array(elements), Value::Integer(position)) => {
            let mut elements = elements.clone();
            let idx = element_idx(elements.len(), *position);
            if let Some(idx) = idx.filter(|idx| *idx < elements.len()) {
                elements.remove(idx);
            }
            Tree::Array(elements)
        }
        (Tree::Object(_), Value::Integer(_)) => {
            return Err(EvalError::InvalidParameter(
                "cannot delete from object using integer index",
            ));
        }
        (_, Value::Text(_) | Value::Integer(_)) => {
            return Err(EvalError::InvalidParameter("cannot delete from scalar"));
        }
        _ => {
            return Err(mismatch(
                BinaryOp::Subtract,
                &Value::Json(document.clone()),
                key,
            ));
        }
    };
    Ok(Value::Json(Json::new(tree)?))
}
