//! Vectors, by the names that pgvector gives.

use drystone_record::{Value, Vector};

use crate::eval_error::EvalError;
use crate::function::{DOUBLE, Definition, EvalContext, INTEGER, Param, take};
use crate::operator;

use super::text::count;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new(
        "l2_distance",
        &[Param::Vector, Param::Vector],
        DOUBLE,
        |args, _| of_two(args, operator::l2_distance),
    ),
    Definition::new(
        "cosine_distance",
        &[Param::Vector, Param::Vector],
        DOUBLE,
        |args, _| of_two(args, operator::cosine_distance),
    ),
    Definition::new(
        "inner_product",
        &[Param::Vector, Param::Vector],
        DOUBLE,
        |args, _| of_two(args, operator::inner_product),
    ),
    Definition::new(
        "l1_distance",
        &[Param::Vector, Param::Vector],
        DOUBLE,
        |args, _| of_two(args, l1_distance),
    ),
    Definition::new("vector_dims", &[Param::Vector], INTEGER, vector_dims),
    Definition::new("vector_norm", &[Param::Vector], DOUBLE, vector_norm),
    Definition::new("l2_norm", &[Param::Vector], DOUBLE, vector_norm),
    Definition::new(
        "l2_normalize",
        &[Param::Vector],
        Param::Vector,
        l2_normalize,
    ),
];

fn of_two(
    args: &[Value],
    function: impl Fn(&[f32], &[f32]) -> Result<f64, EvalError>,
) -> Result<Value, EvalError> {
    take!(args, Vector(left), Vector(right));
    function(left, right).map(Value::Double)
}

fn l1_distance(left: &[f32], right: &[f32]) -> Result<f64, EvalError> {
    if left.len() != right.len() {
        return Err(EvalError::VectorDims {
            left: left.len(),
            right: right.len(),
        });
    }
    let pairs = left.iter().zip(right);
    Ok(pairs
        .map(|(left, right)| (f64::from(*left) - f64::from(*right)).abs())
        .sum())
}

fn vector_dims(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Vector(vector));
    count(vector.len())
}

fn vector_norm(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Vector(vector));
    Ok(Value::Double(operator::norm(vector)))
}

/// The vector of length one in the same direction; all zeros stay all zeros.
fn l2_normalize(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Vector(vector));
    let norm = operator::norm(vector);
    if norm == 0.0 {
        return Ok(Value::Vector(vector.clone()));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no greater than one in magnitude"
    )]
    let elements = vector.iter().map(|x| (f64::from(*x) / norm) as f32);
    Ok(Value::Vector(Vector::new(elements.collect::<Vec<f32>>())?))
}
