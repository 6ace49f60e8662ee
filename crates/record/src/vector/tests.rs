//! Vectors: limits, order, text form.

use super::*;

fn vector(elements: &[f32]) -> Vector {
    Vector::new(elements).unwrap()
}

fn parse(text: &str) -> Result<Vector, ParseError> {
    Vector::parse(text, Dim::new(3).unwrap())
}

#[test]
fn a_vector_has_elements_and_they_are_finite() {
    assert_eq!(Vector::new([]), Err(InvalidVector::Dim(0)));
    assert_eq!(
        Vector::new(vec![0.0; 65_536]),
        Err(InvalidVector::Dim(65_536))
    );
    assert_eq!(
        Vector::new([0.0, f32::NAN]),
        Err(InvalidVector::NotFinite(1))
    );
    assert_eq!(
        Vector::new(vec![0.0; 65_535]).unwrap().dim().get(),
        Dim::MAX
    );
}

#[test]
fn vectors_print_as_in_pgvector() {
    let elements = [1.0, -2.5, 0.1, 1e6, 123_456.7, 1e-5, 0.0];
    assert_eq!(
        vector(&elements).to_string(),
        "[1,-2.5,0.1,1e+06,123456.7,1e-05,0]"
    );
    assert_eq!(parse(" [1, -2.5 ,1e-3] "), Ok(vector(&[1.0, -2.5, 0.001])));
}

#[test]
fn bad_vectors_say_where() {
    for (text, position) in [
        ("", 0),
        ("1,2", 0),
        ("[1,2", 0),
        ("[]", 1),
        ("[1,,2]", 3),
        ("[1,x]", 3),
        ("[1,nan]", 3),
        ("[1,2,1e39]", 5),
    ] {
        assert_eq!(parse(text).unwrap_err().position, position, "{text}");
    }
}

#[test]
fn vectors_are_ordered_by_element_then_length() {
    let ascending = [
        vector(&[-1.0]),
        vector(&[0.0]),
        vector(&[0.0, 1.0]),
        vector(&[0.5]),
    ];
    assert!(ascending.is_sorted_by(|left, right| left < right));
    assert_eq!(vector(&[-0.0]), vector(&[0.0]));
}
