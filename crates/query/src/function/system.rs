//! The database itself, and chance.

use drystone_record::Value;

use crate::eval_error::EvalError;
use crate::function::{DOUBLE, Definition, EvalContext, TEXT};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("random", &[], DOUBLE, random).volatile(),
    Definition::new("version", &[], TEXT, version).stable(),
];

/// From 0 up to but not including 1: 53 random bits, as many as a double between them can hold.
fn random(_: &[Value], context: &EvalContext) -> Result<Value, EvalError> {
    /// 2^-53.
    const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
    let bits = context.env.random.next_u64() >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in a double")]
    let random = bits as f64 * STEP;
    Ok(Value::Double(random))
}

fn version(_: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    Ok(concat!("Drystone ", env!("CARGO_PKG_VERSION")).into())
}
