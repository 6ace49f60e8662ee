//! Which function a call means.

use super::*;

fn message(name: &str, args: &[Option<DataType>]) -> String {
    resolve(name, args).unwrap_err().to_string()
}

const INT: Option<DataType> = Some(DataType::Integer);
const BIG: Option<DataType> = Some(DataType::BigInt);
const TXT: Option<DataType> = Some(DataType::Text);

#[test]
fn unknown_names_have_a_near_one() {
    let near = |name| resolve(name, &[INT]).unwrap_err().near_name();
    assert_eq!(near("lenght"), Some("length"));
    assert_eq!(near("sbustring"), Some("substring"));
    assert_eq!(near("stdev"), Some("stddev"));
    assert_eq!(near("frobnicate"), None);
    assert_eq!(
        message("lenght", &[INT]),
        "function lenght(integer) does not exist"
    );
}

#[test]
fn calls_that_fit_nothing_list_what_there_is() {
    assert_eq!(
        message("lower", &[INT]),
        "function lower(integer) does not exist; there is lower(text)"
    );
    assert_eq!(
        message("length", &[]),
        "function length() does not exist; there is length(text), length(bytea)"
    );
    assert_eq!(
        message("concat_ws", &[]),
        "function concat_ws() does not exist; there is concat_ws(text, any, any, ...)"
    );
    assert!(message("abs", &[TXT]).starts_with("function abs(text) does not exist"));
    assert!(message("concat", &[]).starts_with("function concat() does not exist"));
    assert!(
        message("greatest", &[INT, TXT]).contains("greatest(anycompatible, anycompatible, ...)")
    );
}

#[test]
fn the_fewest_casts_win() {
    let types = |name, args: &[Option<DataType>]| {
        let function = resolve(name, args).unwrap();
        (function.arg_types().to_vec(), function.return_type())
    };
    use DataType::{BigInt, Double, Integer, Text};
    assert_eq!(types("abs", &[INT]), (vec![Integer], Integer));
    assert_eq!(types("abs", &[None]), (vec![Double], Double));
    assert_eq!(types("mod", &[INT, BIG]), (vec![BigInt, BigInt], BigInt));
    assert_eq!(
        types("mod", &[None, INT]),
        (vec![Integer, Integer], Integer)
    );
    assert_eq!(types("sqrt", &[BIG]), (vec![Double], Double));
    assert_eq!(types("length", &[None]), (vec![Text], Integer));
    assert_eq!(
        types("greatest", &[INT, None, BIG]),
        (vec![BigInt; 3], BigInt)
    );
    assert_eq!(types("concat", &[INT, None]), (vec![Integer, Text], Text));
}

#[test]
fn functions_print_and_compare_as_calls() {
    let function = resolve("lpad", &[TXT, INT]).unwrap();
    assert_eq!(format!("{function:?}"), "lpad(text, integer)");
    assert_eq!(function, resolve("lpad", &[None, INT]).unwrap());
    assert_ne!(function, resolve("rpad", &[TXT, INT]).unwrap());
}

#[test]
fn null_in_is_null_out_unless_the_function_decides() {
    assert_eq!(answer("lower", &["text NULL"]), "text NULL");
    assert_eq!(
        answer("power", &["int NULL", "int 1"]),
        "double precision NULL"
    );
    assert_eq!(answer("concat", &["text NULL"]), "text ");
}

/// Every function, called with values of types that it does not take, and with too few.
#[test]
fn other_values_are_errors_not_panics() {
    let values = [
        Value::Boolean(true),
        Value::from("a"),
        Value::Integer(i32::MIN),
        Value::BigInt(i64::MIN),
        Value::Double(f64::NAN),
        Value::Timestamp(Timestamp(i64::MIN)),
        Value::from(vec![0u8, 0xFF]),
        Value::parse(&DataType::Jsonb, "[]").unwrap(),
    ];
    let context = context();
    let mut failures = 0;
    for definition in crate::function::resolve::all() {
        for value in &values {
            for count in 0..5 {
                let args = vec![value.clone(); count];
                failures += usize::from((definition.eval)(&args, &context).is_err());
            }
        }
    }
    assert!(failures > 1000, "{failures}");
}
