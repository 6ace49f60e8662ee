//! Operators and functions, straight on values.

use drystone_base::Env;
use drystone_query::fuzzing::{check_binary, check_call, check_minus};
use drystone_record::Value;

use crate::source::Source;

/// An operator, or a function of up to five arguments.
pub fn evaluate(data: &[u8]) {
    let mut source = Source::new(data);
    match source.byte() % 4 {
        0 => {
            let op = source.byte();
            let (left, right) = (any_value(&mut source), any_value(&mut source));
            check_binary(op, &left, &right);
        }
        1 => check_minus(&any_value(&mut source)),
        _ => {
            let function = source.u16();
            let arguments: Vec<Value> = (0..source.below(6))
                .map(|_| any_value(&mut source))
                .collect();
            check_call(function, &arguments, &Env::memory(7));
        }
    }
}

fn any_value(source: &mut Source<'_>) -> Value {
    let data_type = source.data_type();
    source.value(data_type)
}
