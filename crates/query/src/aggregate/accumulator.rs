//! The state of one aggregate over one group.

use std::cmp::Ordering;
use std::mem;

use drystone_record::{DataType, Json, Value, Vector};
use hashbrown::HashSet;
use serde_json::{Map, Value as Tree};

use crate::aggregate::moments::Moments;
use crate::aggregate::{AggregateFunction, Kind};
use crate::cast::{CastContext, cast};
use crate::eval_error::{EvalError, types_of};
use crate::function::to_json;

/// Gathers the values of one group.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator {
    state: State,
    /// With DISTINCT: the arguments seen so far.
    seen: Option<HashSet<Box<[Value]>>>,
    /// Memory beyond this struct, about.
    heap_bytes: usize,
}

#[derive(Clone, Debug)]
enum State {
    /// Rows, or values that are not NULL.
    CountRows(i64),
    Count(i64),
    /// `None` until the first value.
    SumWhole(Option<i128>),
    SumDouble(Option<f64>),
    SumVector(Option<Vec<f64>>),
    AvgWhole {
        sum: i128,
        count: u64,
    },
    AvgDouble {
        sum: f64,
        count: u64,
    },
    AvgVector {
        sum: Vec<f64>,
        count: u64,
    },
    /// The best so far, and which side of it is better.
    Extreme {
        best: Option<Value>,
        better: Ordering,
    },
    /// The value that settles it, and the answer so far.
    Logic {
        settling: bool,
        answer: Option<bool>,
    },
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Array(Option<Vec<Tree>>),
    Object(Option<Map<String, Tree>>),
    Spread(Moments, super::moments::Spread),
}

impl Accumulator {
    /// Nothing gathered yet.
    pub(crate) fn new(function: &AggregateFunction) -> Accumulator {
        Accumulator {
            state: State::new(function),
            seen: None,
            heap_bytes: 0,
        }
    }

    /// Nothing gathered yet; equal arguments will count once.
    pub(crate) fn distinct(function: &AggregateFunction) -> Accumulator {
        Accumulator {
            seen: Some(HashSet::default()),
            ..Accumulator::new(function)
        }
    }

    /// Takes the arguments of one more row, of the types that [`AggregateFunction::arg_types`] says.
    ///
    /// # Errors
    /// When the result passes its range. The accumulator is of no use after that.
    pub(crate) fn update(&mut self, args: &[Value]) -> Result<(), EvalError> {
        if let Some(seen) = &mut self.seen {
            if seen.contains(args) {
                return Ok(());
            }
            self.heap_bytes += args.iter().map(size_of_value).sum::<usize>();
            seen.insert(args.into());
        }
        self.heap_bytes += self.state.update(args)?;
        Ok(())
    }

    /// The result.
    ///
    /// # Errors
    /// When it passes its type's range.
    pub(crate) fn finish(self) -> Result<Value, EvalError> {
        self.state.finish()
    }

    /// About how many bytes it holds beyond its own struct.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

/// About how many bytes a value takes, what it points to included.
fn size_of_value(value: &Value) -> usize {
    let heap = match value {
        Value::Text(text) => text.len(),
        Value::Bytea(bytes) => bytes.len(),
        Value::Json(json) => size_of_tree(json.tree()),
        Value::Vector(vector) => mem::size_of_val::<[f32]>(vector),
        _ => 0,
    };
    mem::size_of::<Value>() + heap
}

fn size_of_tree(tree: &Tree) -> usize {
    let heap = match tree {
        Tree::String(text) => text.len(),
        Tree::Array(elements) => elements.iter().map(size_of_tree).sum(),
        Tree::Object(members) => members
            .iter()
            .map(|(key, value)| mem::size_of::<String>() + key.len() + size_of_tree(value))
            .sum(),
        _ => 0,
    };
    mem::size_of::<Tree>() + heap
}

impl State {
    fn new(function: &AggregateFunction) -> State {
        let arg = function.args.first();
        match (function.kind, arg) {
            (Kind::CountRows, _) => State::CountRows(0),
            (Kind::Count, _) => State::Count(0),
            (Kind::Sum, Some(DataType::Double)) => State::SumDouble(None),
            (Kind::Sum, Some(DataType::Vector(_))) => State::SumVector(None),
            (Kind::Sum, _) => State::SumWhole(None),
            (Kind::Avg, Some(DataType::Double)) => State::AvgDouble { sum: 0.0, count: 0 },
            (Kind::Avg, Some(DataType::Vector(dim))) => State::AvgVector {
                sum: vec![0.0; dim.as_usize()],
                count: 0,
            },
            (Kind::Avg, _) => State::AvgWhole { sum: 0, count: 0 },
            (Kind::Min, _) => State::extreme(Ordering::Less),
            (Kind::Max, _) => State::extreme(Ordering::Greater),
            (Kind::BoolAnd, _) => State::logic(false),
            (Kind::BoolOr, _) => State::logic(true),
            (Kind::StringAgg, Some(DataType::Bytea)) => State::Bytes(None),
            (Kind::StringAgg, _) => State::Text(None),
            (Kind::JsonbAgg, _) => State::Array(None),
            (Kind::JsonbObjectAgg, _) => State::Object(None),
            (Kind::Spread(spread), _) => State::Spread(Moments::default(), spread),
        }
    }

