//! Columns get the narrowest type that fits all their fields.

use serde_json::json;

use super::*;

fn check(fields: &[Field], expected: DataType) {
    let mut inference = Inference::new(1);
    for field in fields {
        inference.observe(std::slice::from_ref(field));
    }
    assert_eq!(inference.types().collect::<Vec<_>>(), [expected]);
}

fn text(text: &str) -> Field {
    Field::Text(text.to_owned())
}

#[test]
fn numbers_widen() {
    check(&[text("1"), text("-20")], DataType::BigInt);
    check(
        &[text("1"), Field::Null, text("2.5"), text("3")],
        DataType::Double,
    );
    check(&[text("1"), text("one")], DataType::Text);
    check(&[text("2.5"), text("one"), text("1")], DataType::Text);
}

#[test]
fn codes_words_and_letters_stay_text() {
    for word in [
        "007", "NA", "NaN", "t", "yes", "infinity", "now", "1e", "2024", "a-b",
    ] {
        let expected = if word == "2024" {
            DataType::BigInt
        } else {
            DataType::Text
        };
        check(&[text(word)], expected);
    }
    check(&[text("0"), text("0.5")], DataType::Double);
}

#[test]
fn truth_and_time() {
    check(&[text("true"), text("false")], DataType::Boolean);
    check(
        &[text("2024-02-29"), text("2024-02-29 12:30:00")],
        DataType::Timestamp,
    );
    check(&[text("2024-02-30")], DataType::Text);
}

#[test]
fn json_values() {
    check(
        &[Field::Json(json!([1, 2.5])), Field::Json(json!([0, 1]))],
        DataType::Vector(Dim::new(2).unwrap()),
    );
    check(
        &[Field::Json(json!([1, 2])), Field::Json(json!([1]))],
        DataType::Jsonb,
    );
    check(&[Field::Json(json!({ "a": 1 }))], DataType::Jsonb);
    check(&[Field::Json(json!(1)), text("one")], DataType::Text);
}

#[test]
fn nothing_is_text() {
    check(&[Field::Null], DataType::Text);
}
