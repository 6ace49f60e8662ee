//! Random types and values for the property tests: small alphabets and edge values, so that ties and escapes are common.

use drystone_record::{
    DataType, Dim, Json, TIMESTAMP_MAX, TIMESTAMP_MIN, Timestamp, Value, Vector,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A type that may be in a key.
pub(crate) fn key_type() -> impl Strategy<Value = DataType> {
    select(vec![
        DataType::Boolean,
        DataType::Integer,
        DataType::BigInt,
        DataType::Double,
        DataType::Text,
        DataType::Bytea,
        DataType::Timestamp,
    ])
}

/// Any type.
pub(crate) fn any_type() -> impl Strategy<Value = DataType> {
    let vector = (1u32..4).prop_map(|dim| DataType::Vector(Dim::new(dim).unwrap()));
    prop_oneof![5 => key_type(), 1 => Just(DataType::Jsonb), 1 => vector]
}

/// A value of a type, never NULL.
pub(crate) fn value(data_type: DataType) -> BoxedStrategy<Value> {
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        DataType::Integer => prop_oneof![-2i32..3, any::<i32>()]
            .prop_map(Value::from)
            .boxed(),
        DataType::BigInt => prop_oneof![-2i64..3, any::<i64>()]
            .prop_map(Value::from)
            .boxed(),
        DataType::Double => double().prop_map(Value::from).boxed(),
        DataType::Text => text().prop_map(Value::from).boxed(),
        DataType::Bytea => bytes().prop_map(Value::from).boxed(),
        DataType::Timestamp => timestamp().prop_map(Value::from).boxed(),
        DataType::Jsonb => json().prop_map(Value::from).boxed(),
        DataType::Vector(dim) => vector(dim).prop_map(Value::from).boxed(),
    }
}

/// A value of a type, or NULL.
pub(crate) fn value_or_null(data_type: DataType) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 4 => value(data_type)]
}

fn double() -> impl Strategy<Value = f64> {
    let edges = vec![
        0.0,
        -0.0,
        1.0,
        -1.5,
        5e-324,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    prop_oneof![select(edges), any::<f64>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[\0ab\u{1}]{0,4}", any::<String>()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let few = select(vec![0u8, 1, 2, 0x61, 0xFE, 0xFF]);
    prop_oneof![
        proptest::collection::vec(few, 0..5),
        proptest::collection::vec(any::<u8>(), 0..20)
    ]
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![-2i64..3, TIMESTAMP_MIN.0..=TIMESTAMP_MAX.0].prop_map(Timestamp)
}

fn vector(dim: Dim) -> impl Strategy<Value = Vector> {
    use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let element = POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO;
    proptest::collection::vec(element, dim.as_usize())
        .prop_map(|elements| Vector::new(elements).unwrap())
}

fn json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        (-1e300..1e300f64).prop_map(|value| format!("{value:e}")),
        "[ -~é]{0,6}".prop_map(quoted),
    ];
    let tree = scalar.prop_recursive(3, 12, 4, |inner| {
        let member = ("[ab\"\\\\]{0,2}", inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..4)
                .prop_map(|elements| format!("[{}]", elements.join(","))),
            proptest::collection::vec(member, 0..4).prop_map(|members| {
                let members = members.into_iter();
                let members = members.map(|(key, value)| format!("{}:{value}", quoted(key)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    tree.prop_map(|text| match Value::parse(&DataType::Jsonb, &text) {
        Ok(Value::Json(json)) => json,
        other => panic!("{text}: {other:?}"),
    })
}

fn quoted(text: String) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
