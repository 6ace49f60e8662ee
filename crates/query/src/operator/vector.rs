//! Distances and sums of vectors.
//!
//! Summed in doubles, in an order that does not depend on the processor: a query prints the same everywhere. The index
//! ranks by its own, faster kernels.

use drystone_record::{Value, Vector};

use crate::eval_error::EvalError;
use crate::operator::{BinaryOp, mismatch};

/// Partial sums that the compiler can keep in vector registers.
const LANES: usize = 8;

/// `left op right`, where `op` is `<->`, `<=>` or `<#>`.
pub(super) fn distance(op: BinaryOp, left: &[f32], right: &[f32]) -> Result<Value, EvalError> {
    let distance = match op {
        BinaryOp::CosineDistance => cosine_distance(left, right)?,
        BinaryOp::NegativeInnerProduct => -inner_product(left, right)?,
        _ => l2_distance(left, right)?,
    };
    Ok(Value::Double(distance))
}

/// `left op right`, element by element.
pub(super) fn elementwise(op: BinaryOp, left: &Vector, right: &Vector) -> Result<Value, EvalError> {
    check_dims(left, right)?;
    let combine = match op {
        BinaryOp::Add => |left: f32, right: f32| left + right,
        BinaryOp::Subtract => |left: f32, right: f32| left - right,
        BinaryOp::Multiply => |left: f32, right: f32| left * right,
        _ => {
            let (left, right) = (left.clone().into(), right.clone().into());
            return Err(mismatch(op, &left, &right));
        }
    };
    let pairs = left.iter().zip(right.iter());
    let elements: Vec<f32> = pairs.map(|(left, right)| combine(*left, *right)).collect();
    if elements.iter().any(|element| element.is_infinite()) {
        return Err(EvalError::Overflow);
    }
    Ok(Value::Vector(Vector::new(elements)?))
}

/// The Euclidean distance.
pub(crate) fn l2_distance(left: &[f32], right: &[f32]) -> Result<f64, EvalError> {
    check_dims(left, right)?;
    let squares = sum(left, right, |left, right| (left - right) * (left - right));
    Ok(squares.sqrt())
}

/// The inner product.
pub(crate) fn inner_product(left: &[f32], right: &[f32]) -> Result<f64, EvalError> {
    check_dims(left, right)?;
    Ok(sum(left, right, |left, right| left * right))
}

/// One minus the cosine of the angle; NaN where a vector is all zeros.
pub(crate) fn cosine_distance(left: &[f32], right: &[f32]) -> Result<f64, EvalError> {
    let product = inner_product(left, right)?;
    let norms = (inner_product(left, left)? * inner_product(right, right)?).sqrt();
    Ok(1.0 - (product / norms).clamp(-1.0, 1.0))
}

/// The length of a vector in space.
pub(crate) fn norm(vector: &[f32]) -> f64 {
    sum(vector, vector, |left, right| left * right).sqrt()
}

fn check_dims(left: &[f32], right: &[f32]) -> Result<(), EvalError> {
    match left.len() == right.len() {
        true => Ok(()),
        false => Err(EvalError::VectorDims {
            left: left.len(),
            right: right.len(),
        }),
    }
}

/// The sum of `term` over the pairs of elements.
fn sum(left: &[f32], right: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (left, right) in left_chunks.iter().zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += term(f64::from(left[lane]), f64::from(right[lane]));
        }
    }
    let rest = left_rest.iter().zip(right_rest);
    let rest: f64 = rest
        .map(|(left, right)| term(f64::from(*left), f64::from(*right)))
        .sum();
    sums.iter().sum::<f64>() + rest
}
