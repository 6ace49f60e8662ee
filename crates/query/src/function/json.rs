//! JSON: taking documents apart and making them. The `json_` names mean the same as the `jsonb_` ones.

use drystone_record::{Json, Value};
use serde_json::{Map, Number, Value as Tree};

use crate::cast::to_text;
use crate::eval_error::EvalError;
use crate::function::{
    BOOLEAN, Definition, EvalContext, INTEGER, JSONB, Param, TEXT, checked_len, mismatch, take,
};
use crate::operator::{JsonPath, element_idx, json_text, step_into};

use super::text::count;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("to_jsonb", &[Param::Any], JSONB, to_jsonb),
    Definition::new("to_json", &[Param::Any], JSONB, to_jsonb),
    Definition::new("jsonb_typeof", &[JSONB], TEXT, json_typeof),
    Definition::new("json_typeof", &[JSONB], TEXT, json_typeof),
    Definition::new("jsonb_array_length", &[JSONB], INTEGER, json_array_length),
    Definition::new("json_array_length", &[JSONB], INTEGER, json_array_length),
    Definition::new("jsonb_extract_path", &[JSONB, TEXT], JSONB, extract_path).and_more(TEXT),
    Definition::new("json_extract_path", &[JSONB, TEXT], JSONB, extract_path).and_more(TEXT),
    Definition::new(
        "jsonb_extract_path_text",
        &[JSONB, TEXT],
        TEXT,
        extract_path_text,
    )
    .and_more(TEXT),
    Definition::new(
        "json_extract_path_text",
        &[JSONB, TEXT],
        TEXT,
        extract_path_text,
    )
    .and_more(TEXT),
    Definition::new("jsonb_build_object", &[], JSONB, build_object)
        .and_more(Param::Any)
        .taking_nulls(),
    Definition::new("json_build_object", &[], JSONB, build_object)
        .and_more(Param::Any)
        .taking_nulls(),
    Definition::new("jsonb_build_array", &[], JSONB, build_array)
        .and_more(Param::Any)
        .taking_nulls(),
    Definition::new("json_build_array", &[], JSONB, build_array)
        .and_more(Param::Any)
        .taking_nulls(),
    Definition::new("jsonb_set", &[JSONB, TEXT, JSONB], JSONB, set),
    Definition::new("jsonb_set", &[JSONB, TEXT, JSONB, BOOLEAN], JSONB, set),
    Definition::new("jsonb_strip_nulls", &[JSONB], JSONB, strip_nulls),
    Definition::new("json_strip_nulls", &[JSONB], JSONB, strip_nulls),
    Definition::new("jsonb_pretty", &[JSONB], TEXT, pretty),
];

/// A value as a part of a document.
///
/// Booleans, numbers and documents as such, timestamps with a `T` between date and time, everything else as the string
/// that it prints. Whole doubles lose their point; NaN and the infinities, which JSON lacks, become strings.
pub(crate) fn to_json(value: &Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Boolean(value) => Tree::Bool(*value),
        Value::Integer(value) => Tree::from(*value),
        Value::BigInt(value) => Tree::from(*value),
        Value::Double(value) => double_to_json(*value),
        Value::Text(value) => Tree::from(value.as_str()),
        Value::Json(value) => value.tree().clone(),
        Value::Timestamp(_) => Tree::from(value.to_string().replacen(' ', "T", 1)),
        Value::Bytea(_) | Value::Vector(_) => Tree::from(value.to_string()),
    }
}

fn double_to_json(value: f64) -> Tree {
    /// Below this, whole doubles are exact as integers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        return Tree::from(value as i64);
    }
    match Number::from_f64(value) {
        Some(number) => Tree::Number(number),
        None => Tree::from(Value::Double(value).to_string()),
    }
}

fn document(tree: Tree) -> Result<Value, EvalError> {
    Ok(Value::Json(Json::new(tree)?))
}

fn to_jsonb(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [value] => document(to_json(value)),
        _ => Err(mismatch(args)),
    }
}

fn json_typeof(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Json(document));
    Ok(match document.tree() {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Number(_) => "number",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "object",
    }
    .into())
}

fn json_array_length(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Json(document));
    match document.tree() {
        Tree::Array(elements) => count(elements.len()),
        Tree::Object(_) => Err(EvalError::InvalidParameter(
            "cannot get array length of a non-array",
        )),
        _ => Err(EvalError::InvalidParameter(
            "cannot get array length of a scalar",
        )),
    }
}

fn extract_path(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    Ok(at_path(args)?.map(Json::part).into())
}

fn extract_path_text(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    Ok(at_path(args)?.and_then(json_text).into())
}

/// The part of the first argument that the others lead to.
fn at_path(args: &[Value]) -> Result<Option<&Tree>, EvalError> {
    let [Value::Json(document), steps @ ..] = args else {
        return Err(mismatch(args));
    };
    let mut tree = Some(document.tree());
    for step in steps {
        let Value::Text(step) = step else {
            return Err(mismatch(args));
        };
        tree = tree.and_then(|tree| step_into(tree, step));
    }
    Ok(tree)
}