    fn extreme(better: Ordering) -> State {
        State::Extreme { best: None, better }
    }

    fn logic(settling: bool) -> State {
        State::Logic {
            settling,
            answer: None,
        }
    }

    /// Takes one row's arguments; returns by how many bytes the state grew.
    fn update(&mut self, args: &[Value]) -> Result<usize, EvalError> {
        let grown = match (&mut *self, args) {
            (State::CountRows(count), _) => {
                *count += 1;
                0
            }
            (State::Array(elements), [value]) => push_element(elements, value),
            (State::Object(members), [key, value]) => push_member(members, key, value)?,
            (_, [Value::Null, ..]) => 0,
            (State::Text(text), [Value::Text(value), delimiter]) => match delimiter {
                Value::Text(delimiter) => push_text(text, value, delimiter),
                _ => push_text(text, value, ""),
            },
            (State::Bytes(bytes), [Value::Bytea(value), delimiter]) => match delimiter {
                Value::Bytea(delimiter) => push_bytes(bytes, value, delimiter),
                _ => push_bytes(bytes, value, &[]),
            },
            (_, [value]) => {
                self.update_one(value)?;
                0
            }
            (_, args) => return Err(mismatch(args)),
        };
        Ok(grown)
    }

    /// Takes one value that is not NULL.
    fn update_one(&mut self, value: &Value) -> Result<(), EvalError> {
        match (self, value) {
            (State::Count(count), _) => *count += 1,
            (State::SumWhole(sum), value) => {
                *sum = Some(sum.unwrap_or(0) + whole(value)?);
            }
            (State::SumDouble(sum), Value::Double(value)) => {
                *sum = Some(checked_sum(sum.unwrap_or(0.0), *value)?);
            }
            (State::SumVector(sum), Value::Vector(vector)) => {
                let sum = sum.get_or_insert_with(|| vec![0.0; vector.len()]);
                add_vector(sum, vector)?;
            }
            (State::AvgWhole { sum, count }, value) => {
                *sum += whole(value)?;
                *count += 1;
            }
            (State::AvgDouble { sum, count }, Value::Double(value)) => {
                *sum = checked_sum(*sum, *value)?;
                *count += 1;
            }
            (State::AvgVector { sum, count }, Value::Vector(vector)) => {
                add_vector(sum, vector)?;
                *count += 1;
            }
            (State::Extreme { best, better }, value) => {
                let is_better = match best {
                    None => true,
                    Some(best) => value.sort_cmp(best) == *better,
                };
                if is_better {
                    *best = Some(value.clone());
                }
            }
            (State::Logic { settling, answer }, Value::Boolean(value)) => match value == settling {
                true => *answer = Some(*settling),
                false => *answer = Some(answer.unwrap_or(*value)),
            },
            (State::Spread(moments, _), Value::Double(value)) => moments.add(*value)?,
            (_, value) => return Err(mismatch(std::slice::from_ref(value))),
        }
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an average is a double: the nearest to the sum over the nearest to the count"
    )]
    fn finish(self) -> Result<Value, EvalError> {
        Ok(match self {
            State::CountRows(count) | State::Count(count) => Value::BigInt(count),
            State::SumWhole(None) | State::SumVector(None) => Value::Null,
            State::SumWhole(Some(sum)) => i64::try_from(sum)
                .map(Value::BigInt)
                .map_err(|_| EvalError::OutOfRange(DataType::BigInt))?,
            State::SumDouble(sum) => sum.into(),
            State::SumVector(Some(sum)) => vector(&sum, 1.0)?,
            State::AvgWhole { count: 0, .. }
            | State::AvgDouble { count: 0, .. }
            | State::AvgVector { count: 0, .. } => Value::Null,
            State::AvgWhole { sum, count } => Value::Double(sum as f64 / count as f64),
            State::AvgDouble { sum, count } => Value::Double(sum / count as f64),
            State::AvgVector { sum, count } => vector(&sum, count as f64)?,
            State::Extreme { best, .. } => best.unwrap_or_default(),
            State::Logic { answer, .. } => answer.into(),
            State::Text(text) => text.into(),
            State::Bytes(bytes) => bytes.into(),
            State::Array(elements) => document(elements.map(Tree::Array))?,
            State::Object(members) => document(members.map(Tree::Object))?,
            State::Spread(moments, spread) => moments.spread(spread).into(),
        })
    }
}

