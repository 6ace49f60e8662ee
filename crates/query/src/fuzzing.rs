//! What fuzz targets ask of the parts of SQL, in builds with `--cfg fuzzing` alone.

use drystone_base::Env;
use drystone_record::{DataType, Value};

use crate::cast::{CastContext, can_cast, cast};
use crate::catalog::{Table, format};
use crate::eval_error::EvalError;
use crate::function::{self, EvalContext};
use crate::like::Pattern;
use crate::operator::{BinaryOp, UnaryOp, binary_type, eval_binary, eval_unary, unary_type};

const BINARY_OPS: [BinaryOp; 23] = [
    BinaryOp::Add,
    BinaryOp::Subtract,
    BinaryOp::Multiply,
    BinaryOp::Divide,
    BinaryOp::Modulo,
    BinaryOp::Power,
    BinaryOp::Concat,
    BinaryOp::Eq,
    BinaryOp::NotEq,
    BinaryOp::Lt,
    BinaryOp::LtEq,
    BinaryOp::Gt,
    BinaryOp::GtEq,
    BinaryOp::JsonGet,
    BinaryOp::JsonGetText,
    BinaryOp::JsonPath,
    BinaryOp::JsonPathText,
    BinaryOp::JsonContains,
    BinaryOp::JsonContainedBy,
    BinaryOp::JsonHasKey,
    BinaryOp::L2Distance,
    BinaryOp::CosineDistance,
    BinaryOp::NegativeInnerProduct,
];

/// A table record that decodes is the one that would be written, and makes a table or is refused.
///
/// # Panics
/// When it is not.
pub fn check_catalog_record(bytes: &[u8]) {
    let Ok(record) = format::decode(bytes) else {
        return;
    };
    let written = format::encode(&record);
    assert_eq!(format::decode(&written).as_ref(), Ok(&record));
    drop(Table::new(record));
}

/// A pattern fits what a plain search of all ways says, and prints as itself.
///
/// # Panics
/// When it does not.
pub fn check_like(pattern: &str, escape: Option<char>, text: &str) {
    let (Ok(exact), Ok(folded)) = (
        Pattern::new(pattern, escape, false),
        Pattern::new(pattern, escape, true),
    ) else {
        return;
    };
    let printed = exact.to_string();
    assert_eq!(Pattern::new(&printed, Some('\\'), false), Ok(exact.clone()));
    let symbols = symbols(pattern, escape);
    let characters: Vec<char> = text.chars().collect();
    assert_eq!(
        exact.matches(text),
        fits(&symbols, &characters),
        "{printed:?}"
    );
    if exact.matches(text) {
        assert!(folded.matches(text), "{printed:?} ignoring case");
    }
}

#[derive(Clone, Copy)]
enum Symbol {
    Any,
    One,
    Plain(char),
}

fn symbols(pattern: &str, escape: Option<char>) -> Vec<Symbol> {
    let mut characters = pattern.chars();
    let mut symbols = Vec::new();
    while let Some(character) = characters.next() {
        symbols.push(match character {
            escaped if Some(escaped) == escape => match characters.next() {
                Some(plain) => Symbol::Plain(plain),
                None => break,
            },
            '%' => Symbol::Any,
            '_' => Symbol::One,
            plain => Symbol::Plain(plain),
        });
    }
    symbols
}

/// Row by row: which beginnings of the text the symbols so far fit.
fn fits(symbols: &[Symbol], text: &[char]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for symbol in symbols {
        let before = row.clone();
        for end in 0..=text.len() {
            row[end] = match symbol {
                Symbol::Any => before[end] || (end > 0 && row[end - 1]),
                Symbol::One => end > 0 && before[end - 1],
                Symbol::Plain(wanted) => end > 0 && before[end - 1] && text[end - 1] == *wanted,
            };
        }
    }
    row[text.len()]
}

/// A cast that there is gives a value of its type, or says why not; text comes back as the value that it was made of.
///
/// # Panics
/// When it does not.
pub fn check_cast(value: &Value, target: &DataType) {
    let Some(source) = value.data_type() else {
        return;
    };
    for context in [
        CastContext::Implicit,
        CastContext::Assignment,
        CastContext::Explicit,
    ] {
        let result = cast(value, target, context);
        if can_cast(&source, target, context) {
            check_result(result, *target, "cast");
        } else {
            assert!(matches!(result, Err(EvalError::Mismatch { .. })));
        }
    }
    let text = cast(value, &DataType::Text, CastContext::Explicit).expect("all types have a text");
    let back = cast(&text, &source, CastContext::Explicit);
    assert_eq!(back.as_ref(), Ok(value), "by way of {text:?}");
}

/// An operator that there is gives a value of the type that was planned, or says why not.
///
/// # Panics
/// When it does not.
pub fn check_binary(op: u8, left: &Value, right: &Value) {
    let op = BINARY_OPS[usize::from(op) % BINARY_OPS.len()];
    let (left_type, right_type) = (left.data_type(), right.data_type());
    let Ok(types) = binary_type(op, left_type.as_ref(), right_type.as_ref()) else {
        return;
    };
    let (Ok(left), Ok(right)) = (
        cast(left, &types.left, CastContext::Implicit),
        cast(right, &types.right, CastContext::Implicit),
    ) else {
        return;
    };
    check_result(eval_binary(op, &left, &right), types.result, op.symbol());
}

/// As [`check_binary`], for the minus sign.
///
/// # Panics
/// When it does not hold.
pub fn check_minus(operand: &Value) {
    let op = UnaryOp::Minus;
    let Ok(types) = unary_type(op, operand.data_type().as_ref()) else {
        return;
    };
    if let Ok(operand) = cast(operand, &types.operand, CastContext::Implicit) {
        check_result(eval_unary(op, &operand), types.result, "-");
    }
}

/// As [`check_binary`], for the function at a place in the list of all.
///
/// # Panics
/// When it does not hold.
pub fn check_call(function: u16, arguments: &[Value], env: &Env) {
    let name = function::name_at(usize::from(function));
    let types: Vec<Option<DataType>> = arguments.iter().map(Value::data_type).collect();
    let Ok(function) = function::resolve(name, &types) else {
        return;
    };
    let cast =
        |(argument, target): (&Value, &DataType)| cast(argument, target, CastContext::Implicit);
    let pairs = arguments.iter().zip(function.arg_types());
    let Ok(arguments) = pairs.map(cast).collect::<Result<Vec<Value>, _>>() else {
        return;
    };
    let context = EvalContext {
        now: env.clock.now(),
        env: env.clone(),
    };
    check_result(
        function.call(&arguments, &context),
        function.return_type(),
        name,
    );
}

fn check_result(result: Result<Value, EvalError>, planned: DataType, what: &str) {
    match result {
        Ok(value) => {
            if let Some(found) = value.data_type() {
                assert_eq!(found, planned, "{what}");
            }
        }
        Err(EvalError::Mismatch { operation, found }) => {
            panic!("{what} was planned, and {operation} does not take {found}");
        }
        Err(_) => {}
    }
}