fn build_object(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (pairs, rest) = args.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(EvalError::InvalidParameter(
            "argument list must have even number of elements",
        ));
    }
    let mut members = Map::new();
    for [key, value] in pairs {
        members.insert(object_key(key)?, to_json(value));
    }
    document(Tree::Object(members))
}

fn object_key(key: &Value) -> Result<String, EvalError> {
    match key {
        Value::Null => Err(EvalError::InvalidParameter("key must not be null")),
        Value::Json(_) => Err(EvalError::InvalidParameter(
            "key value must be scalar, not array, composite, or json",
        )),
        key => Ok(to_text(key).to_string()),
    }
}

fn build_array(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    document(Tree::Array(args.iter().map(to_json).collect()))
}

/// The document with the part at a path replaced; added where only the last step is not there, unless told not to.
fn set(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (target, path, new, missing) = match args {
        [Value::Json(target), Value::Text(path), Value::Json(new)] => {
            (target, path, new, Missing::Added)
        }
        [
            Value::Json(target),
            Value::Text(path),
            Value::Json(new),
            Value::Boolean(create),
        ] => match create {
            true => (target, path, new, Missing::Added),
            false => (target, path, new, Missing::Left),
        },
        _ => return Err(mismatch(args)),
    };
    let path = JsonPath::parse(path)?;
    let mut tree = target.tree().clone();
    if !tree.is_array() && !tree.is_object() {
        return Err(EvalError::InvalidParameter("cannot set path in scalar"));
    }
    set_at(&mut tree, path.steps(), new.tree(), missing)?;
    document(tree)
}

/// What becomes of a last step that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Added,
    Left,
}

fn set_at(
    tree: &mut Tree,
    steps: &[String],
    new: &Tree,
    missing: Missing,
) -> Result<(), EvalError> {
    let Some((step, further)) = steps.split_first() else {
        return Ok(());
    };
    let is_last = further.is_empty();
    match tree {
        Tree::Object(members) => match members.get_mut(step) {
            Some(member) if is_last => *member = new.clone(),
            Some(member) => return set_at(member, further, new, missing),
            None if is_last && missing == Missing::Added => {
                members.insert(step.clone(), new.clone());
            }
            None => {}
        },
        Tree::Array(elements) => {
            let position: i32 = step.trim().parse().map_err(|_| {
                EvalError::InvalidPath("path element is not an integer, but leads into an array")
            })?;
            let idx = element_idx(elements.len(), position);
            match idx.and_then(|idx| elements.get_mut(idx)) {
                Some(element) if is_last => *element = new.clone(),
                Some(element) => return set_at(element, further, new, missing),
                None if is_last && missing == Missing::Added => {
                    let end = if position < 0 { 0 } else { elements.len() };
                    elements.insert(end, new.clone());
                }
                None => {}
            }
        }
        _ => {}
    }
    Ok(())
}

fn strip_nulls(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Json(target));
    document(without_nulls(target.tree()))
}

/// Without members that are null; elements of arrays stay.
fn without_nulls(tree: &Tree) -> Tree {
    match tree {
        Tree::Array(elements) => Tree::Array(elements.iter().map(without_nulls).collect()),
        Tree::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Tree::Object(
                kept.map(|(key, value)| (key.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        scalar => scalar.clone(),
    }
}

fn pretty(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Json(target));
    let mut out = String::new();
    print_pretty(target.tree(), 0, &mut out)?;
    Ok(out.into())
}

/// Blanks for each level.
const INDENT: usize = 4;

fn print_pretty(tree: &Tree, level: usize, out: &mut String) -> Result<(), EvalError> {
    let (open, close, children) = match tree {
        Tree::Array(elements) => {
            let children: Vec<(String, &Tree)> = elements
                .iter()
                .map(|element| (String::new(), element))
                .collect();
            ('[', ']', children)
        }
        Tree::Object(members) => ('{', '}', sorted_members(members)),
        scalar => {
            out.push_str(&Json::part(scalar).to_string());
            return checked_len(out.len());
        }
    };
    out.push(open);
    for (idx, (label, child)) in children.into_iter().enumerate() {
        out.push_str(if idx == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat((level + 1) * INDENT));
        out.push_str(&label);
        print_pretty(child, level + 1, out)?;
    }
    out.push('\n');
    out.push_str(&" ".repeat(level * INDENT));
    out.push(close);
    Ok(())
}

/// The members with their printed keys, in `jsonb`'s order: shorter keys first.
fn sorted_members(members: &Map<String, Tree>) -> Vec<(String, &Tree)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| (key.len(), *key));
    let labelled = sorted.into_iter().map(|(key, value)| {
        let label = format!("{}: ", Json::part(&Tree::from(key.as_str())));
        (label, value)
    });
    labelled.collect()
}