fn document(tree: Option<Tree>) -> Result<Value, EvalError> {
    Ok(match tree {
        Some(tree) => Value::Json(Json::new(tree)?),
        None => Value::Null,
    })
}

fn whole(value: &Value) -> Result<i128, EvalError> {
    match value {
        Value::Integer(value) => Ok(i128::from(*value)),
        Value::BigInt(value) => Ok(i128::from(*value)),
        other => Err(mismatch(std::slice::from_ref(other))),
    }
}

fn checked_sum(sum: f64, value: f64) -> Result<f64, EvalError> {
    let total = sum + value;
    match total.is_infinite() && sum.is_finite() && value.is_finite() {
        true => Err(EvalError::Overflow),
        false => Ok(total),
    }
}

fn add_vector(sum: &mut [f64], vector: &[f32]) -> Result<(), EvalError> {
    if sum.len() != vector.len() {
        return Err(EvalError::VectorDims {
            left: sum.len(),
            right: vector.len(),
        });
    }
    for (sum, element) in sum.iter_mut().zip(vector) {
        *sum += f64::from(*element);
    }
    Ok(())
}

/// A sum of vectors over a number of them.
fn vector(sum: &[f64], over: f64) -> Result<Value, EvalError> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the nearest float; one too large becomes infinite and is refused below"
    )]
    let elements: Vec<f32> = sum.iter().map(|sum| (sum / over) as f32).collect();
    if elements.iter().any(|element| element.is_infinite()) {
        return Err(EvalError::Overflow);
    }
    Ok(Value::Vector(Vector::new(elements)?))
}

fn push_text(text: &mut Option<String>, value: &str, delimiter: &str) -> usize {
    match text {
        None => {
            *text = Some(value.to_owned());
            value.len()
        }
        Some(text) => {
            text.push_str(delimiter);
            text.push_str(value);
            delimiter.len() + value.len()
        }
    }
}

fn push_bytes(bytes: &mut Option<Vec<u8>>, value: &[u8], delimiter: &[u8]) -> usize {
    match bytes {
        None => {
            *bytes = Some(value.to_vec());
            value.len()
        }
        Some(bytes) => {
            bytes.extend_from_slice(delimiter);
            bytes.extend_from_slice(value);
            delimiter.len() + value.len()
        }
    }
}

fn push_element(elements: &mut Option<Vec<Tree>>, value: &Value) -> usize {
    let tree = to_json(value);
    let grown = size_of_tree(&tree);
    elements.get_or_insert_default().push(tree);
    grown
}

fn push_member(
    members: &mut Option<Map<String, Tree>>,
    key: &Value,
    value: &Value,
) -> Result<usize, EvalError> {
    if key.is_null() {
        return Err(EvalError::InvalidParameter("field name must not be null"));
    }
    let Value::Text(key) = cast(key, &DataType::Text, CastContext::Assignment)? else {
        return Err(mismatch(std::slice::from_ref(key)));
    };
    let tree = to_json(value);
    let grown = key.len() + size_of_tree(&tree);
    members
        .get_or_insert_default()
        .insert(key.to_string(), tree);
    Ok(grown)
}

/// The arguments are not what the aggregate was planned for.
fn mismatch(args: &[Value]) -> EvalError {
    EvalError::Mismatch {
        operation: "the aggregate",
        found: types_of(args),
    }
}
